package io.mambabyte.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.kernels.Rows;
import io.mambabyte.model.Forward;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RandomModels;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.model.SubwordModel;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Random;

/** The published, lossy way of keeping drafts. */
class TopBetaTest {
    private static final int MAX_BYTES = 200;

    private static final MambaModel MODEL =
            MambaModel.of(
                    RandomModels.config(16, 2, 4),
                    RandomModels.weights(RandomModels.config(16, 2, 4), 3));

    private static byte[] prompt(Random random) {
        byte[] prompt = new byte[1 + random.nextInt(40)];
        for (int i = 0; i < prompt.length; i++) {
            prompt[i] = (byte) "abc def.\n".charAt(random.nextInt(9));
        }
        return prompt;
    }

    private static RecurrentState after(byte[] text) {
        RecurrentState state = MODEL.newState();
        new Prefill(MODEL).feed(state, text, 0, text.length);
        return state;
    }

    private static Continuation made(
            byte[] prompt, Sampling sampling, Drafter drafter, Verification verification) {
        drafter.begin();
        drafter.append(prompt, 0, prompt.length);
        Continuation made =
                new Continuation(
                        after(prompt),
                        prompt,
                        sampling,
                        StopSequences.NONE,
                        MAX_BYTES,
                        drafter,
                        Decoder.DRAFT_MAX,
                        verification);
        Decoder decoder = new Decoder(MODEL, 1);
        while (made.finished() == null) {
            decoder.advance(List.of(made));
        }
        return made;
    }

    @Test
    void shouldKeepBytesAmongTheMostProbableOnesOnly() throws Exception {
        SubwordModel subwords = RandomModels.subwords(5);
        for (int seed = 0; seed < 30; seed++) {
            int beta = 1 + seed % 5 * 20;
            byte[] prompt = prompt(new Random(seed));
            Sampling sampling = Sampling.of(seed % 3 * 0.6, seed);
            Continuation made =
                    made(
                            prompt,
                            sampling,
                            new SubwordDrafter(subwords, 3),
                            new Verification.TopBeta(beta));
            assertAsPublished(prompt, made, sampling, beta);
        }
    }

    /**
     * Byte by byte: an accepted one is among the beta most probable, all others are those that are
     * drawn, after a correction all are drawn until a word ends, and the state is that of the text.
     */
    private static void assertAsPublished(
            byte[] prompt, Continuation made, Sampling sampling, int beta) {
        RecurrentState state = after(prompt);
        Forward forward = new Forward(MODEL, 1);
        Sampler sampler = new Sampler(MODEL.kernels());
        boolean correcting = false;
        for (int i = 0; i < MAX_BYTES; i++) {
            int value = made.bytes(i, i + 1)[0] & 0xff;
            forward.forward(state, new byte[] {(byte) state.pendingByte()}, 0, 1);
            Rows logits = new Rows(forward.logits(), 0, 256, 256, 1);
            int drawn = sampler.sample(sampling, i, logits, 0);
            if (made.origin(i) == Origin.ACCEPTED) {
                int better = 0;
                for (int other = 0; other < 256; other++) {
                    float more = forward.logits()[other] - forward.logits()[value];
                    better += more > 0 || (more == 0 && other < value) ? 1 : 0;
                }
                assertTrue(better < beta || value == drawn, "byte " + i);
                assertTrue(!correcting, "drafted before the word ended: byte " + i);
            } else {
                assertEquals(drawn, value, "byte " + i);
            }
            correcting |= made.origin(i) == Origin.CORRECTED;
            boolean letter = Character.isLetterOrDigit(value) || value >= 0x80;
            correcting &= letter;
            state.pendingByte(value);
        }
        assertTrue(made.state().bitsEqual(state));
        assertTrue(made.drafted() >= made.accepted());
    }

    @Test
    void shouldKeepEverythingWhereEveryByteIsGoodEnough() throws Exception {
        Continuation made =
                made(
                        prompt(new Random(1)),
                        Sampling.GREEDY,
                        new SubwordDrafter(RandomModels.subwords(6), 3),
                        new Verification.TopBeta(256));
        assertTrue(made.drafted() > MAX_BYTES / 2);
        assertEquals(made.drafted(), made.accepted());
    }

    @Test
    void shouldMakeWhatGreedyDecodingMakesAtBetaOne() throws Exception {
        for (int seed = 0; seed < 20; seed++) {
            byte[] prompt = prompt(new Random(seed));
            Continuation plain = made(prompt, Sampling.GREEDY, Drafter.NONE, Verification.EXACT);
            Continuation lossy =
                    made(
                            prompt,
                            Sampling.GREEDY,
                            new SubwordDrafter(RandomModels.subwords(seed), 3),
                            new Verification.TopBeta(1));
            assertArrayEquals(plain.bytes(0, MAX_BYTES), lossy.bytes(0, MAX_BYTES));
            assertTrue(plain.state().bitsEqual(lossy.state()));
        }
    }

    @Test
    void shouldRefuseBetaOutOfRange() {
        assertThrows(IllegalArgumentException.class, () -> new Verification.TopBeta(0));
        assertThrows(IllegalArgumentException.class, () -> new Verification.TopBeta(257));
    }
}
