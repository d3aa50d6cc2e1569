package io.mambabyte.score;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;

import io.mambabyte.model.Forward;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;

class ScorerTest {
    private static final long WARM_UP_NS_MAX = 30_000_000_000L;

    private static MambaModel model;

    @BeforeAll
    static void load() throws Exception {
        model = MambaModel.load(Path.of("src/test/resources/reference/tiny"));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static byte[] random(int length, long seed) {
        byte[] bytes = new byte[length];
        new SplittableRandom(seed).nextBytes(bytes);
        return bytes;
    }

    private static float[] perByte(RecordScore score) {
        Surprisals surprisal = score.surprisal();
        assertNotNull(surprisal);
        return surprisal.toArray();
    }

    @Test
    void shouldScoreNothingOfFirstByte() {
        RecurrentState state = model.newState();
        RecordScore score = new Scorer(model).score(state, bytes("a"), Framing.NONE, true);
        assertEquals(0, score.position());
        assertEquals(1, score.bytes());
        assertEquals(0, score.scoredBytes());
        assertEquals(0, score.bits());
        assertEquals(0, score.bitsPerByte());
        assertEquals(0, score.z());
        assertEquals(0, score.worstOffset());
        assertTrue(Float.isNaN(perByte(score)[0]));
        assertEquals('a', state.pendingByte());
        assertEquals(0, state.position());
    }

    @Test
    void shouldScoreNewlineOfLine() {
        RecurrentState state = model.newState();
        Scorer scorer = new Scorer(model);
        RecordScore first = scorer.score(state, bytes("ab"), Framing.LINES, true);
        assertEquals(3, first.bytes());
        assertEquals(2, first.scoredBytes());
        assertEquals('\n', state.pendingByte());
        RecordScore second = scorer.score(state, bytes("ab"), Framing.LINES, true);
        assertEquals(3, second.position());
        assertEquals(3, second.scoredBytes());
        assertEquals(5, state.position());
    }

    @Test
    void shouldScoreEmptyRecords() {
        RecurrentState state = model.newState();
        Scorer scorer = new Scorer(model);
        scorer.score(state, bytes("ab"), Framing.NONE, false);
        RecurrentState before = state.copy();
        RecordScore none = scorer.score(state, bytes(""), Framing.NONE, true);
        assertEquals(new RecordScore(2, 0, 0, 0, 0, 0, 0, 0, none.surprisal()), none);
        assertEquals(0, perByte(none).length);
        assertTrue(before.bitsEqual(state));
        RecordScore line = scorer.score(state, bytes(""), Framing.LINES, true);
        assertEquals(1, line.bytes());
        assertEquals(1, line.scoredBytes());
        assertEquals(perByte(line)[0], (float) line.bits());
    }

    @Test
    void shouldSumWhatForwardSays() {
        byte[] record = random(300, 1);
        RecordScore score = new Scorer(model).score(model.newState(), record, Framing.NONE, true);
        Forward forward = new Forward(model, 300);
        forward.forward(model.newState(), record, 0, 300);
        float[] surprisal = new float[299];
        float[] entropy = new float[299];
        float[] variance = new float[299];
        forward.surprisal(record, 1, 299, surprisal, entropy, variance);
        double bits = 0;
        double expected = 0;
        double spread = 0;
        for (int i = 0; i < 299; i++) {
            bits += surprisal[i];
            expected += entropy[i];
            spread += variance[i];
            assertEquals(surprisal[i], perByte(score)[i + 1]);
        }
        assertEquals(bits, score.bits());
        assertEquals(expected, score.expectedBits());
        assertEquals(spread, score.varianceBits());
        assertEquals(bits / 299, score.bitsPerByte());
        assertEquals(bits - expected, score.excessBits());
        assertEquals((bits - expected) / Math.sqrt(spread), score.z());
        int worst = 1;
        double worstBits = 0;
        for (int i = 0; i + 16 <= 299; i++) {
            double sum = 0;
            for (int j = i; j < i + 16; j++) {
                sum += surprisal[j];
            }
            if (sum > worstBits) {
                worstBits = sum;
                worst = i + 1;
            }
        }
        assertEquals(worst, score.worstOffset());
        assertEquals(worstBits, score.worstBits());
    }

    @Test
    void shouldTakeWholeShortRecordForItsWorstWindow() {
        RecurrentState state = model.newState();
        Scorer scorer = new Scorer(model);
        scorer.score(state, bytes("x"), Framing.LINES, false);
        RecordScore score = scorer.score(state, bytes("short"), Framing.LINES, false);
        assertEquals(0, score.worstOffset());
        assertEquals(score.bits(), score.worstBits());
        assertNull(score.surprisal());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 12, 63, 64, 65, 255, 256, 700})
    void shouldGiveSameBitsForEveryCut(int piece) {
        byte[] record = random(700, 2);
        RecurrentState wholeState = model.newState();
        Scorer scorer = new Scorer(model);
        RecordScore whole = scorer.score(wholeState, record, Framing.LINES, true);
        for (int maxRows : new int[] {1, 7, 256}) {
            Scorer other = new Scorer(model, maxRows);
            RecurrentState state = model.newState();
            ScoreAccumulator accumulator = new ScoreAccumulator();
            accumulator.begin(Scorer.position(state), true);
            for (int i = 0; i < record.length; i += piece) {
                int length = Math.min(piece, record.length - i);
                boolean last = i + length == record.length;
                other.feed(state, record, i, length, last, accumulator);
            }
            assertEquals(whole, accumulator.score());
            assertTrue(wholeState.bitsEqual(state));
        }
    }

    @Test
    void shouldNotDependOnHowStreamIsCutIntoRecords() {
        byte[] stream = random(500, 3);
        Scorer scorer = new Scorer(model);
        float[] whole = perByte(scorer.score(model.newState(), stream, Framing.NONE, true));
        RecurrentState state = model.newState();
        SplittableRandom random = new SplittableRandom(4);
        for (int from = 0; from < stream.length; ) {
            int to = Math.min(stream.length, from + random.nextInt(40));
            RecordScore part =
                    scorer.score(state, Arrays.copyOfRange(stream, from, to), Framing.NONE, true);
            assertEquals(from, part.position());
            assertEquals(
                    new Surprisals(Arrays.copyOfRange(whole, from, to), to - from),
                    part.surprisal());
            from = to;
        }
    }

    @Test
    void shouldScoreRecordAloneAsFirstLineAfterNewline() {
        Scorer scorer = new Scorer(model);
        RecordScore alone = scorer.scoreAlone(bytes("line"), Framing.LINES, true);
        assertEquals(5, alone.scoredBytes());
        assertEquals(alone, scorer.scoreAlone(bytes("line"), Framing.LINES, true));
        RecurrentState state = model.newState();
        float[] stream = perByte(scorer.score(state, bytes("\nline\n"), Framing.NONE, true));
        assertEquals(new Surprisals(Arrays.copyOfRange(stream, 1, 6), 5), alone.surprisal());
        assertTrue(Float.isNaN(perByte(scorer.scoreAlone(bytes("x"), Framing.NONE, true))[0]));
    }

    @Test
    void shouldAllocateNothingPerByte() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Scorer scorer = new Scorer(model);
        Forward forward = new Forward(model, 256);
        RecurrentState state = model.newState();
        byte[] small = random(16, 5);
        byte[] large = random(256, 6);
        float[] sink = new float[256];
        // What a call costs must not grow with the bytes, apart from what the kernels take: their
        // vectors are objects until C2 has compiled them, and always with -esa, as here.
        long growth = 1;
        long growthOfKernels = 0;
        long deadline = System.nanoTime() + WARM_UP_NS_MAX;
        while (growth != growthOfKernels && System.nanoTime() < deadline) {
            long[] at = new long[5];
            at[0] = threads.getCurrentThreadAllocatedBytes();
            scorer.score(state, small, Framing.NONE, false);
            at[1] = threads.getCurrentThreadAllocatedBytes();
            scorer.score(state, large, Framing.NONE, false);
            at[2] = threads.getCurrentThreadAllocatedBytes();
            forward.forward(state, small, 0, 16);
            forward.surprisal(small, 0, 16, sink, sink, sink);
            at[3] = threads.getCurrentThreadAllocatedBytes();
            forward.forward(state, large, 0, 256);
            forward.surprisal(large, 0, 256, sink, sink, sink);
            at[4] = threads.getCurrentThreadAllocatedBytes();
            growth = (at[2] - at[1]) - (at[1] - at[0]);
            growthOfKernels = (at[4] - at[3]) - (at[3] - at[2]);
        }
        assertEquals(growthOfKernels, growth);
    }
}
