package io.mambabyte.streams;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.avro.Likelihood;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.model.StateCodec;
import io.mambabyte.score.Framing;
import io.mambabyte.score.RecordScore;
import io.mambabyte.score.Scorer;
import io.mambabyte.streams.registry.ConfluentAvroSerde;

import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.errors.LogAndContinueProcessingExceptionHandler;
import org.apache.kafka.streams.errors.StreamsException;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.test.TestRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

class LikelihoodTopologyTest {
    private static final MambaModel MODEL = StreamsModels.random(1);
    private static final Instant TIME = Instant.parse("2026-11-24T06:41:50.038Z");

    @TempDir private static Path stateDirectory;

    private @Nullable TopologyTestDriver driver;

    @AfterEach
    void close() {
        if (driver != null) {
            driver.close();
            driver = null;
        }
    }

    private TopologyTestDriver start(Map<String, String> settings) {
        return start(MODEL, settings);
    }

    private TopologyTestDriver start(MambaModel model, Map<String, String> settings) {
        Map<String, String> all = new HashMap<>();
        all.put("application.id", "test");
        all.put("bootstrap.servers", "unused:1");
        all.put("state.dir", stateDirectory.toString());
        all.put("schema.registry.url", "mock://topology-test");
        all.put("mambabyte.input.topics", "raw");
        all.put("mambabyte.output.topic", "out");
        all.put("mambabyte.store", "in_memory");
        all.put("ensure.explicit.internal.resource.naming", "true");
        all.put(
                "processing.exception.handler",
                LogAndContinueProcessingExceptionHandler.class.getName());
        all.put("errors.dead.letter.queue.topic.name", "dead");
        all.putAll(settings);
        MambaByteConfig config = new MambaByteConfig(all);
        StreamsConfig streamsConfig = new StreamsConfig(all);
        java.util.Properties properties = new java.util.Properties();
        properties.putAll(all);
        driver =
                new TopologyTestDriver(
                        LikelihoodTopology.build(
                                config, streamsConfig, model, config.outputSerde()),
                        properties);
        return driver;
    }

    private static TestInputTopic<byte[], byte[]> input(TopologyTestDriver driver) {
        return driver.createInputTopic("raw", new ByteArraySerializer(), new ByteArraySerializer());
    }

    private static TestOutputTopic<byte[], Likelihood> output(TopologyTestDriver driver) {
        return driver.createOutputTopic(
                "out",
                new ByteArrayDeserializer(),
                ConfluentAvroSerde.ofValues(
                                Likelihood.class,
                                Map.of("schema.registry.url", "mock://topology-test"))
                        .deserializer());
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void assertScore(RecordScore expected, Likelihood actual) {
        assertScore(expected, "key", actual);
    }

    private static void assertScore(RecordScore expected, String context, Likelihood actual) {
        assertEquals(OfflineScores.likelihood(MODEL, expected, context), actual);
    }

    @Test
    void shouldScoreInterleavedKeysAsEachKeyAlone() {
        // Room for one live state: the others are decoded from the store at every turn.
        int stateBytes = new StateCodec(MODEL).size();
        for (long liveBytes : new long[] {0, stateBytes, 64L * stateBytes}) {
            TopologyTestDriver driver =
                    start(
                            Map.of(
                                    "mambabyte.per.byte",
                                    "true",
                                    "mambabyte.live.states.max.bytes",
                                    Long.toString(liveBytes)));
            var input = input(driver);
            var output = output(driver);
            OfflineScores offline = new OfflineScores(MODEL, Framing.LINES, true);
            Random random = new Random(7);
            for (int i = 0; i < 200; i++) {
                String key = "key-" + random.nextInt(5);
                byte[] value = new byte[random.nextInt(60)];
                random.nextBytes(value);
                input.pipeInput(bytes(key), value);
                Likelihood expected = offline.score(key, value);
                TestRecord<byte[], Likelihood> actual = output.readRecord();
                assertArrayEquals(bytes(key), actual.key());
                assertEquals(expected, actual.value());
            }
            assertTrue(output.isEmpty());
            close();
        }
    }

    @Test
    void shouldCarryHeadersAndTimestampOver() {
        TopologyTestDriver driver = start(Map.of());
        Headers headers = new RecordHeaders().add("trace", bytes("abc")).add("empty", new byte[0]);
        input(driver).pipeInput(new TestRecord<>(bytes("k"), bytes("line"), headers, TIME));
        TestRecord<byte[], Likelihood> out = output(driver).readRecord();
        assertEquals(headers, out.getHeaders());
        assertEquals(TIME, out.getRecordTime());
    }

    @Test
    void shouldScoreEveryByteValueAndEmptyValues() {
        TopologyTestDriver driver = start(Map.of("mambabyte.per.byte", "true"));
        byte[] all = new byte[256];
        for (int i = 0; i < all.length; i++) {
            all[i] = (byte) i;
        }
        Scorer scorer = new Scorer(MODEL);
        RecurrentState state = MODEL.newState();
        for (byte[] value : List.of(new byte[0], all, new byte[0], bytes("\n\n"))) {
            input(driver).pipeInput(bytes("k"), value);
            Likelihood out = output(driver).readValue();
            assertScore(scorer.score(state, value, Framing.LINES, true), out);
            assertEquals(value.length + 1, out.getBytes());
            assertEquals(value.length + 1, out.getSurprisal().size());
        }
    }

    @Test
    void shouldTakeBytesAsTheyAreWithoutFraming() {
        TopologyTestDriver driver = start(Map.of("mambabyte.framing", "none"));
        Scorer scorer = new Scorer(MODEL);
        RecurrentState state = MODEL.newState();
        for (String value : List.of("", "a", "bc", "")) {
            input(driver).pipeInput(bytes("k"), bytes(value));
            assertScore(
                    scorer.score(state, bytes(value), Framing.NONE, false),
                    output(driver).readValue());
        }
    }

    @Test
    void shouldForgetAKeyOnATombstoneAndEmitNothing() {
        TopologyTestDriver driver = start(Map.of());
        var input = input(driver);
        var output = output(driver);
        input.pipeInput(bytes("k"), bytes("first"));
        input.pipeInput(bytes("other"), bytes("first"));
        Likelihood first = output.readValue();
        output.readValue();
        input.pipeInput(bytes("k"), (byte[]) null);
        assertTrue(output.isEmpty());
        KeyValueStore<Bytes, byte[]> store = driver.getKeyValueStore("mambabyte-state");
        assertEquals(0, entries(store, "k").size());
        assertEquals(1, entries(store, "other").size());
        input.pipeInput(bytes("k"), bytes("first"));
        assertEquals(first, output.readValue());
    }

    @Test
    void shouldScoreRecordsWithoutAKeyOnTheirOwn() {
        TopologyTestDriver driver = start(Map.of());
        for (int i = 0; i < 2; i++) {
            input(driver).pipeInput(new TestRecord<>(null, bytes("line")));
            TestRecord<byte[], Likelihood> out = output(driver).readRecord();
            assertNull(out.key());
            assertScore(
                    new Scorer(MODEL).scoreAlone(bytes("line"), Framing.LINES, false),
                    "record",
                    out.value());
        }
        input(driver).pipeInput(new TestRecord<>(null, (byte[]) null));
        assertTrue(output(driver).isEmpty());
    }

    @Test
    void shouldKeepNoStateInTheContextOfARecord() {
        TopologyTestDriver driver = start(Map.of("mambabyte.context", "record"));
        assertTrue(driver.getAllStateStores().isEmpty());
        for (int i = 0; i < 3; i++) {
            input(driver).pipeInput(bytes("k"), bytes("line " + i));
            assertScore(
                    new Scorer(MODEL).scoreAlone(bytes("line " + i), Framing.LINES, false),
                    "record",
                    output(driver).readValue());
        }
    }

    /** The likelihoods of a session are those of a key that has said nothing else, at any gap. */
    @Test
    void shouldBeginASessionAfterAnIdleGapAndNotBefore() {
        int stateBytes = new StateCodec(MODEL).size();
        for (long liveBytes : new long[] {0, 64L * stateBytes}) {
            TopologyTestDriver driver =
                    start(
                            Map.of(
                                    "mambabyte.context",
                                    "session",
                                    "mambabyte.context.session.gap.ms",
                                    "1000",
                                    "mambabyte.state.rounding.bytes",
                                    "50",
                                    "mambabyte.checkpoint.bytes",
                                    "100",
                                    "mambabyte.live.states.max.bytes",
                                    Long.toString(liveBytes)));
            long[] gaps = {0, 1000, 1001, 1, 999, 5000, 2, 1000, 1002, 0, 0, 0, 0, 0, 3000, 0};
            Scorer scorer =
                    new Scorer(
                            MODEL,
                            new MambaByteConfig(Map.of("mambabyte.state.rounding.bytes", "50"))
                                    .stateRounding());
            RecurrentState state = MODEL.newState();
            Scorer.beginAlone(state, Framing.LINES);
            long time = TIME.toEpochMilli();
            long position = 0;
            for (int i = 0; i < gaps.length; i++) {
                time += gaps[i];
                if (gaps[i] > 1000) {
                    Scorer.beginAlone(state, Framing.LINES);
                    position = 0;
                }
                byte[] line = bytes("line number " + i + " of a session");
                input(driver).pipeInput(bytes("k"), line, time);
                Likelihood out = output(driver).readValue();
                RecordScore expected = scorer.score(state, line, Framing.LINES, false);
                assertEquals(expected.bits(), out.getBits(), "line " + i);
                assertEquals(position, out.getPosition());
                assertEquals(line.length + 1, out.getScoredBytes());
                assertEquals("session", out.getContext());
                position += out.getBytes();
            }
            close();
        }
    }

    /** Another context is another inference: what is stored of one is not used by the other. */
    @Test
    void shouldPredictFromTheRecordWhereAnomaliesAreLookedForUnlessToldOtherwise() {
        Map<String, String> anomalies = Map.of("mambabyte.anomalies.topic", "anomalies");
        assertEquals(MambaByteConfig.Context.RECORD, new MambaByteConfig(anomalies).context());
        assertEquals(
                MambaByteConfig.Context.KEY,
                new MambaByteConfig(
                                Map.of(
                                        "mambabyte.anomalies.topic",
                                        "anomalies",
                                        "mambabyte.context",
                                        "key"))
                        .context());
        assertEquals(MambaByteConfig.Context.KEY, new MambaByteConfig(Map.of()).context());
    }

    @Test
    void shouldSetAnOversizedRecordAsideAndLeaveTheStateAsItWas() {
        TopologyTestDriver driver = start(Map.of("mambabyte.max.record.bytes", "10"));
        var input = input(driver);
        var output = output(driver);
        input.pipeInput(bytes("k"), bytes("0123456789"));
        output.readValue();
        KeyValueStore<Bytes, byte[]> store = driver.getKeyValueStore("mambabyte-state");
        List<KeyValue<Bytes, byte[]>> before = entries(store, "k");

        input.pipeInput(bytes("k"), bytes("0123456789a"));
        assertTrue(output.isEmpty());
        assertSameEntries(before, entries(store, "k"));
        TestRecord<byte[], byte[]> dead =
                driver.createOutputTopic(
                                "dead", new ByteArrayDeserializer(), new ByteArrayDeserializer())
                        .readRecord();
        assertArrayEquals(bytes("k"), dead.key());
        assertArrayEquals(bytes("0123456789a"), dead.value());
        assertEquals(
                RecordTooLargeException.class.getName(),
                header(dead, "__streams.errors.exception"));
        assertEquals(
                "the value has 11 bytes; mambabyte.max.record.bytes is 10",
                header(dead, "__streams.errors.message"));
        assertEquals("raw", header(dead, "__streams.errors.topic"));

        // The stream goes on where it was.
        input.pipeInput(bytes("k"), bytes("next"));
        assertEquals(11, output.readValue().getPosition());
    }

    @Test
    void shouldRefuseToStartWhenTheProducerCannotSendAState() {
        Map<String, String> settings = Map.of("producer.max.request.size", "2000");
        StreamsException e = assertThrows(StreamsException.class, () -> start(settings));
        String message = String.valueOf(e.getCause() == null ? e : e.getCause().getMessage());
        assertTrue(message.contains("set producer.max.request.size=1048588 or more"), message);
    }

    @Test
    void shouldSumUpWhatWasScored() {
        TopologyTestDriver driver = start(Map.of());
        double bits = 0;
        for (String line : List.of("one", "two", "three")) {
            input(driver).pipeInput(bytes("k"), bytes(line));
            bits += output(driver).readValue().getBits();
        }
        ScoringTotals totals = ScoringTotals.of(driver.metrics());
        assertEquals(3, totals.records());
        assertEquals("one\ntwo\nthree\n".length(), totals.bytes());
        assertEquals(bits, totals.bits(), 1e-9);
        assertTrue(totals.nanos() > 0);
    }

    private static List<KeyValue<Bytes, byte[]>> entries(
            KeyValueStore<Bytes, byte[]> store, String key) {
        List<KeyValue<Bytes, byte[]>> entries = new ArrayList<>();
        Bytes bytes = Bytes.wrap(bytes(key));
        try (var range =
                store.range(
                        StateKeys.first(bytes, StateKeys.CHECKPOINT),
                        StateKeys.last(bytes, StateKeys.SET_ASIDE))) {
            range.forEachRemaining(entries::add);
        }
        return entries;
    }

    private static void assertSameEntries(
            List<KeyValue<Bytes, byte[]>> expected, List<KeyValue<Bytes, byte[]>> actual) {
        assertEquals(
                expected.stream().map(entry -> entry.key).toList(),
                actual.stream().map(entry -> entry.key).toList());
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i).value, actual.get(i).value);
        }
    }

    private static String header(TestRecord<?, ?> record, String name) {
        Header header = record.getHeaders().lastHeader(name);
        assertNotNull(header, () -> "no header " + name + " among " + record.getHeaders());
        return new String(header.value(), StandardCharsets.UTF_8);
    }
}
