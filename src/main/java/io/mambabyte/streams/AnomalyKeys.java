package io.mambabyte.streams;

import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What is known of the keys and groups of a task: on the heap those that spoke last. */
final class AnomalyKeys {
    private static final Logger LOG = LoggerFactory.getLogger(AnomalyKeys.class);

    private final AnomalyConfig config;
    private final int inference;
    private final KeyValueStore<Bytes, byte[]> store;
    private final String task;

    // In order of use, the least recently used first.
    private final LinkedHashMap<Bytes, AnomalyKey> live;

    private final Set<Bytes> learning = new HashSet<>();
    private boolean toldOfOtherModel;
    private @Nullable Bytes cursor = Bytes.wrap(new byte[] {AnomalyStores.LOG});

    AnomalyKeys(
            AnomalyConfig config, int inference, KeyValueStore<Bytes, byte[]> store, String task) {
        this.config = config;
        this.inference = inference;
        this.store = store;
        this.task = task;
        int most = config.liveKeys();
        live =
                new LinkedHashMap<>(16, 0.75f, true) {
                    private static final long serialVersionUID = 1L;

                    // Nothing is lost: the store has what the heap has.
                    @Override
                    protected boolean removeEldestEntry(Map.Entry<Bytes, AnomalyKey> eldest) {
                        return size() > most;
                    }
                };
    }

    /** What is known of a key or a group. */
    AnomalyKey of(Bytes whose) {
        AnomalyKey known = live.get(whose);
        if (known == null) {
            known = read(whose);
            live.put(whose, known);
        }
        return known;
    }

    private AnomalyKey read(Bytes whose) {
        Bytes snapshotKey = AnomalyStores.entry(AnomalyStores.SNAPSHOT, whose);
        Bytes logKey = AnomalyStores.entry(AnomalyStores.LOG, whose);
        AnomalyKey key = new AnomalyKey(config, inference);
        try {
            key.restore(snapshotKey, store.get(snapshotKey), logKey, store.get(logKey));
        } catch (StoredStateException e) {
            switch (e.reason()) {
                // Not ours to throw away.
                case LATER_VERSION -> throw e;
                case OTHER_MODEL -> {
                    if (!toldOfOtherModel) {
                        toldOfOtherModel = true;
                        LOG.warn("Task {}: keys learn anew: {}", task, e.getMessage());
                    }
                }
                case CORRUPT ->
                        LOG.error(
                                "Task {}: a key of {} bytes learns anew, what was stored of it"
                                        + " cannot be read: {}",
                                task,
                                whose.get().length - 1,
                                e.getMessage());
            }
            return new AnomalyKey(config, inference);
        }
        return key;
    }

    /**
     * Stores what a key learned.
     *
     * @param whose which key
     * @param key what is known of it
     * @param folded whether a snapshot is due
     */
    void store(Bytes whose, AnomalyKey key, boolean folded) {
        if (folded) {
            // Before the log that goes on from it: a log without its snapshot would say nothing.
            Bytes snapshotKey = AnomalyStores.entry(AnomalyStores.SNAPSHOT, whose);
            store.put(snapshotKey, key.snapshot(snapshotKey));
        }
        Bytes logKey = AnomalyStores.entry(AnomalyStores.LOG, whose);
        store.put(logKey, key.log(logKey));
        if (AnomalyStores.isKey(whose)) {
            if (key.calibration().learning()) {
                learning.add(whose);
            } else {
                learning.remove(whose);
            }
        }
    }

    /** Keys that spoke here and of which too little is known. */
    int learningCount() {
        return learning.size();
    }

    /**
     * Keys that the store knows, a few at each call, going on where the last call ended; none when
     * all were given.
     *
     * @param most how many entries to look at
     */
    List<Bytes> next(int most) {
        List<Bytes> keys = new ArrayList<>();
        if (cursor == null) {
            return keys;
        }
        Bytes end = Bytes.wrap(new byte[] {AnomalyStores.LOG + 1});
        try (KeyValueIterator<Bytes, byte[]> entries = store.range(cursor, end)) {
            cursor = null;
            for (int seen = 0; entries.hasNext(); seen++) {
                KeyValue<Bytes, byte[]> entry = entries.next();
                if (seen == most) {
                    cursor = entry.key;
                    break;
                }
                Bytes whose = AnomalyStores.whose(entry.key);
                if (entry.key.get()[0] == AnomalyStores.LOG && AnomalyStores.isKey(whose)) {
                    keys.add(whose);
                }
            }
        }
        return keys;
    }
}
