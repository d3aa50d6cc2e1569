package io.mambabyte.streams;

import io.mambabyte.avro.CompletionRequest;
import io.mambabyte.streams.registry.GeneratedData;

import org.apache.avro.message.BinaryMessageEncoder;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The requests that are under way, in a byte store: of each the request itself, the state that it
 * started from where that is a key's, and the chunks made so far. Entries are written once and
 * deleted when the request ends.
 *
 * <p>A key is the number of the request (8 bytes, big-endian), the kind of the entry (1 byte) and
 * its index (4 bytes), so that a scan meets requests in the order in which they came.
 */
final class CompletionStore {
    private static final byte VERSION = 1;
    private static final int KEY_BYTES = Long.BYTES + 1 + Integer.BYTES;

    /** Version, timestamp, length of the key and of what the state had seen. */
    private static final int HEADER_BYTES = 1 + Long.BYTES + Integer.BYTES + 1;

    /** Of the longest character in UTF-8. */
    private static final int CHARACTER_BYTES = 4;

    /** Largest piece of a state: with its key well below the default limit of a record. */
    private static final int PIECE_BYTES = 512 << 10;

    private static final GeneratedData DATA = new GeneratedData(CompletionRequest.class);
    private static final BinaryMessageEncoder<CompletionRequest> ENCODER =
            new BinaryMessageEncoder<>(DATA, DATA.schema());

    private enum Kind {
        REQUEST((byte) 0),
        STATE((byte) 1),
        CHUNK((byte) 2);

        final byte code;

        Kind(byte code) {
            this.code = code;
        }
    }

    /** What is stored of a request. */
    static final class Stored {
        final long number;
        final byte[] key;
        final long timestampMs;
        final CompletionRequest request;

        /** The last bytes that the state had seen, for the UTF-8 filter. */
        final byte[] before;

        final ByteArrayOutputStream state = new ByteArrayOutputStream();
        final ByteArrayOutputStream made = new ByteArrayOutputStream();
        int chunks;
        double log2Likelihood;

        Stored(
                long number,
                byte[] key,
                long timestampMs,
                CompletionRequest request,
                byte[] before) {
            this.before = before;
            this.number = number;
            this.key = key;
            this.timestampMs = timestampMs;
            this.request = request;
        }
    }

    private final KeyValueStore<Bytes, byte[]> store;

    CompletionStore(KeyValueStore<Bytes, byte[]> store) {
        this.store = store;
    }

    void putRequest(
            long number, byte[] key, long timestampMs, CompletionRequest request, byte[] before) {
        store.put(entry(number, Kind.REQUEST, 0), encodeRequest(key, timestampMs, request, before));
    }

    static byte[] encodeRequest(
            byte[] key, long timestampMs, CompletionRequest request, byte[] before) {
        byte[] encoded = encode(request);
        int kept = Math.min(CHARACTER_BYTES, before.length);
        return ByteBuffer.allocate(HEADER_BYTES + key.length + kept + encoded.length)
                .put(VERSION)
                .putLong(timestampMs)
                .putInt(key.length)
                .put((byte) kept)
                .put(key)
                .put(before, before.length - kept, kept)
                .put(encoded)
                .array();
    }

    void putState(long number, byte[] state) {
        for (int from = 0, i = 0; from < state.length; from += PIECE_BYTES, i++) {
            store.put(
                    entry(number, Kind.STATE, i),
                    Arrays.copyOfRange(state, from, Math.min(state.length, from + PIECE_BYTES)));
        }
    }

    void putChunk(long number, int index, byte[] bytes, double log2Likelihood) {
        store.put(
                entry(number, Kind.CHUNK, index),
                ByteBuffer.allocate(Double.BYTES + bytes.length)
                        .putDouble(log2Likelihood)
                        .put(bytes)
                        .array());
    }

    void delete(long number) {
        List<Bytes> keys = new ArrayList<>();
        try (KeyValueIterator<Bytes, byte[]> entries =
                store.range(
                        entry(number, Kind.REQUEST, 0),
                        entry(number, Kind.CHUNK, Integer.MAX_VALUE))) {
            entries.forEachRemaining(entry -> keys.add(entry.key));
        }
        keys.forEach(store::delete);
    }

    /** All requests, in the order in which they came. */
    List<Stored> all() {
        List<Stored> all = new ArrayList<>();
        try (KeyValueIterator<Bytes, byte[]> entries = store.all()) {
            while (entries.hasNext()) {
                KeyValue<Bytes, byte[]> entry = entries.next();
                ByteBuffer key = ByteBuffer.wrap(entry.key.get());
                long number = key.getLong();
                byte kind = key.get();
                if (kind == Kind.REQUEST.code) {
                    all.add(decodeRequest(number, entry.value));
                } else if (kind == Kind.STATE.code) {
                    all.getLast().state.writeBytes(entry.value);
                } else {
                    ByteBuffer value = ByteBuffer.wrap(entry.value);
                    Stored stored = all.getLast();
                    stored.log2Likelihood += value.getDouble();
                    stored.made.write(entry.value, Double.BYTES, value.remaining());
                    stored.chunks++;
                }
            }
        }
        return all;
    }

    private static Bytes entry(long number, Kind kind, int index) {
        return Bytes.wrap(
                ByteBuffer.allocate(KEY_BYTES)
                        .putLong(number)
                        .put(kind.code)
                        .putInt(index)
                        .array());
    }

    private static byte[] encode(CompletionRequest request) {
        try {
            ByteBuffer encoded = ENCODER.encode(request);
            byte[] bytes = new byte[encoded.remaining()];
            encoded.get(bytes);
            return bytes;
        } catch (IOException e) {
            throw new UncheckedIOException("a completion request cannot be encoded", e);
        }
    }

    /**
     * Reads a request.
     *
     * @throws StoredStateException if it is damaged or of a later version
     */
    static Stored decodeRequest(long number, byte[] value) {
        if (value.length < HEADER_BYTES) {
            throw StoredStateException.corrupt(
                    "a completion request of " + value.length + " bytes");
        }
        ByteBuffer in = ByteBuffer.wrap(value);
        StoredStateException.requireVersion(Byte.toUnsignedInt(in.get()), VERSION);
        long timestampMs = in.getLong();
        int keyBytes = in.getInt();
        int beforeBytes = in.get();
        if (keyBytes < 0
                || beforeBytes < 0
                || beforeBytes > CHARACTER_BYTES
                || keyBytes > in.remaining() - beforeBytes) {
            throw StoredStateException.corrupt(
                    "a completion request with a key of "
                            + keyBytes
                            + " bytes and "
                            + beforeBytes
                            + " bytes before it, in "
                            + value.length);
        }
        byte[] key = new byte[keyBytes];
        byte[] before = new byte[beforeBytes];
        in.get(key);
        in.get(before);
        try {
            CompletionRequest request = DATA.decode(value, in.position(), CompletionRequest.class);
            return new Stored(number, key, timestampMs, request, before);
        } catch (IOException e) {
            throw new StoredStateException(
                    StoredStateException.Reason.CORRUPT,
                    "a completion request cannot be read: " + e.getMessage(),
                    e);
        }
    }
}
