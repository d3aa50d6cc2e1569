package io.mambabyte.streams;

import org.apache.kafka.common.utils.Bytes;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * A state at a position of its key's stream, cut into segments that fit into records.
 *
 * <table>
 * <caption>The whole, version 1, big-endian; a segment is 1 byte version, 2 bytes number of
 * segments, and its piece of this</caption>
 * <tr><th>bytes</th><th>what</th></tr>
 * <tr><td>4</td><td>which inference this is a state of, {@link InferenceTag}</td></tr>
 * <tr><td>8</td><td>timestamp of the last record before it, in milliseconds; 0 for none</td></tr>
 * <tr><td>8</td><td>bytes of the stream before it, the pending one included</td></tr>
 * <tr><td>8</td><td>bits of the records before the one that it lies in</td></tr>
 * <tr><td>4</td><td>CRC-32C of the key, the number and the 28 bytes above</td></tr>
 * <tr><td></td><td>the state, as {@link io.mambabyte.model.StateCodec} writes it, with the full
 * fingerprint of the model and a checksum of its own</td></tr>
 * </table>
 */
@SuppressWarnings("ArrayRecordComponent") // only ever read
record StoredCheckpoint(int inference, long timestampMs, long position, double bits, byte[] state) {

    static final byte VERSION = 1;

    private static final int CHECKSUM_AT = 28;
    private static final int HEADER_BYTES = CHECKSUM_AT + Integer.BYTES;
    private static final int SEGMENT_HEADER_BYTES = 3;

    /** Bytes of the state a record of the changelog holds at most, well under Kafka's 1 MiB. */
    static final int SEGMENT_BYTES = 512 << 10;

    List<byte[]> encode(Bytes key, long number) {
        byte[] whole = new byte[HEADER_BYTES + state.length];
        ByteBuffer.wrap(whole)
                .putInt(inference)
                .putLong(timestampMs)
                .putLong(position)
                .putDouble(bits)
                .position(HEADER_BYTES)
                .put(state);
        ByteBuffer.wrap(whole).putInt(CHECKSUM_AT, checksum(key, number, whole));
        int count = (whole.length + SEGMENT_BYTES - 1) / SEGMENT_BYTES;
        List<byte[]> segments = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int from = i * SEGMENT_BYTES;
            int length = Math.min(SEGMENT_BYTES, whole.length - from);
            segments.add(
                    ByteBuffer.allocate(SEGMENT_HEADER_BYTES + length)
                            .put(VERSION)
                            .putShort((short) count)
                            .put(whole, from, length)
                            .array());
        }
        return segments;
    }

    /**
     * Number of segments that a checkpoint has, from any of them.
     *
     * @throws StoredStateException if it is damaged or of a later version
     */
    static int segments(byte[] segment) {
        if (segment.length < SEGMENT_HEADER_BYTES) {
            throw StoredStateException.corrupt("a checkpoint of " + segment.length + " bytes");
        }
        StoredStateException.requireVersion(Byte.toUnsignedInt(segment[0]), VERSION);
        return Short.toUnsignedInt(ByteBuffer.wrap(segment).getShort(1));
    }

    /**
     * Puts a checkpoint together. The state in it is not looked at.
     *
     * @throws StoredStateException if it is damaged or of a later version
     */
    static StoredCheckpoint decode(Bytes key, long number, List<byte[]> segments) {
        int length = 0;
        for (byte[] segment : segments) {
            if (segments(segment) != segments.size()) {
                throw StoredStateException.corrupt("segments of two checkpoints");
            }
            length += segment.length - SEGMENT_HEADER_BYTES;
        }
        ByteBuffer whole = ByteBuffer.allocate(length);
        segments.forEach(
                segment ->
                        whole.put(
                                segment,
                                SEGMENT_HEADER_BYTES,
                                segment.length - SEGMENT_HEADER_BYTES));
        whole.flip();
        try {
            int inference = whole.getInt();
            long timestampMs = whole.getLong();
            long position = whole.getLong();
            double bits = whole.getDouble();
            if (whole.getInt() != checksum(key, number, whole.array())) {
                throw StoredStateException.corrupt("a checkpoint fails its checksum");
            }
            byte[] state = new byte[whole.remaining()];
            whole.get(state);
            return new StoredCheckpoint(inference, timestampMs, position, bits, state);
        } catch (BufferUnderflowException e) {
            throw StoredStateException.corrupt("a checkpoint of " + length + " bytes");
        }
    }

    private static int checksum(Bytes key, long number, byte[] whole) {
        CRC32C checksum = new CRC32C();
        checksum.update(key.get());
        checksum.update(ByteBuffer.allocate(Long.BYTES).putLong(number).flip());
        checksum.update(whole, 0, CHECKSUM_AT);
        return (int) checksum.getValue();
    }
}
