package io.mambabyte.streams;

import org.apache.kafka.common.utils.Bytes;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Keys of the state store: the length of the record's key (7 bits a byte, least first, so that no
 * key's entries lie between those of another), the key itself, one byte that says what the entry
 * is, and its number. Entries of a key follow one another: its checkpoints, then its tail, oldest
 * first.
 */
final class StateKeys {
    /** A piece of a checkpoint. */
    static final byte CHECKPOINT = 0;

    /** A record since the checkpoint. */
    static final byte TAIL = 1;

    /** A value that could not be read. */
    static final byte SET_ASIDE = 2;

    /** The store's own entry: a length of 0 is never written in two bytes. */
    static final Bytes FORMAT = Bytes.wrap(new byte[] {(byte) 0x80, 0});

    private static final int NUMBER_BYTES = Long.BYTES;
    private static final int SEGMENT_BYTES = Short.BYTES;

    private StateKeys() {}

    static Bytes tail(Bytes key, long number) {
        return Bytes.wrap(begin(key, TAIL, NUMBER_BYTES).putLong(number).array());
    }

    static Bytes checkpoint(Bytes key, long number, int segment) {
        return Bytes.wrap(
                begin(key, CHECKPOINT, NUMBER_BYTES + SEGMENT_BYTES)
                        .putLong(number)
                        .putShort((short) segment)
                        .array());
    }

    static Bytes setAside(Bytes key, int number) {
        return Bytes.wrap(begin(key, SET_ASIDE, Integer.BYTES).putInt(number).array());
    }

    /** Not above any entry of a kind. */
    static Bytes first(Bytes key, byte kind) {
        return Bytes.wrap(begin(key, kind, 0).array());
    }

    /** Not below any entry of a kind. */
    static Bytes last(Bytes key, byte kind) {
        byte[] most = new byte[NUMBER_BYTES + SEGMENT_BYTES];
        Arrays.fill(most, (byte) 0xff);
        return Bytes.wrap(begin(key, kind, most.length).put(most).array());
    }

    /** What an entry of that key is. */
    static byte kind(Bytes entry, Bytes key) {
        return entry.get()[prefixBytes(key)];
    }

    /** The number of a checkpoint or a record of the tail. */
    static long number(Bytes entry, Bytes key) {
        return ByteBuffer.wrap(entry.get()).getLong(prefixBytes(key) + 1);
    }

    /** The record's key of an entry. */
    static Bytes key(Bytes entry) {
        byte[] bytes = entry.get();
        int length = 0;
        int at = 0;
        int shift = 0;
        byte next;
        do {
            next = bytes[at++];
            length |= (next & 0x7f) << shift;
            shift += 7;
        } while (next < 0);
        return Bytes.wrap(Arrays.copyOfRange(bytes, at, at + length));
    }

    private static int prefixBytes(Bytes key) {
        int length = key.get().length;
        return lengthBytes(length) + length;
    }

    private static int lengthBytes(int length) {
        return Math.max(1, (Integer.SIZE - Integer.numberOfLeadingZeros(length) + 6) / 7);
    }

    private static ByteBuffer begin(Bytes key, byte kind, int more) {
        byte[] bytes = key.get();
        ByteBuffer buffer = ByteBuffer.allocate(prefixBytes(key) + 1 + more);
        int rest = bytes.length;
        while (rest > 0x7f) {
            buffer.put((byte) (rest | 0x80));
            rest >>>= 7;
        }
        return buffer.put((byte) rest).put(bytes).put(kind);
    }
}
