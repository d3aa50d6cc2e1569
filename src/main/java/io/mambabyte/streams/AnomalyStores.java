package io.mambabyte.streams;

import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

import java.util.Map;

/**
 * The store behind anomalies: calibrations, incidents that are not closed, and the task's clock.
 * With a record cache, because its values change with every line: what reaches the changelog is
 * what they are at a commit.
 */
final class AnomalyStores {
    // A group's log of lines, and its snapshot, are some tens of KB.
    private static final int CHANGELOG_SEGMENT_BYTES = 64 << 20;

    /** A snapshot of a calibration. */
    static final byte SNAPSHOT = 1;

    /** The lines since. */
    static final byte LOG = 2;

    /** An incident that is not closed, or lines that are not yet enough for one. */
    static final byte INCIDENT = 3;

    /** A silence that lasts. */
    static final byte SILENCE = 4;

    /** The task's clock. */
    static final Bytes CLOCK = Bytes.wrap(new byte[] {0});

    /** Whose calibration it is: of lines without a key. */
    static final Bytes NO_KEY = Bytes.wrap(new byte[] {0});

    private static final byte KEY = 1;
    private static final byte GROUP = 2;

    private AnomalyStores() {}

    static String name(MambaByteConfig config) {
        return config.name() + "-anomalies";
    }

    static StoreBuilder<KeyValueStore<Bytes, byte[]>> builder(MambaByteConfig config) {
        String name = name(config);
        var supplier =
                switch (config.store()) {
                    case ROCKSDB -> Stores.persistentKeyValueStore(name);
                    case IN_MEMORY -> Stores.inMemoryKeyValueStore(name);
                };
        return Stores.keyValueStoreBuilder(supplier, Serdes.Bytes(), Serdes.ByteArray())
                .withCachingEnabled()
                .withLoggingEnabled(
                        Map.of(
                                TopicConfig.SEGMENT_BYTES_CONFIG,
                                Integer.toString(CHANGELOG_SEGMENT_BYTES)));
    }

    /** Whose calibration it is: a key's. */
    static Bytes ofKey(byte[] key) {
        return prefixed(KEY, key);
    }

    /** Whose calibration it is: a group's. */
    static Bytes ofGroup(byte[] group) {
        return prefixed(GROUP, group);
    }

    /** The store's key of an entry. */
    static Bytes entry(byte kind, Bytes whose) {
        return prefixed(kind, whose.get());
    }

    /** Whose an entry is. */
    static Bytes whose(Bytes entry) {
        return Bytes.wrap(java.util.Arrays.copyOfRange(entry.get(), 1, entry.get().length));
    }

    /** Whether it is a key's calibration, or that of lines without one, not a group's. */
    static boolean isKey(Bytes whose) {
        return whose.get()[0] != GROUP;
    }

    /** The bytes of a key. */
    static byte @org.jspecify.annotations.Nullable [] key(Bytes whose) {
        return whose.get()[0] == KEY
                ? java.util.Arrays.copyOfRange(whose.get(), 1, whose.get().length)
                : null;
    }

    private static Bytes prefixed(byte kind, byte[] rest) {
        byte[] bytes = new byte[1 + rest.length];
        bytes[0] = kind;
        System.arraycopy(rest, 0, bytes, 1, rest.length);
        return Bytes.wrap(bytes);
    }
}
