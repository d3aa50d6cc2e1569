package io.mambabyte.streams;

import io.mambabyte.avro.Likelihood;
import io.mambabyte.model.MambaModel;

import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorSupplier;
import org.apache.kafka.streams.state.StoreBuilder;

import java.util.Set;
import java.util.function.Function;

/**
 * Turns a stream of raw values into a stream of their likelihoods, with the state store that it
 * needs:
 *
 * <pre>{@code
 * MambaByteConfig config = new MambaByteConfig(properties);
 * builder.<byte[], byte[]>stream("logs")
 *         .processValues(LikelihoodProcessorSupplier.ofByteKeys(config), Named.as(config.name()))
 *         .to("likelihoods", Produced.valueSerde(config.outputSerde()));
 * }</pre>
 *
 * <p>Every record with a value gives exactly one likelihood, with the record's key, headers and
 * timestamp; an empty value is a record like any other. A record without a value (a tombstone)
 * forgets the state of its key and gives nothing. A record without a key is scored from a fresh
 * state, which is not kept: there is no order between such records that could mean anything.
 *
 * <p>A record that fails leaves the state of its key as it was. What happens then is decided by
 * Kafka Streams' {@code processing.exception.handler}; a value longer than {@code
 * mambabyte.max.record.bytes} fails with {@link
 * org.apache.kafka.common.errors.RecordTooLargeException}.
 *
 * <p>The state of a key is the same, to the last bit, on every instance and after every restart:
 * how likely a byte is depends on the model and the bytes before it and on nothing else.
 *
 * @param <K> type of the keys
 */
public final class LikelihoodProcessorSupplier<K>
        implements FixedKeyProcessorSupplier<K, byte[], Likelihood> {
    private final MambaByteConfig config;
    private final MambaModel model;
    private final KeyStateStores stores;
    private final Function<? super K, byte[]> keyBytes;
    private final ScoringListener listener;

    /**
     * A supplier for any type of keys.
     *
     * @param config the settings
     * @param model the model, shared by all threads
     * @param keyBytes gives the bytes of a key, such that equal keys have equal bytes; never called
     *     with null. Under this name a key's state is stored
     */
    public LikelihoodProcessorSupplier(
            MambaByteConfig config, MambaModel model, Function<? super K, byte[]> keyBytes) {
        this(config, model, keyBytes, new KeyStateStores(config, model));
    }

    /**
     * A supplier whose states other processors of the topology read as well.
     *
     * @param config the settings
     * @param model the model, shared by all threads
     * @param keyBytes as above
     * @param stores the stores of the states, made with the same settings and model
     */
    public LikelihoodProcessorSupplier(
            MambaByteConfig config,
            MambaModel model,
            Function<? super K, byte[]> keyBytes,
            KeyStateStores stores) {
        this(config, model, keyBytes, stores, ScoringListener.NONE);
    }

    /**
     * A supplier with somebody who looks on.
     *
     * @param config the settings
     * @param model the model, shared by all threads
     * @param keyBytes as above
     * @param stores as above
     * @param listener is told of every record, by all threads
     */
    public LikelihoodProcessorSupplier(
            MambaByteConfig config,
            MambaModel model,
            Function<? super K, byte[]> keyBytes,
            KeyStateStores stores,
            ScoringListener listener) {
        this.config = config;
        this.model = model;
        this.keyBytes = keyBytes;
        this.stores = stores;
        this.listener = listener;
    }

    /**
     * A supplier for keys that are raw bytes, with the model that the settings name.
     *
     * @param config the settings
     * @return the supplier
     * @throws org.apache.kafka.common.config.ConfigException if the model cannot be read
     */
    public static LikelihoodProcessorSupplier<byte[]> ofByteKeys(MambaByteConfig config) {
        return new LikelihoodProcessorSupplier<>(config, config.loadModel(), Function.identity());
    }

    @Override
    public FixedKeyProcessor<K, byte[], Likelihood> get() {
        return new LikelihoodProcessor<>(config, model, keyBytes, stores, listener);
    }

    /**
     * The stores of the keys' states.
     *
     * @return one that is logged and the live states, or none where records are scored on their own
     */
    @Override
    public Set<StoreBuilder<?>> stores() {
        return config.context() == MambaByteConfig.Context.RECORD ? Set.of() : stores.builders();
    }

    /**
     * Largest record that the changelog topic must take.
     *
     * @return bytes
     */
    public int maxChangelogRecordBytes() {
        return stores.maxChangelogRecordBytes();
    }
}
