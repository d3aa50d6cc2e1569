package io.mambabyte.streams;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.avro.Likelihood;
import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.Norm;
import io.mambabyte.model.RandomModels;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.score.Framing;
import io.mambabyte.score.Scorer;
import io.mambabyte.streams.registry.ConfluentAvroSerde;

import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.errors.LogAndContinueProcessingExceptionHandler;
import org.apache.kafka.streams.processor.api.MockProcessorContext;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.Random;

/**
 * The state store behind the scores: whatever happens to it, likelihoods are those of a lone key.
 */
class KeyStatesTest {
    private static final MambaModel MODEL = StreamsModels.random(1);
    private static final String CHANGELOG = "test-mambabyte-state-changelog";

    // Checkpoints and roundings every few records.
    private static final Map<String, String> SHORT =
            Map.of(
                    "mambabyte.checkpoint.bytes", "128",
                    "mambabyte.state.rounding.bytes", "64");

    @TempDir private Path stateDirectory;

    /** A running topology on a store that may be filled before its first record. */
    private final class Running implements AutoCloseable {
        final MambaByteConfig config;
        final TopologyTestDriver driver;
        final KeyValueStore<Bytes, byte[]> store;

        Running(MambaModel model, Map<String, String> settings) {
            Map<String, String> all = new HashMap<>();
            all.put("application.id", "test");
            all.put("bootstrap.servers", "unused:1");
            all.put("state.dir", stateDirectory.toString());
            all.put("schema.registry.url", "mock://key-states-test");
            all.put("mambabyte.input.topics", "raw");
            all.put("mambabyte.output.topic", "out");
            all.put("mambabyte.store", "in_memory");
            all.put(
                    "processing.exception.handler",
                    LogAndContinueProcessingExceptionHandler.class.getName());
            all.putAll(settings);
            config = new MambaByteConfig(all);
            Properties properties = new Properties();
            properties.putAll(all);
            driver =
                    new TopologyTestDriver(
                            LikelihoodTopology.build(
                                    config, new StreamsConfig(all), model, config.outputSerde()),
                            properties);
            store = driver.getKeyValueStore("mambabyte-state");
        }

        Running(Map<String, String> settings) {
            this(MODEL, settings);
        }

        @Nullable Likelihood score(String key, byte[] value) {
            return score(key, value, 1_000_000);
        }

        @Nullable Likelihood score(String key, byte[] value, long timestampMs) {
            driver.createInputTopic("raw", new ByteArraySerializer(), new ByteArraySerializer())
                    .pipeInput(bytes(key), value, timestampMs);
            var out =
                    driver.createOutputTopic(
                            "out",
                            new ByteArrayDeserializer(),
                            ConfluentAvroSerde.ofValues(
                                            Likelihood.class,
                                            Map.of("schema.registry.url", "mock://key-states-test"))
                                    .deserializer());
            return out.isEmpty() ? null : out.readValue();
        }

        OfflineScores offline(MambaModel model) {
            return new OfflineScores(
                    model, config.framing(), config.perByte(), config.stateRounding());
        }

        List<KeyValue<byte[], byte[]>> changelog() {
            return driver.createOutputTopic(
                            CHANGELOG, new ByteArrayDeserializer(), new ByteArrayDeserializer())
                    .readKeyValuesToList();
        }

        Optional<KeyHistory> history(String key) {
            return KeyHistory.of(store, bytes(key));
        }

        double metric(String name) {
            return driver.metrics().entrySet().stream()
                    .filter(entry -> entry.getKey().name().equals(name))
                    .filter(entry -> entry.getKey().group().equals(ScoringMetrics.GROUP))
                    .mapToDouble(entry -> (Double) entry.getValue().metricValue())
                    .sum();
        }

        @Override
        public void close() {
            driver.close();
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] randomValue(Random random) {
        // Some longer than several checkpoints are apart, some empty.
        byte[] value = new byte[random.nextInt(8) == 0 ? random.nextInt(500) : random.nextInt(50)];
        random.nextBytes(value);
        return value;
    }

    @ParameterizedTest
    @CsvSource({
        "int8, lines, 0",
        "int8, none, 0",
        "bfloat16, lines, 3000",
        "float32, lines, 0",
        "float32, none, 0",
        "int8, lines, 1000000",
    })
    void shouldScoreAsEachKeyAloneWhateverLeavesTheHeap(
            String rounding, String framing, String liveBytes) {
        Map<String, String> settings = new HashMap<>(SHORT);
        settings.put("mambabyte.state.rounding", rounding);
        settings.put("mambabyte.framing", framing);
        settings.put("mambabyte.live.states.max.bytes", liveBytes);
        settings.put("mambabyte.per.byte", "true");
        try (Running running = new Running(settings)) {
            OfflineScores offline = running.offline(MODEL);
            Random random = new Random(3);
            for (int i = 0; i < 400; i++) {
                String key = "k".repeat(1 + random.nextInt(4));
                byte[] value = randomValue(random);
                assertEquals(offline.score(key, value), running.score(key, value), "record " + i);
            }
            assertTrue(running.metric("checkpoints-total") > 50);
            if (liveBytes.equals("0")) {
                assertEquals(400 - 4, running.metric("states-restored-total"));
                // A tail is at most a distance long, the record that ends it aside.
                assertTrue(running.metric("replayed-bytes-total") < 400 * 2 * 128);
            }
        }
    }

    @Test
    void shouldRoundStates() {
        Map<String, String> exact = new HashMap<>(SHORT);
        exact.put("mambabyte.state.rounding", "float32");
        byte[] value = new byte[100];
        try (Running rounded = new Running(SHORT)) {
            rounded.score("k", value);
            Likelihood one = rounded.score("k", value);
            try (Running plain = new Running(exact)) {
                plain.score("k", value);
                assertNotEquals(plain.score("k", value), one);
            }
        }
    }

    @Test
    void shouldStandForARecordOrNotWhereverTheChangelogEnds() {
        // States of several segments would need large models: tiny ones have one.
        List<byte[]> values = new ArrayList<>();
        Random random = new Random(4);
        for (int i = 0; i < 30; i++) {
            values.add(randomValue(random));
        }
        List<KeyValue<byte[], byte[]>> changelog = new ArrayList<>();
        List<Integer> recordsAt = new ArrayList<>(List.of(0));
        try (Running running = new Running(SHORT)) {
            OfflineScores offline = running.offline(MODEL);
            for (int record = 1; record <= values.size(); record++) {
                byte[] value = values.get(record - 1);
                assertEquals(offline.score("k", value), running.score("k", value));
                for (KeyValue<byte[], byte[]> written : running.changelog()) {
                    changelog.add(written);
                    recordsAt.add(record);
                }
            }
        }
        assertTrue(changelog.size() > 60, "entries and deletions: " + changelog.size());
        for (int end = 0; end <= changelog.size(); end++) {
            try (Running running = new Running(SHORT)) {
                for (KeyValue<byte[], byte[]> entry : changelog.subList(0, end)) {
                    running.store.put(Bytes.wrap(entry.key), entry.value);
                }
                OfflineScores offline = running.offline(MODEL);
                int done = recordsAt.get(end);
                Likelihood[] next = new Likelihood[2];
                byte[] probe = bytes("what comes next");
                for (int i = 0; i < done - 1; i++) {
                    offline.score("k", values.get(i));
                }
                // Before the last record that wrote something, or after it.
                next[0] = offline.peek("k", probe);
                if (done > 0) {
                    offline.score("k", values.get(done - 1));
                }
                next[1] = offline.peek("k", probe);
                Likelihood actual = running.score("k", probe);
                assertTrue(
                        next[0].equals(actual) || next[1].equals(actual),
                        "the changelog ends after " + end + " writes");
                assertEquals(0, running.metric("states-set-aside-total"));
            }
        }
    }

    @Test
    void shouldDeleteWhatACrashLeftBehind() {
        List<KeyValue<byte[], byte[]>> changelog = new ArrayList<>();
        byte[] value = new byte[40];
        try (Running running = new Running(SHORT)) {
            for (int i = 0; i < 20; i++) {
                running.score("k", value);
            }
            changelog.addAll(running.changelog());
        }
        long live = 0;
        try (Running running = new Running(SHORT)) {
            // Every entry that was ever written, none of the deletions.
            for (KeyValue<byte[], byte[]> entry : changelog) {
                if (entry.value != null) {
                    running.store.put(Bytes.wrap(entry.key), entry.value);
                }
            }
            OfflineScores offline = running.offline(MODEL);
            for (int i = 0; i < 20; i++) {
                offline.score("k", value);
            }
            assertEquals(offline.score("k", value), running.score("k", value));
            live = running.store.approximateNumEntries();
        }
        assertTrue(live < 10, "entries left: " + live);
    }

    @Test
    void shouldCutCheckpointsIntoSegments() {
        MambaConfig wide = new MambaConfig(16, 2, 8192, 16, 4, 1, Norm.RMS, 1e-5f);
        MambaModel model = MambaModel.of(wide, RandomModels.weights(wide, 3));
        Map<String, String> settings = new HashMap<>(SHORT);
        settings.put("mambabyte.state.rounding", "float32");
        settings.put("mambabyte.live.states.max.bytes", "0");
        try (Running running = new Running(model, settings)) {
            OfflineScores offline = running.offline(model);
            int largest = 0;
            for (int i = 0; i < 12; i++) {
                byte[] value = new byte[30];
                assertEquals(offline.score("k", value), running.score("k", value));
                for (KeyValue<byte[], byte[]> entry : running.changelog()) {
                    largest = Math.max(largest, entry.value == null ? 0 : entry.value.length);
                }
            }
            assertTrue(running.metric("checkpoints-total") >= 2);
            assertTrue(largest > 500_000 && largest < 600_000, "largest value: " + largest);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void shouldSetADamagedStateAsideAndStartTheKeyAnew(int entry) {
        try (Running running = new Running(withoutLive())) {
            OfflineScores offline = running.offline(MODEL);
            for (int i = 0; i < 12; i++) {
                running.score("k", new byte[30]);
                running.score("other", new byte[30]);
                offline.score("other", new byte[30]);
            }
            List<KeyValue<Bytes, byte[]>> entries = entries(running.store, "k");
            byte[] damaged = entries.get(entry).value.clone();
            damaged[damaged.length / 2] ^= 1;
            running.store.put(entries.get(entry).key, damaged);
            assertEquals(offline.score("k", bytes("line")), running.score("k", bytes("line")));
            assertEquals(offline.score("k", bytes("more")), running.score("k", bytes("more")));
            assertEquals(
                    offline.score("other", bytes("line")), running.score("other", bytes("line")));
            assertEquals(1, running.metric("states-set-aside-total"));
            Bytes key = Bytes.wrap(bytes("k"));
            assertArrayEquals(
                    damaged,
                    running.store.get(StateKeys.setAside(key, entry)),
                    "kept for whoever wants to know");
        }
    }

    @Test
    void shouldStartAnewWithAnotherModelOrRounding() {
        List<KeyValue<byte[], byte[]>> changelog = new ArrayList<>();
        try (Running running = new Running(StreamsModels.random(2), SHORT)) {
            running.score("short", bytes("no checkpoint yet"));
            for (int i = 0; i < 12; i++) {
                running.score("long", new byte[30]);
            }
            changelog.addAll(running.changelog());
        }
        Map<String, String> otherRounding = new HashMap<>(SHORT);
        otherRounding.put("mambabyte.state.rounding.bytes", "32");
        for (MambaModel model : List.of(MODEL, StreamsModels.random(2))) {
            try (Running running = new Running(model, model == MODEL ? SHORT : otherRounding)) {
                changelog.forEach(e -> running.store.put(Bytes.wrap(e.key), e.value));
                OfflineScores offline = running.offline(model);
                for (String key : List.of("short", "long", "short", "long")) {
                    assertEquals(
                            offline.score(key, bytes("line")), running.score(key, bytes("line")));
                }
                assertEquals(2, running.metric("states-other-model-total"));
                assertEquals(0, running.metric("states-set-aside-total"));
            }
        }
    }

    @Test
    void shouldReplayTheTailWithAnotherModelWhenAsked() {
        List<KeyValue<byte[], byte[]>> changelog = new ArrayList<>();
        Random random = new Random(6);
        ByteArrayOutputStream stream = new ByteArrayOutputStream();
        try (Running running = new Running(StreamsModels.random(2), SHORT)) {
            for (int i = 0; i < 40; i++) {
                byte[] value = randomValue(random);
                running.score("k", value);
                stream.writeBytes(value);
                stream.write('\n');
                changelog.addAll(running.changelog());
            }
        }
        Map<String, String> settings = new HashMap<>(SHORT);
        settings.put("mambabyte.model.change", "replay");
        try (Running running = new Running(settings)) {
            changelog.forEach(e -> running.store.put(Bytes.wrap(e.key), e.value));
            Likelihood first = Objects.requireNonNull(running.score("k", bytes("line")));
            byte[] all = stream.toByteArray();
            int tail = Math.toIntExact(first.getPosition());
            assertTrue(tail > 0 && tail <= 2 * 128, "bytes of the tail: " + tail);
            Scorer scorer = new Scorer(MODEL, running.config.stateRounding());
            RecurrentState state = MODEL.newState();
            scorer.score(
                    state,
                    Arrays.copyOfRange(all, all.length - tail, all.length),
                    Framing.NONE,
                    false);
            assertEquals(
                    OfflineScores.likelihood(
                            MODEL, scorer.score(state, bytes("line"), Framing.LINES, false)),
                    first);
            // What was replayed is a part of the store like any other record.
            assertEquals(first.getPosition() + 5, running.history("k").orElseThrow().position());
        }
    }

    @Test
    void shouldForgetKeysThatAreIdle() {
        Map<String, String> settings = new HashMap<>(SHORT);
        settings.put("mambabyte.idle.expiry.ms", "1000");
        try (Running running = new Running(settings)) {
            Likelihood fresh = running.score("a", bytes("line"), 10_000);
            assertNotEquals(fresh, running.score("a", bytes("line"), 11_000));
            assertEquals(fresh, running.score("a", bytes("line"), 12_001));
            assertEquals(1, running.metric("states-expired-total"));
            for (int i = 0; i < 3_000; i++) {
                running.score("idle-" + i, bytes("x"), 12_002);
            }
            running.score("b", bytes("line"), 13_500);
            // Looked for in steps: one is not enough.
            running.driver.advanceWallClockTime(Duration.ofSeconds(1));
            assertTrue(running.history("idle-2999").isPresent());
            for (int i = 0; i < 5; i++) {
                running.driver.advanceWallClockTime(Duration.ofSeconds(1));
            }
            assertEquals(3_002, running.metric("states-expired-total"));
            assertTrue(running.history("idle-17").isEmpty());
            assertTrue(running.history("b").isPresent());
            assertEquals(fresh, running.score("a", bytes("line"), 13_501));
        }
    }

    @Test
    void shouldTellAKeysHistory() {
        try (Running running = new Running(SHORT)) {
            assertTrue(running.history("k").isEmpty());
            Random random = new Random(8);
            long position = 0;
            double bits = 0;
            for (int i = 0; i < 60; i++) {
                byte[] value = randomValue(random);
                Likelihood likelihood =
                        Objects.requireNonNull(running.score("k", value, 1_000 + i));
                position += likelihood.getBytes();
                bits += likelihood.getBits();
                KeyHistory history = running.history("k").orElseThrow();
                assertEquals(position, history.position());
                assertEquals(bits, history.bits());
                assertEquals(1_000 + i, history.timestampMs());
                assertEquals(
                        new KeyHistory.ScoredRecord(
                                1_000 + i, likelihood.getBytes(), likelihood.getBits()),
                        history.records().getLast());
            }
        }
    }

    @Test
    void shouldRefuseToStartOnAStoreOfALaterVersion() {
        var context = new MockProcessorContext<Void, Void>();
        KeyValueStore<Bytes, byte[]> store =
                Stores.keyValueStoreBuilder(
                                Stores.inMemoryKeyValueStore("s"),
                                Serdes.Bytes(),
                                Serdes.ByteArray())
                        .withLoggingDisabled()
                        .build();
        store.init(context.getStateStoreContext(), store);
        MambaByteConfig config = new MambaByteConfig(SHORT);
        new KeyStates(config, MODEL, context, store).score(bytes("k"), bytes("line"), 0, null);
        new KeyStates(config, MODEL, context, store).score(bytes("k"), bytes("line"), 0, null);
        store.put(StateKeys.FORMAT, new byte[] {TailEntry.VERSION + 1});
        StoredStateException e =
                assertThrows(
                        StoredStateException.class,
                        () -> new KeyStates(config, MODEL, context, store));
        assertEquals(StoredStateException.Reason.LATER_VERSION, e.reason());
        assertEquals(
                "written in format version 2, this is version 1: a later MambaByte has used this"
                        + " store. Go back to that one, or reset the application to start all keys"
                        + " anew",
                e.getMessage());
    }

    private static Map<String, String> withoutLive() {
        Map<String, String> settings = new HashMap<>(SHORT);
        settings.put("mambabyte.live.states.max.bytes", "0");
        return settings;
    }

    private static List<KeyValue<Bytes, byte[]>> entries(
            KeyValueStore<Bytes, byte[]> store, String key) {
        List<KeyValue<Bytes, byte[]>> entries = new ArrayList<>();
        Bytes bytes = Bytes.wrap(bytes(key));
        try (var range =
                store.range(
                        StateKeys.first(bytes, StateKeys.CHECKPOINT),
                        StateKeys.last(bytes, StateKeys.TAIL))) {
            range.forEachRemaining(entries::add);
        }
        return entries;
    }
}
