package io.mambabyte.app.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.mambabyte.app.bench.TextNoise.Kind;
import io.mambabyte.model.Forward;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.model.SubwordModel;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import picocli.CommandLine;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

class TextNoiseTest {
    private static final String TINY = "src/test/resources/reference/tiny";
    private static final String TEXT =
            "It was the best of times, it was the worst of times; na\u00efve \ud83d\ude42 Stra\u00dfe. "
                    .repeat(40);

    @TempDir private Path folder;

    private static String noisy(Kind kind, double share) {
        return new TextNoise(kind, share).apply(TEXT, 7);
    }

    private static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    @Test
    void shouldDoWhatTheKindSays() {
        assertEquals(TEXT, noisy(Kind.NONE, 1));
        assertEquals(
                "A N \ud83d\ude42 S S ",
                new TextNoise(Kind.ANTSPEAK, 1)
                        .apply("an\ud83d\ude42\u00df", 1)
                        .replace("SS", "S S"));
        assertEquals(TEXT.toUpperCase(java.util.Locale.ROOT), noisy(Kind.UPPERCASE, 1));
        assertEquals("badc", new TextNoise(Kind.SWAP, 1).apply("abcd", 1));
        assertEquals("", noisy(Kind.DROP, 1));
        String repeated = new TextNoise(Kind.REPEAT, 1).apply("ab", 3);
        assertTrue(repeated.matches("a{2,4}b{2,4}"), repeated);
        assertEquals(
                "na\u00efve",
                new TextNoise(Kind.RANDOM_CASE, 1)
                        .apply("Na\u00cfVe", 5)
                        .toLowerCase(java.util.Locale.ROOT));
    }

    @Test
    void shouldChooseAsManyAsTheShareSays() {
        double dropped = 1 - (double) length(noisy(Kind.DROP, 0.3)) / length(TEXT);
        assertTrue(dropped > 0.25 && dropped < 0.35, "dropped " + dropped);
        double added = (double) length(noisy(Kind.REPEAT, 0.3)) / length(TEXT) - 1;
        assertTrue(added > 0.5 && added < 0.7, "added " + added + ", two each on average");
        assertEquals(length(TEXT), length(noisy(Kind.SWAP, 0.3)));
    }

    @Test
    void shouldBeAFunctionOfTheSeed() {
        TextNoise noise = new TextNoise(Kind.DROP, 0.1);
        assertEquals(noise.apply(TEXT, 3), noise.apply(TEXT, 3));
        assertNotEquals(noise.apply(TEXT, 3), noise.apply(TEXT, 4));
    }

    /** In passes of many, as one byte at a time. */
    @Test
    void shouldSumSurprisals() throws Exception {
        MambaModel model = MambaModel.load(Path.of(TINY));
        byte[] text = TEXT.substring(0, 300).getBytes(StandardCharsets.UTF_8);
        Forward forward = new Forward(model, 1);
        RecurrentState state = model.newState();
        float[] surprisal = new float[1];
        double bits = 0;
        for (int i = 0; i < text.length; i++) {
            byte[] fed = {i == 0 ? (byte) '\n' : text[i - 1]};
            forward.forward(state, fed, 0, 1);
            forward.surprisal(text, i, 1, surprisal, new float[1], new float[1]);
            bits += surprisal[0];
        }
        assertEquals(bits, TextBits.of(model).bits(text), bits * 1e-12);
    }

    /** Tokens chosen at random would take more than three bits per byte. */
    @Test
    void shouldSumSurprisalsOfSubwords() throws Exception {
        TextBits subwords =
                TextBits.of(
                        SubwordModel.load(new ModelSource.ShippedDrafter(SubwordModel.DEFAULT)));
        byte[] text =
                "the ship sailed from the harbour in the morning, and "
                        .repeat(20)
                        .getBytes(StandardCharsets.US_ASCII);
        double bits = subwords.bits(text);
        assertTrue(bits > 0 && bits < 2.5 * text.length, bits / text.length + " bits per byte");
        byte[] half = java.util.Arrays.copyOf(text, text.length / 2);
        assertTrue(subwords.bits(half) < bits);
    }

    @Test
    void shouldMeasureEveryNoiseWithEveryModel() throws Exception {
        Path data = folder.resolve("text");
        // The limit cuts a character.
        Files.writeString(data, "Some words, and \u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9 more.");
        StringWriter out = new StringWriter();
        int code =
                new CommandLine(new BenchCommand())
                        .setCaseInsensitiveEnumValuesAllowed(true)
                        .setOut(new PrintWriter(out))
                        .execute(
                                "noise",
                                "--data",
                                data.toString(),
                                "--bytes",
                                "19",
                                "--model",
                                TINY,
                                "--model",
                                SubwordModel.DEFAULT,
                                "--format",
                                "json");
        assertEquals(0, code);
        JsonNode result = new ObjectMapper().readTree(out.toString());
        assertEquals(18, result.get("bytes").intValue());
        assertEquals(11, result.get("noises").size());
        for (JsonNode row : result.get("noises")) {
            for (String model : new String[] {TINY, SubwordModel.DEFAULT}) {
                double perByte = row.get(model).get("bits_per_byte").doubleValue();
                assertTrue(perByte > 0, row.toString());
                assertEquals(
                        perByte * row.get("bytes").intValue(),
                        row.get(model).get("bits_per_clean_byte").doubleValue() * 18,
                        1e-6);
            }
        }
    }
}
