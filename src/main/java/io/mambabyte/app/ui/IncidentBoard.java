package io.mambabyte.app.ui;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.mambabyte.avro.Alternative;
import io.mambabyte.avro.Incident;
import io.mambabyte.avro.Span;
import io.mambabyte.avro.Verdict;
import io.mambabyte.streams.registry.ConfluentAvroSerde;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The incidents as their topic tells them, the latest state of each, read by a consumer without a
 * group; and the verdicts that somebody gives on the page.
 */
final class IncidentBoard implements AutoCloseable {
    /** The latest are kept. */
    private static final int INCIDENTS_MAX = 200;

    private static final int COUNTED_MAX = 10_000;

    private static final Duration POLL = Duration.ofMillis(500);
    private static final long VERDICT_SECONDS_MAX = 10;
    private static final Duration CLOSE_TIME = Duration.ofSeconds(2);

    private final IncidentTopics topics;
    private final KafkaConsumer<byte[], Incident> consumer;
    private final Thread reading;

    // Guarded by itself; in order of the first news of each.
    private final Map<String, Incident> incidents =
            new LinkedHashMap<>() {
                @Override
                protected boolean removeEldestEntry(Map.Entry<String, Incident> eldest) {
                    return size() > INCIDENTS_MAX;
                }
            };
    // So that news of an incident that is not kept any more is not taken for another one.
    private final Set<String> counted =
            Collections.newSetFromMap(
                    new LinkedHashMap<>() {
                        @Override
                        protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
                            return size() > COUNTED_MAX;
                        }
                    });
    private long total;
    private final Set<String> judged = new HashSet<>();
    private @Nullable KafkaProducer<byte[], Verdict> producer;

    IncidentBoard(IncidentTopics topics) {
        this.topics = topics;
        consumer =
                new KafkaConsumer<>(
                        topics.streamsConfig().getRestoreConsumerConfigs("mambabyte-page"),
                        new ByteArrayDeserializer(),
                        ConfluentAvroSerde.ofValues(Incident.class, topics.serdeConfig())
                                .deserializer());
        reading = Thread.ofPlatform().daemon().name("mambabyte-page-incidents").start(this::read);
    }

    private void read() {
        try (consumer) {
            List<TopicPartition> partitions =
                    consumer.partitionsFor(topics.incidents()).stream()
                            .map(p -> new TopicPartition(p.topic(), p.partition()))
                            .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            while (true) {
                for (ConsumerRecord<byte[], Incident> record : consumer.poll(POLL)) {
                    if (record.value() != null) {
                        add(record.value());
                    }
                }
            }
        } catch (WakeupException e) {
            // Closed.
        } catch (KafkaException e) {
            System.getLogger(IncidentBoard.class.getName())
                    .log(System.Logger.Level.WARNING, "The page shows no more incidents", e);
        }
    }

    private void add(Incident incident) {
        synchronized (incidents) {
            Incident known = incidents.get(incident.getId());
            if (known == null || known.getRevision() < incident.getRevision()) {
                incidents.put(incident.getId(), incident);
            }
            if (counted.add(incident.getId())) {
                total++;
            }
        }
    }

    /** All that are kept. */
    ObjectNode json() {
        ObjectNode root = PageJson.object();
        root.put("enabled", true);
        root.put("verdicts", !topics.verdicts().isEmpty());
        ArrayNode array = root.putArray("incidents");
        synchronized (incidents) {
            root.put("total", total);
            incidents.values().forEach(incident -> write(array.addObject(), incident));
        }
        return root;
    }

    /** Where nobody looks for incidents. */
    static ObjectNode none() {
        ObjectNode root = PageJson.object().put("enabled", false);
        root.putArray("incidents");
        return root;
    }

    private void write(ObjectNode node, Incident incident) {
        node.put("id", incident.getId());
        node.put("revision", incident.getRevision());
        node.put("key", incident.getKey() == null ? null : base64(incident.getKey()));
        node.put("kind", incident.getKind());
        node.put("status", incident.getStatus());
        node.put("topic", incident.getTopic());
        node.put("partition", incident.getPartition());
        node.put("firstOffset", incident.getFirstOffset());
        node.put("lastOffset", incident.getLastOffset());
        node.put("firstTime", incident.getFirstTimeMs());
        node.put("lastTime", incident.getLastTimeMs());
        node.put("lines", incident.getLines());
        node.put("p", incident.getPeakPValue());
        node.put("score", PageJson.rounded(incident.getPeakScore()));
        node.put("text", base64(incident.getPeakText()));
        node.put("verdict", judged.contains(incident.getId()));
        ArrayNode spans = node.putArray("spans");
        for (Span span : incident.getSpans()) {
            ObjectNode one = spans.addObject();
            one.put("offset", span.getOffset());
            one.put("bits", PageJson.rounded(span.getBits()));
            one.put("bytes", base64(span.getBytes()));
            ArrayNode expected = one.putArray("expected");
            for (Alternative alternative : span.getExpected()) {
                expected.addObject()
                        .put("p", alternative.getProbability())
                        .put("bytes", base64(alternative.getBytes()));
            }
        }
    }

    private static String base64(ByteBuffer buffer) {
        return PageJson.base64(bytes(buffer));
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    /**
     * Says that an incident is none.
     *
     * @param id its identifier
     * @throws PageUnavailableException where no verdicts are taken or the broker does not answer
     */
    void notAnAnomaly(String id) throws PageUnavailableException {
        if (topics.verdicts().isEmpty()) {
            throw new PageUnavailableException("no topic of verdicts is configured");
        }
        Incident incident;
        synchronized (incidents) {
            incident = incidents.get(id);
        }
        if (incident == null) {
            throw new IllegalArgumentException("no incident " + id);
        }
        Verdict verdict =
                Verdict.newBuilder()
                        .setVerdict("not_an_anomaly")
                        .setIncident(id)
                        .setBy("page")
                        .build();
        // To the task that keeps the key's calibration, wherever its lines were put.
        ProducerRecord<byte[], Verdict> record =
                new ProducerRecord<>(
                        topics.verdicts(),
                        incident.getPartition(),
                        incident.getKey() == null ? null : bytes(incident.getKey()),
                        verdict);
        try {
            producer().send(record).get(VERDICT_SECONDS_MAX, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PageUnavailableException("the page ends", e);
        } catch (ExecutionException | TimeoutException | KafkaException e) {
            throw new PageUnavailableException("the verdict was not taken: " + e.getMessage(), e);
        }
        synchronized (incidents) {
            judged.add(id);
        }
    }

    private synchronized KafkaProducer<byte[], Verdict> producer() {
        KafkaProducer<byte[], Verdict> made = producer;
        if (made == null) {
            made =
                    new KafkaProducer<>(
                            topics.streamsConfig().getProducerConfigs("mambabyte-page"),
                            new ByteArraySerializer(),
                            ConfluentAvroSerde.ofValues(Verdict.class, topics.serdeConfig())
                                    .serializer());
            producer = made;
        }
        return made;
    }

    @Override
    public synchronized void close() {
        consumer.wakeup();
        try {
            reading.join(CLOSE_TIME);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (producer != null) {
            producer.close(CLOSE_TIME);
        }
    }
}
