package io.mambabyte.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.model.CheckpointException;
import io.mambabyte.model.Forward;
import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.model.Norm;
import io.mambabyte.model.RandomModels;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.model.StatePrecision;
import io.mambabyte.model.StateRounding;
import io.mambabyte.model.SubwordModel;
import io.mambabyte.score.Scorer;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * What speculation gives is what one byte at a time gives: the same bytes, the same surprisals, and
 * states that are the same to the bit, whatever is drafted.
 */
class SpeculationTest {
    private static final double[] TEMPERATURES = {0, 0.7, 1.3};
    private static final int[] DRAFT_LENGTHS = {1, 3, 24};

    private static final MambaModel SMALL =
            MambaModel.of(
                    RandomModels.config(16, 1, 4),
                    RandomModels.weights(RandomModels.config(16, 1, 4), 13));

    private static final SubwordModel SUBWORDS = subwords();

    private static SubwordModel subwords() {
        try {
            return RandomModels.subwords(14);
        } catch (CheckpointException e) {
            throw new AssertionError(e);
        }
    }

    private static List<MambaModel> models() {
        List<MambaModel> models = new ArrayList<>();
        for (MambaConfig config :
                List.of(
                        RandomModels.config(16, 2, 4),
                        RandomModels.odd(Norm.RMS),
                        RandomModels.odd(Norm.LAYER),
                        new MambaConfig(8, 1, 24, 1, 1, 1, Norm.RMS, 1e-5f))) {
            models.add(MambaModel.of(config, RandomModels.weights(config, 11)));
        }
        return models;
    }

    private static byte[] prompt(Random random) {
        byte[] prompt = new byte[1 + random.nextInt(40)];
        random.nextBytes(prompt);
        return prompt;
    }

    private static RecurrentState after(MambaModel model, byte[] prompt) {
        RecurrentState state = model.newState();
        new Prefill(model).feed(state, prompt, 0, prompt.length);
        return state;
    }

    /** One byte at a time, by the model's own forward pass: what everything is compared with. */
    private static byte[] plain(
            MambaModel model, RecurrentState state, Sampling sampling, int maxBytes) {
        Forward forward = new Forward(model, 1);
        Sampler sampler = new Sampler(model.kernels());
        byte[] made = new byte[maxBytes];
        for (int i = 0; i < maxBytes; i++) {
            forward.forward(state, new byte[] {(byte) state.pendingByte()}, 0, 1);
            var logits = new io.mambabyte.kernels.Rows(forward.logits(), 0, 256, 256, 1);
            made[i] = (byte) sampler.sample(sampling, i, logits, 0);
            state.pendingByte(made[i] & 0xff);
        }
        return made;
    }

    private static Continuation continued(
            MambaModel model,
            byte[] prompt,
            Sampling sampling,
            int maxBytes,
            Drafter drafter,
            int maxDraft) {
        drafter.begin();
        drafter.append(prompt, 0, prompt.length);
        Continuation made =
                new Continuation(
                        after(model, prompt),
                        prompt,
                        sampling,
                        StopSequences.NONE,
                        maxBytes,
                        drafter,
                        maxDraft);
        // A truth of its own: append counted the prompt.
        Decoder decoder =
                new Decoder(model, 1, StateRounding.NONE, PassTimes.allAlike(Decoder.maxRows(1)));
        while (made.finished() == null) {
            decoder.advance(List.of(made));
        }
        return made;
    }

    private static void check(MambaModel model, byte[] prompt, Sampling sampling, int maxBytes) {
        RecurrentState state = after(model, prompt);
        byte[] expected = plain(model, state, sampling, maxBytes);
        byte[] truth = new byte[prompt.length + maxBytes];
        System.arraycopy(prompt, 0, truth, 0, prompt.length);
        System.arraycopy(expected, 0, truth, prompt.length, maxBytes);
        ModelDrafter itself = new ModelDrafter(new ModelDrafter.Shared(model), null);
        ModelDrafter.Shared shared = new ModelDrafter.Shared(SMALL);
        ModelDrafter.Shared subwords = new ModelDrafter.Shared(SUBWORDS);
        for (int maxDraft : DRAFT_LENGTHS) {
            for (Drafter drafter :
                    List.of(
                            Drafter.NONE,
                            new HistoryDrafter(new HistoryIndex(8)),
                            itself,
                            new ModelDrafter(shared, null),
                            new ModelDrafter(shared, new HistoryIndex(8)),
                            new ModelDrafter(subwords, null),
                            new ModelDrafter(subwords, new HistoryIndex(8)),
                            new Drafters.Guessing(sampling.seed()),
                            new Drafters.Knowing(truth, 0),
                            new Drafters.Knowing(truth, 1),
                            new Drafters.Knowing(truth, 5))) {
                Continuation made = continued(model, prompt, sampling, maxBytes, drafter, maxDraft);
                String what =
                        "%s, at most %d drafted, %s, seed %d"
                                .formatted(drafter, maxDraft, sampling, sampling.seed());
                assertArrayEquals(expected, made.bytes(0, made.length()), what);
                assertTrue(made.state().bitsEqual(state), what);
                if (drafter == itself) {
                    // The same model with the same random numbers is right at any temperature.
                    assertEquals(made.drafted(), made.accepted(), what);
                    assertTrue(made.drafted() >= maxBytes / 2 - 1, what);
                }
                if (drafter instanceof Drafters.Knowing knowing) {
                    assertForced(knowing, made, maxDraft, maxBytes);
                }
            }
        }
    }

    private static void assertForced(
            Drafters.Knowing drafter, Continuation made, int maxDraft, int maxBytes) {
        switch (drafter.toString()) {
            case "wrong every 0" -> {
                assertEquals(made.drafted(), made.accepted());
                assertTrue(made.drafted() >= maxBytes / 2 - 1);
            }
            case "wrong every 1" -> assertEquals(0, made.accepted());
            default -> {
                assertTrue(made.accepted() > 0);
                assertTrue(maxDraft < 3 || made.accepted() < made.drafted());
            }
        }
    }

    @Test
    void shouldMakeWhatPlainDecodingMakes() {
        for (MambaModel model : models()) {
            Random random = new Random(5);
            for (int i = 0; i < 12; i++) {
                for (double temperature : TEMPERATURES) {
                    check(model, prompt(random), Sampling.of(temperature, i), 60);
                }
            }
        }
    }

    @Test
    void shouldRoundStatesWhereScoringDoes() {
        StateRounding rounding = new StateRounding(StatePrecision.INT8, 16);
        for (MambaModel model : models()) {
            Random random = new Random(9);
            for (int i = 0; i < 12; i++) {
                byte[] prompt = prompt(random);
                Sampling sampling = Sampling.of(TEMPERATURES[i % 3], i);
                List<Continuation> made = new ArrayList<>();
                ModelDrafter.Shared shared = new ModelDrafter.Shared(model);
                for (Drafter drafter :
                        List.of(
                                Drafter.NONE,
                                new HistoryDrafter(new HistoryIndex(8)),
                                new ModelDrafter(shared, null))) {
                    RecurrentState state = model.newState();
                    new Prefill(model, rounding).feed(state, prompt, 0, prompt.length);
                    made.add(
                            continued(
                                    state,
                                    prompt,
                                    sampling,
                                    drafter,
                                    new Decoder(
                                            model,
                                            1,
                                            rounding,
                                            PassTimes.allAlike(Decoder.maxRows(1)))));
                }
                RecurrentState scored = model.newState();
                Scorer scorer = new Scorer(model, rounding);
                byte[] text = Arrays.copyOf(prompt, prompt.length + 80);
                System.arraycopy(made.getFirst().bytes(0, 80), 0, text, prompt.length, 80);
                scorer.replay(scored, text, 0, text.length, false);
                for (Continuation each : made) {
                    assertArrayEquals(made.getFirst().bytes(0, 80), each.bytes(0, 80));
                    assertTrue(each.state().bitsEqual(scored));
                }
                RecurrentState unrounded = after(model, text);
                assertFalse(unrounded.bitsEqual(scored));
            }
        }
    }

    private static Continuation continued(
            RecurrentState state,
            byte[] prompt,
            Sampling sampling,
            Drafter drafter,
            Decoder decoder) {
        drafter.begin();
        drafter.append(prompt, 0, prompt.length);
        Continuation made =
                new Continuation(state, prompt, sampling, StopSequences.NONE, 80, drafter, 24);
        while (made.finished() == null) {
            decoder.advance(List.of(made));
        }
        return made;
    }

    @Test
    @Tag("soak")
    void shouldMakeWhatPlainDecodingMakesOverAThousandPrompts() throws Exception {
        MambaModel model = MambaModel.load(ModelSource.of("logs-small"));
        Random random = new Random(6);
        for (int i = 0; i < 1000; i++) {
            for (double temperature : TEMPERATURES) {
                check(model, prompt(random), Sampling.of(temperature, i), 48);
            }
        }
    }

    @Test
    void shouldMakeTogetherWhatEachMakesAlone() {
        MambaModel model = models().get(1);
        Random random = new Random(8);
        List<Continuation> all = new ArrayList<>();
        List<byte[]> expected = new ArrayList<>();
        List<RecurrentState> states = new ArrayList<>();
        for (int i = 0; i < 17; i++) {
            byte[] prompt = prompt(random);
            int maxBytes = 1 + random.nextInt(50);
            Sampling sampling =
                    new Sampling(
                            TEMPERATURES[i % 3],
                            i % 5 * 7,
                            1 - i % 4 * 0.1,
                            i % 2 * 0.01,
                            i,
                            false);
            RecurrentState state = after(model, prompt);
            expected.add(plain(model, state, sampling, maxBytes));
            states.add(state);
            Drafter drafter = new HistoryDrafter(new HistoryIndex(8));
            drafter.begin();
            drafter.append(prompt, 0, prompt.length);
            all.add(
                    new Continuation(
                            after(model, prompt),
                            prompt,
                            sampling,
                            StopSequences.NONE,
                            maxBytes,
                            drafter,
                            4));
        }
        Decoder decoder =
                new Decoder(model, 17, StateRounding.NONE, PassTimes.allAlike(Decoder.maxRows(17)));
        List<Continuation> active = new ArrayList<>(all);
        while (!active.isEmpty()) {
            decoder.advance(active);
            active.removeIf(continuation -> continuation.finished() != null);
        }
        for (int i = 0; i < all.size(); i++) {
            Continuation made = all.get(i);
            assertEquals(FinishReason.LENGTH, made.finished());
            assertArrayEquals(expected.get(i), made.bytes(0, made.length()), "continuation " + i);
            assertTrue(made.state().bitsEqual(states.get(i)), "state " + i);
        }
    }

    @Test
    void shouldGoOnWhereItWasLost() {
        MambaModel model = models().get(0);
        byte[] prompt = "a prompt".getBytes(StandardCharsets.US_ASCII);
        Sampling sampling = Sampling.of(1, 3);
        byte[] whole = plain(model, after(model, prompt), sampling, 80);
        for (int lost : new int[] {0, 1, 33, 79}) {
            byte[] made = Arrays.copyOf(whole, lost);
            RecurrentState state = after(model, prompt);
            new Prefill(model).feed(state, made, 0, lost);
            Continuation resumed =
                    new Continuation(
                            state, prompt, sampling, StopSequences.NONE, 80, Drafter.NONE, 0);
            resumed.resume(made);
            Decoder decoder = new Decoder(model, 1);
            while (resumed.finished() == null) {
                decoder.advance(List.of(resumed));
            }
            assertArrayEquals(whole, resumed.bytes(0, 80));
        }
    }

    @Test
    void shouldEndAtStopSequenceInTheMiddleOfADraft() {
        MambaModel model = models().get(0);
        byte[] prompt = "some prompt".getBytes(StandardCharsets.US_ASCII);
        Sampling sampling = Sampling.of(1.3, 2);
        byte[] whole = plain(model, after(model, prompt), sampling, 60);
        byte[] stop = Arrays.copyOfRange(whole, 20, 23);
        byte[] truth = new byte[prompt.length + 60];
        System.arraycopy(prompt, 0, truth, 0, prompt.length);
        System.arraycopy(whole, 0, truth, prompt.length, 60);
        Drafter drafter = new Drafters.Knowing(truth, 0);
        drafter.append(prompt, 0, prompt.length);
        Continuation made =
                new Continuation(
                        after(model, prompt),
                        prompt,
                        sampling,
                        new StopSequences(List.of(stop)),
                        60,
                        drafter,
                        24);
        Decoder decoder =
                new Decoder(model, 1, StateRounding.NONE, PassTimes.allAlike(Decoder.maxRows(1)));
        while (made.finished() == null) {
            decoder.advance(List.of(made));
        }
        assertEquals(FinishReason.STOP, made.finished());
        assertArrayEquals(Arrays.copyOf(whole, 23), made.bytes(0, made.length()));
        RecurrentState state = after(model, prompt);
        plain(model, state, sampling, 23);
        assertTrue(made.state().bitsEqual(state));
        assertEquals(Origin.ACCEPTED, made.origin(1));
    }

    @Test
    void shouldTellSurprisalOfEveryByte() {
        MambaModel model = models().get(1);
        byte[] prompt = {1, 2, 3};
        Sampling sampling = Sampling.of(0.7, 1);
        Continuation made =
                continued(model, prompt, sampling, 40, new HistoryDrafter(new HistoryIndex(8)), 24);
        byte[] bytes = made.bytes(0, 40);
        RecurrentState state = after(model, prompt);
        byte[] fed = new byte[40];
        fed[0] = 3;
        System.arraycopy(bytes, 0, fed, 1, 39);
        Forward forward = new Forward(model, 40);
        forward.forward(state, fed, 0, 40);
        float[] bits = new float[40];
        forward.surprisal(bytes, 0, 40, bits, new float[40], new float[40]);
        for (int i = 0; i < 40; i++) {
            assertEquals(bits[i], made.surprisal(i));
        }
    }

    @Test
    void shouldMakeOnlyUtf8WhenAsked() throws Exception {
        MambaModel model = models().get(0);
        for (int seed = 0; seed < 30; seed++) {
            Sampling sampling = new Sampling(seed % 3 * 0.65, 0, 1, 0, seed, true);
            // The prompt ends inside of a character.
            byte[] prompt = {'a', (byte) 0xe2, (byte) 0x82};
            Continuation made =
                    continued(model, prompt, sampling, 50, new Drafters.Guessing(seed), 24);
            byte[] text = new byte[3 + made.length()];
            System.arraycopy(prompt, 0, text, 0, 3);
            System.arraycopy(made.bytes(0, made.length()), 0, text, 3, made.length());
            // Throws where it is malformed.
            StandardCharsets.UTF_8.newDecoder().decode(java.nio.ByteBuffer.wrap(text));
        }
    }

    @Test
    void shouldRefuseStateThatPredictsNothing() {
        MambaModel model = models().get(0);
        var thrown =
                assertThrows(
                        IllegalArgumentException.class,
                        () ->
                                new Continuation(
                                        model.newState(),
                                        new byte[0],
                                        Sampling.GREEDY,
                                        StopSequences.NONE,
                                        1,
                                        Drafter.NONE,
                                        0));
        assertEquals("a state without a pending byte predicts nothing", thrown.getMessage());
        assertNull(
                continuedOnce(model).finished(),
                "one pass makes one byte where nothing is drafted");
    }

    private static Continuation continuedOnce(MambaModel model) {
        byte[] prompt = {'x'};
        Continuation made =
                new Continuation(
                        after(model, prompt),
                        prompt,
                        Sampling.GREEDY,
                        StopSequences.NONE,
                        2,
                        Drafter.NONE,
                        0);
        new Decoder(model, 1).advance(List.of(made));
        assertEquals(1, made.length());
        return made;
    }
}
