package io.mambabyte.app;

import io.mambabyte.train.Corpus;

import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Supplier;

/**
 * The values of a topic's records, a text a partition, each value ended by a newline as records are
 * framed for scoring. Reads without a group, so that nothing is left behind at the brokers.
 */
final class TopicBytes {
    /** Where to begin. */
    enum From {
        EARLIEST,
        LATEST
    }

    private static final Duration POLL = Duration.ofMillis(200);

    private final Supplier<Consumer<byte[], byte[]>> consumers;

    /** Reads with consumers that somebody else makes. */
    TopicBytes(Supplier<Consumer<byte[], byte[]>> consumers) {
        this.consumers = consumers;
    }

    /** Reads from a cluster, with the properties in a file where there is one. */
    static TopicBytes of(String bootstrapServer, @Nullable Path commandConfig) throws IOException {
        Properties properties = new Properties();
        if (commandConfig != null) {
            try (InputStream in = Files.newInputStream(commandConfig)) {
                properties.load(in);
            }
        }
        properties.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServer);
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
        properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        return new TopicBytes(
                () ->
                        new KafkaConsumer<>(
                                properties,
                                new ByteArrayDeserializer(),
                                new ByteArrayDeserializer()));
    }

    /**
     * Reads what is there ({@code EARLIEST}: up to where the topic ends when it begins) or what
     * comes ({@code LATEST}), in either case at most so many bytes and for so long.
     */
    List<Corpus.Text> read(String topic, From from, long maxBytes, Duration maxTime)
            throws IOException {
        try (Consumer<byte[], byte[]> consumer = consumers.get()) {
            List<TopicPartition> partitions = partitions(consumer, topic);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            consumer.assign(partitions);
            if (from == From.EARLIEST) {
                consumer.seekToBeginning(partitions);
            } else {
                ends.forEach(consumer::seek);
            }
            return read(consumer, partitions, from, ends, maxBytes, maxTime);
        } catch (KafkaException e) {
            throw new IOException("topic " + topic + ": " + e.getMessage(), e);
        }
    }

    private static List<TopicPartition> partitions(Consumer<byte[], byte[]> consumer, String topic)
            throws IOException {
        List<PartitionInfo> found = consumer.listTopics().get(topic);
        if (found == null || found.isEmpty()) {
            throw new IOException("topic " + topic + ": there is no such topic");
        }
        return found.stream()
                .map(info -> new TopicPartition(topic, info.partition()))
                .sorted((a, b) -> Integer.compare(a.partition(), b.partition()))
                .toList();
    }

    private static List<Corpus.Text> read(
            Consumer<byte[], byte[]> consumer,
            List<TopicPartition> partitions,
            From from,
            Map<TopicPartition, Long> ends,
            long maxBytes,
            Duration maxTime) {
        Map<TopicPartition, ByteArrayOutputStream> texts = new LinkedHashMap<>();
        partitions.forEach(partition -> texts.put(partition, new ByteArrayOutputStream()));
        long deadline = System.nanoTime() + maxTime.toNanos();
        long total = 0;
        while (total < maxBytes
                && (from == From.EARLIEST
                        ? behind(consumer, ends)
                        : System.nanoTime() - deadline < 0)) {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                TopicPartition partition = new TopicPartition(record.topic(), record.partition());
                ByteArrayOutputStream text = texts.get(partition);
                if (record.value() != null && text != null && total < maxBytes) {
                    text.writeBytes(record.value());
                    text.write('\n');
                    total += record.value().length + 1L;
                }
            }
        }
        List<Corpus.Text> out = new ArrayList<>();
        texts.forEach(
                (partition, text) ->
                        out.add(new Corpus.Text(partition.toString(), text.toByteArray())));
        return out.stream().filter(text -> text.content().length > 0).toList();
    }

    /** Transaction markers take offsets too, so that positions are compared and not records. */
    private static boolean behind(
            Consumer<byte[], byte[]> consumer, Map<TopicPartition, Long> ends) {
        return ends.entrySet().stream()
                .anyMatch(end -> consumer.position(end.getKey()) < end.getValue());
    }
}
