package io.mambabyte.streams;

import io.mambabyte.avro.Anomaly;
import io.mambabyte.avro.Incident;
import io.mambabyte.avro.Likelihood;
import io.mambabyte.streams.registry.ConfluentAvroSerde;

import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.streams.processor.TopicNameExtractor;

import java.util.Map;

/**
 * Writes what an {@link AnomalyProcessorSupplier}'s processor hands on, each class to its topic and
 * in Confluent's wire format: a stream of all three needs one sink.
 *
 * <pre>{@code
 * alerts.to(AlertSerde.topics(config), Produced.with(Serdes.ByteArray(), AlertSerde.of(config)));
 * }</pre>
 *
 * <p>To read a topic, use the serde of its class: {@link LikelihoodSerde} or {@link
 * ConfluentAvroSerde}.
 */
public final class AlertSerde implements Serde<SpecificRecord> {
    private final Serde<Likelihood> likelihoods;
    private final ConfluentAvroSerde<Anomaly> anomalies;
    private final ConfluentAvroSerde<Incident> incidents;

    /**
     * A serde.
     *
     * @param likelihoods for likelihoods
     * @param configs settings for the others, at least {@code schema.registry.url}
     */
    public AlertSerde(Serde<Likelihood> likelihoods, Map<String, ?> configs) {
        this.likelihoods = likelihoods;
        anomalies = ConfluentAvroSerde.ofValues(Anomaly.class, configs);
        incidents = ConfluentAvroSerde.ofValues(Incident.class, configs);
    }

    /**
     * The serde that the settings describe.
     *
     * @param config the settings
     * @return the serde
     */
    public static AlertSerde of(MambaByteConfig config) {
        return new AlertSerde(config.outputSerde(), config.originals());
    }

    /**
     * The topic of each record: that of likelihoods, of anomalies or of incidents.
     *
     * @param config the settings
     * @return the extractor
     */
    public static TopicNameExtractor<byte[], SpecificRecord> topics(MambaByteConfig config) {
        AnomalyConfig alerts = config.anomalies();
        String ofLikelihoods = config.outputTopic();
        String ofAnomalies = alerts.topic();
        String ofIncidents = alerts.incidentsTopic();
        return (_, record, _) ->
                switch (record) {
                    case Likelihood _ -> ofLikelihoods;
                    case Anomaly _ -> ofAnomalies;
                    case Incident _ -> ofIncidents;
                    default -> throw unknown(record);
                };
    }

    /**
     * Makes the schemas of anomalies and incidents known, before the first record.
     *
     * @param config names their topics
     * @throws io.mambabyte.streams.registry.SchemaRegistryException if the registry cannot be
     *     reached or refuses one
     */
    public void register(AnomalyConfig config) {
        int _ = anomalies.register(config.topic());
        int _ = incidents.register(config.incidentsTopic());
    }

    @Override
    public Serializer<SpecificRecord> serializer() {
        return new Serializer<>() {
            @Override
            public byte[] serialize(String topic, SpecificRecord record) {
                return switch (record) {
                    case Likelihood likelihood ->
                            likelihoods.serializer().serialize(topic, likelihood);
                    case Anomaly anomaly -> anomalies.serializer().serialize(topic, anomaly);
                    case Incident incident -> incidents.serializer().serialize(topic, incident);
                    default -> throw unknown(record);
                };
            }
        };
    }

    @Override
    public Deserializer<SpecificRecord> deserializer() {
        return (topic, _) -> {
            throw new UnsupportedOperationException(
                    topic + " is read with the serde of its class, see AlertSerde");
        };
    }

    private static IllegalArgumentException unknown(SpecificRecord record) {
        return new IllegalArgumentException(
                "not a likelihood, an anomaly or an incident: a " + record.getClass().getName());
    }
}
