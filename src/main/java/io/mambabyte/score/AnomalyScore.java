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
     * What the tail needs more than novelty where kinds come again: {@code -log2} of its weight.
     * Identifiers are what most of it is made of there.
     */
    public static final double TAIL_HANDICAP_BITS = 4;

    /** What novelty needs more than the tail where most lines are of a kind that is new. */
    public static final double NOVELTY_HANDICAP_BITS = 10;

    /** Share of lines of new kinds up to which the tail has all of its handicap, novelty none. */
    private static final double REPETITIVE = 0.4;

    /** Share of lines of new kinds from which on it is the other way round. */
    private static final double VARIED = 0.6;

    /** What the size has to be beyond the largest normal one. */
    public static final double SIZE_HANDICAP_BITS = 3;

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
     * does.
     *
     * <p>Software says the same things again and again: there novelty has weight 1 and the tail
     * 1/16. Where most lines are of kinds that never came before (values, free text), that a kind
     * is new says nothing, and the tail has weight 1 and novelty 1/1024. The size has to be further
     * out than the normal lines can tell.
     *
     * @param novelty {@code -log2 p} of the novelty
     * @param tail {@code -log2 p} of the tail
     * @param size {@code -log2 p} of the logarithm of all bits
     * @param normal how many normal lines they were compared with
     * @param newKinds share of normal lines whose kind was new when they came, 0 to 1
     * @return {@code -log2} of the weighed p-value
     */
    public static double strongest(
            double novelty, double tail, double size, long normal, double newKinds) {
        double varied = Math.clamp((newKinds - REPETITIVE) / (VARIED - REPETITIVE), 0, 1);
        double tested = Math.log((double) normal) / Math.log(2);
        return Math.max(
                novelty - varied * NOVELTY_HANDICAP_BITS,
                Math.max(
                        tail - (1 - varied) * TAIL_HANDICAP_BITS,
                        size - tested - SIZE_HANDICAP_BITS));
    }
}
