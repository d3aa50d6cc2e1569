package io.mambabyte.score;

import java.util.HashMap;
import java.util.Map;

/** How often kinds were seen, and what it says when one comes again. */
public final class KindCounts {
    private final Map<Long, Integer> counts = new HashMap<>();
    private long total;

    /** Counts of nothing yet. */
    public KindCounts() {}

    /**
     * Counts a kind.
     *
     * @param kind any value that names it
     */
    public void add(long kind) {
        counts.merge(kind, 1, Integer::sum);
        total++;
    }

    /**
     * How rare a kind is.
     *
     * @param kind any value that names it
     * @return {@code log2((n + 1) / (c + 1/2))} of the n counted, c of them of this kind: bits
     */
    public double bits(long kind) {
        return bits(total, counts.getOrDefault(kind, 0));
    }

    /**
     * How many of what was counted was of a kind that had not come before.
     *
     * @return a share of all, 0 to 1; 0 where nothing was counted
     */
    public double newKinds() {
        return total == 0 ? 0 : counts.size() / (double) total;
    }

    static double bits(long total, long count) {
        return Math.log((total + 1) / (count + 0.5)) / Math.log(2);
    }
}
