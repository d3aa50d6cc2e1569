package io.mambabyte.app;

import io.mambabyte.avro.Likelihood;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.score.RecordScore;
import io.mambabyte.score.Scorer;
import io.mambabyte.streams.LikelihoodSerde;
import io.mambabyte.streams.MambaByteConfig;
import io.mambabyte.streams.registry.ConfluentAvroConfig;

import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Deserializer;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/**
 * What goes into a {@link ChaosCluster} and what comes out: numbered records, their likelihoods as
 * a consumer sees them that reads what is committed, and at the end the comparison of both.
 */
final class ChaosLoad implements AutoCloseable {
    private static final String NUMBER = "n";
    // So many seconds of records may be on their way: a machine that gives the processes little
    // time gets fewer records instead of a run that never ends.
    private static final int AHEAD_MAX_S = 30;
    private static final Duration POLL = Duration.ofMillis(100);

    /** What is wrong with the likelihoods: all 0 where all is well. */
    record Verdict(long records, long missing, long duplicated, long mismatched) {}

    private final String bootstrapServers;
    private final String registryUrl;
    private final int partitions;
    private final int keys;
    private final long seed;
    private final double recordsPerSecond;
    private final List<DemoRecording.Line> lines;
    private final Map<Integer, Likelihood> likelihoods = new HashMap<>();
    private final AtomicLong sent = new AtomicLong();
    private final AtomicLong received = new AtomicLong();
    private final AtomicLong duplicated = new AtomicLong();
    private final Thread producing = new Thread(this::produce, "chaos-producer");
    private final Thread consuming = new Thread(this::consume, "chaos-consumer");
    private volatile boolean stopProducing;
    private volatile boolean stopConsuming;
    private volatile @Nullable Exception failure;
    private volatile long lastReceivedNanos;
    private volatile long longestGapNanos;

    ChaosLoad(
            String bootstrapServers,
            String registryUrl,
            int partitions,
            int keys,
            double recordsPerSecond,
            long seed)
            throws IOException {
        this.bootstrapServers = bootstrapServers;
        this.registryUrl = registryUrl;
        this.partitions = partitions;
        this.keys = keys;
        this.recordsPerSecond = recordsPerSecond;
        this.seed = seed;
        lines = DemoRecording.load().lines();
    }

    void start() {
        producing.start();
        consuming.start();
    }

    long sent() {
        return sent.get();
    }

    /** Records that have a likelihood. */
    long received() {
        return received.get();
    }

    /** Longest time without a likelihood, from the first one on to when all were there. */
    double longestGapSeconds() {
        return longestGapNanos / 1e9;
    }

    /** Seconds since the last likelihood. */
    double silentSeconds() {
        long last = lastReceivedNanos;
        return last == 0 ? 0 : (System.nanoTime() - last) / 1e9;
    }

    void requireAlive() throws IOException {
        Exception e = failure;
        if (e != null) {
            throw new IOException("the load failed: " + e, e);
        }
    }

    /** Stops sending and waits until all that was sent is acknowledged. */
    void stopProducing() throws InterruptedException {
        stopProducing = true;
        producing.join();
    }

    private void produce() {
        Map<String, Object> configs =
                Map.of(
                        ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                        bootstrapServers,
                        ProducerConfig.ACKS_CONFIG,
                        "all",
                        ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG,
                        true,
                        // Whatever happens to the brokers, every record arrives, once.
                        ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
                        Integer.MAX_VALUE,
                        ProducerConfig.MAX_BLOCK_MS_CONFIG,
                        (long) Integer.MAX_VALUE,
                        ProducerConfig.LINGER_MS_CONFIG,
                        5);
        Random random = new Random(seed);
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(
                        configs, new ByteArraySerializer(), new ByteArraySerializer())) {
            long start = System.nanoTime();
            for (int n = 0; !stopProducing; n++) {
                long due = start + (long) (n / recordsPerSecond * 1e9);
                while ((System.nanoTime() < due || tooFarAhead()) && !stopProducing) {
                    Thread.sleep(1);
                }
                ProducerRecord<byte[], byte[]> record =
                        new ProducerRecord<>(
                                INPUT,
                                null,
                                ("key-" + random.nextInt(keys)).getBytes(StandardCharsets.UTF_8),
                                lines.get(random.nextInt(lines.size())).bytes(),
                                List.of(new RecordHeader(NUMBER, number(n))));
                Future<?> _ =
                        producer.send(
                                record,
                                (_, e) -> {
                                    if (e != null) {
                                        failure = e;
                                    }
                                });
                sent.incrementAndGet();
            }
            producer.flush();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            failure = e;
        }
    }

    private boolean tooFarAhead() {
        return sent.get() - received.get() > AHEAD_MAX_S * recordsPerSecond;
    }

    private static final String INPUT = ChaosCluster.INPUT;

    private void consume() {
        try (LikelihoodSerde serde = serde();
                KafkaConsumer<byte[], Likelihood> consumer =
                        consumer(ChaosCluster.OUTPUT, serde.deserializer())) {
            while (!stopConsuming) {
                for (ConsumerRecord<byte[], Likelihood> record : consumer.poll(POLL)) {
                    long now = System.nanoTime();
                    if (lastReceivedNanos != 0) {
                        longestGapNanos = Math.max(longestGapNanos, now - lastReceivedNanos);
                    }
                    lastReceivedNanos = now;
                    if (likelihoods.put(number(record), record.value()) == null) {
                        received.incrementAndGet();
                    } else {
                        duplicated.incrementAndGet();
                    }
                }
            }
        } catch (RuntimeException e) {
            failure = e;
        }
    }

    private LikelihoodSerde serde() {
        LikelihoodSerde serde = new LikelihoodSerde();
        serde.configure(Map.of(ConfluentAvroConfig.SCHEMA_REGISTRY_URL_CONFIG, registryUrl), false);
        return serde;
    }

    private <V> KafkaConsumer<byte[], V> consumer(String topic, Deserializer<V> values) {
        KafkaConsumer<byte[], V> consumer =
                new KafkaConsumer<>(
                        Map.of(
                                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                                (Object) bootstrapServers,
                                ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
                                "earliest",
                                ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
                                false,
                                ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                                "read_committed"),
                        new ByteArrayDeserializer(),
                        values);
        consumer.assign(
                IntStream.range(0, partitions)
                        .mapToObj(partition -> new TopicPartition(topic, partition))
                        .toList());
        return consumer;
    }

    /**
     * Stops reading, then scores every record of the input topic without Kafka, key by key in the
     * order of the topic, and compares.
     *
     * @param model the model of the instances
     * @param component their settings
     * @return what is wrong
     */
    Verdict verdict(MambaModel model, MambaByteConfig component)
            throws InterruptedException, IOException {
        // Whatever is still to come would be one too many.
        TimeUnit.SECONDS.sleep(2);
        stopConsuming = true;
        consuming.join();
        requireAlive();
        Scorer scorer = new Scorer(model, component.stateRounding());
        Map<String, RecurrentState> states = new HashMap<>();
        long records = 0;
        long missing = 0;
        long mismatched = 0;
        try (KafkaConsumer<byte[], byte[]> consumer =
                consumer(INPUT, new ByteArrayDeserializer())) {
            Map<TopicPartition, Long> ends = consumer.endOffsets(consumer.assignment());
            while (ends.entrySet().stream()
                    .anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                    records++;
                    RecordScore expected =
                            scorer.score(
                                    states.computeIfAbsent(
                                            new String(record.key(), StandardCharsets.UTF_8),
                                            _ -> model.newState()),
                                    record.value(),
                                    component.framing(),
                                    false);
                    Likelihood found = likelihoods.remove(number(record));
                    if (found == null) {
                        missing++;
                    } else if (!ScoreEquality.equal(found, expected)) {
                        mismatched++;
                    }
                }
            }
        }
        // A likelihood of no record would be a duplicate of one, or worse.
        return new Verdict(records, missing, duplicated.get() + likelihoods.size(), mismatched);
    }

    private static byte[] number(int n) {
        return ByteBuffer.allocate(Integer.BYTES).putInt(n).array();
    }

    private static int number(ConsumerRecord<?, ?> record) {
        Header header = record.headers().lastHeader(NUMBER);
        if (header == null) {
            throw new IllegalStateException("a record without its number: " + record);
        }
        return ByteBuffer.wrap(header.value()).getInt();
    }

    @Override
    public void close() {
        stopProducing = true;
        stopConsuming = true;
        producing.interrupt();
        try {
            producing.join();
            consuming.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
