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
        try (KeyValueIterator<Bytes, byte[]> entries = range(number)) {
            entries.forEachRemaining(entry -> keys.add(entry.key));
        }
        keys.forEach(store::delete);
    }

    /** What is stored, in the order in which the requests came. */
    static final class Found {
        final List<Stored> requests = new ArrayList<>();
        final List<Broken> broken = new ArrayList<>();

        /** Numbers of which there are only parts without a request. */
        final List<Long> orphans = new ArrayList<>();

        /** After the largest number that there is. */
        long nextNumber;
    }

    /**
     * A request that cannot be gone on with.
     *
     * @param number its own
     * @param key the record's; empty where that cannot be read
     * @param timestampMs the record's; 0 where that cannot be read
     * @param id the request's; empty where that cannot be read
     * @param chunks that were made of it
     * @param reason what is wrong
     */
    @SuppressWarnings("ArrayRecordComponent") // a carrier, never compared
    record Broken(long number, byte[] key, long timestampMs, String id, int chunks, String reason) {
        static Broken of(Stored stored, String reason) {
            return new Broken(
                    stored.number,
                    stored.key,
                    stored.timestampMs,
                    stored.request.getId(),
                    stored.request.getStream() ? stored.chunks : 0,
                    reason);
        }
    }

    /**
     * All requests.
     *
     * @throws StoredStateException if one was written by a later version
     */
    Found all() {
        return read(store.all());
    }

    /**
     * One request.
     *
     * @throws StoredStateException if it cannot be read
     */
    Stored get(long number) {
        Found found = read(range(number));
        if (found.requests.isEmpty()) {
            throw StoredStateException.corrupt(
                    found.broken.isEmpty()
                            ? "a completion request that is not there"
                            : found.broken.getFirst().reason());
        }
        return found.requests.getFirst();
    }

    private KeyValueIterator<Bytes, byte[]> range(long number) {
        return store.range(
                entry(number, Kind.REQUEST, 0), entry(number, Kind.CHUNK, Integer.MAX_VALUE));
    }

    private static Found read(KeyValueIterator<Bytes, byte[]> entries) {
        Found found = new Found();
        try (entries) {
            KeyValue<Bytes, byte[]> next = entries.hasNext() ? entries.next() : null;
            while (next != null) {
                long number = number(next);
                List<KeyValue<Bytes, byte[]>> parts = new ArrayList<>();
                do {
                    parts.add(next);
                    next = entries.hasNext() ? entries.next() : null;
                } while (next != null && number(next) == number);
                read(number, parts, found);
                found.nextNumber = Math.max(found.nextNumber, number + 1);
            }
        }
        return found;
    }

    private static long number(KeyValue<Bytes, byte[]> entry) {
        return ByteBuffer.wrap(entry.key.get()).getLong();
    }

    /** Reads the parts of one request: itself first, then its state, then its chunks. */
    private static void read(long number, List<KeyValue<Bytes, byte[]>> parts, Found found) {
        if (kind(parts.getFirst()) != Kind.REQUEST.code) {
            // It goes first when a request has ended; what is left was on its way to be deleted.
            found.orphans.add(number);
            return;
        }
        byte[] value = parts.getFirst().value;
        int chunks =
                parts.stream()
                        .filter(part -> kind(part) == Kind.CHUNK.code)
                        .mapToInt(part -> index(part) + 1)
                        .max()
                        .orElse(0);
        Stored stored;
        try {
            stored = decodeRequest(number, value);
        } catch (StoredStateException e) {
            if (e.reason() == StoredStateException.Reason.LATER_VERSION) {
                throw e; // not ours to throw away
            }
            found.broken.add(unreadable(number, value, chunks, e));
            return;
        }
        String wrong = null;
        int pieces = 0;
        for (KeyValue<Bytes, byte[]> part : parts.subList(1, parts.size())) {
            int index = index(part);
            boolean ofState = kind(part) == Kind.STATE.code;
            if (index != (ofState ? pieces : stored.chunks)
                    || (!ofState && part.value.length < Double.BYTES)) {
                wrong =
                        ofState
                                ? "a piece of the state that it started from is missing"
                                : "chunk " + stored.chunks + " of what was made of it is damaged";
                break;
            }
            if (ofState) {
                stored.state.writeBytes(part.value);
                pieces++;
            } else {
                stored.log2Likelihood += ByteBuffer.wrap(part.value).getDouble();
                stored.made.write(part.value, Double.BYTES, part.value.length - Double.BYTES);
                stored.chunks++;
            }
        }
        if (wrong == null && pieces == 0 && stored.request.getContinueKey()) {
            wrong = "the state that it started from is missing";
        }
        if (wrong == null) {
            found.requests.add(stored);
        } else {
            stored.chunks = chunks;
            found.broken.add(Broken.of(stored, wrong));
        }
    }

    private static int index(KeyValue<Bytes, byte[]> entry) {
        return ByteBuffer.wrap(entry.key.get()).getInt(KEY_BYTES - Integer.BYTES);
    }

    private static byte kind(KeyValue<Bytes, byte[]> entry) {
        return entry.key.get()[Long.BYTES];
    }

    /** Reads of a damaged request what its asker knows it by. */
    private static Broken unreadable(
            long number, byte[] value, int chunks, StoredStateException e) {
        byte[] key = new byte[0];
        long timestampMs = 0;
        String id = "";
        if (value.length >= HEADER_BYTES) {
            ByteBuffer in = ByteBuffer.wrap(value);
            in.get();
            timestampMs = Math.max(0, in.getLong());
            int keyBytes = in.getInt();
            int beforeBytes = in.get();
            if (keyBytes >= 0
                    && beforeBytes >= 0
                    && (long) keyBytes + beforeBytes <= in.remaining()) {
                key = new byte[keyBytes];
                in.get(key);
                int from = in.position() + beforeBytes;
                id = DATA.firstString(value, from).orElse("");
            }
        }
        return new Broken(number, key, timestampMs, id, chunks, String.valueOf(e.getMessage()));
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
