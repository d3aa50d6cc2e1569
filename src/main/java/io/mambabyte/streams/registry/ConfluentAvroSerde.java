package io.mambabyte.streams.registry;

import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

import java.util.Map;

/**
 * Serde of one generated Avro class in Confluent's wire format.
 *
 * @param <T> the generated class
 */
public final class ConfluentAvroSerde<T extends SpecificRecord> implements Serde<T> {
    private final ConfluentAvroSerializer<T> serializer;
    private final ConfluentAvroDeserializer<T> deserializer;

    /**
     * A serde that {@link #configure} must be called on.
     *
     * @param type the generated class
     */
    public ConfluentAvroSerde(Class<T> type) {
        serializer = new ConfluentAvroSerializer<>(type);
        deserializer = new ConfluentAvroDeserializer<>(type);
    }

    /**
     * A serde for the values of topics.
     *
     * @param type the generated class
     * @param configs at least {@code schema.registry.url}; names that are not the serde's are left
     *     alone
     * @return the configured serde
     * @param <T> the generated class
     * @throws org.apache.kafka.common.config.ConfigException if a setting is missing or not valid
     */
    public static <T extends SpecificRecord> ConfluentAvroSerde<T> ofValues(
            Class<T> type, Map<String, ?> configs) {
        ConfluentAvroSerde<T> serde = new ConfluentAvroSerde<>(type);
        serde.configure(configs, false);
        return serde;
    }

    @Override
    public void configure(Map<String, ?> configs, boolean isKey) {
        serializer.configure(configs, isKey);
        deserializer.configure(configs, isKey);
    }

    /**
     * Makes the schema known for a topic, before the first record.
     *
     * @param topic the topic
     * @return the number of the schema
     * @throws SchemaRegistryException if the registry cannot be reached or refuses the schema
     */
    public int register(String topic) {
        return serializer.register(topic);
    }

    @Override
    public Serializer<T> serializer() {
        return serializer;
    }

    @Override
    public Deserializer<T> deserializer() {
        return deserializer;
    }
}
