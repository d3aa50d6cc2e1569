package io.mambabyte.streams;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.avro.Anomaly;
import io.mambabyte.avro.Incident;
import io.mambabyte.avro.Likelihood;
import io.mambabyte.avro.Verdict;
import io.mambabyte.model.MambaModel;
import io.mambabyte.streams.registry.ConfluentAvroSerde;

import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.errors.LogAndContinueProcessingExceptionHandler;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.test.TestRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.stream.Collectors;

class AnomalyTopologyTest {
    // One that knows logs, the fastest: a random one finds every line as strange as any other.
    private static final MambaModel MODEL =
            new MambaByteConfig(Map.of("mambabyte.model", "logs-nano")).loadModel();
    private static final Map<String, String> REGISTRY =
            Map.of("schema.registry.url", "mock://anomaly-test");
    private static final byte[] FAULT =
            bytes("kernel panic: unable to mount root fs, disk error on unknown-block");

    @TempDir private static Path stateDirectory;

    private @Nullable TopologyTestDriver driver;
    private long timeMs = 1_800_000_000_000L;
    private final Random random = new Random(5);
    private final List<KeyValue<Bytes, byte[]>> survived = new ArrayList<>();

    @AfterEach
    void close() {
        if (driver != null) {
            assertNothingFailed();
            driver.close();
            driver = null;
        }
    }

    private void start(Map<String, String> settings) {
        Map<String, String> all = new HashMap<>(REGISTRY);
        all.put("application.id", "anomaly-test");
        all.put("bootstrap.servers", "unused:1");
        all.put("state.dir", stateDirectory.toString());
        all.put("mambabyte.input.topics", "raw");
        all.put("mambabyte.output.topic", "likelihoods");
        all.put("mambabyte.anomalies.topic", "anomalies");
        all.put("mambabyte.verdicts.topic", "verdicts");
        all.put("mambabyte.store", "in_memory");
        all.put("ensure.explicit.internal.resource.naming", "true");
        all.put(
                "processing.exception.handler",
                LogAndContinueProcessingExceptionHandler.class.getName());
        all.put("errors.dead.letter.queue.topic.name", "dead");
        all.putAll(settings);
        MambaByteConfig config = new MambaByteConfig(all);
        Properties properties = new Properties();
        properties.putAll(all);
        driver =
                new TopologyTestDriver(
                        LikelihoodTopology.build(
                                config, new StreamsConfig(all), MODEL, config.outputSerde()),
                        properties);
    }

    /** Nothing may be set aside unnoticed: what fails leaves through the dead letter topic. */
    private void assertNothingFailed() {
        assertEquals(List.of(), reasons());
    }

    private List<String> reasons() {
        return driver()
                .createOutputTopic("dead", new ByteArrayDeserializer(), new ByteArrayDeserializer())
                .readRecordsToList()
                .stream()
                .map(
                        dead ->
                                new String(
                                        dead.getHeaders()
                                                .lastHeader("__streams.errors.message")
                                                .value(),
                                        StandardCharsets.UTF_8))
                .toList();
    }

    private TopologyTestDriver driver() {
        assertNotNull(driver);
        return driver;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private TestInputTopic<byte[], byte[]> input() {
        return driver().createInputTopic(
                        "raw", new ByteArraySerializer(), new ByteArraySerializer());
    }

    private <T extends SpecificRecord> List<TestRecord<byte[], T>> read(
            String topic, Class<T> type) {
        return driver().createOutputTopic(
                        topic,
                        new ByteArrayDeserializer(),
                        ConfluentAvroSerde.ofValues(type, REGISTRY).deserializer())
                .readRecordsToList();
    }

    private List<Likelihood> likelihoods() {
        return read("likelihoods", Likelihood.class).stream().map(TestRecord::value).toList();
    }

    private List<Anomaly> anomalies() {
        return read("anomalies", Anomaly.class).stream().map(TestRecord::value).toList();
    }

    private List<Incident> incidents() {
        return read("incidents", Incident.class).stream().map(TestRecord::value).toList();
    }

    /** Lines as software says them: six kinds, with numbers. */
    private byte[] normalLine() {
        return bytes(
                switch (random.nextInt(6)) {
                    case 0 ->
                            "request " + random.nextInt(1000) + " served in " + random.nextInt(90);
                    case 1 -> "connection from 10.0.0." + random.nextInt(250) + " accepted";
                    case 2 -> "session " + random.nextInt(5000) + " closed by peer";
                    case 3 -> "cache holds " + random.nextInt(100) + " entries";
                    case 4 -> "flushed segment " + random.nextInt(400);
                    default -> "worker " + random.nextInt(9) + " is idle";
                });
    }

    private void say(String key, byte[] line, long afterMs) {
        timeMs += afterMs;
        input().pipeInput(bytes(key), line, timeMs);
    }

    private void normal(String key, int lines) {
        for (int i = 0; i < lines; i++) {
            say(key, normalLine(), 100);
        }
    }

    @Test
    void shouldLearnBeforeItJudgesAndSaySo() {
        start(Map.of());
        normal("k", 150);
        assertEquals(
                Map.of("learning", 150L),
                likelihoods().stream()
                        .collect(
                                Collectors.groupingBy(
                                        Likelihood::getCalibration, Collectors.counting())));
        say("k", FAULT, 100);
        assertTrue(anomalies().isEmpty());
        assertEquals(1, AnomalyTotals.of(driver().metrics()).learningKeys());
        normal("k", 300);
        List<Likelihood> later = likelihoods();
        assertEquals("key", later.getLast().getCalibration());
        assertTrue(later.getLast().getPValue() > 0 && later.getLast().getPValue() <= 1);
        assertEquals("record", later.getLast().getContext());
        assertNull(later.getLast().getSurprisal());
        assertEquals(0, AnomalyTotals.of(driver().metrics()).learningKeys());
    }

    @Test
    void shouldAlertAndOpenOneIncidentThatGrowsAndCloses() {
        start(Map.of());
        normal("k", 800);
        assertTrue(incidents().stream().noneMatch(i -> i.getLines() > 3), "quiet before");
        int _ = anomalies().size();
        for (int i = 0; i < 5; i++) {
            say("k", FAULT, 3_000);
            normal("k", 3);
        }
        List<Anomaly> anomalies = anomalies();
        assertFalse(anomalies.isEmpty());
        Anomaly first = anomalies.getFirst();
        assertArrayEquals(FAULT, array(first.getText()));
        assertEquals(801, first.getLine());
        assertEquals(800, first.getOffset());
        assertTrue(first.getPValue() < first.getThreshold());
        List<Incident> open = incidents();
        assertEquals("open", open.getFirst().getStatus());
        assertEquals(first.getIncident(), open.getFirst().getId());
        assertEquals(1, open.getFirst().getRevision());
        Incident grown = open.getLast();
        // A line shortly before may have counted already.
        assertTrue(grown.getFirstLine() > 750 && grown.getFirstLine() <= 801);
        assertEquals(first.getIncident(), grown.getId());
        assertTrue(grown.getLines() >= 2, "lines " + grown.getLines());
        assertArrayEquals(FAULT, array(grown.getPeakText()));
        assertFalse(grown.getSpans().isEmpty());
        assertFalse(grown.getSpans().getFirst().getExpected().isEmpty());
        // Grew by less than one state a line: updates wait for ten seconds.
        assertTrue(open.size() <= 3, "states " + open.size());

        normal("k", 600);
        Incident last = incidents().getLast();
        assertEquals("closed", last.getStatus());
        assertEquals(first.getIncident(), last.getId());
        assertEquals(0, AnomalyTotals.of(driver().metrics()).openIncidents());
    }

    private static byte[] array(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    @Test
    void shouldKeyIncidentsByTheirIdentifierAndAnomaliesByTheLinesKey() {
        start(Map.of());
        normal("k", 800);
        read("incidents", Incident.class);
        read("anomalies", Anomaly.class);
        say("k", FAULT, 100);
        say("k", FAULT, 100);
        TestRecord<byte[], Incident> incident = read("incidents", Incident.class).getFirst();
        assertArrayEquals(bytes(incident.value().getId()), incident.key());
        assertArrayEquals(bytes("k"), array(incident.value().getKey()));
        assertArrayEquals(bytes("k"), read("anomalies", Anomaly.class).getFirst().key());
    }

    @Test
    void shouldCloseAnIncidentByTheClockWhenNoRecordComes() {
        start(Map.of());
        normal("k", 800);
        say("k", FAULT, 100);
        say("k", FAULT, 100);
        assertEquals("open", incidents().getLast().getStatus());
        driver().advanceWallClockTime(Duration.ofSeconds(29));
        assertTrue(incidents().isEmpty());
        driver().advanceWallClockTime(Duration.ofSeconds(2));
        assertEquals("closed", incidents().getLast().getStatus());
    }

    @Test
    void shouldJudgeAYoungKeyByItsGroup() {
        start(Map.of("mambabyte.anomalies.group.pattern", "^([a-z]+)-"));
        normal("web-1", 800);
        likelihoods();
        anomalies();
        normal("web-2", 5);
        normal("db-1", 5);
        List<Likelihood> young = likelihoods();
        assertEquals("group", young.get(4).getCalibration());
        assertEquals("learning", young.get(9).getCalibration());
        say("web-2", FAULT, 100);
        assertEquals("group", anomalies().getFirst().getCalibration());
        say("db-1", FAULT, 100);
        assertTrue(anomalies().isEmpty());
    }

    @Test
    void shouldNoticeAKeyThatFallsSilentAndOneThatSpeaksAgain() {
        start(Map.of());
        for (int i = 0; i < 600; i++) {
            say("chatty", normalLine(), 100);
            say("other", normalLine(), 100);
        }
        long before = timeMs;
        incidents();
        for (int i = 0; i < 3000; i++) {
            say("other", normalLine(), 100);
        }
        List<Incident> silences =
                incidents().stream().filter(i -> i.getKind().equals("silence")).toList();
        assertEquals(1, silences.size());
        Incident silence = silences.getFirst();
        assertArrayEquals(bytes("chatty"), array(silence.getKey()));
        assertEquals("open", silence.getStatus());
        assertEquals(600, silence.getFirstLine());
        assertEquals(before - 100, silence.getFirstTimeMs());
        assertTrue(silence.getPeakPValue() < 1e-3);
        assertTrue(silence.getUsualGapMs() < 1000);
        say("chatty", normalLine(), 100);
        Incident over =
                incidents().stream().filter(i -> i.getKind().equals("silence")).toList().getFirst();
        assertEquals("closed", over.getStatus());
        assertEquals(silence.getId(), over.getId());
        assertEquals(timeMs, over.getLastTimeMs());
    }

    @Test
    void shouldNotCallAPauseOfAllKeysASilence() {
        start(Map.of());
        for (int i = 0; i < 600; i++) {
            say("a", normalLine(), 100);
            say("b", normalLine(), 100);
        }
        incidents();
        // The application, or all that wrote to the topic, was down for six hours.
        timeMs += Duration.ofHours(6).toMillis();
        driver().advanceWallClockTime(Duration.ofHours(6));
        for (int i = 0; i < 200; i++) {
            say("a", normalLine(), 100);
            say("b", normalLine(), 100);
        }
        assertEquals(
                List.of(),
                incidents().stream().filter(i -> i.getKind().equals("silence")).toList());
    }

    @Test
    void shouldHeedAVerdict() {
        start(Map.of());
        normal("k", 800);
        anomalies();
        say("k", FAULT, 100);
        say("k", FAULT, 100);
        Incident incident = incidents().getLast();
        assertEquals("open", incident.getStatus());
        assertFalse(anomalies().isEmpty());
        verdict("k", Verdict.newBuilder().setIncident(incident.getId()).build());
        Incident dismissed = incidents().getLast();
        assertEquals(incident.getId(), dismissed.getId());
        assertEquals("dismissed", dismissed.getStatus());
        for (int i = 0; i < 20; i++) {
            say("k", FAULT, 100);
        }
        assertTrue(anomalies().isEmpty());
        assertTrue(incidents().isEmpty());
        // What it does not speak of still alerts.
        for (int i = 0; i < 3; i++) {
            say("k", bytes("fatal: checksum mismatch, replication aborted by supervisor"), 100);
        }
        Incident other = incidents().getFirst();
        assertEquals("open", other.getStatus());
        assertTrue(other.getFirstLine() > incident.getFirstLine());
    }

    private void verdict(String key, Verdict verdict) {
        driver().createInputTopic(
                        "verdicts",
                        new ByteArraySerializer(),
                        ConfluentAvroSerde.ofValues(Verdict.class, REGISTRY).serializer())
                .pipeInput(bytes(key), verdict, timeMs);
    }

    @Test
    void shouldSetAVerdictAsideThatSaysNothing() {
        start(Map.of());
        normal("k", 10);
        verdict("k", Verdict.newBuilder().build());
        verdict("k", Verdict.newBuilder().setIncident("0123-1").build());
        verdict("k", Verdict.newBuilder().setVerdict("maybe").setFirstLine(1L).build());
        List<String> reasons = reasons();
        assertEquals(3, reasons.size());
        assertEquals(
                "a verdict needs an incident or the number of a first line", reasons.getFirst());
        assertTrue(reasons.get(1).startsWith("incident 0123-1 is not one of the record's key"));
        assertEquals("verdict must be not_an_anomaly or anomaly, not maybe", reasons.get(2));
    }

    /** The same lines give the same records, wherever a restart comes between. */
    @Test
    void shouldGoOnAfterARestartAsIfThereHadBeenNone() {
        List<byte[]> lines = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            lines.add(i % 137 == 99 ? FAULT : normalLine());
        }
        List<SpecificRecord> whole = run(lines, List.of());
        assertTrue(whole.stream().anyMatch(Anomaly.class::isInstance));
        assertTrue(whole.stream().anyMatch(Incident.class::isInstance));
        List<SpecificRecord> parts =
                run(lines, List.of(1, 63, 64, 65, 300, 511, 513, 650, 700, 1000));
        assertEquals(whole.size(), parts.size());
        for (int i = 0; i < whole.size(); i++) {
            assertEquals(whole.get(i), parts.get(i), "record " + i);
        }
    }

    private List<SpecificRecord> run(List<byte[]> lines, List<Integer> restarts) {
        survived.clear();
        start(Map.of());
        List<SpecificRecord> out = new ArrayList<>();
        long begin = timeMs;
        for (int i = 0; i < lines.size(); i++) {
            if (restarts.contains(i)) {
                restart();
            }
            // Two seconds apart, so that incidents close between the faults.
            input().pipeInput(
                            new TestRecord<>(
                                    bytes("k" + i % 2),
                                    lines.get(i),
                                    java.time.Instant.ofEpochMilli(begin + i * 2000L)));
            out.addAll(likelihoods());
            out.addAll(withoutOffsets(anomalies(), incidents()));
        }
        close();
        return out;
    }

    // The driver counts offsets anew after a restart, unlike a topic.
    private static List<SpecificRecord> withoutOffsets(
            List<Anomaly> anomalies, List<Incident> incidents) {
        List<SpecificRecord> all = new ArrayList<>();
        anomalies.forEach(
                anomaly -> {
                    anomaly.setOffset(0);
                    all.add(anomaly);
                });
        incidents.forEach(
                incident -> {
                    incident.setFirstOffset(0);
                    incident.setLastOffset(0);
                    incident.setPeakOffset(0);
                    all.add(incident);
                });
        return all;
    }

    private void restart() {
        survived.clear();
        KeyValueStore<Bytes, byte[]> store = driver().getKeyValueStore("mambabyte-anomalies");
        try (var all = store.all()) {
            all.forEachRemaining(survived::add);
        }
        close();
        SurvivingStore.ENTRIES.set(List.copyOf(survived));
        start(Map.of("processor.wrapper.class", SurvivingStore.class.getName()));
        SurvivingStore.ENTRIES.set(List.of());
    }
}
