package io.mambabyte.model;

import io.mambabyte.model.StateFormatException.Reason;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/**
 * Recurrent states of one model as bytes, and back to the same bits.
 *
 * <p>Little-endian, 56 bytes and the floats, 4 bytes each unless the precision says otherwise:
 *
 * <table>
 * <caption>Format version 1</caption>
 * <tr><th>offset</th><th>bytes</th><th>what</th></tr>
 * <tr><td>0</td><td>4</td><td>{@code "MBST"}</td></tr>
 * <tr><td>4</td><td>1</td><td>version of the format</td></tr>
 * <tr><td>5</td><td>1</td><td>precision of the floats: 0 float32, 1 bfloat16, 2 int8</td></tr>
 * <tr><td>6</td><td>2</td><td>pending byte, -1 where there is none</td></tr>
 * <tr><td>8</td><td>8</td><td>position: bytes fed</td></tr>
 * <tr><td>16</td><td>32</td><td>fingerprint of the model</td></tr>
 * <tr><td>48</td><td>4</td><td>number of floats</td></tr>
 * <tr><td>52</td><td></td><td>the floats, in the order of {@link RecurrentState#read}</td></tr>
 * <tr><td>last 4</td><td>4</td><td>CRC-32C of all before it</td></tr>
 * </table>
 *
 * <p>Holds scratch memory: one instance a thread.
 */
public final class StateCodec {
    /** The version of the format that is written. */
    public static final int VERSION = 1;

    private static final int MAGIC = 'M' | 'B' << 8 | 'S' << 16 | 'T' << 24;
    private static final int FINGERPRINT_BYTES = 32;
    private static final int HEADER_BYTES = 52;
    private static final int CHECKSUM_BYTES = 4;

    private final MambaModel model;
    private final StatePrecision precision;
    private final byte[] fingerprint;
    private final float[] floats;
    private final CRC32C checksum = new CRC32C();

    /**
     * Makes a codec of states as they are.
     *
     * @param model the model whose states these are
     */
    public StateCodec(MambaModel model) {
        this(model, StatePrecision.FLOAT32);
    }

    /**
     * Makes a codec that writes states rounded; it reads those of any precision.
     *
     * @param model the model whose states these are
     * @param precision what is left of the floats
     */
    public StateCodec(MambaModel model, StatePrecision precision) {
        this.model = model;
        this.precision = precision;
        fingerprint = HexFormat.of().parseHex(model.fingerprint());
        floats = new float[model.newState().floats()];
    }

    /**
     * Size of every encoded state of this model at this precision.
     *
     * @return bytes
     */
    public int size() {
        return size(precision);
    }

    private int size(StatePrecision written) {
        return HEADER_BYTES + written.bytes(model.config()) + CHECKSUM_BYTES;
    }

    /**
     * Makes a state what it would be after writing and reading it.
     *
     * @param state one of this model
     * @throws IllegalArgumentException if the state has another shape
     */
    public void round(RecurrentState state) {
        requireFits(state);
        byte[] written = new byte[precision.bytes(model.config())];
        state.read(floats, 0);
        precision.write(model.config(), floats, written, 0);
        precision.read(model.config(), written, 0, floats);
        state.write(floats, 0);
    }

    /**
     * Writes a state.
     *
     * @param state one of this model
     * @return a new array of {@link #size()} bytes
     * @throws IllegalArgumentException if the state has another shape
     */
    public byte[] encode(RecurrentState state) {
        requireFits(state);
        byte[] out = new byte[size()];
        ByteBuffer.wrap(out)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(MAGIC)
                .put((byte) VERSION)
                .put(precision.code)
                .putShort((short) state.pendingByte())
                .putLong(state.position())
                .put(fingerprint)
                .putInt(floats.length);
        state.read(floats, 0);
        precision.write(model.config(), floats, out, HEADER_BYTES);
        int end = out.length - CHECKSUM_BYTES;
        ByteBuffer.wrap(out).order(ByteOrder.LITTLE_ENDIAN).putInt(end, checksum(out, end));
        return out;
    }

    /**
     * Restores a state.
     *
     * @param bytes what {@link #encode} gave
     * @return a new state
     * @throws StateFormatException if the bytes are anything else
     */
    public RecurrentState decode(byte[] bytes) {
        RecurrentState state = model.newState();
        decode(bytes, state);
        return state;
    }

    /**
     * Restores a state into one that is there.
     *
     * @param bytes what {@link #encode} gave
     * @param into overwritten when all is well, else unchanged
     * @throws StateFormatException if the bytes are anything else
     * @throws IllegalArgumentException if the state to overwrite has another shape
     */
    public void decode(byte[] bytes, RecurrentState into) {
        requireFits(into);
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.length < Integer.BYTES + Short.BYTES || in.getInt() != MAGIC) {
            throw new StateFormatException(
                    Reason.NOT_A_STATE,
                    "recurrent state: expected to begin with MBST, found "
                            + (bytes.length == 0
                                    ? "no bytes"
                                    : HexFormat.of()
                                            .formatHex(
                                                    bytes,
                                                    0,
                                                    Math.min(Integer.BYTES, bytes.length))));
        }
        int version = Byte.toUnsignedInt(in.get());
        byte code = in.get();
        if (version != VERSION) {
            throw new StateFormatException(
                    Reason.UNKNOWN_VERSION,
                    "recurrent state: expected format version " + VERSION + ", found " + version);
        }
        StatePrecision found = StatePrecision.ofCode(code);
        if (found == null) {
            throw new StateFormatException(
                    Reason.UNKNOWN_VERSION, "recurrent state: unknown precision " + code);
        }
        if (bytes.length < HEADER_BYTES + CHECKSUM_BYTES) {
            throw wrongSize(found, bytes.length);
        }
        int end = bytes.length - CHECKSUM_BYTES;
        int pending = in.getShort();
        long position = in.getLong();
        byte[] writer = new byte[FINGERPRINT_BYTES];
        in.get(writer);
        int count = in.getInt();
        if (!Arrays.equals(writer, fingerprint)) {
            // Before the checksum: of a damaged one and a foreign one, the foreign one is likelier.
            throw new StateFormatException(
                    Reason.OTHER_MODEL,
                    "recurrent state: expected one of model "
                            + model.fingerprint()
                            + ", found one of "
                            + HexFormat.of().formatHex(writer));
        }
        if (bytes.length != size(found)) {
            throw wrongSize(found, bytes.length);
        }
        int sum = checksum(bytes, end);
        if (sum != in.getInt(end)) {
            throw new StateFormatException(
                    Reason.CORRUPT,
                    String.format(
                            "recurrent state: expected CRC-32C %08x, found %08x",
                            in.getInt(end), sum));
        }
        if (count != floats.length
                || position < 0
                || pending < RecurrentState.NONE
                || pending > 255) {
            throw new StateFormatException(
                    Reason.CORRUPT,
                    "recurrent state: expected "
                            + floats.length
                            + " floats, position from 0, pending byte from -1 to 255, found "
                            + count
                            + ", "
                            + position
                            + ", "
                            + pending);
        }
        found.read(model.config(), bytes, HEADER_BYTES, floats);
        into.write(floats, 0);
        into.position(position);
        into.pendingByte(pending);
    }

    private StateFormatException wrongSize(StatePrecision written, int found) {
        return new StateFormatException(
                Reason.WRONG_SIZE,
                "recurrent state: expected " + size(written) + " bytes, found " + found);
    }

    private int checksum(byte[] bytes, int end) {
        checksum.reset();
        checksum.update(bytes, 0, end);
        return (int) checksum.getValue();
    }

    private void requireFits(RecurrentState state) {
        if (!state.fits(model.config())) {
            throw new IllegalArgumentException("state of another shape than " + model.config());
        }
    }
}
