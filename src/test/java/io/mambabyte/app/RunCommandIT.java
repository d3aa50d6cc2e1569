package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;

import io.mambabyte.avro.Likelihood;
import io.mambabyte.streams.LikelihoodSerde;

import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** {@code mambabyte run} as a process of its own: start, work, signals, exit codes. */
class RunCommandIT {
    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final int SIGTERM_EXIT = 128 + 15;

    private static @Nullable TestBroker broker;
    private static @Nullable EmbeddedSchemaRegistry registry;

    @TempDir private Path folder;

    /** A process, and what it said. */
    private record Run(Process process, Path said) {
        int exitCode() throws InterruptedException {
            assertTrue(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS), "ends by itself");
            return process.exitValue();
        }

        String text() throws IOException {
            return Files.readString(said);
        }
    }

    @BeforeAll
    static void start() throws IOException {
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

    private static String bootstrap() {
        return broker == null ? "" : broker.bootstrapServers();
    }

    private static String registryUrl() {
        return registry == null ? "" : registry.url();
    }

    private Run run(String... arguments) throws IOException, URISyntaxException {
        URL model = RunCommandIT.class.getResource("/reference/odd");
        Path said = Files.createTempFile(folder, "run", ".txt");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(
                List.of(
                        // As the launcher does.
                        "--add-modules=jdk.incubator.vector",
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName(),
                        "run",
                        "--bootstrap-server",
                        bootstrap(),
                        "-D",
                        "schema.registry.url=" + registryUrl(),
                        "--model",
                        Path.of(Objects.requireNonNull(model).toURI()).toString(),
                        "-D",
                        "state.dir=" + folder.resolve("state")));
        command.addAll(List.of(arguments));
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(said.toFile())
                        .start();
        return new Run(process, said);
    }

    @Test
    void shouldScoreUntilItIsToldToStop() throws Exception {
        Run run =
                run(
                        "--input",
                        "run-in",
                        "--output",
                        "run-out",
                        "--create-topics",
                        "--partitions",
                        "1",
                        "-D",
                        "sasl.jaas.config=org.example.Login required password=\"hunter2\";");
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(
                        Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, (Object) bootstrap()),
                        new StringSerializer(),
                        new StringSerializer())) {
            // The topic is created by the command: metadata is awaited for max.block.ms, 60 s.
            for (int i = 0; i < 20; i++) {
                producer.send(new ProducerRecord<>("run-in", "key-" + i % 3, "line " + i)).get();
            }
        }
        LikelihoodSerde serde = new LikelihoodSerde();
        serde.configure(Map.of("schema.registry.url", registryUrl()), false);
        int received = 0;
        try (KafkaConsumer<byte[], Likelihood> consumer =
                new KafkaConsumer<>(
                        Map.of(
                                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                                (Object) bootstrap(),
                                ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
                                "earliest"),
                        new ByteArrayDeserializer(),
                        serde.deserializer())) {
            consumer.assign(List.of(new TopicPartition("run-out", 0)));
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            while (received < 20 && System.nanoTime() < deadline) {
                received += consumer.poll(Duration.ofMillis(200)).count();
            }
        }
        assertEquals(20, received, run::toString);
        run.process().destroy();
        assertEquals(SIGTERM_EXIT, run.exitCode());
        String said = run.text();
        assertTrue(said.contains("mambabyte: stopped"), said);
        assertTrue(said.contains("note: created run-in, run-out, run-out-dead-letters"), said);
        assertTrue(said.contains("sasl.jaas.config = [hidden]"), said);
        assertTrue(!said.contains("hunter2"), said);
    }

    @Test
    void shouldSayWhichTopicsAreMissing() throws Exception {
        Run run = run("--input", "nowhere", "--output", "none");
        assertEquals(2, run.exitCode());
        String expected =
                "mambabyte run: Missing on "
                        + bootstrap()
                        + ": nowhere, none, none-dead-letters. Create them, or let this command do"
                        + " it with --create-topics";
        assertTrue(run.text().contains(expected), run.text());
    }

    @Test
    void shouldRefuseAnUnknownSetting() throws Exception {
        Run run = run("--input", "nowhere", "-D", "mambabyte.contxt=key");
        assertEquals(2, run.exitCode());
        String expected = "Unknown setting mambabyte.contxt; did you mean mambabyte.context?";
        assertTrue(run.text().contains(expected), run.text());
    }

    /** Where all are started together, the registry is late by a little. */
    @Test
    void shouldWaitForARegistryThatComesLate() throws Exception {
        HttpServer late =
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        AtomicInteger asked = new AtomicInteger();
        late.createContext(
                "/",
                exchange -> {
                    // Not even up to the six requests of one attempt.
                    boolean up = asked.incrementAndGet() > 8;
                    byte[] body = (up ? "{\"id\":1}" : "{}").getBytes(StandardCharsets.UTF_8);
                    exchange.sendResponseHeaders(up ? 200 : 503, body.length);
                    exchange.getResponseBody().write(body);
                    exchange.close();
                });
        late.start();
        try {
            Run run =
                    run(
                            "--input",
                            "late-in",
                            "--output",
                            "late-out",
                            "--create-topics",
                            "--wait",
                            "60",
                            "--schema-registry",
                            "http://127.0.0.1:" + late.getAddress().getPort());
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            while (!run.text().contains("to RUNNING") && System.nanoTime() < deadline) {
                Thread.sleep(100);
            }
            run.process().destroy();
            assertEquals(SIGTERM_EXIT, run.exitCode(), run.text());
            assertTrue(run.text().contains("note: waiting: POST "), run.text());
        } finally {
            late.stop(0);
        }
    }

    /** For what collects logs: nothing but JSON, from the settings to the end. */
    @Test
    void shouldLogAsJson() throws Exception {
        Run run =
                run(
                        "--input",
                        "json-in",
                        "--output",
                        "json-out",
                        "--create-topics",
                        "--log-format",
                        "json");
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!run.text().contains("to RUNNING") && System.nanoTime() < deadline) {
            Thread.sleep(100);
        }
        run.process().destroy();
        assertEquals(SIGTERM_EXIT, run.exitCode(), run.text());
        List<String> messages = new ArrayList<>();
        for (String line : run.text().lines().toList()) {
            // The JVM's own, before there is a log.
            if (!line.startsWith("WARNING: Using incubator modules")) {
                JsonNode event = new ObjectMapper().readTree(line);
                assertTrue(event.hasNonNull("@timestamp"), line);
                assertTrue(event.hasNonNull("log.level"), line);
                messages.add(event.path("message").asText());
            }
        }
        assertTrue(messages.contains("mambabyte.input.topics = json-in"), messages::toString);
        assertTrue(messages.contains("mambabyte: stopped"), messages::toString);
    }
}
