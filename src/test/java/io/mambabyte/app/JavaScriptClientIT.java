package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.mambabyte.avro.CompletionRequest;
import io.mambabyte.avro.Likelihood;
import io.mambabyte.score.Framing;
import io.mambabyte.streams.OfflineScores;
import io.mambabyte.streams.StreamsModels;
import io.mambabyte.streams.registry.ConfluentAvroSerde;

import org.apache.avro.Schema;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * {@code examples/javascript}: clients that share no code with ours, KafkaJS and its registry
 * client from npm, on the other side of a real broker. Skipped, and it says so, where there is no
 * Node.js or npm cannot reach its registry.
 */
class JavaScriptClientIT {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir private static Path scripts;
    private static @Nullable TestBroker broker;
    private static @Nullable EmbeddedSchemaRegistry registry;

    @BeforeAll
    static void start() throws Exception {
        for (String name :
                List.of(
                        "package.json",
                        "package-lock.json",
                        "read-likelihoods.mjs",
                        "request-completion.mjs")) {
            Files.copy(Path.of("examples", "javascript", name), scripts.resolve(name));
        }
        assumeTrue(runs("node", "--version"), "no Node.js on the PATH");
        assumeTrue(
                runs("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"),
                "npm could not install KafkaJS");
        broker = TestBroker.start();
        registry = EmbeddedSchemaRegistry.start();
    }

    @AfterAll
    static void stop() {
        if (registry != null) {
            registry.close();
        }
        if (broker != null) {
            broker.close();
        }
    }

    private static boolean runs(String... command) throws InterruptedException {
        try {
            Process process = start(scripts.resolve("install.txt"), command);
            return process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)
                    && process.exitValue() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private static Process start(Path said, String... command) throws IOException {
        return new ProcessBuilder(command)
                .directory(scripts.toFile())
                .redirectError(said.resolveSibling(said.getFileName() + ".errors").toFile())
                .redirectOutput(said.toFile())
                .start();
    }

    private static String node(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("node"));
        command.addAll(List.of(arguments));
        Path said = Files.createTempFile(scripts, "said", ".txt");
        Process process = start(said, command.toArray(String[]::new));
        boolean ended = process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        process.destroyForcibly();
        assertTrue(ended, () -> "ends by itself: " + command);
        // On standard error KafkaJS also says what it tries again.
        Path errors = said.resolveSibling(said.getFileName() + ".errors");
        assertEquals(0, process.exitValue(), Files.readString(errors));
        return Files.readString(said);
    }

    private static String bootstrap() {
        return broker == null ? "" : broker.bootstrapServers();
    }

    private static String registryUrl() {
        return registry == null ? "" : registry.url();
    }

    private static Map<String, String> registryConfig() {
        return Map.of("schema.registry.url", registryUrl());
    }

    private static String topic(String name) throws Exception {
        String topic = name + "-" + System.nanoTime();
        EmbeddedBroker.createTopics(bootstrap(), List.of(new NewTopic(topic, 1, (short) 1)));
        return topic;
    }

    @Test
    void shouldBeReadFromJavaScript() throws Exception {
        String topic = topic("likelihoods");
        OfflineScores offline = new OfflineScores(StreamsModels.random(1), Framing.LINES, true);
        List<Likelihood> sent = new ArrayList<>();
        try (KafkaProducer<String, Likelihood> producer =
                new KafkaProducer<>(
                        Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, (Object) bootstrap()),
                        new StringSerializer(),
                        ConfluentAvroSerde.ofValues(Likelihood.class, registryConfig())
                                .serializer())) {
            for (String line : List.of("one", "", "\u00e4\u4e2d", "one")) {
                Likelihood likelihood = offline.score("k", line.getBytes(StandardCharsets.UTF_8));
                sent.add(likelihood);
                producer.send(new ProducerRecord<>(topic, "k", likelihood)).get();
            }
        }
        List<String> lines =
                node("read-likelihoods.mjs", bootstrap(), registryUrl(), topic, "4")
                        .lines()
                        .toList();
        assertEquals(4, lines.size(), lines::toString);
        for (int i = 0; i < 4; i++) {
            JsonNode read = JSON.readTree(lines.get(i));
            assertEquals("k", read.get("key").asText());
            for (Schema.Field field : Likelihood.getClassSchema().getFields()) {
                Object written = sent.get(i).get(field.pos());
                JsonNode found = read.get(field.name());
                if (written instanceof List<?> floats) {
                    assertEquals(floats, floats(found), field.name());
                } else {
                    assertEquals(JSON.valueToTree(written).toString(), found.toString());
                }
            }
        }
    }

    // JavaScript has doubles only, and its JSON null for NaN: there was no prediction.
    private static List<Float> floats(JsonNode array) {
        List<Float> floats = new ArrayList<>();
        array.forEach(number -> floats.add(number.isNull() ? Float.NaN : number.floatValue()));
        return floats;
    }

    @Test
    void shouldReadWhatJavaScriptWrote() throws Exception {
        String topic = topic("requests");
        ConfluentAvroSerde<CompletionRequest> serde =
                ConfluentAvroSerde.ofValues(CompletionRequest.class, registryConfig());
        serde.register(topic);
        node("request-completion.mjs", bootstrap(), registryUrl(), topic, "k", "ERROR \u00e4");
        try (KafkaConsumer<String, CompletionRequest> consumer =
                new KafkaConsumer<>(
                        Map.of(
                                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                                (Object) bootstrap(),
                                ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
                                "earliest"),
                        new StringDeserializer(),
                        serde.deserializer())) {
            consumer.assign(List.of(new TopicPartition(topic, 0)));
            List<ConsumerRecord<String, CompletionRequest>> records = new ArrayList<>();
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            while (records.isEmpty() && System.nanoTime() < deadline) {
                consumer.poll(Duration.ofMillis(200)).forEach(records::add);
            }
            CompletionRequest request = records.getFirst().value();
            assertEquals("k", records.getFirst().key());
            assertEquals(
                    "ERROR \u00e4", StandardCharsets.UTF_8.decode(request.getPrompt()).toString());
            assertEquals(64, request.getMaxBytes());
            assertEquals(1, request.getStop().size());
            assertTrue(request.getUtf8Only());
        }
    }
}
