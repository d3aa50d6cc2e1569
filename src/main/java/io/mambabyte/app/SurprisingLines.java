package io.mambabyte.app;

import io.mambabyte.app.DemoRecording.Line;
import io.mambabyte.avro.Likelihood;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The most surprising lines, one of each kind: lines that differ in numbers and identifiers only
 * are of one kind, and the most surprising of them stands for all.
 *
 * <p>Lines are ranked by the bits of their words. An identifier that nobody has seen costs some six
 * bits a character however well things are, so most of a log line's bits say nothing; that a line
 * says something that its broker has not said before shows in its words.
 */
final class SurprisingLines {

    // A word with a digit in it: a number, an address, an identifier.
    private static final Pattern VARIABLE = Pattern.compile("[\\w-]*\\d[\\w-]*");

    /**
     * The most surprising line of a kind.
     *
     * @param line the line
     * @param likelihood what the model thought of it
     * @param wordBits surprisal of its words
     * @param alike lines of its kind, itself included
     */
    record Kind(Line line, Likelihood likelihood, double wordBits, int alike) {
        private Kind and(Kind other) {
            Kind larger = other.wordBits > wordBits ? other : this;
            return new Kind(larger.line, larger.likelihood, larger.wordBits, alike + other.alike);
        }

        /**
         * The part of the line that its words are most surprising in.
         *
         * @param length bytes of the part
         * @return index of its first byte, such that the part is within the line where that is long
         *     enough
         */
        int mostSurprising(int length) {
            float[] bits = SurprisingLines.wordBits(line, likelihood);
            double sum = 0;
            double best = 0;
            int from = 0;
            for (int i = 0; i < bits.length; i++) {
                sum += bits[i] - (i >= length ? bits[i - length] : 0);
                if (sum > best) {
                    best = sum;
                    from = Math.max(0, i + 1 - length);
                }
            }
            return from;
        }
    }

    private final Map<String, Kind> kinds = new HashMap<>();

    /**
     * Takes one line.
     *
     * @param line the line
     * @param likelihood what the model thought of it, byte by byte
     */
    void add(Line line, Likelihood likelihood) {
        double sum = 0;
        for (float bits : wordBits(line, likelihood)) {
            sum += bits;
        }
        kinds.merge(
                VARIABLE.matcher(line.text()).replaceAll("#"),
                new Kind(line, likelihood, sum, 1),
                Kind::and);
    }

    /**
     * The kinds of lines.
     *
     * @return the most surprising first
     */
    List<Kind> ranked() {
        return kinds.values().stream()
                .sorted(Comparator.comparingDouble(Kind::wordBits).reversed())
                .toList();
    }

    /** The surprisal of each byte of a line, 0 for those of numbers and identifiers. */
    private static float[] wordBits(Line line, Likelihood likelihood) {
        // One character a byte, as the surprisals are.
        String text = new String(line.bytes(), StandardCharsets.ISO_8859_1);
        List<Float> surprisal = likelihood.getSurprisal();
        float[] bits = new float[text.length()];
        for (int i = 0; i < bits.length; i++) {
            float one = surprisal.get(i);
            bits[i] = Float.isNaN(one) ? 0 : one;
        }
        Matcher variable = VARIABLE.matcher(text);
        while (variable.find()) {
            Arrays.fill(bits, variable.start(), variable.end(), 0);
        }
        return bits;
    }
}
