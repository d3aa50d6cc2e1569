package io.mambabyte.streams;

import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.ReadOnlyKeyValueStore;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What the state store says of a key, for interactive queries: from any thread, of active and
 * standby tasks alike, without touching the state.
 *
 * @param position bytes of the key's stream so far, framing included
 * @param bits surprisal of them
 * @param timestampMs time of the last record
 * @param records the last records, oldest first: those since the last checkpoint
 */
public record KeyHistory(long position, double bits, long timestampMs, List<ScoredRecord> records) {

    /**
     * What a record's likelihood said.
     *
     * @param timestampMs time of the record
     * @param bytes bytes of the record, framing included
     * @param bits surprisal of them
     */
    public record ScoredRecord(long timestampMs, int bytes, double bits) {}

    /** Keeps a list of its own. */
    public KeyHistory {
        records = List.copyOf(records);
    }

    /**
     * Asks the tasks of this instance.
     *
     * @param streams the running topology
     * @param config the component's settings
     * @param key the key
     * @return empty where no task here has the key; {@code queryMetadataForKey} tells which
     *     instance might
     * @throws org.apache.kafka.streams.errors.InvalidStateStoreException while the store is moving
     *     or restoring
     */
    public static Optional<KeyHistory> of(
            KafkaStreams streams, MambaByteConfig config, byte[] key) {
        return of(store(streams, config), key);
    }

    /**
     * The last bytes of a key's stream that are at hand: those since the last checkpoint.
     *
     * @param streams the running topology
     * @param config the component's settings
     * @param key the key
     * @param maxBytes most bytes
     * @return the bytes, framing included, none where no task here has the key
     * @throws org.apache.kafka.streams.errors.InvalidStateStoreException while the store is moving
     *     or restoring
     */
    public static byte[] lastBytes(
            KafkaStreams streams, MambaByteConfig config, byte[] key, int maxBytes) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (TailEntry entry : StoredEntries.read(store(streams, config), Bytes.wrap(key)).tail()) {
            all.writeBytes(entry.bytes());
            if (entry.newline()) {
                all.write('\n');
            }
        }
        byte[] bytes = all.toByteArray();
        return Arrays.copyOfRange(bytes, Math.max(0, bytes.length - maxBytes), bytes.length);
    }

    private static ReadOnlyKeyValueStore<Bytes, byte[]> store(
            KafkaStreams streams, MambaByteConfig config) {
        return streams.store(
                StoreQueryParameters.fromNameAndType(
                                config.storeName(),
                                QueryableStoreTypes.<Bytes, byte[]>keyValueStore())
                        .enableStaleStores());
    }

    /**
     * Asks a store.
     *
     * @param store the store of the states
     * @param key the key
     * @return empty where the store does not have the key
     * @throws IllegalStateException if what it has cannot be read
     */
    static Optional<KeyHistory> of(ReadOnlyKeyValueStore<Bytes, byte[]> store, byte[] key) {
        StoredEntries entries = StoredEntries.read(store, Bytes.wrap(key));
        StoredCheckpoint checkpoint = entries.checkpoint();
        if (checkpoint == null && entries.tail().isEmpty()) {
            return Optional.empty();
        }
        long position = checkpoint == null ? 0 : checkpoint.position();
        double bits = checkpoint == null ? 0 : checkpoint.bits();
        long timestampMs = checkpoint == null ? 0 : checkpoint.timestampMs();
        List<ScoredRecord> records = new ArrayList<>();
        for (TailEntry entry : entries.tail()) {
            position += entry.streamBytes();
            bits += entry.bits();
            timestampMs = entry.timestampMs();
            records.add(new ScoredRecord(timestampMs, entry.recordBytes(), entry.bits()));
        }
        return Optional.of(new KeyHistory(position, bits, timestampMs, records));
    }
}
