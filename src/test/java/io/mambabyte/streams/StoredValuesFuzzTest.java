package io.mambabyte.streams;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.avro.CompletionRequest;
import io.mambabyte.fuzz.Fuzz;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.model.StateCodec;
import io.mambabyte.model.StateFormatException;
import io.mambabyte.model.StatePrecision;
import io.mambabyte.streams.registry.ConfluentAvroSerde;

import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.utils.Bytes;
import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

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
                        .run(input -> codecs.getFirst().decode(input)));
    }

    private static CompletionRequest request() {
        return CompletionRequest.newBuilder()
                .setId("r-1")
                .setPrompt(ByteBuffer.wrap(bytes("ERROR ")))
                .setStop(List.of(ByteBuffer.wrap(bytes("\n")), ByteBuffer.wrap(bytes("END"))))
                .setDeadlineMs(5L)
                .build();
    }

    /** As it comes from a topic: a zero byte, the number of the schema, and Avro. */
    @Test
    void shouldReadOrRefuseRequests() {
        ConfluentAvroSerde<CompletionRequest> serde =
                ConfluentAvroSerde.ofValues(
                        CompletionRequest.class, Map.of("schema.registry.url", "mock://fuzz"));
        byte[] valid = serde.serializer().serialize("requests", request());
        assertBothSides(
                new Fuzz(
                                "avro-request",
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
                        .run(input -> serde.deserializer().deserialize("requests", input)));
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
