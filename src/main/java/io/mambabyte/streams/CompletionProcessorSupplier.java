package io.mambabyte.streams;

import io.mambabyte.avro.Completion;
import io.mambabyte.avro.CompletionRequest;
import io.mambabyte.generate.Drafter;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.StateRounding;
import io.mambabyte.model.SubwordModel;

import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;
import org.jspecify.annotations.Nullable;

import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * Turns a stream of requests into a stream of completions, with the store that it needs. Each
 * request gives chunks with its record's key and timestamp; the last one says why it ended. An
 * invalid request gives one record that says what is wrong with it, and one that fails on its way a
 * last record that says so.
 *
 * <p>Work happens between polls, at most {@code mambabyte.completion.slice.ms} at a time, so that
 * it neither delays a commit nor lets {@code max.poll.interval.ms} pass. What is sent does not
 * depend on how it was sliced, on what else was asked for, or on a restart between.
 */
public final class CompletionProcessorSupplier
        implements ProcessorSupplier<byte[], CompletionRequest, byte[], Completion> {
    private final CompletionConfig config;
    private final MambaModel model;
    private final MambaModel draftModel;
    private final SubwordModel subwordModel;
    private final StateRounding rounding;
    private final String storeName;
    private final MambaByteConfig.StoreType storeType;
    private final Function<ProcessorContext<byte[], Completion>, StartingPoint.OfKey> opening;
    private final Set<StoreBuilder<?>> shared;
    private final UnaryOperator<CompletionProcessor.Pass> passes;
    private @Nullable Supplier<? extends Drafter> drafter;

    /**
     * A supplier for prompts only: requests that continue a key are refused.
     *
     * @param config the settings of completions
     * @param component the component's other settings: name and kind of the store
     * @param model the model, shared by all threads
     * @throws org.apache.kafka.common.config.ConfigException if a drafting model cannot be loaded
     */
    public CompletionProcessorSupplier(
            CompletionConfig config, MambaByteConfig component, MambaModel model) {
        this(config, component, model, _ -> _ -> null, Set.of(), UnaryOperator.identity());
    }

    /**
     * A supplier whose requests can continue the keys that are scored beside them. Both streams
     * need the same number of partitions.
     *
     * @param config the settings of completions
     * @param component the component's other settings
     * @param model the model, shared by all threads
     * @param states the stores of the keys' states, shared with the {@link
     *     LikelihoodProcessorSupplier}
     * @throws org.apache.kafka.common.config.ConfigException if a drafting model cannot be loaded
     */
    public CompletionProcessorSupplier(
            CompletionConfig config,
            MambaByteConfig component,
            MambaModel model,
            KeyStateStores states) {
        this(
                config,
                component,
                model,
                context -> startOf(states.open(context)),
                states.builders(),
                UnaryOperator.identity());
    }

    private static StartingPoint.OfKey startOf(KeyStates states) {
        return key ->
                states.contextOrThrow(key)
                        .map(seen -> new StartingPoint(seen.state(), seen.lastBytes()))
                        .orElse(null);
    }

    CompletionProcessorSupplier(
            CompletionConfig config,
            MambaByteConfig component,
            MambaModel model,
            Function<ProcessorContext<byte[], Completion>, StartingPoint.OfKey> opening,
            Set<StoreBuilder<?>> shared,
            UnaryOperator<CompletionProcessor.Pass> passes) {
        this.config = config;
        this.model = model;
        this.opening = opening;
        this.shared = shared;
        this.passes = passes;
        storeName = component.name() + "-completions";
        storeType = component.store();
        rounding = component.stateRounding();
        draftModel = config.loadDraftModel();
        subwordModel = config.loadSubwordModel();
    }

    /**
     * Drafts by other means than those that there are: for every request whose {@code draft} is not
     * {@code none}. A request whose drafter throws something ends with finish reason {@code error};
     * the others do not notice.
     *
     * @param drafters gives a drafter to each request; called by all stream threads
     * @return this
     */
    public CompletionProcessorSupplier draftedBy(Supplier<? extends Drafter> drafters) {
        drafter = drafters;
        return this;
    }

    @Override
    public Processor<byte[], CompletionRequest, byte[], Completion> get() {
        return new CompletionProcessor(
                config,
                model,
                draftModel,
                subwordModel,
                drafter,
                rounding,
                storeName,
                opening,
                passes);
    }

    @Override
    public Set<StoreBuilder<?>> stores() {
        var supplier =
                switch (storeType) {
                    case ROCKSDB -> Stores.persistentKeyValueStore(storeName);
                    case IN_MEMORY -> Stores.inMemoryKeyValueStore(storeName);
                };
        Set<StoreBuilder<?>> all = new java.util.HashSet<>(shared);
        all.add(
                Stores.keyValueStoreBuilder(supplier, Serdes.Bytes(), Serdes.ByteArray())
                        .withCachingDisabled());
        return Set.copyOf(all);
    }
}
