package io.mambabyte.streams;

import io.mambabyte.model.MambaModel;

import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.processor.api.ProcessingContext;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

import java.util.Map;
import java.util.Set;

/**
 * The stores behind the keys' states: one byte store, logged to a changelog topic, that holds
 * checkpoints and the records since, and the task's live states, which all processors of the task
 * share. A processor that brings these very builders in its {@code stores()} is part of the same
 * subtopology and sees the same states:
 *
 * <pre>{@code
 * KeyStateStores stores = new KeyStateStores(config, model);
 * var scoring = new LikelihoodProcessorSupplier<>(config, model, Function.identity(), stores);
 * // another supplier: stores() gives stores.builders(), and its processor's init calls
 * KeyStates states = stores.open(context);
 * }</pre>
 */
public final class KeyStateStores {
    // What a changelog record holds beside the value: the key (Kafka's own headers and framing of
    // a batch with one record come to less than 200 bytes).
    private static final int KEY_AND_FRAMING_BYTES = 64 << 10;

    // The broker's default of message.max.bytes: a changelog topic is never given less.
    private static final int DEFAULT_MAX_MESSAGE_BYTES = 1_048_588;

    private static final int CHANGELOG_SEGMENT_BYTES = 64 << 20;

    private final MambaByteConfig config;
    private final MambaModel model;
    private final Set<StoreBuilder<?>> builders;

    /**
     * Makes the builders.
     *
     * @param config the settings
     * @param model the model
     */
    public KeyStateStores(MambaByteConfig config, MambaModel model) {
        this.config = config;
        this.model = model;
        var supplier =
                switch (config.store()) {
                    case ROCKSDB -> Stores.persistentKeyValueStore(config.storeName());
                    case IN_MEMORY -> Stores.inMemoryKeyValueStore(config.storeName());
                };
        // No record cache: an entry is written once and deleted once, long after, so that a cache
        // would only hold it back. Checkpoints and tail share one store because only within one
        // changelog is there an order that a crash cannot break.
        StoreBuilder<KeyValueStore<Bytes, byte[]>> entries =
                Stores.keyValueStoreBuilder(supplier, Serdes.Bytes(), Serdes.ByteArray())
                        .withCachingDisabled()
                        .withLoggingEnabled(
                                Map.of(
                                        TopicConfig.MAX_MESSAGE_BYTES_CONFIG,
                                        Integer.toString(maxChangelogRecordBytes()),
                                        // The segment in use is never compacted, and with Kafka's
                                        // 1 GiB a restore would read all that it ever held.
                                        TopicConfig.SEGMENT_BYTES_CONFIG,
                                        Integer.toString(CHANGELOG_SEGMENT_BYTES)));
        builders = Set.of(entries, new LiveStatesStore.Builder(liveName()));
    }

    /**
     * The builders, the same objects at every call.
     *
     * @return what {@code stores()} of every supplier gives whose processors share the states
     */
    public Set<StoreBuilder<?>> builders() {
        return builders;
    }

    /**
     * The states of a processor's task.
     *
     * @param context what the processor's {@code init} was given
     * @return the states, the same object for all processors of the task
     * @throws IllegalStateException if the store was written by a later version
     */
    public KeyStates open(ProcessingContext context) {
        LiveStatesStore live = context.getStateStore(liveName());
        return live.states(
                () ->
                        new KeyStates(
                                config, model, context, context.getStateStore(config.storeName())));
    }

    /**
     * Largest record that the changelog topic must take.
     *
     * @return bytes
     */
    public int maxChangelogRecordBytes() {
        return Math.max(
                DEFAULT_MAX_MESSAGE_BYTES, Math.addExact(maxEntryBytes(), KEY_AND_FRAMING_BYTES));
    }

    // Of a record the tail holds what follows the last checkpoint in it.
    private int maxEntryBytes() {
        long distance =
                new CheckpointSchedule(config.checkpointBytes(), config.stateRounding())
                        .distanceBytes();
        return (int)
                Math.max(
                        StoredCheckpoint.SEGMENT_BYTES,
                        Math.min(distance, config.maxRecordBytes()));
    }

    private String liveName() {
        return config.name() + "-live";
    }
}
