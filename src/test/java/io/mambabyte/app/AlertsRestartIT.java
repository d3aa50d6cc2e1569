package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.avro.Incident;
import io.mambabyte.avro.Likelihood;
import io.mambabyte.model.MambaModel;
import io.mambabyte.streams.AnomalyConfig;
import io.mambabyte.streams.MambaByteConfig;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.processor.StateRestoreListener;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

class AlertsRestartIT {
    private static final int LINES = 900;

    /** Some day that has been: a broker refuses records from the future. */
    private static final long START_MS = 1_760_000_000_000L;

    private static final Map<String, String> SETTINGS =
            Map.of(
                    MambaByteConfig.MODEL_CONFIG,
                    "logs-nano",
                    AnomalyConfig.TOPIC_CONFIG,
                    "anomalies");

    private record Outcome(List<Likelihood> likelihoods, List<String> incidents) {}

    private static List<byte[]> lines() {
        Random random = new Random(3);
        List<byte[]> lines = new ArrayList<>();
        for (int i = 0; i < LINES; i++) {
            String line =
                    i % 190 == 185
                            ? "kernel panic: unable to mount root fs, disk error " + i
                            : switch (random.nextInt(4)) {
                                case 0 -> "request " + random.nextInt(1000) + " served";
                                case 1 -> "session " + random.nextInt(5000) + " closed by peer";
                                case 2 -> "cache holds " + random.nextInt(100) + " entries";
                                default -> "worker " + random.nextInt(9) + " is idle";
                            };
            lines.add(line.getBytes(StandardCharsets.UTF_8));
        }
        return lines;
    }

    /**
     * Calibrations and incidents come back from the changelog, and go on as if nothing had been.
     */
    @Test
    void shouldDecideTheSameAfterARestartWithoutItsDisk() throws Exception {
        Outcome whole = run(LINES);
        Outcome parts = run(LINES / 2 + 50);
        assertEquals(LINES, whole.likelihoods().size());
        assertTrue(
                whole.likelihoods().stream().anyMatch(one -> one.getPValue() != null),
                "lines were judged");
        for (int i = 0; i < LINES; i++) {
            assertEquals(whole.likelihoods().get(i), parts.likelihoods().get(i), "line " + i);
        }
        assertTrue(!whole.incidents().isEmpty(), "there were incidents");
        assertEquals(whole.incidents(), parts.incidents());
    }

    private static Outcome run(int restartAfter) throws IOException, InterruptedException {
        Path folder = LocalPipeline.temporaryFolder();
        MambaModel model = new MambaByteConfig(SETTINGS).loadModel();
        List<byte[]> lines = lines();
        try (LocalPipeline pipeline = LocalPipeline.start(folder, model, SETTINGS, 1);
                RawProducer producer = pipeline.producer();
                KafkaConsumer<byte[], Likelihood> consumer = pipeline.consumer()) {
            List<Likelihood> likelihoods = new ArrayList<>();
            produce(producer, lines, 0, restartAfter);
            pipeline.startTopology();
            read(consumer, likelihoods, restartAfter);
            if (restartAfter < lines.size()) {
                pipeline.loseDisk(new Quiet());
                produce(producer, lines, restartAfter, lines.size());
                pipeline.startTopology();
                read(consumer, likelihoods, lines.size());
            }
            IncidentLog incidents = new IncidentLog();
            try (KafkaConsumer<byte[], Incident> topic =
                    pipeline.consumer("incidents", Incident.class)) {
                incidents.read(topic);
            }
            return new Outcome(
                    likelihoods,
                    incidents.entries().stream()
                            .map(
                                    entry ->
                                            entry.last().getId()
                                                    + " opened "
                                                    + entry.openedMs()
                                                    + " from line "
                                                    + entry.last().getFirstLine())
                            .toList());
        }
    }

    private static void produce(RawProducer producer, List<byte[]> lines, int from, int to)
            throws IOException {
        for (int i = from; i < to; i++) {
            producer.send(
                    new ProducerRecord<>(
                            LocalPipeline.INPUT,
                            0,
                            START_MS + 500L * i,
                            "key".getBytes(StandardCharsets.UTF_8),
                            lines.get(i)));
        }
        producer.flush();
    }

    private static void read(
            KafkaConsumer<byte[], Likelihood> consumer, List<Likelihood> into, int count) {
        long end = System.nanoTime() + Duration.ofMinutes(3).toNanos();
        while (into.size() < count && System.nanoTime() < end) {
            for (ConsumerRecord<byte[], Likelihood> record :
                    consumer.poll(Duration.ofMillis(100))) {
                into.add(record.value());
            }
        }
        assertEquals(count, into.size());
    }

    private static final class Quiet implements StateRestoreListener {
        @Override
        public void onRestoreStart(
                TopicPartition partition, String store, long startingOffset, long endingOffset) {}

        @Override
        public void onBatchRestored(
                TopicPartition partition, String store, long batchEndOffset, long numRestored) {}

        @Override
        public void onRestoreEnd(TopicPartition partition, String store, long totalRestored) {}
    }
}
