package com.example.logs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.avro.Likelihood;
import io.mambabyte.streams.MambaByteConfig;

import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/** No broker, no registry: TopologyTestDriver and a registry inside the JVM. */
class LogsTopologyTest {
    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void shouldScoreEachLineAndFindTheOddOne() throws Exception {
        Map<String, String> settings = Map.of("schema.registry.url", "mock://example");
        Properties streams = new Properties();
        streams.put("application.id", "example");
        streams.put("bootstrap.servers", "none:1");
        streams.put("state.dir", Files.createTempDirectory("example").toString());
        try (TopologyTestDriver driver =
                new TopologyTestDriver(LogsTopology.build(settings), streams)) {
            TestInputTopic<byte[], byte[]> logs =
                    driver.createInputTopic(
                            "logs", new ByteArraySerializer(), new ByteArraySerializer());
            for (int i = 10; i < 60; i++) {
                logs.pipeInput(bytes("host-1"), bytes("12:00:" + i + " INFO request 200 OK"));
            }
            logs.pipeInput(bytes("host-1"), bytes("12:01:00 ERROR checksum mismatch"));

            TestOutputTopic<byte[], Likelihood> likelihoods =
                    driver.createOutputTopic(
                            "likelihoods",
                            new ByteArrayDeserializer(),
                            new MambaByteConfig(settings).outputSerde().deserializer());
            List<Likelihood> scored = likelihoods.readValuesToList();
            assertEquals(51, scored.size());
            double usual = scored.get(49).getBits();
            double odd = scored.get(50).getBits();
            assertTrue(odd > usual, odd + " bits against " + usual);
            assertEquals(
                    1,
                    driver.createOutputTopic(
                                    "errors",
                                    new ByteArrayDeserializer(),
                                    new ByteArrayDeserializer())
                            .getQueueSize());
        }
    }
}
