package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
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
        assertEquals(List.of(), settings.validate());
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
                List.of("unknown setting bootsrap.servers; did you mean bootstrap.servers?"),
                kafkas.validate());
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
        assertEquals(List.of(), settings.validate());
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
