package io.mambabyte.streams;

import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.ReadOnlyKeyValueStore;
import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the store holds of a key: the latest checkpoint that is whole and the records since then. A
 * crash between the writes of a record can leave more than that, which is stale.
 *
 * @param checkpoint the checkpoint, if there is one
 * @param checkpointNumber its number
 * @param segments its segments
 * @param tail the records since the checkpoint, or since the beginning, oldest first
 * @param firstTail number of the first of them, or of the record to come
 * @param stale keys of entries that stand for nothing
 */
record StoredEntries(
        @Nullable StoredCheckpoint checkpoint,
        long checkpointNumber,
        int segments,
        List<TailEntry> tail,
        long firstTail,
        List<Bytes> stale) {

    /**
     * Reads the entries of a key.
     *
     * @throws StoredStateException if one is damaged or of a later version, or one is missing
     */
    static StoredEntries read(ReadOnlyKeyValueStore<Bytes, byte[]> store, Bytes key) {
        SortedMap<Long, List<byte[]>> checkpoints = new TreeMap<>();
        List<Bytes> checkpointKeys = new ArrayList<>();
        List<KeyValue<Bytes, byte[]>> records = new ArrayList<>();
        try (KeyValueIterator<Bytes, byte[]> entries =
                store.range(
                        StateKeys.first(key, StateKeys.CHECKPOINT),
                        StateKeys.last(key, StateKeys.TAIL))) {
            while (entries.hasNext()) {
                KeyValue<Bytes, byte[]> entry = entries.next();
                if (StateKeys.kind(entry.key, key) == StateKeys.TAIL) {
                    records.add(entry);
                } else {
                    checkpointKeys.add(entry.key);
                    checkpoints
                            .computeIfAbsent(
                                    StateKeys.number(entry.key, key), _ -> new ArrayList<>())
                            .add(entry.value);
                }
            }
        }
        List<Bytes> stale = new ArrayList<>();
        StoredCheckpoint checkpoint = null;
        long number = 0;
        int segments = 0;
        for (long candidate : checkpoints.sequencedKeySet().reversed()) {
            List<byte[]> pieces = checkpoints.getOrDefault(candidate, List.of());
            if (pieces.size() == StoredCheckpoint.segments(pieces.getFirst())) {
                checkpoint = StoredCheckpoint.decode(key, candidate, pieces);
                number = candidate;
                segments = pieces.size();
                break;
            }
        }
        for (Bytes entryKey : checkpointKeys) {
            if (checkpoint == null || StateKeys.number(entryKey, key) != number) {
                stale.add(entryKey);
            }
        }
        List<TailEntry> tail = new ArrayList<>();
        for (KeyValue<Bytes, byte[]> entry : records) {
            long n = StateKeys.number(entry.key, key);
            if (n < number) {
                stale.add(entry.key);
                continue;
            }
            TailEntry record = TailEntry.decode(entry.key, entry.value);
            boolean atCheckpoint = checkpoint != null && n == number;
            if (record.cut() && !atCheckpoint) {
                // Its checkpoint was not written any more: the record is going to come again.
                stale.add(entry.key);
            } else if (n == number + tail.size() && record.cut() == atCheckpoint) {
                tail.add(record);
            } else {
                throw StoredStateException.corrupt(
                        "record " + (number + tail.size()) + " of the tail is missing");
            }
        }
        return new StoredEntries(checkpoint, number, segments, tail, number, stale);
    }

    /** The time that an entry is of; 0 where it has none or cannot be read. */
    static long timestampMs(KeyValue<Bytes, byte[]> entry, Bytes key) {
        try {
            return StateKeys.kind(entry.key, key) == StateKeys.TAIL
                    ? TailEntry.decode(entry.key, entry.value).timestampMs()
                    : 0;
        } catch (StoredStateException e) {
            return 0; // for the key's next record to find
        }
    }

    boolean isEmpty() {
        return checkpoint == null && tail.isEmpty() && stale.isEmpty();
    }
}
