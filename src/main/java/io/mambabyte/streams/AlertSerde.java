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
    private final Serde<Anomaly> anomalies;
    private final Serde<Incident> incidents;

    /**
     * A serde.
     *
     * @param likelihoods for likelihoods
     * @param config settings of the others: {@code mambabyte.avro.serde}, or at least {@code
     *     schema.registry.url}
     */
    public AlertSerde(Serde<Likelihood> likelihoods, MambaByteConfig config) {
        this.likelihoods = likelihoods;
        anomalies = config.avroSerde(Anomaly.class);
        incidents = config.avroSerde(Incident.class);
    }

    /**
     * The serde that the settings describe.
     *
     * @param config the settings
     * @return the serde
     */
    public static AlertSerde of(MambaByteConfig config) {
        return new AlertSerde(config.outputSerde(), config);
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
     * Makes the schemas of anomalies and incidents known, before the first record. A serde that is
     * not the component's does so when it likes.
     *
     * @param config names their topics
     * @throws io.mambabyte.streams.registry.SchemaRegistryException if the registry cannot be
     *     reached or refuses one
     */
    public void register(AnomalyConfig config) {
        register(anomalies, config.topic());
        register(incidents, config.incidentsTopic());
    }

    private static void register(Serde<?> serde, String topic) {
        if (serde instanceof ConfluentAvroSerde<?> own) {
            int _ = own.register(topic);
        }
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
