package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.streams.LikelihoodProcessorSupplier;
import io.mambabyte.streams.StreamsModels;

import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;

class RunSettingsTest {
    private static RunSettings valid() {
        RunSettings settings = new RunSettings();
        settings.put("bootstrap.servers", "localhost:9092");
        settings.put("schema.registry.url", "http://localhost:8081");
        settings.put("mambabyte.input.topics", "logs");
        settings.addDefaults();
        return settings;
    }

    private static String refusal(RunSettings settings) {
        return String.valueOf(assertThrows(ConfigException.class, settings::validate).getMessage());
    }

    @Test
    void shouldTakeAFileAndWhatStandsOverIt(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("run.properties");
        Files.writeString(file, "bootstrap.servers = a:1\nnum.stream.threads=2 \n");
        RunSettings settings = new RunSettings();
        settings.addFile(file);
        settings.put("bootstrap.servers", "b:2");
        assertEquals(Optional.of("b:2"), settings.get("bootstrap.servers"));
        assertEquals(Optional.of("2"), settings.get("num.stream.threads"));
    }

    @Test
    void shouldAcceptKafkasOwnNames() {
        RunSettings settings = valid();
        settings.put("security.protocol", "SASL_SSL");
        settings.put("producer.compression.type", "lz4");
        settings.put("main.consumer.fetch.max.bytes", "1000000");
        settings.put("topic.segment.bytes", "67108864");
        settings.validate();
    }

    @Test
    void shouldSuggestTheNearestNameForAnUnknownOne() {
        RunSettings own = valid();
        own.put("mambabyte.modle", "x");
        assertEquals(
                "Unknown setting mambabyte.modle; did you mean mambabyte.model?", refusal(own));
        RunSettings kafkas = valid();
        kafkas.put("bootsrap.servers", "x");
        assertEquals(
                "Unknown setting bootsrap.servers; did you mean bootstrap.servers?"
                        + " (--allow-unknown passes it on, for a plug-in)",
                refusal(kafkas));
        assertEquals(
                List.of("unknown setting bootsrap.servers; did you mean bootstrap.servers?"),
                kafkas.validate(true));
        RunSettings prefixed = valid();
        prefixed.put("consumer.fetch.max.byte", "1");
        assertEquals(
                "Unknown setting consumer.fetch.max.byte; did you mean fetch.max.bytes?"
                        + " (--allow-unknown passes it on, for a plug-in)",
                refusal(prefixed));
        // Nothing of Kafka's is like it: an interceptor's, say.
        RunSettings plugIn = valid();
        plugIn.put("consumer.org.example.interceptor.colour", "1");
        plugIn.validate();
    }

    @Test
    void shouldRefuseAnUnknownVariableByItsOwnName() {
        RunSettings settings = valid();
        settings.addEnvironment(Map.of("MAMBABYTE_INPUT_TOPIC", "logs"));
        assertEquals(
                "Unknown setting mambabyte.input.topic (MAMBABYTE_INPUT_TOPIC in the environment);"
                        + " did you mean mambabyte.input.topics?",
                refusal(settings));
    }

    @Test
    void shouldTakeSettingsFromTheEnvironment() {
        assertEquals(
                Map.of(
                        "mambabyte.input.topics", "a,b",
                        "bootstrap.servers", "h:1",
                        "producer.max.request.size", "7",
                        "some_thing-else.x", "y"),
                EnvironmentSettings.of(
                        Map.of(
                                "MAMBABYTE_INPUT_TOPICS", "a,b",
                                "KAFKA_BOOTSTRAP_SERVERS", "h:1",
                                "KAFKA_PRODUCER_MAX_REQUEST_SIZE", "7",
                                "KAFKA_SOME__THING___ELSE_X", "y",
                                "HOME", "/root")));
        assertEquals(
                "KAFKA_SOME__THING___ELSE_X", EnvironmentSettings.variable("some_thing-else.x"));
        assertEquals(
                "MAMBABYTE_INPUT_TOPICS", EnvironmentSettings.variable("mambabyte.input.topics"));
    }

    @ParameterizedTest
    @CsvSource({
        // A producer refuses a record that its whole buffer does not hold; by default 32 MiB.
        "1000000,",
        "60000000, 120131072",
    })
    void shouldMakeRoomForTheLargestDeadLetter(long inputMaxBytes, @Nullable String buffer) {
        RunSettings settings = valid();
        settings.addSizes(
                new LikelihoodProcessorSupplier<byte[]>(
                        settings.component(), StreamsModels.random(1), key -> key),
                inputMaxBytes);
        assertEquals(Optional.ofNullable(buffer), settings.get("producer.buffer.memory"));
        assertTrue(
                Long.parseLong(settings.get("producer.max.request.size").orElseThrow())
                        > inputMaxBytes);
    }

    /**
     * Variables that Kubernetes makes for services called kafka and mambabyte, and the scripts'.
     */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "KAFKA_PORT",
                "KAFKA_PORT_9092_TCP",
                "KAFKA_PORT_9092_TCP_ADDR",
                "KAFKA_SERVICE_HOST",
                "KAFKA_SERVICE_PORT",
                "KAFKA_SERVICE_PORT_CLIENTS",
                "KAFKA_UI_SERVICE_HOST",
                "MAMBABYTE_PORT",
                "MAMBABYTE_SERVICE_HOST",
                "KAFKA_OPTS",
                "KAFKA_HEAP_OPTS",
                "KAFKA_LOG4J_LOGGERS",
                "KAFKA_TOOLS_LOG4J_LOGLEVEL",
                "MAMBABYTE_JAVA_OPTS"
            })
    void shouldLeaveVariablesAloneThatAreNotSettings(String variable) {
        assertEquals(Map.of(), EnvironmentSettings.of(Map.of(variable, "x")));
    }

    /** The later goes before the earlier, and what is printed can be read again. */
    @Test
    void shouldPrintWhereEachSettingIsFrom(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("run.properties");
        Files.writeString(
                file, "client.id = file\nsend.buffer.bytes = 1\nmetadata.max.age.ms = 1\n");
        RunSettings settings = new RunSettings();
        settings.addFile(file);
        settings.addEnvironment(
                Map.of("KAFKA_CLIENT_ID", "environment", "KAFKA_SEND_BUFFER_BYTES", "2"));
        settings.put("client.id", "option");
        settings.addDefaults();
        List<String> printed = settings.printable();
        assertEquals("# from defaults of run", printed.getFirst());
        assertEquals(
                List.of(
                        "# from the file",
                        "metadata.max.age.ms = 1",
                        "# from the environment",
                        "send.buffer.bytes = 2",
                        "# from the command line",
                        "client.id = option"),
                printed.subList(printed.indexOf("# from the file"), printed.size()));
    }

    @Test
    void shouldSayWhatIsMissing() {
        RunSettings settings = new RunSettings();
        settings.addDefaults();
        assertEquals("No input topic: set mambabyte.input.topics or --input", refusal(settings));
        settings.put("mambabyte.input.topics", "logs");
        assertEquals("No cluster: set bootstrap.servers or --bootstrap-server", refusal(settings));
        settings.put("bootstrap.servers", "a:1");
        assertEquals(
                "No Schema Registry: set schema.registry.url or --schema-registry",
                refusal(settings));
        settings.put("schema.registry.url", "http://a:2");
        settings.validate();
        settings.put("mambabyte.output.topic", "logs");
        assertEquals("logs is both an input topic and the output topic", refusal(settings));
    }

    @Test
    void shouldNotPrintSecrets() {
        RunSettings settings = valid();
        settings.put(
                "sasl.jaas.config",
                "org.apache.kafka.common.security.plain.PlainLoginModule required"
                        + " username=\"u\" password=\"hunter2\";");
        settings.put("producer.ssl.key.password", "hunter2");
        settings.put("basic.auth.user.info", "u:hunter2");
        settings.put("bearer.auth.token", "hunter2");
        settings.put("ssl.keystore.key", "hunter2");
        settings.put("schema.registry.url", "http://u:hunter2@a:1,http://b:2");
        String printed = String.join("\n", settings.printable());
        assertFalse(printed.contains("hunter2"), printed);
        assertTrue(printed.contains("bearer.auth.token = [hidden]"), printed);
        assertTrue(printed.contains("bootstrap.servers = localhost:9092"), printed);
        assertTrue(printed.contains("url = http://[hidden]@a:1,http://b:2"), printed);
    }

    @Test
    void shouldFindTheNearestNameOnlyWhereItIsNear() {
        Set<String> known = Set.of("alpha", "beta");
        assertEquals(Optional.of("alpha"), NearestName.of("alhpa", known));
        assertEquals(Optional.empty(), NearestName.of("zzzzzzzz", known));
        assertEquals(Optional.empty(), NearestName.of("x", Set.of()));
    }

    @Test
    void shouldReplaceThreadsUpToARate() {
        AtomicReference<Instant> now = new AtomicReference<>(Instant.EPOCH);
        ReplaceThreadHandler handler =
                new ReplaceThreadHandler(2, Duration.ofMinutes(1), () -> now.get());
        RuntimeException failure = new RuntimeException("seen in the log of this test");
        assertEquals(StreamThreadExceptionResponse.REPLACE_THREAD, handler.handle(failure));
        assertEquals(StreamThreadExceptionResponse.REPLACE_THREAD, handler.handle(failure));
        assertEquals(StreamThreadExceptionResponse.SHUTDOWN_CLIENT, handler.handle(failure));
        now.set(Instant.EPOCH.plusSeconds(61));
        assertEquals(StreamThreadExceptionResponse.REPLACE_THREAD, handler.handle(failure));
        assertEquals(
                StreamThreadExceptionResponse.SHUTDOWN_CLIENT,
                handler.handle(new RuntimeException(new OutOfMemoryError())));
    }
}
