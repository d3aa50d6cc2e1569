package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.avro.Likelihood;
import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.Norm;
import io.mambabyte.model.RandomModels;
import io.mambabyte.model.StateCodec;
import io.mambabyte.score.Framing;
import io.mambabyte.streams.LikelihoodProcessorSupplier;
import io.mambabyte.streams.LikelihoodSerde;
import io.mambabyte.streams.LikelihoodTopology;
import io.mambabyte.streams.MambaByteConfig;
import io.mambabyte.streams.OfflineScores;
import io.mambabyte.streams.ScoringTotals;
import io.mambabyte.streams.StreamsModels;

import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.processor.StateRestoreListener;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;

/** The topology on a real broker: what only one can show. */
class LikelihoodTopologyIT {
    private static final int PARTITIONS = 3;
    private static final int MAX_MESSAGE_BYTES = 64 << 20;
    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final MambaModel MODEL = StreamsModels.random(1);

    private static @Nullable TestBroker broker;
    private static @Nullable EmbeddedSchemaRegistry registry;

    @TempDir private Path folder;
    private String input = "";
    private String output = "";
    private String deadLetters = "";

    /** One record of the input; a null value is a tombstone. */
    @SuppressWarnings("ArrayRecordComponent") // only ever passed on
    private record Raw(@Nullable String key, byte @Nullable [] value) {}

    @BeforeAll
    static void startBroker() throws IOException {
        broker = TestBroker.start();
        registry = EmbeddedSchemaRegistry.start();
    }

    @AfterAll
    static void stopBroker() {
        if (registry != null) {
            registry.close();
        }
        if (broker != null) {
            broker.close();
        }
    }

    @BeforeEach
    void createTopics(TestInfo test) throws Exception {
        // Topics of their own, so that tests do not see each other's records.
        String name = test.getTestMethod().orElseThrow().getName() + "-" + System.nanoTime();
        input = name + "-in";
        output = name + "-out";
        deadLetters = name + "-dead";
        // The records are of 1970, which a topic would not keep for long.
        Map<String, String> large =
                Map.of(
                        "max.message.bytes",
                        Integer.toString(MAX_MESSAGE_BYTES),
                        "retention.ms",
                        "-1");
        EmbeddedBroker.createTopics(
                bootstrap(),
                List.of(
                        new NewTopic(input, PARTITIONS, (short) 1).configs(large),
                        new NewTopic(output, PARTITIONS, (short) 1).configs(large),
                        new NewTopic(deadLetters, 1, (short) 1).configs(large)));
    }

    private static String bootstrap() {
        return broker == null ? "" : broker.bootstrapServers();
    }

    private static String registryUrl() {
        return registry == null ? "" : registry.url();
    }

    private RunSettings settings(String stateFolder, Map<String, String> over) {
        RunSettings settings = new RunSettings();
        settings.put("bootstrap.servers", bootstrap());
        settings.put("schema.registry.url", registryUrl());
        settings.put("application.id", output);
        settings.put("state.dir", folder.resolve(stateFolder).toString());
        settings.put("mambabyte.input.topics", input);
        settings.put("mambabyte.output.topic", output);
        settings.put("errors.dead.letter.queue.topic.name", deadLetters);
        // Sessions of the tests are short; so is what they wait for.
        settings.put("commit.interval.ms", "200");
        over.forEach(settings::put);
        settings.addDefaults();
        return settings;
    }

    /** A running topology, closed as the application closes it. */
    private static final class Running implements AutoCloseable {
        final KafkaStreams streams;
        final AtomicLong restored = new AtomicLong();

        Running(MambaModel model, RunSettings settings) {
            settings.validate();
            MambaByteConfig component = settings.component();
            settings.addSizes(
                    new LikelihoodProcessorSupplier<byte[]>(component, model, key -> key),
                    MAX_MESSAGE_BYTES);
            StreamsConfig streamsConfig = new StreamsConfig(settings.properties());
            streams =
                    new KafkaStreams(
                            LikelihoodTopology.build(
                                    component, streamsConfig, model, component.outputSerde()),
                            streamsConfig);
            streams.setGlobalStateRestoreListener(
                    new StateRestoreListener() {
                        @Override
                        public void onRestoreStart(
                                TopicPartition partition, String store, long from, long to) {}

                        @Override
                        public void onBatchRestored(
                                TopicPartition partition, String store, long end, long count) {
                            restored.addAndGet(count);
                        }

                        @Override
                        public void onRestoreEnd(
                                TopicPartition partition, String store, long total) {}
                    });
            streams.start();
        }

        @Override
        public void close() {
            assertTrue(
                    streams.close(
                            CloseOptions.timeout(PATIENCE)
                                    .withGroupMembershipOperation(
                                            CloseOptions.GroupMembershipOperation.LEAVE_GROUP)),
                    "closes in time");
        }
    }

    private void produceFrom(int first, List<Raw> records) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(
                        Map.of(
                                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                                (Object) bootstrap(),
                                // One request at a time: on a machine that is busy enough for
                                // requests to time out, large ones are retried out of order.
                                ProducerConfig.MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION,
                                1,
                                ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
                                MAX_MESSAGE_BYTES,
                                ProducerConfig.BUFFER_MEMORY_CONFIG,
                                2L * MAX_MESSAGE_BYTES),
                        new ByteArraySerializer(),
                        new ByteArraySerializer())) {
            List<Future<?>> sent = new ArrayList<>();
            for (int i = 0; i < records.size(); i++) {
                Raw raw = records.get(i);
                ProducerRecord<byte[], byte[]> record =
                        new ProducerRecord<>(
                                input,
                                null,
                                1_000_000L + first + i,
                                raw.key() == null ? null : bytes(raw.key()),
                                raw.value());
                record.headers().add("n", bytes(Integer.toString(first + i)));
                sent.add(producer.send(record));
            }
            producer.flush();
            for (Future<?> one : sent) {
                one.get();
            }
        }
    }

    private <T> List<ConsumerRecord<byte[], T>> consume(
            String topic, int partitions, Deserializer<T> deserializer, int count) {
        List<ConsumerRecord<byte[], T>> records = new ArrayList<>();
        try (KafkaConsumer<byte[], T> consumer =
                new KafkaConsumer<>(
                        Map.of(
                                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, (Object) bootstrap(),
                                ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest",
                                ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed"),
                        new ByteArrayDeserializer(),
                        deserializer)) {
            List<TopicPartition> assigned = new ArrayList<>();
            for (int partition = 0; partition < partitions; partition++) {
                assigned.add(new TopicPartition(topic, partition));
            }
            consumer.assign(assigned);
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            while (records.size() < count && System.nanoTime() < deadline) {
                consumer.poll(Duration.ofMillis(200)).forEach(records::add);
            }
            // More than expected would be as wrong as fewer.
            consumer.poll(Duration.ofMillis(500)).forEach(records::add);
        }
        assertEquals(count, records.size(), "records in " + topic);
        return records;
    }

    private List<ConsumerRecord<byte[], Likelihood>> likelihoods(int count) {
        LikelihoodSerde serde = new LikelihoodSerde();
        serde.configure(Map.of("schema.registry.url", registryUrl()), false);
        return consume(output, PARTITIONS, serde.deserializer(), count);
    }

    /** Each record's likelihood, found again by the header that numbers the records. */
    private void assertEqualsOffline(MambaModel model, List<Raw> records, OfflineScores offline) {
        Map<Integer, Likelihood> expected = new HashMap<>();
        for (int i = 0; i < records.size(); i++) {
            Raw raw = records.get(i);
            Likelihood likelihood = offline.scoreOrForget(raw.key(), raw.value());
            if (likelihood != null) {
                expected.put(i, likelihood);
            }
        }
        for (ConsumerRecord<byte[], Likelihood> actual : likelihoods(expected.size())) {
            int n = Integer.parseInt(header(actual, "n"));
            String key = records.get(n).key();
            assertArrayEquals(key == null ? null : bytes(key), actual.key());
            assertEquals(1_000_000L + n, actual.timestamp());
            assertEquals(expected.remove(n), actual.value(), () -> "record " + n);
        }
        assertTrue(expected.isEmpty(), () -> "without a likelihood: " + expected.keySet());
        assertEquals(64, model.fingerprint().length());
    }

    private static List<Raw> randomRecords(int count, int keys, long seed) {
        Random random = new Random(seed);
        List<Raw> records = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String key = random.nextInt(20) == 0 ? null : "key-" + random.nextInt(keys);
            byte[] value = new byte[random.nextInt(4) == 0 ? 0 : random.nextInt(150)];
            random.nextBytes(value);
            boolean tombstone = key != null && random.nextInt(30) == 0;
            records.add(new Raw(key, tombstone ? null : value));
        }
        return records;
    }

    @ParameterizedTest
    @CsvSource({
        "at_least_once, rocksDB, classic",
        "exactly_once_v2, in_memory, classic",
        "exactly_once_v2, rocksDB, streams",
    })
    void shouldScoreInterleavedKeysAsEachKeyAlone(String guarantee, String store, String protocol)
            throws Exception {
        // Tombstones, empty values and records without a key among them; two threads.
        List<Raw> records = randomRecords(400, 9, 42);
        produceFrom(0, records);
        Map<String, String> over =
                Map.of(
                        "processing.guarantee", guarantee,
                        "mambabyte.store", store,
                        "group.protocol", protocol,
                        "num.stream.threads", "2",
                        "mambabyte.per.byte", "true");
        try (Running running = new Running(MODEL, settings("state", over))) {
            assertEqualsOffline(MODEL, records, new OfflineScores(MODEL, Framing.LINES, true));
            assertEquals(0, running.restored.get());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"at_least_once", "exactly_once_v2"})
    void shouldContinueAfterARestartAndAfterTheLossOfItsDisk(String guarantee) throws Exception {
        List<Raw> all = randomRecords(300, 5, 43);
        Map<String, String> over = Map.of("processing.guarantee", guarantee);
        int sent = 0;
        // The same folder again, then an empty one: the states come from the changelog.
        String[] stateFolders = {"state", "state", "lost"};
        for (String stateFolder : stateFolders) {
            List<Raw> part = all.subList(sent, sent + 100);
            try (Running running = new Running(MODEL, settings(stateFolder, over))) {
                produceFrom(sent, part);
                sent += part.size();
                List<Raw> soFar = all.subList(0, sent);
                likelihoods((int) soFar.stream().filter(raw -> raw.value() != null).count());
                if (stateFolder.equals("lost")) {
                    assertTrue(running.restored.get() > 0, "restored from the changelog");
                }
            }
        }
        assertEqualsOffline(MODEL, all, new OfflineScores(MODEL, Framing.LINES, false));
    }

    @Test
    void shouldScoreValuesOfAMegabyteAndEveryByteValue() throws Exception {
        byte[] large = new byte[1_000_000];
        new Random(44).nextBytes(large);
        byte[] all = new byte[256];
        for (int i = 0; i < all.length; i++) {
            all[i] = (byte) i;
        }
        List<Raw> records =
                List.of(
                        new Raw("k", all),
                        new Raw("k", large),
                        new Raw("k", new byte[0]),
                        new Raw("k", all));
        produceFrom(0, records);
        // With the surprisal of every byte the likelihood has four times the size of the value.
        try (Running running =
                new Running(MODEL, settings("state", Map.of("mambabyte.per.byte", "true")))) {
            assertEqualsOffline(MODEL, records, new OfflineScores(MODEL, Framing.LINES, true));
            assertTrue(running.streams.state().isRunningOrRebalancing());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"at_least_once", "exactly_once_v2"})
    void shouldSetARecordThatFailsAsideAndGoOn(String guarantee) throws Exception {
        // Larger than a producer's default limit, which the dead letter's must not be.
        byte[] oversized = new byte[2_000_000];
        List<Raw> records =
                List.of(
                        new Raw("k", bytes("before")),
                        new Raw("k", oversized),
                        new Raw("k", bytes("after")));
        produceFrom(0, records);
        Map<String, String> over = Map.of("processing.guarantee", guarantee);
        try (Running running = new Running(MODEL, settings("state", over))) {
            ConsumerRecord<byte[], byte[]> dead =
                    consume(deadLetters, 1, new ByteArrayDeserializer(), 1).getFirst();
            assertArrayEquals(bytes("k"), dead.key());
            assertArrayEquals(oversized, dead.value());
            assertEquals("1", header(dead, "n"));
            assertEquals(
                    "org.apache.kafka.common.errors.RecordTooLargeException",
                    header(dead, "__streams.errors.exception"));
            assertEquals(
                    "the value has 2000000 bytes; mambabyte.max.record.bytes is 1048576",
                    header(dead, "__streams.errors.message"));
            assertEquals(input, header(dead, "__streams.errors.topic"));
            assertEquals(
                    Integer.toString(partitionOf("k")), header(dead, "__streams.errors.partition"));
            assertEquals("1", header(dead, "__streams.errors.offset"));

            // The key goes on as if the record had not been there.
            OfflineScores offline = new OfflineScores(MODEL, Framing.LINES, false);
            Map<String, Likelihood> expected =
                    Map.of(
                            "0", offline.score("k", bytes("before")),
                            "2", offline.score("k", bytes("after")));
            for (var actual : likelihoods(2)) {
                assertEquals(expected.get(header(actual, "n")), actual.value());
            }
            assertTrue(running.streams.state().isRunningOrRebalancing());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"at_least_once", "exactly_once_v2"})
    void shouldNotBeHeldUpByAValueOfFiftyMegabytes(String guarantee) throws Exception {
        // Larger than a producer's default buffer too.
        byte[] huge = new byte[50_000_000];
        new Random(45).nextBytes(huge);
        List<Raw> records = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            records.add(new Raw("key-" + i % 6, bytes("line " + i)));
        }
        int number = 20;
        records.set(number, new Raw("key-2", huge));
        produceFrom(0, records);
        Map<String, String> over = Map.of("processing.guarantee", guarantee);
        try (Running running = new Running(MODEL, settings("state", over))) {
            ConsumerRecord<byte[], byte[]> dead =
                    consume(deadLetters, 1, new ByteArrayDeserializer(), 1).getFirst();
            assertArrayEquals(huge, dead.value());
            assertEquals(
                    "the value has 50000000 bytes; mambabyte.max.record.bytes is 1048576",
                    header(dead, "__streams.errors.message"));
            // All others have their likelihoods, its key's and its partition's among them.
            OfflineScores offline = new OfflineScores(MODEL, Framing.LINES, false);
            Map<String, Likelihood> expected = new HashMap<>();
            for (int i = 0; i < records.size(); i++) {
                Raw raw = records.get(i);
                if (i != number && raw.key() != null && raw.value() != null) {
                    expected.put(Integer.toString(i), offline.score(raw.key(), raw.value()));
                }
            }
            for (var actual : likelihoods(expected.size())) {
                assertEquals(expected.get(header(actual, "n")), actual.value());
            }
            // None was processed twice, which is how a record that takes too long shows.
            assertEquals(expected.size(), ScoringTotals.of(running.streams.metrics()).records());
        }
    }

    @Test
    void shouldLogStatesThatAreLargerThanKafkasDefaultLimits() throws Exception {
        MambaConfig wide = new MambaConfig(16, 2, 8192, 16, 4, 1, Norm.RMS, 1e-5f);
        MambaModel model = MambaModel.of(wide, RandomModels.weights(wide, 3));
        assertTrue(new StateCodec(model).size() > 1_100_000, "larger than a record by default");
        List<Raw> all = List.of(new Raw("k", bytes("one")), new Raw("k", bytes("two")));
        for (int i = 0; i < 2; i++) {
            try (Running running = new Running(model, settings("state-" + i, Map.of()))) {
                produceFrom(i, all.subList(i, i + 1));
                likelihoods(i + 1);
                assertTrue(running.streams.state().isRunningOrRebalancing());
            }
        }
        assertEqualsOffline(model, all, new OfflineScores(model, Framing.LINES, false));
    }

    private static int partitionOf(String key) {
        return BuiltInPartitioner.partitionForKey(bytes(key), PARTITIONS);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String header(ConsumerRecord<?, ?> record, String name) {
        Header header = record.headers().lastHeader(name);
        assertNotNull(header, () -> "no header " + name + " among " + record.headers());
        return new String(header.value(), StandardCharsets.UTF_8);
    }
}
