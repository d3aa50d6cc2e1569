package io.mambabyte.streams;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.avro.Alternative;
import io.mambabyte.avro.CompletionRequest;
import io.mambabyte.avro.Incident;
import io.mambabyte.avro.Span;
import io.mambabyte.avro.Verdict;
import io.mambabyte.fuzz.Fuzz;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.model.StateCodec;
import io.mambabyte.model.StateFormatException;
import io.mambabyte.model.StatePrecision;
import io.mambabyte.streams.registry.ConfluentAvroSerde;

import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.utils.Bytes;
import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32C;

/** Damaged values of the store's topics, and damaged requests. */
class StoredValuesFuzzTest {
    private static final Bytes KEY = Bytes.wrap(bytes("key"));
    private static final MambaModel MODEL = StreamsModels.random(1);

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static Fuzz fuzz(String name, Class<? extends Exception> refusal) {
        return new Fuzz(name, Set.of(refusal), 1 << 17, 100);
    }

    private static void assertBothSides(Fuzz.Result result) {
        assertTrue(result.taken() > 0, result::toString);
        assertTrue(result.refused() > result.executions() / 100, result::toString);
    }

    @Test
    void shouldReadOrRefuseRecordsOfTheTail() {
        Bytes entryKey = StateKeys.tail(KEY, 7);
        assertBothSides(
                fuzz("tail-entry", StoredStateException.class)
                        .seeds(
                                List.of(
                                        new TailEntry(true, false, 5, 1L, 2.5, 4, bytes("abc"))
                                                .encode(entryKey),
                                        new TailEntry(false, true, 5, -1L, 0, 0, new byte[0])
                                                .encode(entryKey)))
                        .repaired(
                                value ->
                                        value.length < 30
                                                ? value
                                                : checked(value, 0, 26, 26, entryKey.get()))
                        .run(input -> TailEntry.decode(entryKey, input)));
    }

    /** The first two bytes say where the input is cut into segments. */
    @Test
    void shouldReadOrRefuseCheckpoints() {
        byte[] whole =
                new StoredCheckpoint(5, 1L, 99L, 2.5, bytes("a state")).encode(KEY, 3).getFirst();
        assertBothSides(
                fuzz("checkpoint", StoredStateException.class)
                        .seeds(
                                List.of(
                                        ByteBuffer.allocate(2 + whole.length)
                                                .putShort((short) -1)
                                                .put(whole)
                                                .array()))
                        // Of one that is not cut; 3 bytes are the header of the segment.
                        .repaired(
                                value ->
                                        value.length < 37
                                                ? value
                                                : checked(
                                                        value,
                                                        5,
                                                        28,
                                                        33,
                                                        ByteBuffer.allocate(KEY.get().length + 8)
                                                                .put(KEY.get())
                                                                .putLong(3)
                                                                .array()))
                        .run(
                                input -> {
                                    ByteBuffer in = ByteBuffer.wrap(input);
                                    int cut =
                                            in.remaining() < 2
                                                    ? 0
                                                    : Short.toUnsignedInt(in.getShort());
                                    byte[] rest = new byte[in.remaining()];
                                    in.get(rest);
                                    List<byte[]> segments = new ArrayList<>();
                                    int from = 0;
                                    if (cut < rest.length) {
                                        segments.add(java.util.Arrays.copyOf(rest, cut));
                                        from = cut;
                                    }
                                    segments.add(
                                            java.util.Arrays.copyOfRange(rest, from, rest.length));
                                    if (StoredCheckpoint.segments(segments.getFirst())
                                            == segments.size()) {
                                        StoredCheckpoint.decode(KEY, 3, segments);
                                    }
                                }));
    }

    @Test
    void shouldReadOrRefuseStates() {
        List<byte[]> seeds = new ArrayList<>();
        List<StateCodec> codecs = new ArrayList<>();
        for (StatePrecision precision : StatePrecision.values()) {
            StateCodec codec = new StateCodec(MODEL, precision);
            codecs.add(codec);
            seeds.add(codec.encode(new RecurrentState(MODEL.config())));
        }
        assertBothSides(
                fuzz("state", StateFormatException.class)
                        .seeds(seeds)
                        .repaired(StoredValuesFuzzTest::checkedState)
                        .run(input -> codecs.getFirst().decode(input)));
    }

    /**
     * Puts the CRC-32C in: of what is before, of the bytes from {@code from}, and for entries of
     * the tail of those behind it.
     */
    private static byte[] checked(byte[] value, int from, int bytes, int at, byte[] before) {
        CRC32C checksum = new CRC32C();
        checksum.update(before);
        checksum.update(value, from, bytes);
        if (from == 0) {
            checksum.update(value, at + Integer.BYTES, value.length - at - Integer.BYTES);
        }
        ByteBuffer.wrap(value).putInt(at, (int) checksum.getValue());
        return value;
    }

    private static byte[] checkedState(byte[] value) {
        int end = value.length - Integer.BYTES;
        if (end < 0) {
            return value;
        }
        CRC32C checksum = new CRC32C();
        checksum.update(value, 0, end);
        ByteBuffer.wrap(value)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(end, (int) checksum.getValue());
        return value;
    }

    private static CompletionRequest request() {
        return CompletionRequest.newBuilder()
                .setId("r-1")
                .setPrompt(ByteBuffer.wrap(bytes("ERROR ")))
                .setStop(List.of(ByteBuffer.wrap(bytes("\n")), ByteBuffer.wrap(bytes("END"))))
                .setDeadlineMs(5L)
                .build();
    }

    @Test
    void shouldReadOrRefuseRequests() {
        assertReadsOrRefuses("avro-request", CompletionRequest.class, request());
    }

    @Test
    void shouldReadOrRefuseVerdicts() {
        assertReadsOrRefuses(
                "avro-verdict",
                Verdict.class,
                Verdict.newBuilder()
                        .setIncident("6b86-17")
                        .setFirstLine(17L)
                        .setLastLine(20L)
                        .setBy("me")
                        .build());
    }

    /** As it comes from a topic: a zero byte, the number of the schema, and Avro. */
    private static <T extends SpecificRecord> void assertReadsOrRefuses(
            String name, Class<T> type, T record) {
        ConfluentAvroSerde<T> serde =
                ConfluentAvroSerde.ofValues(
                        type, Map.of("schema.registry.url", "mock://fuzz-" + name));
        byte[] valid = serde.serializer().serialize(name, record);
        assertBothSides(
                new Fuzz(
                                name,
                                Set.of(
                                        SerializationException.class,
                                        // No such schema: the number is damaged.
                                        io.mambabyte.streams.registry.SchemaRegistryException
                                                .class),
                                1 << 17,
                                100)
                        .seeds(List.of(valid))
                        // Lengths of two gibibytes and one, as Avro writes them, and a negative
                        // count.
                        .tokens(
                                new byte[] {-2, -1, -1, -1, 15},
                                new byte[] {-2, -1, -1, -1, 7},
                                new byte[] {-1, -1, -1, -1, 7, 2},
                                new byte[] {2, 2})
                        .run(input -> serde.deserializer().deserialize(name, input)));
    }

    @Test
    void shouldReadOrRefuseStoredIncidents() {
        Span span =
                Span.newBuilder()
                        .setOffset(3)
                        .setBits(20.5)
                        .setBytes(ByteBuffer.wrap(bytes("refused")))
                        .setExpected(
                                List.of(
                                        Alternative.newBuilder()
                                                .setProbability(0.5)
                                                .setBytes(ByteBuffer.wrap(bytes("accepted")))
                                                .build()))
                        .build();
        IncidentState state =
                new IncidentState(
                        Incident.newBuilder()
                                .setId("6b86-17")
                                .setKey(ByteBuffer.wrap(bytes("key")))
                                .setKind("anomalies")
                                .setStatus("open")
                                .setRevision(2)
                                .setModel("0123")
                                .setTopic("logs")
                                .setPartition(1)
                                .setFirstOffset(17)
                                .setLastOffset(20)
                                .setFirstLine(17)
                                .setLastLine(20)
                                .setFirstTimeMs(1)
                                .setLastTimeMs(2)
                                .setLines(3)
                                .setPeakPValue(1e-6)
                                .setPeakScore(20)
                                .setPeakLine(18)
                                .setPeakOffset(18)
                                .setPeakText(ByteBuffer.wrap(bytes("connection refused")))
                                .setSpans(List.of(span))
                                .build());
        assertBothSides(
                fuzz("stored-incident", StoredStateException.class)
                        .seeds(List.of(state.encode(KEY)))
                        .tokens(
                                new byte[] {-2, -1, -1, -1, 15},
                                new byte[] {-2, -1, -1, -1, 7},
                                new byte[] {2, 2})
                        .repaired(value -> value.length < 5 ? value : AnomalyKey.sealed(KEY, value))
                        .run(input -> IncidentState.decode(KEY, input)));
    }

    /** As they are kept while they are under way. */
    @Test
    void shouldReadOrRefuseStoredRequests() {
        assertBothSides(
                fuzz("stored-request", StoredStateException.class)
                        .seeds(
                                List.of(
                                        CompletionStore.encodeRequest(
                                                bytes("key"), 5, request(), bytes("abcd")),
                                        CompletionStore.encodeRequest(
                                                new byte[0], -1, request(), new byte[0])))
                        .tokens(
                                new byte[] {-2, -1, -1, -1, 15},
                                new byte[] {-2, -1, -1, -1, 7},
                                new byte[] {2, 2})
                        .run(input -> CompletionStore.decodeRequest(1, input)));
    }

    @Test
    void shouldReadStoredRequestAsItWasWritten() {
        CompletionStore.Stored stored =
                CompletionStore.decodeRequest(
                        3,
                        CompletionStore.encodeRequest(
                                bytes("key"), 5, request(), bytes("longer than four")));
        assertEquals(request(), stored.request);
        assertEquals(5, stored.timestampMs);
        assertArrayEquals(bytes("key"), stored.key);
        assertArrayEquals(bytes("four"), stored.before);
    }
}
