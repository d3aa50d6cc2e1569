package io.mambabyte.model;

import io.mambabyte.model.StateFormatException.Reason;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/**
 * Recurrent states of one model as bytes, and back to the same bits.
 *
 * <p>Little-endian, {@code 56 + 4 * floats} bytes:
 *
 * <table>
 * <caption>Format version 1</caption>
 * <tr><th>offset</th><th>bytes</th><th>what</th></tr>
 * <tr><td>0</td><td>4</td><td>{@code "MBST"}</td></tr>
 * <tr><td>4</td><td>2</td><td>version of the format</td></tr>
 * <tr><td>6</td><td>2</td><td>pending byte, -1 where there is none</td></tr>
 * <tr><td>8</td><td>8</td><td>position: bytes fed</td></tr>
 * <tr><td>16</td><td>32</td><td>fingerprint of the model</td></tr>
 * <tr><td>48</td><td>4</td><td>number of floats</td></tr>
 * <tr><td>52</td><td>4 each</td><td>the floats, in the order of {@link RecurrentState#read}</td></tr>
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
    private static final ValueLayout.OfFloat FLOATS =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final MambaModel model;
    private final byte[] fingerprint;
    private final float[] floats;
    private final CRC32C checksum = new CRC32C();

    /**
     * Makes a codec.
     *
     * @param model the model whose states these are
     */
    public StateCodec(MambaModel model) {
        this.model = model;
        fingerprint = HexFormat.of().parseHex(model.fingerprint());
        floats = new float[model.newState().floats()];
    }

    /**
     * Size of every encoded state of this model.
     *
     * @return bytes
     */
    public int size() {
        return HEADER_BYTES + floats.length * Float.BYTES + CHECKSUM_BYTES;
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
                .putShort((short) VERSION)
                .putShort((short) state.pendingByte())
                .putLong(state.position())
                .put(fingerprint)
                .putInt(floats.length);
        state.read(floats, 0);
        MemorySegment.copy(
                floats, 0, MemorySegment.ofArray(out), FLOATS, HEADER_BYTES, floats.length);
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
        int version = Short.toUnsignedInt(in.getShort());
        if (version != VERSION) {
            throw new StateFormatException(
                    Reason.UNKNOWN_VERSION,
                    "recurrent state: expected format version " + VERSION + ", found " + version);
        }
        if (bytes.length < HEADER_BYTES + CHECKSUM_BYTES) {
            throw wrongSize(bytes.length);
        }
        int end = bytes.length - CHECKSUM_BYTES;
        int pending = in.getShort();
        long position = in.getLong();
        byte[] found = new byte[FINGERPRINT_BYTES];
        in.get(found);
        int count = in.getInt();
        if (!Arrays.equals(found, fingerprint)) {
            // Before the checksum: of a damaged one and a foreign one, the foreign one is likelier.
            throw new StateFormatException(
                    Reason.OTHER_MODEL,
                    "recurrent state: expected one of model "
                            + model.fingerprint()
                            + ", found one of "
                            + HexFormat.of().formatHex(found));
        }
        if (bytes.length != size()) {
            throw wrongSize(bytes.length);
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
        MemorySegment.copy(
                MemorySegment.ofArray(bytes), FLOATS, HEADER_BYTES, floats, 0, floats.length);
        into.write(floats, 0);
        into.position(position);
        into.pendingByte(pending);
    }

    private StateFormatException wrongSize(int found) {
        return new StateFormatException(
                Reason.WRONG_SIZE,
                "recurrent state: expected " + size() + " bytes, found " + found);
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
