package io.mambabyte.streams;

import io.mambabyte.avro.Likelihood;
import io.mambabyte.streams.registry.ConfluentAvroSerde;

import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

import java.util.Map;

/**
 * Serde of likelihoods in Confluent's wire format, which Kafka can make from its name; needs {@code
 * schema.registry.url}.
 */
public final class LikelihoodSerde implements Serde<Likelihood> {
    private final ConfluentAvroSerde<Likelihood> serde = new ConfluentAvroSerde<>(Likelihood.class);

    /** A serde that {@link #configure} must be called on. */
    public LikelihoodSerde() {}

    @Override
    public void configure(Map<String, ?> configs, boolean isKey) {
        serde.configure(configs, isKey);
    }

    /**
     * Makes the schema known for a topic, before the first record.
     *
     * @param topic the topic
     * @return the number of the schema
     * @throws io.mambabyte.streams.registry.SchemaRegistryException if the registry cannot be
     *     reached or refuses the schema
     */
    public int register(String topic) {
        return serde.register(topic);
    }

    @Override
    public Serializer<Likelihood> serializer() {
        return serde.serializer();
    }

    @Override
    public Deserializer<Likelihood> deserializer() {
        return serde.deserializer();
    }
}
