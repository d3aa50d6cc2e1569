package io.mambabyte.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.kernels.Rows;
import io.mambabyte.model.BatchForward;
import io.mambabyte.model.Checkpoint;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.model.SubwordCheckpoint;
import io.mambabyte.model.SubwordModel;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;

class TrainerTest {
    private static final TrainingStart SHAPE = TrainingStart.Shape.of(16, 2, 4);

    @TempDir private Path folder;

    @Test
    void shouldLearnAndWriteAModelThatCanBeUsed() throws Exception {
        Corpus corpus = corpus(1, 30_000);
        TrainingResult result = train(corpus, SHAPE, settings(2, 60_000), "model", false);
        assertEquals(TrainingResult.Ending.BYTES, result.ending());
        assertEquals(8, result.baseHeldOutBits(), 0.2, "nothing learnt: eight bits a byte");
        assertTrue(result.heldOutBits() < 5, "held out: " + result.heldOutBits());
        assertEquals(60_032, result.bytes());
        assertEquals(938, result.steps());
        MambaModel model = MambaModel.load(folder.resolve("model"));
        try (Workers workers = new Workers(1)) {
            assertEquals(
                    result.heldOutBits(),
                    new HeldOut(new TokenText.Bytes(corpus.heldOut())).bitsPerByte(model, workers),
                    "what is reported is the model that was written");
        }
        for (String file :
                List.of("card.json", "README.md", "metrics.jsonl", "curve.svg", "config.json")) {
            assertTrue(Files.size(folder.resolve("model").resolve(file)) > 0, file);
        }
    }

    @Test
    void shouldWriteTheSameModelForEveryNumberOfThreads() throws Exception {
        Corpus corpus = corpus(1, 20_000);
        train(corpus, SHAPE, settings(1, 10_000), "one", false);
        train(corpus, SHAPE, settings(3, 10_000), "three", false);
        assertSameModel("one", "three");
    }

    @Test
    void shouldGoOnToTheSameBitsAfterAnInterruption() throws Exception {
        Corpus corpus = corpus(1, 20_000);
        train(corpus, SHAPE, settings(1, 20_000), "whole", false);
        TrainingResult first = train(corpus, SHAPE, settings(2, 20_000), "parts", false, 7_000);
        assertEquals(TrainingResult.Ending.INTERRUPTED, first.ending());
        TrainingResult second = train(corpus, SHAPE, settings(1, 20_000), "parts", true, 13_000);
        assertEquals(TrainingResult.Ending.INTERRUPTED, second.ending());
        TrainingResult last = train(corpus, SHAPE, settings(2, 20_000), "parts", true);
        assertEquals(TrainingResult.Ending.BYTES, last.ending());
        assertSameModel("whole", "parts");
    }

    private static TrainingStart drafter() throws Exception {
        return new TrainingStart.Subwords(
                SubwordCheckpoint.read(new ModelSource.ShippedDrafter(SubwordModel.DEFAULT)));
    }

    @Test
    void shouldAdaptASubwordModelThatCanDraft() throws Exception {
        Corpus corpus = corpus(1, 30_000);
        TrainingResult result = train(corpus, drafter(), settings(2, 12_000), "drafter", false);
        assertEquals(TrainingResult.Ending.BYTES, result.ending());
        SubwordModel written = SubwordModel.load(new ModelSource.Folder(folder.resolve("drafter")));
        assertEquals(2048, written.encoding().size());
        // Its figures are of bytes: here once more, with another forward pass.
        assertEquals(bitsPerByte(written, corpus.heldOut()), result.heldOutBits(), 1e-6);
        SubwordModel base = SubwordModel.load(new ModelSource.ShippedDrafter(SubwordModel.DEFAULT));
        assertEquals(bitsPerByte(base, corpus.heldOut()), result.baseHeldOutBits(), 1e-6);
        assertTrue(result.heldOutBits() < 0.9 * result.baseHeldOutBits(), result::toString);
        assertEquals(corpus.heldOut().length, result.heldOutBytes());
        // Steps of two sequences of 32 tokens, each of several bytes.
        assertTrue(result.bytes() >= 12_000 && result.bytes() < 12_000 + 64 * 16);
        assertTrue(result.bytes() > 64 * result.steps());
        String card = Files.readString(folder.resolve("drafter/card.json"));
        assertTrue(card.contains("\"vocabulary\" : 2048"), card);
    }

    /** The whole held-out text as one piece: it is shorter. */
    private static double bitsPerByte(SubwordModel model, byte[] text) {
        int[] ids = new int[text.length];
        int count = model.encoding().encode(text, 0, text.length, ids);
        BatchForward forward = new BatchForward(model.model(), 1, 1);
        RecurrentState state = model.model().newState();
        double bits = 0;
        int bytes = 0;
        for (int i = 0; i + 1 < count; i++) {
            forward.clear();
            Rows logits = forward.logits(forward.add(state, ids, i, 1));
            forward.forward();
            forward.keep(0, 1);
            double sum = 0;
            for (int token = 0; token < model.encoding().size(); token++) {
                sum += Math.exp(logits.values()[logits.start(0) + token]);
            }
            bits += (Math.log(sum) - logits.values()[logits.start(0) + ids[i + 1]]) / Math.log(2);
            bytes += model.encoding().length(ids[i + 1]);
        }
        return bits / bytes;
    }

    @Test
    void shouldAdaptASubwordModelToTheSameBits() throws Exception {
        Corpus corpus = corpus(1, 20_000);
        train(corpus, drafter(), settings(1, 3_000), "one", false);
        train(corpus, drafter(), settings(3, 3_000), "three", false);
        assertSameModel("one", "three");
        assertEquals(
                TrainingResult.Ending.INTERRUPTED,
                train(corpus, drafter(), settings(2, 3_000), "parts", false, 1_000).ending());
        train(corpus, drafter(), settings(1, 3_000), "parts", true);
        assertSameModel("one", "parts");
    }

    @Test
    void shouldLeaveNoTokensBesideABytesModel() throws Exception {
        Corpus corpus = corpus(1, 20_000);
        train(corpus, drafter(), settings(1, 500), "run", false);
        assertTrue(SubwordModel.isAt(new ModelSource.Folder(folder.resolve("run"))));
        train(corpus, SHAPE, settings(1, 500), "run", false);
        assertFalse(SubwordModel.isAt(new ModelSource.Folder(folder.resolve("run"))));
    }

    @Test
    void shouldUseFewerHeldOutBytesWhereThereIsLittleTime() throws Exception {
        Corpus corpus = Corpus.of(texts(bytes(1, 20_000)), texts(bytes(2, 100_000)));
        int scored = 0;
        for (double seconds : new double[] {1e-3, 3600}) {
            // What the clock says decides the rate too; a limit in bytes ends it.
            TrainingSettings settings =
                    new TrainingSettings(1, 2, 2, 32, 4e-3, 10, 2_000, seconds, 100);
            TrainingResult result = train(corpus, SHAPE, settings, "in " + seconds, false);
            assertTrue(result.bytes() > 0, "something is learnt");
            Path model = folder.resolve("in " + seconds);
            HeldOut heldOut = new HeldOut(new TokenText.Bytes(corpus.heldOut()));
            heldOut.use(seconds < 1 ? 1 : Integer.MAX_VALUE);
            assertEquals(heldOut.usedBytes(), result.heldOutBytes());
            try (Workers workers = new Workers(1)) {
                assertEquals(
                        result.heldOutBits(), heldOut.bitsPerByte(MambaModel.load(model), workers));
                assertEquals(
                        result.baseHeldOutBits(),
                        heldOut.bitsPerByte(
                                MambaModel.of(
                                        SHAPE.config(), Initialization.weights(SHAPE.config(), 1)),
                                workers));
            }
            String card = Files.readString(model.resolve("card.json"));
            assertTrue(card.contains("\"heldout_bytes\" : " + corpus.heldOut().length + ","), card);
            assertTrue(
                    card.contains("\"heldout_bytes_scored\" : " + result.heldOutBytes() + ","),
                    card);
            assertTrue(result.heldOutBytes() > scored);
            scored = (int) result.heldOutBytes();
        }
        assertEquals(corpus.heldOut().length, scored);
    }

    /** A run of an hour that goes on in a second, and one of a second that goes on in an hour. */
    @Test
    void shouldKeepTheHeldOutBytesOfARunThatGoesOn() throws Exception {
        Corpus corpus = Corpus.of(texts(bytes(1, 20_000)), texts(bytes(2, 100_000)));
        TrainingSettings brief = new TrainingSettings(1, 2, 2, 32, 4e-3, 10, 4_000, 1e-3, 100);
        TrainingSettings longer = new TrainingSettings(1, 1, 2, 32, 4e-3, 10, 4_000, 3600, 100);
        assertEquals(16_384, train(corpus, SHAPE, brief, "brief", false, 1).heldOutBytes());
        TrainingResult gone = train(corpus, SHAPE, longer, "brief", true);
        assertEquals(TrainingResult.Ending.BYTES, gone.ending());
        assertEquals(16_384, gone.heldOutBytes());
        int all = corpus.heldOut().length;
        assertEquals(all, train(corpus, SHAPE, longer, "long", false, 1).heldOutBytes());
        assertEquals(all, train(corpus, SHAPE, brief, "long", true).heldOutBytes());
    }

    @Test
    void shouldSpreadTheHeldOutBytesThatAreUsed() {
        HeldOut heldOut = new HeldOut(new TokenText.Bytes(new byte[11 * 16_384 + 5]));
        int[] expected = {0, 8, 4, 2, 10, 6, 1, 9, 5, 3, 7};
        assertArrayEquals(expected, IntStream.range(0, 11).map(heldOut::piece).toArray());
        heldOut.use(4);
        assertEquals(4 * 16_384, heldOut.usedBytes());
        heldOut.use(5);
        assertEquals(5 * 16_384 + 5, heldOut.usedBytes());
        assertEquals(0, new HeldOut(new TokenText.Bytes(new byte[2_000])).piece(0));
    }

    @Test
    void shouldTuneABaseAndKeepItWhereNothingIsBetter() throws Exception {
        Corpus corpus = corpus(1, 30_000);
        TrainingResult base = train(corpus, SHAPE, settings(2, 40_000), "base", false);
        TrainingStart start = new TrainingStart.Base(Checkpoint.read(folder.resolve("base")));
        Corpus noise = noise();
        TrainingSettings settings = new TrainingSettings(1, 2, 2, 32, 0.05, 0, 1_000_000, 0, 3);
        Corpus other = Corpus.of(texts(noise.training()), texts(corpus.heldOut()));
        TrainingResult result = train(other, start, settings, "tuned", false);
        assertEquals(TrainingResult.Ending.NO_BETTER, result.ending());
        assertEquals(base.heldOutBits(), result.baseHeldOutBits());
        assertEquals(base.heldOutBits(), result.heldOutBits());
        assertArrayEquals(weights("base"), weights("tuned"), "the best one is the base");
    }

    @Test
    void shouldRefuseToResumeWithOtherDataOrSettings() throws Exception {
        train(corpus(1, 20_000), SHAPE, settings(1, 4_000), "run", false);
        IOException data =
                assertThrows(
                        IOException.class,
                        () -> train(corpus(2, 20_000), SHAPE, settings(1, 8_000), "run", true));
        assertTrue(message(data).endsWith("--resume needs the same bytes again"));
        IOException shape =
                assertThrows(
                        IOException.class,
                        () ->
                                train(
                                        corpus(1, 20_000),
                                        TrainingStart.Shape.of(16, 1, 4),
                                        settings(1, 8_000),
                                        "run",
                                        true));
        assertTrue(message(shape).contains("the run had other settings"));
    }

    @Test
    void shouldRefuseADamagedState() throws Exception {
        train(corpus(1, 20_000), SHAPE, settings(1, 4_000), "run", false);
        Path file = folder.resolve("run/training.state");
        byte[] state = Files.readAllBytes(file);
        state[state.length / 2] ^= 1;
        Files.write(file, state);
        assertDamaged();
        Files.write(file, Arrays.copyOf(state, state.length / 3));
        assertDamaged();
    }

    private void assertDamaged() {
        IOException e =
                assertThrows(
                        IOException.class,
                        () -> train(corpus(1, 20_000), SHAPE, settings(1, 8_000), "run", true));
        assertTrue(message(e).contains("is damaged"), message(e));
    }

    @Test
    void shouldRefuseWhatDoesNotFitIntoMemory() {
        UnusableDataException e =
                assertThrows(
                        UnusableDataException.class,
                        () ->
                                MemoryNeed.require(
                                        TrainingStart.Shape.of(1024, 53, 16).config(),
                                        256,
                                        settings(2, 1),
                                        4L << 30));
        assertTrue(
                message(e)
                        .matches(
                                "training a model of shape 1024,53,16 takes about [0-9.]+ GB and"
                                        + " there are 4.3 GB for Java: [0-9]+,53,16 would fit, or"
                                        + " give Java more .*"),
                e.getMessage());
    }

    @Test
    void shouldRefuseTooLittleData() {
        UnusableDataException none =
                assertThrows(UnusableDataException.class, () -> Corpus.split(List.of()));
        assertEquals("there is no data: all of [] is empty", none.getMessage());
        UnusableDataException little =
                assertThrows(
                        UnusableDataException.class, () -> Corpus.split(texts(new byte[5_000])));
        assertTrue(message(little).startsWith("only 501 bytes would be held out"));
    }

    private static String message(Exception e) {
        return Objects.requireNonNull(e.getMessage());
    }

    private TrainingResult train(
            Corpus corpus,
            TrainingStart start,
            TrainingSettings settings,
            String name,
            boolean resume)
            throws Exception {
        return train(corpus, start, settings, name, resume, Long.MAX_VALUE);
    }

    private TrainingResult train(
            Corpus corpus,
            TrainingStart start,
            TrainingSettings settings,
            String name,
            boolean resume,
            long interruptAt)
            throws Exception {
        Interrupt interrupt = new Interrupt(interruptAt);
        try (Trainer trainer =
                new Trainer(corpus, start, settings, folder.resolve(name), interrupt)) {
            interrupt.trainer = trainer;
            return trainer.run(resume);
        }
    }

    private static final class Interrupt implements TrainingListener {
        private final long bytes;
        private @Nullable Trainer trainer;

        Interrupt(long bytes) {
            this.bytes = bytes;
        }

        @Override
        public void stepped(
                long done, double bytesPerSecond, double progress, double seconds, double bits) {
            if (done >= bytes && trainer != null) {
                trainer.stop();
            }
        }

        @Override
        public void evaluated(Evaluation evaluation, boolean best) {}
    }

    private void assertSameModel(String expected, String actual) throws IOException {
        assertArrayEquals(weights(expected), weights(actual));
    }

    private byte[] weights(String name) throws IOException {
        return Files.readAllBytes(folder.resolve(name).resolve("model.safetensors"));
    }

    private static TrainingSettings settings(int threads, long bytes) {
        return new TrainingSettings(1, threads, 2, 32, 0.01, 10, bytes, 0, 100);
    }

    private static List<Corpus.Text> texts(byte[] content) {
        return List.of(new Corpus.Text("text", content));
    }

    private static Corpus noise() throws UnusableDataException {
        byte[] bytes = new byte[20_000];
        new Random(1).nextBytes(bytes);
        return Corpus.split(texts(bytes));
    }

    /** Lines of a service that does one thing. */
    private static Corpus corpus(long seed, int bytes) throws UnusableDataException {
        return Corpus.split(texts(bytes(seed, bytes)));
    }

    private static byte[] bytes(long seed, int bytes) {
        Random random = new Random(seed);
        StringBuilder lines = new StringBuilder();
        while (lines.length() < bytes) {
            lines.append("INFO request ")
                    .append(random.nextInt(1000))
                    .append(" took ")
                    .append(random.nextInt(100))
                    .append(" ms\n");
        }
        return lines.toString().getBytes(StandardCharsets.US_ASCII);
    }
}
