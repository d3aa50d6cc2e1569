package com.example.peer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.app.EmbeddedSchemaRegistry;
import io.mambabyte.avro.Completion;
import io.mambabyte.avro.CompletionRequest;
import io.mambabyte.avro.Likelihood;
import io.mambabyte.streams.LikelihoodTopology;
import io.mambabyte.streams.MambaByteConfig;
import io.mambabyte.streams.registry.ConfluentAvroSerde;

import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TopologyTestDriver;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * The component with Confluent's serializer and deserializer in place of its own, by configuration:
 * likelihoods, requests and completions; what the one writes the other reads, and the bytes are the
 * same.
 */
class ConfluentSerdeTest {
    private static final byte[] KEY = "k".getBytes(StandardCharsets.UTF_8);

    private EmbeddedSchemaRegistry registry;
    private Map<String, Object> settings;

    @BeforeEach
    void start() throws IOException {
        String url = System.getProperty("schema.registry.url");
        if (url == null) {
            registry = EmbeddedSchemaRegistry.start();
            url = registry.url();
        }
        // Topics of its own, for a registry that is there already.
        String run = "-" + System.nanoTime();
        settings = new HashMap<>();
        settings.put("schema.registry.url", url);
        settings.put("application.id", "confluent-serde");
        settings.put("bootstrap.servers", "unused:1");
        settings.put("mambabyte.model", "logs-nano");
        settings.put("mambabyte.store", "in_memory");
        settings.put("mambabyte.input.topics", "logs");
        settings.put("mambabyte.output.topic", "likelihoods" + run);
        settings.put("mambabyte.completion.requests.topic", "requests" + run);
        settings.put("mambabyte.completion.topic", "completions" + run);
    }

    @AfterEach
    void stop() {
        if (registry != null) {
            registry.close();
        }
    }

    private <T extends org.apache.avro.specific.SpecificRecord> Serde<T> own(Class<T> type) {
        return ConfluentAvroSerde.ofValues(type, settings);
    }

    private record Out(byte[] likelihood, byte[] completion) {}

    private Out run(Map<String, String> more) {
        Map<String, Object> all = new HashMap<>(settings);
        all.putAll(more);
        MambaByteConfig config = new MambaByteConfig(all);
        Properties properties = new Properties();
        properties.putAll(all);
        try (TopologyTestDriver driver =
                new TopologyTestDriver(
                        LikelihoodTopology.build(
                                config,
                                new StreamsConfig(all),
                                config.loadModel(),
                                config.outputSerde()),
                        properties)) {
            driver.createInputTopic("logs", new ByteArraySerializer(), new ByteArraySerializer())
                    .pipeInput(KEY, "INFO started".getBytes(StandardCharsets.UTF_8), 1);
            driver.createInputTopic(
                            config.completions().requestsTopic(),
                            new ByteArraySerializer(),
                            own(CompletionRequest.class).serializer())
                    .pipeInput(
                            KEY,
                            CompletionRequest.newBuilder()
                                    .setId("r-1")
                                    .setPrompt(ByteBuffer.wrap("ERROR ".getBytes(StandardCharsets.UTF_8)))
                                    .setMaxBytes(8)
                                    .setDraft("none")
                                    .build(),
                            2);
            var completions =
                    driver.createOutputTopic(
                            config.completions().topic(),
                            new ByteArrayDeserializer(),
                            new ByteArrayDeserializer());
            for (int i = 0; i < 1000 && completions.isEmpty(); i++) {
                driver.advanceWallClockTime(Duration.ofMillis(100));
            }
            var likelihoods =
                    driver.createOutputTopic(
                            config.outputTopic(),
                            new ByteArrayDeserializer(),
                            new ByteArrayDeserializer());
            return new Out(likelihoods.readValue(), completions.readValue());
        }
    }

    @Test
    void shouldWriteAndReadByConfluentsSerializer() {
        Out own = run(Map.of());
        Out confluents = run(Map.of("mambabyte.avro.serde", ConfluentSerde.class.getName()));
        assertArrayEquals(own.likelihood(), confluents.likelihood());
        assertArrayEquals(own.completion(), confluents.completion());

        Likelihood likelihood =
                own(Likelihood.class)
                        .deserializer()
                        .deserialize(settings.get("mambabyte.output.topic").toString(), confluents.likelihood());
        assertEquals(13, likelihood.getBytes());
        Completion completion =
                own(Completion.class)
                        .deserializer()
                        .deserialize(settings.get("mambabyte.completion.topic").toString(), confluents.completion());
        assertEquals("r-1", completion.getId());
        assertEquals(8, completion.getBytes().remaining());
    }

    @Test
    void shouldNeedNoRegistryOfItsOwnWithASerdeOfTheUsers() {
        settings.put("mambabyte.avro.serde", ConfluentSerde.class.getName());
        assertFalse(new MambaByteConfig(settings).usesOwnSerde());
        settings.remove("mambabyte.avro.serde");
        assertTrue(new MambaByteConfig(settings).usesOwnSerde());
        // For likelihoods alone it is not enough where requests are read.
        settings.put("mambabyte.output.serde", ConfluentSerde.class.getName());
        assertTrue(new MambaByteConfig(settings).usesOwnSerde());
        assertInstanceOf(ConfluentSerde.class, new MambaByteConfig(settings).outputSerde());
    }

    @Test
    void shouldBeReadByConfluentsDeserializer() {
        Out own = run(Map.of());
        try (ConfluentSerde serde = new ConfluentSerde()) {
            serde.configure(settings, false);
            Object read = serde.deserializer().deserialize(settings.get("mambabyte.output.topic").toString(), own.likelihood());
            assertEquals(13, assertInstanceOf(Likelihood.class, read).getBytes());
            Object completion =
                    serde.deserializer().deserialize(settings.get("mambabyte.completion.topic").toString(), own.completion());
            assertEquals(List.of("r-1", 8), List.of(assertInstanceOf(Completion.class, completion).getId(), ((Completion) completion).getBytes().remaining()));
        }
    }
}
