package io.mambabyte.streams;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.avro.Completion;
import io.mambabyte.avro.CompletionRequest;
import io.mambabyte.avro.Likelihood;
import io.mambabyte.generate.Continuation;
import io.mambabyte.generate.Decoder;
import io.mambabyte.generate.Draft;
import io.mambabyte.generate.Drafter;
import io.mambabyte.generate.Prefill;
import io.mambabyte.generate.Sampling;
import io.mambabyte.generate.StopSequences;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.model.StateCodec;
import io.mambabyte.streams.registry.ConfluentAvroSerde;

import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

class CompletionTopologyTest {
    private static final MambaModel MODEL = StreamsModels.random(1);
    private static final Map<String, String> REGISTRY =
            Map.of("schema.registry.url", "mock://completion-test");

    @TempDir private Path stateDirectory;

    private @Nullable TopologyTestDriver driver;
    private @Nullable TestInputTopic<byte[], CompletionRequest> requests;
    private final Map<String, byte[]> keys = new HashMap<>();
    private final List<KeyValue<Bytes, byte[]>> survived = new ArrayList<>();
    private @Nullable Supplier<Drafter> drafters;
    private UnaryOperator<CompletionProcessor.Pass> passes = UnaryOperator.identity();

    @AfterEach
    void close() {
        if (driver != null) {
            driver.close();
            driver = null;
        }
    }

    private void start(Map<String, String> settings) {
        Map<String, String> all = new HashMap<>(REGISTRY);
        all.put("application.id", "completion-test");
        all.put("bootstrap.servers", "unused:1");
        all.put("state.dir", stateDirectory.toString());
        all.put("mambabyte.store", "in_memory");
        all.put("mambabyte.completion.requests.topic", "requests");
        all.put("mambabyte.completion.slice.ms", "1");
        all.putAll(settings);
        MambaByteConfig component = new MambaByteConfig(all);
        CompletionConfig config = new CompletionConfig(all);
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(
                        "requests",
                        Consumed.with(
                                Serdes.ByteArray(),
                                ConfluentAvroSerde.ofValues(CompletionRequest.class, REGISTRY)))
                .process(new Surviving(supplier(config, component)))
                .to(
                        "completions",
                        Produced.with(
                                Serdes.ByteArray(),
                                ConfluentAvroSerde.ofValues(Completion.class, REGISTRY)));
        Properties properties = new Properties();
        properties.putAll(all);
        driver = new TopologyTestDriver(builder.build(), properties);
        requests =
                driver.createInputTopic(
                        "requests",
                        new ByteArraySerializer(),
                        ConfluentAvroSerde.ofValues(CompletionRequest.class, REGISTRY)
                                .serializer());
    }

    private CompletionProcessorSupplier supplier(
            CompletionConfig config, MambaByteConfig component) {
        CompletionProcessorSupplier supplier =
                new CompletionProcessorSupplier(
                        config, component, MODEL, _ -> this::startOf, Set.of(), passes);
        return drafters == null ? supplier : supplier.draftedBy(drafters);
    }

    /**
     * Finds in its store what was there when the task before it ended: the driver forgets all
     * stores, which a changelog or a disk would have kept.
     */
    private final class Surviving
            implements ProcessorSupplier<byte[], CompletionRequest, byte[], Completion> {
        private final CompletionProcessorSupplier supplier;

        Surviving(CompletionProcessorSupplier supplier) {
            this.supplier = supplier;
        }

        @Override
        public Set<StoreBuilder<?>> stores() {
            return supplier.stores();
        }

        @Override
        public Processor<byte[], CompletionRequest, byte[], Completion> get() {
            Processor<byte[], CompletionRequest, byte[], Completion> processor = supplier.get();
            return new Processor<>() {
                @Override
                public void init(ProcessorContext<byte[], Completion> context) {
                    KeyValueStore<Bytes, byte[]> store =
                            context.getStateStore("mambabyte-completions");
                    survived.forEach(entry -> store.put(entry.key, entry.value));
                    processor.init(context);
                }

                @Override
                public void process(Record<byte[], CompletionRequest> record) {
                    processor.process(record);
                }

                @Override
                public void close() {
                    processor.close();
                }
            };
        }
    }

    private void restart(Map<String, String> settings) {
        stop();
        start(settings);
    }

    /** Ends the task; what was in its store is found by the next, {@link #survived}. */
    private void stop() {
        survived.clear();
        if (driver == null) {
            throw new IllegalStateException("not started");
        }
        KeyValueStore<Bytes, byte[]> store = driver.getKeyValueStore("mambabyte-completions");
        try (KeyValueIterator<Bytes, byte[]> all = store.all()) {
            all.forEachRemaining(survived::add);
        }
        close();
    }

    /** The stream of a key of these tests: whatever bytes {@link #keys} has. */
    private @Nullable StartingPoint startOf(byte[] key) {
        if (Arrays.equals(key, bytes("damaged"))) {
            throw StoredStateException.corrupt("a checkpoint of 3 bytes");
        }
        byte[] seen = keys.get(new String(key, StandardCharsets.UTF_8));
        return seen == null ? null : new StartingPoint(after(seen), seen);
    }

    private static RecurrentState after(byte[] text) {
        RecurrentState state = MODEL.newState();
        new Prefill(MODEL).feed(state, text, 0, text.length);
        return state;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static CompletionRequest.Builder request(String id, String prompt) {
        return CompletionRequest.newBuilder()
                .setId(id)
                .setPrompt(ByteBuffer.wrap(bytes(prompt)))
                .setMaxBytes(100)
                .setTemperature(1);
    }

    private void ask(String key, @Nullable CompletionRequest request) {
        if (requests == null) {
            throw new IllegalStateException("not started");
        }
        requests.pipeInput(bytes(key), request);
    }

    private List<KeyValue<byte[], Completion>> completions() {
        if (driver == null) {
            throw new IllegalStateException("not started");
        }
        return driver.createOutputTopic(
                        "completions",
                        new ByteArrayDeserializer(),
                        ConfluentAvroSerde.ofValues(Completion.class, REGISTRY).deserializer())
                .readKeyValuesToList();
    }

    private void runSlices(int count) {
        if (driver == null) {
            throw new IllegalStateException("not started");
        }
        for (int i = 0; i < count; i++) {
            driver.advanceWallClockTime(Duration.ofMillis(1));
        }
    }

    /** Runs until that many have ended. */
    private List<KeyValue<byte[], Completion>> untilEnded(int count) {
        List<KeyValue<byte[], Completion>> all = new ArrayList<>();
        int ended = 0;
        for (int slice = 0; ended < count; slice++) {
            assertTrue(slice < 20_000, "no end");
            runSlices(1);
            for (KeyValue<byte[], Completion> completion : completions()) {
                all.add(completion);
                ended += completion.value.getFinishReason() == null ? 0 : 1;
            }
        }
        return all;
    }

    private static byte[] plain(byte[] text, Sampling sampling, int maxBytes) {
        Continuation made =
                new Continuation(
                        after(text), text, sampling, StopSequences.NONE, maxBytes, Drafter.NONE, 0);
        Decoder decoder = new Decoder(MODEL, 1);
        while (made.finished() == null) {
            decoder.advance(List.of(made));
        }
        return made.bytes(0, made.length());
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    /** The text of each request, after checking that its chunks are numbered without a gap. */
    private static Map<String, byte[]> texts(List<KeyValue<byte[], Completion>> chunks) {
        Map<String, ByteArrayOutputStream> texts = new LinkedHashMap<>();
        Map<String, Integer> next = new HashMap<>();
        for (KeyValue<byte[], Completion> chunk : chunks) {
            String id = chunk.value.getId();
            assertEquals(next.merge(id, 1, Integer::sum) - 1, chunk.value.getSequence(), id);
            texts.computeIfAbsent(id, _ -> new ByteArrayOutputStream())
                    .writeBytes(bytes(chunk.value.getBytes()));
        }
        Map<String, byte[]> result = new LinkedHashMap<>();
        texts.forEach((id, text) -> result.put(id, text.toByteArray()));
        return result;
    }

    private boolean storeIsEmpty() {
        if (driver == null) {
            throw new IllegalStateException("not started");
        }
        KeyValueStore<Bytes, byte[]> store = driver.getKeyValueStore("mambabyte-completions");
        try (KeyValueIterator<Bytes, byte[]> all = store.all()) {
            return !all.hasNext();
        }
    }

    @Test
    void shouldSendTheTextOfPlainDecodingInChunks() {
        start(Map.of());
        ask("k", request("a", "a prompt").setSeed(5).build());
        List<KeyValue<byte[], Completion>> chunks = untilEnded(1);
        assertEquals(4, chunks.size());
        assertEquals(32, chunks.get(0).value.getBytes().remaining());
        assertArrayEquals(bytes("k"), chunks.get(2).key);
        assertNull(chunks.get(2).value.getFinishReason());
        assertEquals("length", chunks.get(3).value.getFinishReason());
        assertEquals(MODEL.fingerprint(), chunks.get(0).value.getModel());
        assertTrue(chunks.get(0).value.getLog2Likelihood() < 0);
        assertArrayEquals(plain(bytes("a prompt"), Sampling.of(1, 5), 100), texts(chunks).get("a"));
        assertTrue(storeIsEmpty());
    }

    @Test
    void shouldSendAllAtTheEndWhenAsked() {
        start(Map.of());
        ask("k", request("streamed", "text").build());
        ask("k", request("whole", "text").setStream(false).build());
        List<KeyValue<byte[], Completion>> all = untilEnded(2);
        Map<String, byte[]> texts = texts(all);
        assertArrayEquals(texts.get("streamed"), texts.get("whole"));
        double streamed = 0;
        double whole = 0;
        for (KeyValue<byte[], Completion> chunk : all) {
            if (chunk.value.getId().equals("whole")) {
                whole += chunk.value.getLog2Likelihood();
            } else {
                streamed += chunk.value.getLog2Likelihood();
            }
        }
        assertEquals(streamed, whole);
    }

    @Test
    void shouldContinueKeyWithoutDisturbingIt() {
        start(Map.of());
        keys.put("host", bytes("line one\nline two\n"));
        ask("host", request("bare", "").setPrompt(null).setContinueKey(true).setSeed(2).build());
        ask("host", request("prompted", "line").setContinueKey(true).setSeed(3).build());
        Map<String, byte[]> texts = texts(untilEnded(2));
        assertArrayEquals(
                plain(bytes("line one\nline two\n"), Sampling.of(1, 2), 100), texts.get("bare"));
        assertArrayEquals(
                plain(bytes("line one\nline two\nline"), Sampling.of(1, 3), 100),
                texts.get("prompted"));
    }

    @Test
    void shouldServeMoreThanHavePlacesInOrder() {
        start(Map.of("mambabyte.completion.max.together", "3"));
        Map<String, byte[]> expected = new HashMap<>();
        for (int i = 0; i < 10; i++) {
            String prompt = "prompt " + "x".repeat(i * 40);
            ask(
                    "key" + i,
                    request("id" + i, prompt)
                            .setSeed(i)
                            .setDraft(
                                    List.of("none", "history", "model", "subword", "both")
                                            .get(i % 5))
                            .build());
            expected.put("id" + i, plain(bytes(prompt), Sampling.of(1, i), 100));
        }
        Map<String, byte[]> texts = texts(untilEnded(10));
        assertEquals(expected.keySet(), texts.keySet());
        expected.forEach((id, text) -> assertArrayEquals(text, texts.get(id), id));
        assertTrue(storeIsEmpty());
    }

    @Test
    void shouldEndAtStopSequence() {
        start(Map.of());
        byte[] whole = plain(bytes("p"), Sampling.of(1, 0), 100);
        byte[] stop = {whole[40], whole[41], whole[42]};
        ask("k", request("s", "p").setStop(List.of(ByteBuffer.wrap(stop))).build());
        List<KeyValue<byte[], Completion>> chunks = untilEnded(1);
        assertEquals("stop", chunks.getLast().value.getFinishReason());
        byte[] text = texts(chunks).getOrDefault("s", new byte[0]);
        assertTrue(text.length <= 43);
        assertArrayEquals(stop, java.util.Arrays.copyOfRange(text, text.length - 3, text.length));
    }

    @Test
    void shouldCancelByTombstoneOfTheKeyOnly() {
        start(Map.of());
        ask("one", request("cancelled", "a").setMaxBytes(60_000).build());
        ask("two", request("stays", "a").build());
        runSlices(3);
        ask("one", null);
        List<KeyValue<byte[], Completion>> all = new ArrayList<>(completions());
        long ended =
                all.stream().filter(c -> "cancelled".equals(c.value.getFinishReason())).count();
        assertEquals(1, ended);
        if (all.stream().noneMatch(c -> "length".equals(c.value.getFinishReason()))) {
            all.addAll(untilEnded(1));
        }
        all.stream()
                .filter(c -> c.value.getFinishReason() != null)
                .forEach(
                        c ->
                                assertEquals(
                                        c.value.getId().equals("stays") ? "length" : "cancelled",
                                        c.value.getFinishReason()));
        assertTrue(storeIsEmpty());
    }

    @Test
    void shouldEndAtDeadline() {
        // The driver's clock begins now or later, and goes by what it is told.
        long nowMs = System.currentTimeMillis();
        start(Map.of());
        ask("k", request("late", "a").setMaxBytes(60_000).setDeadlineMs(nowMs + 40).build());
        List<KeyValue<byte[], Completion>> all = untilEnded(1);
        assertEquals("deadline", all.getLast().value.getFinishReason());
        assertTrue(storeIsEmpty());
    }

    @Test
    void shouldAnswerInvalidRequestsWithTheReason() {
        start(Map.of("mambabyte.completion.max.bytes", "1000"));
        Map<String, CompletionRequest> invalid = new LinkedHashMap<>();
        invalid.put(
                "temperature must be 0 or from 0.000001 to 100, not -1.0",
                request("i", "a").setTemperature(-1).build());
        invalid.put(
                "max_bytes must be from 1 to 1000, not 1001",
                request("i", "a").setMaxBytes(1001).build());
        invalid.put(
                "continue_key: nothing is known of the record's key",
                request("i", "a").setContinueKey(true).build());
        invalid.put("prompt: there is none, and continue_key is false", request("i", "").build());
        invalid.put(
                "draft must be one of none, history, model, subword, both, not fast",
                request("i", "a").setDraft("fast").build());
        invalid.put(
                "a stop sequence must not be empty",
                request("i", "a").setStop(List.of(ByteBuffer.allocate(0))).build());
        invalid.forEach(
                (message, request) -> {
                    ask("k", request);
                    List<KeyValue<byte[], Completion>> answer = completions();
                    assertEquals(1, answer.size());
                    assertEquals("invalid", answer.getFirst().value.getFinishReason());
                    assertEquals(message, answer.getFirst().value.getMessage());
                    assertEquals("i", answer.getFirst().value.getId());
                });
        assertTrue(storeIsEmpty());
    }

    @Test
    void shouldGoOnWhereItWasInterrupted() {
        Random random = new Random(9);
        for (int round = 0; round < 6; round++) {
            Map<String, String> settings = Map.of("mambabyte.completion.chunk.bytes", "8");
            survived.clear();
            start(settings);
            keys.put("host", new byte[] {'x', (byte) 0xe2});
            Map<String, byte[]> expected = new HashMap<>();
            for (int i = 0; i < 4; i++) {
                boolean ofKey = i == 3;
                CompletionRequest asked =
                        request("id" + i, ofKey ? "" : "prompt " + i)
                                .setContinueKey(ofKey)
                                .setUtf8Only(ofKey)
                                .setSeed(i)
                                .setMaxBytes(400)
                                .setStream(i != 1)
                                .build();
                ask(ofKey ? "host" : "key" + i, asked);
                Sampling sampling = new Sampling(1, 0, 1, 0, i, ofKey);
                expected.put(
                        "id" + i,
                        plain(ofKey ? keys.get("host") : bytes("prompt " + i), sampling, 400));
            }
            List<KeyValue<byte[], Completion>> all = new ArrayList<>();
            int lives = 0;
            while (all.stream().filter(c -> c.value.getFinishReason() != null).count() < 4) {
                runSlices(1 + random.nextInt(3));
                all.addAll(completions());
                if (lives++ < 5) {
                    restart(settings);
                }
                assertTrue(lives < 20_000, "no end");
            }
            Map<String, byte[]> texts = texts(all);
            expected.forEach((id, text) -> assertArrayEquals(text, texts.get(id), id));
            assertTrue(storeIsEmpty());
            close();
        }
    }

    /** Repeats the last byte; throws when it has been told of some text and asked some times. */
    private static final class Throwing implements Drafter {
        private final String told;
        private final int asked;
        private final Runnable thrower;
        private final ByteArrayOutputStream text = new ByteArrayOutputStream();
        private int drafts;

        Throwing(String told, int asked, Runnable thrower) {
            this.told = told;
            this.asked = asked;
            this.thrower = thrower;
        }

        @Override
        public void begin() {}

        @Override
        public void append(byte[] bytes, int offset, int length) {
            text.write(bytes, offset, length);
            if (asked == 0) {
                throwIfTold();
            }
        }

        private void throwIfTold() {
            if (text.toString(StandardCharsets.ISO_8859_1).contains(told)) {
                thrower.run();
            }
        }

        @Override
        public void draft(Draft draft) {
            draft.add(text.toByteArray()[text.size() - 1]);
            if (++drafts == asked) {
                throwIfTold();
            }
        }
    }

    /** Asks for four texts, of which one is to fail, and checks the records of all. */
    private void assertOneFails(Map<String, String> settings, String message) {
        start(settings);
        Map<String, byte[]> expected = askForFour();
        assertOneFailed(untilEnded(4), expected, message);
    }

    private Map<String, byte[]> askForFour() {
        Map<String, byte[]> expected = new HashMap<>();
        for (String id : List.of("first", "bad", "third", "whole")) {
            long seed = expected.size();
            ask(
                    "key of " + id,
                    request(id, "prompt of " + id + " ")
                            .setSeed(seed)
                            .setMaxBytes(200)
                            .setStream(!id.equals("whole"))
                            .build());
            expected.put(id, plain(bytes("prompt of " + id + " "), Sampling.of(1, seed), 200));
        }
        return expected;
    }

    private void assertOneFailed(
            List<KeyValue<byte[], Completion>> all, Map<String, byte[]> expected, String message) {
        Map<String, byte[]> texts = texts(all);
        for (KeyValue<byte[], Completion> completion : all) {
            if (completion.value.getFinishReason() == null) {
                continue;
            }
            String id = completion.value.getId();
            byte[] text = texts.getOrDefault(id, new byte[0]);
            assertArrayEquals(bytes("key of " + id), completion.key);
            if (id.equals("bad")) {
                assertEquals("error", completion.value.getFinishReason());
                assertEquals(message, completion.value.getMessage());
                assertArrayEquals(
                        Arrays.copyOf(expected.getOrDefault(id, new byte[0]), text.length), text);
            } else {
                assertEquals("length", completion.value.getFinishReason(), id);
                assertArrayEquals(expected.get(id), text, id);
            }
        }
        assertTrue(storeIsEmpty());
        runSlices(5);
        assertEquals(List.of(), completions());
    }

    private static void outOfMemory() {
        throw new OutOfMemoryError("of a drafter");
    }

    @Test
    void shouldEndOnlyTheRequestWhoseDrafterThrows() {
        int round = 0;
        for (int asked : List.of(0, 1, 9)) {
            drafters =
                    () ->
                            new Throwing(
                                    "of bad",
                                    asked,
                                    () -> {
                                        throw new UnsupportedOperationException("no more");
                                    });
            assertOneFails(
                    Map.of("mambabyte.completion.chunk.bytes", round++ == 0 ? "32" : "5"),
                    "java.lang.UnsupportedOperationException: no more");
            close();
        }
        drafters = () -> new Throwing("of bad", 2, CompletionTopologyTest::outOfMemory);
        assertOneFails(Map.of(), "java.lang.OutOfMemoryError: of a drafter");
    }

    @Test
    void shouldSayThatADrafterCouldNotBeMade() {
        drafters =
                () -> {
                    throw new IllegalStateException("none left");
                };
        start(Map.of());
        ask("k", request("i", "a").build());
        Completion answer = completions().getFirst().value;
        assertEquals("error", answer.getFinishReason());
        assertEquals("java.lang.IllegalStateException: none left", answer.getMessage());
        ask("k", request("plain", "a").setDraft("none").build());
        assertArrayEquals(
                plain(bytes("a"), Sampling.of(1, 0), 100), texts(untilEnded(1)).get("plain"));
    }

    /**
     * The pass is made and fails then: all states are other than they were. Whose fault it is shows
     * only when each is advanced alone.
     */
    @Test
    void shouldFindTheRequestThatFailsAPass() {
        // It is known by what was made of it: so early by three bytes.
        for (int failing : List.of(3, 40, 120)) {
            byte[] bad = plain(bytes("prompt of bad "), Sampling.of(1, 1), 200);
            List<Integer> sizes = new ArrayList<>();
            passes =
                    pass ->
                            continuations -> {
                                sizes.add(continuations.size());
                                pass.advance(continuations);
                                for (Continuation made : continuations) {
                                    int length = made.length();
                                    if (length >= failing
                                            && Arrays.equals(
                                                    Arrays.copyOf(bad, length),
                                                    made.bytes(0, length))) {
                                        throw new IllegalStateException("of the pass");
                                    }
                                }
                            };
            assertOneFails(Map.of(), "java.lang.IllegalStateException: of the pass");
            assertTrue(sizes.contains(4));
            assertTrue(sizes.contains(1));
            // They go on together afterwards.
            assertTrue(sizes.subList(sizes.indexOf(1), sizes.size()).contains(3), sizes::toString);
            close();
        }
    }

    /** Nobody fails alone, so nobody fails. */
    @Test
    void shouldGoOnAfterAPassThatFailedOnce() {
        int[] calls = {0};
        passes =
                pass ->
                        continuations -> {
                            pass.advance(continuations);
                            if (++calls[0] % 50 == 0 && continuations.size() > 1) {
                                throw new OutOfMemoryError("for a moment");
                            }
                        };
        start(Map.of());
        Map<String, byte[]> expected = askForFour();
        Map<String, byte[]> texts = texts(untilEnded(4));
        expected.forEach((id, text) -> assertArrayEquals(text, texts.get(id), id));
        assertTrue(calls[0] > 50);
    }

    @Test
    void shouldEndOnlyTheRequestThatIsDamagedInTheStore() {
        Map<String, String> settings = Map.of("mambabyte.completion.chunk.bytes", "8");
        Map<String, UnaryOperator<byte[]>> damages = new LinkedHashMap<>();
        damages.put(
                "a completion request cannot be read: a damaged message of schema"
                        + " io.mambabyte.avro.CompletionRequest",
                value -> Arrays.copyOf(value, value.length - 3));
        damages.put("chunk 1 of what was made of it is damaged", value -> Arrays.copyOf(value, 7));
        damages.put("chunk 0 of what was made of it is damaged", _ -> new byte[0]);
        for (Map.Entry<String, UnaryOperator<byte[]>> damage : damages.entrySet()) {
            survived.clear();
            start(settings);
            Map<String, byte[]> expected = askForFour();
            List<KeyValue<byte[], Completion>> all = new ArrayList<>();
            while (all.stream().filter(c -> c.value.getId().equals("bad")).count() < 2) {
                runSlices(1);
                all.addAll(completions());
            }
            stop();
            boolean chunk = damage.getKey().startsWith("chunk");
            int index = damage.getKey().startsWith("chunk 1") ? 1 : 0;
            for (int i = 0; i < survived.size(); i++) {
                ByteBuffer key = ByteBuffer.wrap(survived.get(i).key.get());
                if (key.getLong() == 1 && key.get() == (chunk ? 2 : 0) && key.getInt() == index) {
                    byte[] value = damage.getValue().apply(survived.get(i).value);
                    survived.set(i, KeyValue.pair(survived.get(i).key, value));
                }
            }
            if (damage.getKey().startsWith("chunk 0")) {
                survived.removeIf(entry -> entry.value.length == 0);
            }
            start(settings);
            int before = (int) all.stream().filter(c -> c.value.getFinishReason() != null).count();
            List<KeyValue<byte[], Completion>> later = untilEnded(4 - before);
            all.addAll(later);
            assertOneFailed(all, expected, damage.getKey());
            close();
        }
    }

    @Test
    void shouldEndARequestWhoseStoredStateCannotBeUsed() {
        keys.put("host", bytes("some text"));
        Map<String, Predicate<Integer>> kept = new LinkedHashMap<>();
        kept.put("the state that it started from is missing", kind -> kind == 0);
        kept.put(null, kind -> kind != 0);
        kept.forEach(
                (message, keeps) -> {
                    survived.clear();
                    start(Map.of());
                    ask("host", request("i", "").setContinueKey(true).build());
                    stop();
                    assertEquals(2, survived.size());
                    survived.removeIf(entry -> !keeps.test((int) entry.key.get()[Long.BYTES]));
                    start(Map.of());
                    runSlices(5);
                    List<KeyValue<byte[], Completion>> all = completions();
                    if (message == null) {
                        // Its request went first: it had ended.
                        assertEquals(List.of(), all);
                    } else {
                        assertEquals("error", all.getFirst().value.getFinishReason());
                        assertEquals(message, all.getFirst().value.getMessage());
                        assertEquals("i", all.getFirst().value.getId());
                    }
                    assertTrue(storeIsEmpty());
                    close();
                });
        start(Map.of());
        ask("host", request("i", "").setContinueKey(true).build());
        stop();
        for (int i = 0; i < survived.size(); i++) {
            if (survived.get(i).key.get()[Long.BYTES] == 1) {
                byte[] other =
                        new StateCodec(StreamsModels.random(2))
                                .encode(StreamsModels.random(2).newState());
                survived.set(i, KeyValue.pair(survived.get(i).key, other));
            }
        }
        start(Map.of());
        Completion ended = untilEnded(1).getFirst().value;
        assertEquals("error", ended.getFinishReason());
        assertTrue(ended.getMessage().contains("cannot be used any more"), ended::getMessage);
        assertTrue(storeIsEmpty());
    }

    @Test
    void shouldSayThatTheStateOfAKeyCannotBeRead() {
        start(Map.of());
        ask("damaged", request("i", "a").setContinueKey(true).build());
        ask("damaged", request("prompt only", "a").build());
        List<KeyValue<byte[], Completion>> all = untilEnded(2);
        assertEquals("error", all.getFirst().value.getFinishReason());
        assertEquals(
                "io.mambabyte.streams.StoredStateException: a checkpoint of 3 bytes",
                all.getFirst().value.getMessage());
        assertArrayEquals(plain(bytes("a"), Sampling.of(1, 0), 100), texts(all).get("prompt only"));
        assertTrue(storeIsEmpty());
    }

    @Test
    void shouldSendWhatWasMadeBeforeARestartWhenItsDeadlineComesFirst() {
        Map<String, String> settings = Map.of("mambabyte.completion.chunk.bytes", "8");
        start(settings);
        byte[] prompt = bytes("x".repeat(9000));
        ask(
                "k",
                request("late", "x".repeat(9000))
                        .setMaxBytes(60_000)
                        .setStream(false)
                        .setDeadlineMs(Long.MAX_VALUE)
                        .build());
        do {
            runSlices(50);
            stop();
            start(settings);
        } while (survived.size() < 3);
        // The same request with its deadline over, before its text is fed again.
        stop();
        KeyValue<Bytes, byte[]> stored = survived.getFirst();
        CompletionStore.Stored decoded = CompletionStore.decodeRequest(0, stored.value);
        decoded.request.setDeadlineMs(1L);
        survived.set(
                0,
                KeyValue.pair(
                        stored.key,
                        CompletionStore.encodeRequest(
                                decoded.key, 0, decoded.request, decoded.before)));
        int chunks = survived.size() - 1;
        start(settings);
        Completion ended = untilEnded(1).getFirst().value;
        assertEquals("deadline", ended.getFinishReason());
        assertArrayEquals(plain(prompt, Sampling.of(1, 0), 8 * chunks), bytes(ended.getBytes()));
        assertTrue(ended.getLog2Likelihood() < 0);
    }

    /** Likelihoods and completions in one topology; gives the topic of raw records. */
    private TestInputTopic<byte[], byte[]> startScoring(Map<String, String> settings) {
        Map<String, String> all = new HashMap<>(REGISTRY);
        all.put("application.id", "scored-and-completed");
        all.put("bootstrap.servers", "unused:1");
        all.put("state.dir", stateDirectory.toString());
        all.put("mambabyte.store", "in_memory");
        all.put("mambabyte.input.topics", "raw");
        all.put("mambabyte.completion.requests.topic", "requests");
        all.put("ensure.explicit.internal.resource.naming", "true");
        all.putAll(settings);
        MambaByteConfig config = new MambaByteConfig(all);
        var topology =
                LikelihoodTopology.build(
                        config, new StreamsConfig(all), MODEL, config.outputSerde());
        assertEquals(1, topology.describe().subtopologies().size());
        Properties properties = new Properties();
        properties.putAll(all);
        driver = new TopologyTestDriver(topology, properties);
        requests =
                driver.createInputTopic(
                        "requests",
                        new ByteArraySerializer(),
                        ConfluentAvroSerde.ofValues(CompletionRequest.class, REGISTRY)
                                .serializer());
        return driver.createInputTopic("raw", new ByteArraySerializer(), new ByteArraySerializer());
    }

    @Test
    void shouldContinueWhatWasScored() {
        TestInputTopic<byte[], byte[]> raw = startScoring(Map.of());
        raw.pipeInput(bytes("host"), bytes("line one"));
        raw.pipeInput(bytes("other"), bytes("something else"));
        ask("host", request("first", "").setPrompt(null).setContinueKey(true).setSeed(1).build());
        // The key goes on; what was asked for does not notice, and it does not notice either.
        raw.pipeInput(bytes("host"), bytes("line two"));
        ask("host", request("second", "").setPrompt(null).setContinueKey(true).setSeed(1).build());
        ask("new", request("third", "").setPrompt(null).setContinueKey(true).build());
        List<KeyValue<byte[], Completion>> chunks = untilEnded(3);
        Map<String, byte[]> texts = texts(chunks);
        assertArrayEquals(plain(bytes("line one\n"), Sampling.of(1, 1), 100), texts.get("first"));
        assertArrayEquals(
                plain(bytes("line one\nline two\n"), Sampling.of(1, 1), 100), texts.get("second"));
        assertEquals(
                "continue_key: nothing is known of the record's key",
                chunks.stream()
                        .filter(c -> c.value.getId().equals("third"))
                        .findFirst()
                        .orElseThrow()
                        .value
                        .getMessage());
    }

    @Test
    void shouldFindCompletionAsLikelyWhenItIsScoredLaterAcrossRoundings() {
        TestInputTopic<byte[], byte[]> raw =
                startScoring(
                        Map.of(
                                "mambabyte.state.rounding", "int8",
                                "mambabyte.state.rounding.bytes", "64",
                                "mambabyte.checkpoint.bytes", "64",
                                "mambabyte.per.byte", "true"));
        raw.pipeInput(bytes("host"), bytes("a line of the host"));
        int made = 300;
        for (String draft : List.of("none", "both")) {
            ask(
                    "host",
                    request(draft, "and a prompt of it ")
                            .setContinueKey(true)
                            .setMaxBytes(made)
                            .setDraft(draft)
                            .build());
        }
        List<KeyValue<byte[], Completion>> chunks = untilEnded(2);
        Map<String, byte[]> texts = texts(chunks);
        assertArrayEquals(texts.get("none"), texts.get("both"));
        ByteArrayOutputStream later = new ByteArrayOutputStream();
        later.writeBytes(bytes("and a prompt of it "));
        int prompt = later.size();
        later.writeBytes(texts.getOrDefault("none", new byte[0]));
        likelihoods();
        raw.pipeInput(bytes("host"), later.toByteArray());
        List<Float> surprisal = likelihoods().getLast().value.getSurprisal();
        int at = prompt;
        for (KeyValue<byte[], Completion> chunk : chunks) {
            if (chunk.value.getId().equals("both")) {
                double bits = 0;
                for (int i = chunk.value.getBytes().remaining(); i > 0; i--) {
                    bits += surprisal.get(at++);
                }
                assertEquals(-bits, chunk.value.getLog2Likelihood(), "chunk that ends at " + at);
            }
        }
        assertEquals(prompt + made, at);
        // It would be another text, or another likelihood, without the roundings.
        RecurrentState state = after(bytes("a line of the host\nand a prompt of it "));
        Continuation unrounded =
                new Continuation(
                        state,
                        new byte[0],
                        Sampling.of(1, 0),
                        StopSequences.NONE,
                        made,
                        Drafter.NONE,
                        0);
        Decoder decoder = new Decoder(MODEL, 1);
        while (unrounded.finished() == null) {
            decoder.advance(List.of(unrounded));
        }
        boolean differs = false;
        for (int i = 0; i < made; i++) {
            differs |= unrounded.surprisal(i) != surprisal.get(prompt + i);
        }
        assertTrue(differs);
    }

    private List<KeyValue<byte[], Likelihood>> likelihoods() {
        if (driver == null) {
            throw new IllegalStateException("not started");
        }
        return driver.createOutputTopic(
                        "likelihoods",
                        new ByteArrayDeserializer(),
                        ConfluentAvroSerde.ofValues(Likelihood.class, REGISTRY).deserializer())
                .readKeyValuesToList();
    }
}
