package io.mambabyte.streams;

import io.mambabyte.model.MambaModel;

import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.state.StoreBuilder;

import java.util.Set;
import java.util.function.Function;

/**
 * Finds anomalies in what a {@link LikelihoodProcessorSupplier} hands on, right behind it, with the
 * state store that it needs:
 *
 * <pre>{@code
 * properties.put("mambabyte.anomalies.topic", "anomalies");
 * MambaByteConfig config = new MambaByteConfig(properties);
 * builder.<byte[], byte[]>stream("logs")
 *         .processValues(LikelihoodProcessorSupplier.ofByteKeys(config), Named.as(config.name()))
 *         .process(AnomalyProcessorSupplier.ofByteKeys(config), Named.as("anomalies"))
 *         .to(AlertSerde.topics(config), Produced.with(Serdes.ByteArray(), AlertSerde.of(config)));
 * }</pre>
 *
 * <p>Out come, as records of three classes: every {@link io.mambabyte.avro.Likelihood}, with its
 * score and p-value; an {@link io.mambabyte.avro.Anomaly} for a line that alerts, under the line's
 * key; and {@link io.mambabyte.avro.Incident}s, under their identifier, a later one replacing the
 * one before. Verdicts ({@link io.mambabyte.avro.Verdict}, under the key of the lines) may be
 * merged into the stream that goes in.
 *
 * <p>Between the two processors nothing may be written to a topic and read again: a likelihood that
 * is read back has lost the line that it is of.
 *
 * @param <K> type of the keys
 */
public final class AnomalyProcessorSupplier<K>
        implements ProcessorSupplier<K, SpecificRecord, byte[], SpecificRecord> {
    private final MambaByteConfig config;
    private final MambaModel model;
    private final Function<? super K, byte[]> keyBytes;

    /**
     * A supplier for any type of keys.
     *
     * @param config the settings, the same as the likelihood processor's
     * @param model the model, shared by all threads
     * @param keyBytes gives the bytes of a key, such that equal keys have equal bytes; never called
     *     with null
     * @throws ConfigException if {@code mambabyte.anomalies.topic} is not set
     */
    public AnomalyProcessorSupplier(
            MambaByteConfig config, MambaModel model, Function<? super K, byte[]> keyBytes) {
        if (!config.anomalies().enabled()) {
            throw new ConfigException(
                    AnomalyConfig.TOPIC_CONFIG
                            + " must name a topic where anomalies are looked for");
        }
        this.config = config;
        this.model = model;
        this.keyBytes = keyBytes;
    }

    /**
     * A supplier for keys that are raw bytes, with the model that the settings name.
     *
     * @param config the settings
     * @return the supplier
     * @throws ConfigException if the model cannot be read
     */
    public static AnomalyProcessorSupplier<byte[]> ofByteKeys(MambaByteConfig config) {
        return new AnomalyProcessorSupplier<>(config, config.loadModel(), Function.identity());
    }

    @Override
    public Processor<K, SpecificRecord, byte[], SpecificRecord> get() {
        return new AnomalyProcessor<>(config, model, keyBytes);
    }

    @Override
    public Set<StoreBuilder<?>> stores() {
        return Set.of(AnomalyStores.builder(config));
    }
}
