package io.mambabyte.score;

/**
 * The product's anomaly score of a line, from three kinds of evidence:
 *
 * <ul>
 *   <li>novelty: how rare the line's kind is among the lines so far, how surprising its words are,
 *       and whether it has {@link SeverityWords}. The three are bits and are added.
 *   <li>tail: the bytes that the model held for all but impossible ({@link
 *       LineStatistics#tailBits}), identifiers included.
 *   <li>size: all bits of the line, whose logarithm has the tail that is fitted: sizes are spread
 *       over orders of magnitude. Most of them are identifiers however well things are, so that
 *       only a line beyond all normal ones says something.
 * </ul>
 *
 * <p>Each is compared with normal lines ({@link TailProbability}), and the strongest is the score
 * ({@link #strongest}).
 */
public final class AnomalyScore {
    /**
     * What a severity word adds: lines that matter are taken to have one 32 times as often as
     * others. Between 3 and 8 bits rank equally well where it was measured.
     */
    public static final double SEVERITY_BITS = 5;

    /**
     * Most that novelty counts as evidence. It is a logarithm of counts and has an upper end, so
     * that a tail beyond its normal values says nothing: where words are new in every line, it
     * would only be noise.
     */
    public static final double NOVELTY_EVIDENCE_MAX_BITS = 7;

    /** What the tail needs more than novelty: {@code -log2} of its weight. */
    public static final double TAIL_HANDICAP_BITS = 3;

    private AnomalyScore() {}

    /**
     * Novelty of a line.
     *
     * @param line its statistics
     * @param kindBits {@link KindCounts#bits} of its kind, before it was counted itself
     * @return bits
     */
    public static double novelty(LineStatistics line, double kindBits) {
        return kindBits + line.wordBits() + (line.severe() ? SEVERITY_BITS : 0);
    }

    /**
     * Novelty of a line where it is known how many severity words lines have: what a severity word
     * adds is half what is expected of one and half how rare it is.
     *
     * @param line its statistics
     * @param kindBits {@link KindCounts#bits} of its kind, before it was counted itself
     * @param severityBits {@link SeverityCounts#bits} of its severity, before it was counted itself
     * @return bits
     */
    public static double novelty(LineStatistics line, double kindBits, double severityBits) {
        double expected = line.severe() ? SEVERITY_BITS : 0;
        return kindBits + line.wordBits() + (expected + severityBits) / 2;
    }

    /**
     * The strongest of three kinds of evidence: the smallest of their p-values, each weighed by how
     * likely it is that an anomaly shows in it (a weighted Bonferroni test; Genovese, Roeder and
     * Wasserman, Biometrika 2006). One that says nothing of a set of logs adds no noise to one that
     * does. The novelty has weight 1, the tail 1/8, and the size one over the normal lines that it
     * is compared with: it has to be further out than they can tell.
     *
     * @param novelty {@code -log2 p} of the novelty
     * @param tail {@code -log2 p} of the tail
     * @param size {@code -log2 p} of the logarithm of all bits
     * @param normal how many normal lines they were compared with
     * @return {@code -log2} of the weighed p-value
     */
    public static double strongest(double novelty, double tail, double size, long normal) {
        return Math.max(
                novelty,
                Math.max(
                        tail - TAIL_HANDICAP_BITS, size - Math.log((double) normal) / Math.log(2)));
    }

    /**
     * Combines the two kinds of evidence by Fisher's method: with x the sum of both in nats, the
     * probability of as much by chance is {@code exp(-x) (1 + x)}.
     *
     * @param novelty {@code -log2 p} of the novelty, at least 0; no more than {@link
     *     #NOVELTY_EVIDENCE_MAX_BITS} of it count
     * @param tail {@code -log2 p} of the tail, at least 0
     * @return {@code -log2} of the combined probability
     */
    public static double combined(double novelty, double tail) {
        double nats = (Math.min(novelty, NOVELTY_EVIDENCE_MAX_BITS) + tail) * Math.log(2);
        return (nats - Math.log1p(nats)) / Math.log(2);
    }
}
