package io.mambabyte.app.eval;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Mean inverse document frequency of a line's words, in bits; words as they are and masked. */
final class WordRarity extends LineDetector {
    private final Map<String, Integer> raw = new HashMap<>();
    private final Map<String, Integer> masked = new HashMap<>();
    private long lines;

    WordRarity() {
        super("word-rarity", "word-rarity-masked");
    }

    @Override
    void learnLine(byte[] line) {
        lines++;
        count(raw, Text.raw(line));
        count(masked, Text.masked(line));
    }

    private static void count(Map<String, Integer> counts, String line) {
        Set<String> words = new HashSet<>(words(line));
        words.forEach(word -> counts.merge(word, 1, Integer::sum));
    }

    private static List<String> words(String line) {
        return List.of(line.strip().split("\\s+"));
    }

    @Override
    double[] scoreLine(byte[] line) {
        return new double[] {mean(raw, Text.raw(line)), mean(masked, Text.masked(line))};
    }

    private double mean(Map<String, Integer> counts, String line) {
        List<String> words = words(line);
        double sum = 0;
        for (String word : words) {
            sum += Math.log((lines + 1) / (counts.getOrDefault(word, 0) + 0.5));
        }
        return sum / Math.log(2) / words.size();
    }
}
