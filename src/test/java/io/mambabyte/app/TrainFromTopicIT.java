package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

class TrainFromTopicIT {
    private static final int PARTITIONS = 3;
    private static final int RECORDS = 1000;

    @TempDir private Path folder;

    @Test
    void shouldTrainOnWhatIsInATopic() throws Exception {
        byte[] line = "INFO a request took 12 ms".getBytes(StandardCharsets.UTF_8);
        try (TestBroker broker = TestBroker.start()) {
            String servers = broker.bootstrapServers();
            EmbeddedBroker.createTopics(
                    servers, List.of(new NewTopic("logs", PARTITIONS, (short) 1)));
            try (KafkaProducer<byte[], byte[]> producer =
                    new KafkaProducer<>(
                            Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, servers),
                            new ByteArraySerializer(),
                            new ByteArraySerializer())) {
                for (int i = 0; i < RECORDS; i++) {
                    var _ = producer.send(new ProducerRecord<>("logs", i % PARTITIONS, null, line));
                }
            }
            FakeTerminal terminal = new FakeTerminal();
            int code =
                    terminal.run(
                            TrainCommand::new,
                            "--bootstrap-server",
                            servers,
                            "--topic",
                            "logs",
                            "--shape",
                            "16,1,4",
                            "--train-bytes",
                            "8192",
                            "--out",
                            folder.resolve("model").toString(),
                            "--format",
                            "json");
            assertEquals(0, code, terminal.errors);
            JsonNode result = new ObjectMapper().readTree(terminal.lines().getLast());
            assertTrue(result.get("bytes_seen").intValue() >= 8192);
        }
        JsonNode card = new ObjectMapper().readTree(folder.resolve("model/card.json").toFile());
        assertEquals(PARTITIONS, card.get("texts").intValue());
        assertEquals(
                RECORDS * (line.length + 1),
                card.get("training_bytes").intValue() + card.get("heldout_bytes").intValue());
    }
}
