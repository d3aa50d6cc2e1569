package io.mambabyte.score;

/**
 * How many of the {@link SeverityWords} lines have, and what it says when one has so many: where
 * every third line says "error", that a line does so says little, and that it says "fatal error"
 * more.
 */
public final class SeverityCounts {
    /** Lines with more words than this count as lines with this many. */
    private static final int WORDS_MAX = 8;

    /** Lines with at least so many words. */
    private final long[] atLeast = new long[WORDS_MAX + 1];

    /** Counts of nothing yet. */
    public SeverityCounts() {}

    /**
     * Counts a line.
     *
     * @param words how many severity words it has
     */
    public void add(int words) {
        for (int i = 0; i <= Math.min(words, WORDS_MAX); i++) {
            atLeast[i]++;
        }
    }

    /**
     * How rare it is that a line has at least so many severity words.
     *
     * @param words how many it has
     * @return {@code log2((n + 1) / (c + 1/2))} of the n lines counted, c of them with as many:
     *     bits; 0 for a line without any
     */
    public double bits(int words) {
        return words == 0 ? 0 : KindCounts.bits(atLeast[0], atLeast[Math.min(words, WORDS_MAX)]);
    }
}
