package io.mambabyte.streams;

import org.apache.kafka.common.utils.Bytes;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * A record since the checkpoint: its bytes, and what its likelihood said.
 *
 * <table>
 * <caption>The stored value, version 1, big-endian</caption>
 * <tr><th>bytes</th><th>what</th></tr>
 * <tr><td>1</td><td>version of the format</td></tr>
 * <tr><td>1</td><td>1: a newline follows the bytes; 2: the bytes begin at the checkpoint of the
 * same number, inside the record</td></tr>
 * <tr><td>4</td><td>which inference this is a part of, {@link InferenceTag}</td></tr>
 * <tr><td>8</td><td>timestamp of the record, in milliseconds</td></tr>
 * <tr><td>8</td><td>bits of the record</td></tr>
 * <tr><td>4</td><td>bytes of the record, newline included</td></tr>
 * <tr><td>4</td><td>CRC-32C of the entry's key and of all but this</td></tr>
 * <tr><td></td><td>the bytes</td></tr>
 * </table>
 */
@SuppressWarnings("ArrayRecordComponent") // only ever read
record TailEntry(
        boolean newline,
        boolean cut,
        int inference,
        long timestampMs,
        double bits,
        int recordBytes,
        byte[] bytes) {

    static final byte VERSION = 1;

    private static final int NEWLINE = 1;
    private static final int CUT = 2;
    private static final int CHECKSUM_AT = 26;
    private static final int HEADER_BYTES = CHECKSUM_AT + Integer.BYTES;

    /** Bytes that the entry adds to the stream. */
    long streamBytes() {
        return bytes.length + (newline ? 1L : 0L);
    }

    byte[] encode(Bytes entryKey) {
        byte[] out = new byte[HEADER_BYTES + bytes.length];
        ByteBuffer.wrap(out)
                .put(VERSION)
                .put((byte) ((newline ? NEWLINE : 0) | (cut ? CUT : 0)))
                .putInt(inference)
                .putLong(timestampMs)
                .putDouble(bits)
                .putInt(recordBytes)
                .position(HEADER_BYTES)
                .put(bytes);
        ByteBuffer.wrap(out).putInt(CHECKSUM_AT, checksum(entryKey, out));
        return out;
    }

    /**
     * Reads an entry.
     *
     * @throws StoredStateException if it is damaged or of a later version
     */
    static TailEntry decode(Bytes entryKey, byte[] in) {
        ByteBuffer buffer = ByteBuffer.wrap(in);
        try {
            StoredStateException.requireVersion(Byte.toUnsignedInt(buffer.get()), VERSION);
            int flags = buffer.get();
            TailEntry entry =
                    new TailEntry(
                            (flags & NEWLINE) != 0,
                            (flags & CUT) != 0,
                            buffer.getInt(),
                            buffer.getLong(),
                            buffer.getDouble(),
                            buffer.getInt(),
                            Arrays.copyOfRange(in, Math.min(HEADER_BYTES, in.length), in.length));
            if (buffer.getInt() != checksum(entryKey, in)) {
                throw StoredStateException.corrupt("a record of the tail fails its checksum");
            }
            return entry;
        } catch (BufferUnderflowException e) {
            throw StoredStateException.corrupt("a record of the tail of " + in.length + " bytes");
        }
    }

    private static int checksum(Bytes entryKey, byte[] value) {
        CRC32C checksum = new CRC32C();
        checksum.update(entryKey.get());
        checksum.update(value, 0, CHECKSUM_AT);
        checksum.update(value, HEADER_BYTES, value.length - HEADER_BYTES);
        return (int) checksum.getValue();
    }
}
