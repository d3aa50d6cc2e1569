package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.mambabyte.train.Corpus;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;

class TopicBytesTest {
    private final MockConsumer<byte[], byte[]> consumer = new MockConsumer<>("none");

    @Test
    void shouldReadWhatIsThereATextAPartition() throws Exception {
        topic();
        consumer.schedulePollTask(
                () -> {
                    record(0, 0, "a");
                    record(1, 0, "b");
                    record(0, 1, null);
                    record(0, 2, "c");
                });
        List<Corpus.Text> texts =
                new TopicBytes(() -> consumer)
                        .read("logs", TopicBytes.From.EARLIEST, 1000, Duration.ofMinutes(1));
        assertEquals(List.of("logs-0", "logs-1"), texts.stream().map(Corpus.Text::name).toList());
        assertArrayEquals(bytes("a\nc\n"), texts.get(0).content());
        assertArrayEquals(bytes("b\n"), texts.get(1).content());
    }

    @Test
    void shouldStopAtTheLimit() throws Exception {
        topic();
        consumer.schedulePollTask(
                () -> {
                    record(0, 0, "first");
                    record(0, 1, "second");
                });
        List<Corpus.Text> texts =
                new TopicBytes(() -> consumer)
                        .read("logs", TopicBytes.From.EARLIEST, 3, Duration.ofMinutes(1));
        assertEquals(1, texts.size());
        assertArrayEquals(bytes("first\n"), texts.get(0).content());
    }

    @Test
    void shouldSayThatThereIsNoSuchTopic() {
        IOException e =
                assertThrows(
                        IOException.class,
                        () ->
                                new TopicBytes(() -> consumer)
                                        .read(
                                                "logs",
                                                TopicBytes.From.EARLIEST,
                                                3,
                                                Duration.ofMinutes(1)));
        assertEquals("topic logs: there is no such topic", e.getMessage());
    }

    private void topic() {
        TopicPartition zero = new TopicPartition("logs", 0);
        TopicPartition one = new TopicPartition("logs", 1);
        consumer.updatePartitions(
                "logs",
                List.of(
                        new PartitionInfo("logs", 1, null, null, null),
                        new PartitionInfo("logs", 0, null, null, null)));
        consumer.updateBeginningOffsets(Map.of(zero, 0L, one, 0L));
        consumer.updateEndOffsets(Map.of(zero, 3L, one, 1L));
    }

    private void record(int partition, long offset, @Nullable String value) {
        consumer.addRecord(
                new ConsumerRecord<byte[], byte[]>(
                        "logs", partition, offset, null, value == null ? null : bytes(value)));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
