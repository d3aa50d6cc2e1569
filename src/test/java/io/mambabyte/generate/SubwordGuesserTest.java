package io.mambabyte.generate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.model.ModelSource;
import io.mambabyte.model.RandomModels;
import io.mambabyte.model.SubwordModel;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;

/**
 * Wherever a draft was wrong, the model is re-aligned: it guesses what it would have guessed had it
 * been told the text at once.
 */
class SubwordGuesserTest {
    private static final String[] PIECES = {
        "error",
        " Error",
        "Connection",
        " ",
        "  ",
        "\n",
        "it",
        "'",
        "s",
        "re",
        "'ll",
        "127",
        ".",
        "0x1F",
        "caf\u00e9",
        "\u65e5\u672c",
        "==",
        "a",
        "\t",
        "\ud83d\ude42"
    };

    private static SubwordGuesser guesser(SubwordModel model) {
        return new SubwordGuesser(
                new SubwordText.Scratch(model), new Sampler(model.model().kernels()));
    }

    private static byte[] piece(Random random) {
        byte[] bytes = PIECES[random.nextInt(PIECES.length)].getBytes(StandardCharsets.UTF_8);
        // Also parts of characters.
        return Arrays.copyOf(bytes, 1 + random.nextInt(bytes.length));
    }

    @Test
    void shouldGuessAsIfToldAllAtOnce() throws Exception {
        SubwordModel model = RandomModels.subwords(3);
        SubwordGuesser guesser = guesser(model);
        SubwordGuesser fresh = guesser(model);
        for (int seed = 0; seed < 40; seed++) {
            Random random = new Random(seed);
            Sampling sampling = Sampling.of(seed % 3 * 0.6, seed);
            guesser.begin();
            ByteArrayOutputStream told = new ByteArrayOutputStream();
            byte[] supposed = new byte[0];
            while (told.size() < SubwordText.CONTEXT_BYTES - 40) {
                // Sometimes what was supposed, or the beginning of it, and sometimes something
                // else.
                byte[] next = Arrays.copyOf(supposed, random.nextInt(supposed.length + 1));
                if (next.length == 0 || random.nextBoolean()) {
                    next = piece(random);
                }
                guesser.append(next, 0, next.length);
                told.writeBytes(next);
                guesser.rewind();
                ByteArrayOutputStream ahead = new ByteArrayOutputStream();
                for (int i = random.nextInt(4); i > 0; i--) {
                    if (random.nextInt(3) > 0) {
                        assertGuess(guesser, fresh, told, ahead, sampling);
                    }
                    byte[] more = piece(random);
                    ahead.writeBytes(more);
                    for (byte value : more) {
                        guesser.suppose(value & 0xff);
                    }
                }
                assertGuess(guesser, fresh, told, ahead, sampling);
                supposed = ahead.toByteArray();
            }
        }
    }

    private static void assertGuess(
            SubwordGuesser guesser,
            SubwordGuesser fresh,
            ByteArrayOutputStream told,
            ByteArrayOutputStream ahead,
            Sampling sampling) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes(told.toByteArray());
        all.writeBytes(ahead.toByteArray());
        fresh.begin();
        fresh.append(all.toByteArray(), 0, all.size());
        int expected = fresh.guess(sampling, all.size());
        assertEquals(expected, guesser.guess(sampling, all.size()));
        assertEquals(fresh.odds(), guesser.odds());
        assertEquals(expected, guesser.guess(sampling, all.size()), "asked again");
    }

    @Test
    void shouldFollowTextsOfAnyLength() throws Exception {
        SubwordModel model = RandomModels.subwords(4);
        SubwordGuesser guesser = guesser(model);
        for (int seed = 0; seed < 40; seed++) {
            Random random = new Random(seed);
            int rarely = 1 + random.nextInt(300);
            guesser.begin();
            for (int told = 0; told < 6000; ) {
                byte[] next = new byte[1 + random.nextInt(random.nextInt(30) == 0 ? 3000 : 20)];
                random.nextBytes(next);
                guesser.append(next, 0, next.length);
                told += next.length;
                guesser.rewind();
                for (int i = random.nextInt(Decoder.DRAFT_MAX + 1); i > 0; i--) {
                    if (random.nextInt(rarely) == 0) {
                        guesser.guess(Sampling.GREEDY, 0);
                    }
                    guesser.suppose(random.nextInt(256));
                }
            }
            byte[] last = new byte[4000];
            random.nextBytes(last);
            guesser.append(last, 0, last.length);
            SubwordGuesser fresh = guesser(model);
            fresh.begin();
            fresh.append(last, 0, last.length);
            assertEquals(
                    fresh.guess(Sampling.of(1, seed), 9), guesser.guess(Sampling.of(1, seed), 9));
        }
    }

    /** The trained model knows what a word goes on with, wherever in it the text ends. */
    @Test
    void shouldKnowTheRestOfWords() throws Exception {
        SubwordGuesser guesser =
                guesser(SubwordModel.load(new ModelSource.ShippedDrafter(SubwordModel.DEFAULT)));
        String line = "2026-11-24 07:49:41 ERROR Connection refused: connect timed out\n";
        String text = line.repeat(4);
        int right = 0;
        guesser.begin();
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        for (int i = 0; i < bytes.length; i++) {
            if (i >= 3 * line.length() && guesser.guess(Sampling.GREEDY, i) == (bytes[i] & 0xff)) {
                right++;
            }
            guesser.append(bytes, i, 1);
        }
        assertTrue(right > line.length() / 2, right + " of " + line.length());
    }
}
