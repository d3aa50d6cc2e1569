package io.mambabyte.generate;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.mambabyte.model.BatchForward;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RandomModels;
import io.mambabyte.model.RecurrentState;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.Random;

/** A guesser that is told, supposes and takes back knows what one knows that was told it all. */
class ByteModelGuesserTest {
    private static final MambaModel MODEL =
            MambaModel.of(
                    RandomModels.config(16, 2, 4),
                    RandomModels.weights(RandomModels.config(16, 2, 4), 3));

    private static int guessAfter(byte[] text, Sampling sampling, long position) {
        BatchForward forward = new BatchForward(MODEL, 1, text.length);
        RecurrentState state = MODEL.newState();
        forward.add(state, text, 0, text.length);
        forward.forward();
        return new Sampler(MODEL.kernels())
                .sample(sampling, position, forward.logits(text.length - 1), 0);
    }

    @Test
    void shouldGuessWhatTheModelMakesOfWhatWasToldAndSupposed() {
        ByteModelGuesser.Scratch scratch = new ByteModelGuesser.Scratch(MODEL);
        ByteModelGuesser guesser = new ByteModelGuesser(scratch);
        ByteModelGuesser other = new ByteModelGuesser(scratch);
        for (int seed = 0; seed < 60; seed++) {
            Random random = new Random(seed);
            Sampling sampling = Sampling.of(seed % 3 * 0.6, seed);
            guesser.begin();
            other.begin();
            ByteArrayOutputStream told = new ByteArrayOutputStream();
            byte[] supposed = new byte[0];
            while (told.size() < ByteModelGuesser.CONTEXT_BYTES - 40) {
                // Sometimes what was supposed, or the beginning of it, and sometimes something
                // else.
                byte[] next = Arrays.copyOf(supposed, random.nextInt(supposed.length + 1));
                if (next.length == 0 || random.nextBoolean()) {
                    next = Arrays.copyOf(next, next.length + 1);
                    next[next.length - 1] = (byte) random.nextInt(256);
                }
                guesser.append(next, 0, next.length);
                told.writeBytes(next);
                guesser.rewind();
                supposed = new byte[random.nextInt(8)];
                for (int i = 0; i < supposed.length; i++) {
                    if (random.nextInt(3) > 0) {
                        assertGuess(guesser, told.toByteArray(), supposed, i, sampling);
                        // Another text uses the same scratch memory.
                        other.append(next, 0, 1);
                        other.guess(sampling, i);
                    }
                    supposed[i] = (byte) random.nextInt(256);
                    guesser.suppose(supposed[i]);
                }
                assertGuess(guesser, told.toByteArray(), supposed, supposed.length, sampling);
            }
        }
    }

    private static void assertGuess(
            Guesser guesser, byte[] told, byte[] supposed, int count, Sampling sampling) {
        byte[] text = Arrays.copyOf(told, told.length + count);
        System.arraycopy(supposed, 0, text, told.length, count);
        int expected = guessAfter(text, sampling, text.length);
        assertEquals(expected, guesser.guess(sampling, text.length));
        assertEquals(expected, guesser.guess(sampling, text.length), "asked again");
    }

    @Test
    void shouldFollowTextsOfAnyLengthFromTheirLastBytes() {
        ByteModelGuesser guesser = new ByteModelGuesser(new ByteModelGuesser.Scratch(MODEL));
        for (int seed = 0; seed < 40; seed++) {
            Random random = new Random(seed);
            guesser.begin();
            ByteArrayOutputStream told = new ByteArrayOutputStream();
            for (int i = 0; i < 12; i++) {
                byte[] bytes = new byte[random.nextInt(random.nextBoolean() ? 5000 : 300)];
                random.nextBytes(bytes);
                guesser.append(bytes, 0, bytes.length);
                told.writeBytes(bytes);
                guesser.rewind();
                for (int s = random.nextInt(20); s > 0; s--) {
                    guesser.suppose(random.nextInt(256));
                    if (random.nextBoolean()) {
                        guesser.guess(Sampling.GREEDY, 0);
                    }
                }
            }
            // A long piece is where it begins anew: then it knows exactly the last bytes.
            byte[] last = new byte[4000];
            random.nextBytes(last);
            guesser.append(last, 0, last.length);
            byte[] context = Arrays.copyOfRange(last, 4000 - ByteModelGuesser.CONTEXT_BYTES, 4000);
            assertEquals(
                    guessAfter(context, Sampling.of(1, seed), 9),
                    guesser.guess(Sampling.of(1, seed), 9));
        }
    }

    @Test
    void shouldFollowTextsThatItIsRarelyAskedAbout() {
        ByteModelGuesser guesser = new ByteModelGuesser(new ByteModelGuesser.Scratch(MODEL));
        for (int seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            guesser.begin();
            byte[] supposed = new byte[0];
            // As when the model is left off: most drafts are made without asking.
            int rarely = 1 + random.nextInt(200);
            for (int made = 0; made < 4000; ) {
                byte[] next = Arrays.copyOf(supposed, random.nextInt(supposed.length + 1) + 1);
                guesser.append(next, 0, next.length);
                made += next.length;
                guesser.rewind();
                supposed = new byte[random.nextInt(Decoder.DRAFT_MAX + 1)];
                random.nextBytes(supposed);
                for (byte value : supposed) {
                    if (random.nextInt(rarely) == 0) {
                        guesser.guess(Sampling.GREEDY, 0);
                    }
                    guesser.suppose(value);
                }
            }
            byte[] last = new byte[4000];
            random.nextBytes(last);
            guesser.append(last, 0, last.length);
            byte[] context = Arrays.copyOfRange(last, 4000 - ByteModelGuesser.CONTEXT_BYTES, 4000);
            assertEquals(
                    guessAfter(context, Sampling.of(1, seed), 9),
                    guesser.guess(Sampling.of(1, seed), 9));
        }
    }
}
