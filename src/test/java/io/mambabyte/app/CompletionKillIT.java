package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.avro.Completion;
import io.mambabyte.avro.CompletionRequest;
import io.mambabyte.streams.registry.ConfluentAvroSerde;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serializer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;

/**
 * The application is killed with SIGKILL while it completes: whoever reads what was committed reads
 * what an undisturbed run would have sent, no chunk lost, doubled or different.
 */
class CompletionKillIT {
    private static final int PARTITIONS = 2;
    private static final int KEYS = 10;
    private static final int LINES = 40;
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final Duration POLL = Duration.ofMillis(100);

    @TempDir private Path folder;

    @Test
    void shouldCompleteTheSameWhenKilled() throws Exception {
        check(40, 12_000, 1, 5);
    }

    /** The long one: {@code mvn verify -Dexcluded.its= -Dit.test=CompletionKillIT}. */
    @Test
    @Tag("soak")
    void shouldCompleteTheSameWhenKilledTwentyTimes() throws Exception {
        check(200, 12_000, 20, 6);
    }

    private void check(int requests, int maxBytes, int kills, long seed) throws Exception {
        try (TestBroker broker = TestBroker.start();
                EmbeddedSchemaRegistry registry = EmbeddedSchemaRegistry.start()) {
            Side undisturbed = new Side("calm", broker.bootstrapServers(), registry.url());
            Side killed = new Side("killed", broker.bootstrapServers(), registry.url());
            Map<String, List<String>> expected = undisturbed.run(requests, maxBytes, new int[0]);
            int total = expected.values().stream().mapToInt(List::size).sum();
            Map<String, List<String>> actual =
                    killed.run(requests, maxBytes, moments(kills, total, new Random(seed)));
            assertEquals(requests, expected.size());
            assertEquals(expected.keySet(), actual.keySet());
            // Not the texts themselves: a failure would print them all.
            expected.forEach(
                    (id, chunks) ->
                            assertEquals(
                                    shapes(chunks),
                                    shapes(actual.getOrDefault(id, List.of())),
                                    id));
            assertTrue(expected.equals(actual), "the same chunks, of other bytes");
        }
    }

    /**
     * When to kill: after so many chunks, and not after some time, in which a fast machine would
     * have sent them all. What was sent since the last look is on top, so the last quarter is left.
     */
    private static int[] moments(int kills, int chunks, Random random) {
        return random.ints(kills, 1, chunks * 3 / 4).sorted().toArray();
    }

    /** Of each chunk all but its bytes, and a hash of it. */
    private static List<String> shapes(List<String> chunks) {
        return chunks.stream()
                .map(chunk -> chunk.replaceFirst(" [0-9a-f]* ", " ") + " " + chunk.hashCode())
                .toList();
    }

    /** An application with topics of its own. */
    private final class Side {
        private final String name;
        private final String bootstrap;
        private final String registryUrl;
        private final ChaosNode process;
        private final Path output;

        Side(String name, String bootstrap, String registryUrl) {
            this.name = name;
            this.bootstrap = bootstrap;
            this.registryUrl = registryUrl;
            output = folder.resolve(name + ".txt");
            List<String> command = new ArrayList<>();
            command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            command.addAll(
                    List.of(
                            "--add-modules=jdk.incubator.vector",
                            "-Xmx512m",
                            "-cp",
                            System.getProperty("java.class.path"),
                            Main.class.getName(),
                            "run",
                            "--bootstrap-server",
                            bootstrap,
                            "--schema-registry",
                            registryUrl,
                            "--model",
                            "logs-nano",
                            "--input",
                            topic("in"),
                            "--output",
                            topic("out")));
            Map.of(
                            "application.id", "completion-" + name,
                            "state.dir", folder.resolve(name + "-state").toString(),
                            "processing.guarantee", "exactly_once_v2",
                            // One that is killed is missed soon.
                            "session.timeout.ms", "6000",
                            "heartbeat.interval.ms", "1000",
                            "mambabyte.completion.requests.topic", topic("requests"),
                            "mambabyte.completion.topic", topic("completions"),
                            "mambabyte.state.rounding", "int8",
                            "mambabyte.state.rounding.bytes", "1024",
                            "mambabyte.checkpoint.bytes", "1024")
                    .forEach(
                            (setting, value) ->
                                    command.addAll(List.of("-D", setting + "=" + value)));
            process = new ChaosNode(name, command, output);
        }

        private String topic(String kind) {
            return name + "-" + kind;
        }

        /** A broker that the machine had no time for is fenced until it is heard of again. */
        private void create(Admin admin, NewTopic topic) throws Exception {
            long end = System.nanoTime() + PATIENCE.toNanos();
            while (true) {
                try {
                    admin.createTopics(List.of(topic)).all().get();
                    return;
                } catch (ExecutionException e) {
                    if (!(e.getCause() instanceof InvalidReplicationFactorException)
                            || System.nanoTime() - end > 0) {
                        throw e;
                    }
                    Thread.sleep(500);
                }
            }
        }

        Map<String, List<String>> run(int requests, int maxBytes, int[] kills) throws Exception {
            try (Admin admin = Admin.create(Map.of("bootstrap.servers", (Object) bootstrap))) {
                List<String> topics =
                        List.of("in", "out", "out-dead-letters", "requests", "completions").stream()
                                .map(this::topic)
                                .toList();
                for (String topic : topics) {
                    create(admin, new NewTopic(topic, PARTITIONS, (short) 1));
                }
                // A broker that is slow to hear of them would tell the application of none.
                while (!admin.listTopics().names().get().containsAll(topics)) {
                    Thread.sleep(100);
                }
            }
            try (KafkaProducer<byte[], byte[]> producer =
                    new KafkaProducer<>(
                            Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, (Object) bootstrap),
                            new ByteArraySerializer(),
                            new ByteArraySerializer())) {
                process.start();
                for (int i = 0; i < LINES; i++) {
                    producer.send(
                                    new ProducerRecord<>(
                                            topic("in"), key(i), line(new Random(i), 60)))
                            .get();
                }
                // Keys have seen the same when they are continued.
                try (Reader likelihoods = new Reader(topic("out"))) {
                    likelihoods.untilRecords(LINES);
                }
                ask(producer, requests, maxBytes);
            }
            try (Reader completions = new Reader(topic("completions"))) {
                for (int chunks : kills) {
                    completions.untilRecords(chunks);
                    assertTrue(
                            completions.ended.size() < requests,
                            "all had ended before the kill after " + chunks + " chunks");
                    process.kill();
                    process.start();
                }
                completions.untilEnded(requests);
                // What would come twice comes now.
                completions.read(Duration.ofSeconds(2));
                return completions.chunks;
            } finally {
                process.kill();
            }
        }

        private void ask(KafkaProducer<byte[], byte[]> producer, int requests, int maxBytes)
                throws Exception {
            try (Serializer<CompletionRequest> serializer =
                    ConfluentAvroSerde.ofValues(
                                    CompletionRequest.class,
                                    Map.of("schema.registry.url", registryUrl))
                            .serializer()) {
                for (int i = 0; i < requests; i++) {
                    CompletionRequest request =
                            CompletionRequest.newBuilder()
                                    .setId("request-" + i)
                                    .setPrompt(ByteBuffer.wrap(line(new Random(1000 + i), 20)))
                                    .setContinueKey(i % 2 == 0)
                                    .setMaxBytes(maxBytes / 2 + i * (maxBytes / 2) / requests)
                                    .setTemperature(i % 3 * 0.5)
                                    .setSeed(i)
                                    .setDraft(List.of("none", "history", "both").get(i % 3))
                                    .setStream(i % 5 > 0)
                                    .build();
                    String topic = topic("requests");
                    producer.send(
                                    new ProducerRecord<>(
                                            topic, key(i), serializer.serialize(topic, request)))
                            .get();
                }
            }
        }

        /** What was committed, in order. */
        private final class Reader implements AutoCloseable {
            private final KafkaConsumer<byte[], byte[]> consumer;
            private final ConfluentAvroSerde<Completion> serde =
                    ConfluentAvroSerde.ofValues(
                            Completion.class, Map.of("schema.registry.url", registryUrl));
            private final String topic;
            private int records;

            /** By request: all that tells one run's chunks from another's. */
            final Map<String, List<String>> chunks = new TreeMap<>();

            final Set<String> ended = new HashSet<>();

            Reader(String topic) {
                this.topic = topic;
                consumer =
                        new KafkaConsumer<>(
                                Map.of(
                                        ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                                        (Object) bootstrap,
                                        ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                                        "read_committed",
                                        ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
                                        "earliest"),
                                new ByteArrayDeserializer(),
                                new ByteArrayDeserializer());
                consumer.assign(
                        IntStream.range(0, PARTITIONS)
                                .mapToObj(partition -> new TopicPartition(topic, partition))
                                .toList());
            }

            void read(Duration time) {
                long end = System.nanoTime() + time.toNanos();
                do {
                    consumer.poll(POLL).forEach(this::take);
                } while (System.nanoTime() - end < 0);
            }

            private void take(ConsumerRecord<byte[], byte[]> record) {
                records++;
                if (topic.equals(topic("completions"))) {
                    Completion chunk = serde.deserializer().deserialize(topic, record.value());
                    byte[] bytes = new byte[chunk.getBytes().remaining()];
                    chunk.getBytes().duplicate().get(bytes);
                    chunks.computeIfAbsent(chunk.getId(), _ -> new ArrayList<>())
                            .add(
                                    "%s %d %s %s %s %s"
                                            .formatted(
                                                    new String(
                                                            record.key(), StandardCharsets.UTF_8),
                                                    chunk.getSequence(),
                                                    HexFormat.of().formatHex(bytes),
                                                    chunk.getLog2Likelihood(),
                                                    chunk.getFinishReason(),
                                                    chunk.getMessage()));
                    if (chunk.getFinishReason() != null) {
                        ended.add(chunk.getId());
                    }
                }
            }

            void untilRecords(int count) throws Exception {
                long deadline = System.nanoTime() + PATIENCE.toNanos();
                while (records < count) {
                    patient(deadline);
                    read(POLL);
                }
            }

            void untilEnded(int count) throws Exception {
                long deadline = System.nanoTime() + PATIENCE.toNanos();
                while (ended.size() < count) {
                    patient(deadline);
                    read(POLL);
                }
            }

            private void patient(long deadline) throws Exception {
                assertTrue(
                        System.nanoTime() - deadline < 0 && !process.exited(),
                        () -> topic + ": " + records + " records, " + said());
            }

            @Override
            public void close() {
                consumer.close();
            }
        }

        private String said() {
            try {
                return Files.readString(output);
            } catch (java.io.IOException e) {
                return e.toString();
            }
        }
    }

    private static byte[] key(int i) {
        return ("key-" + i % KEYS).getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] line(Random random, int length) {
        StringBuilder line = new StringBuilder();
        while (line.length() < length) {
            line.append(List.of("user ", "failed ", "disk ", "took ").get(random.nextInt(4)));
            line.append(random.nextInt(1000)).append(' ');
        }
        return line.toString().getBytes(StandardCharsets.UTF_8);
    }
}
