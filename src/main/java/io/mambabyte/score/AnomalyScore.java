package io.mambabyte.score;

/**
 * The product's anomaly score of a line, from two kinds of evidence, each in bits:
 *
 * <ul>
 *   <li>novelty: how rare the line's kind is among the lines so far, how surprising its words are,
 *       and whether it has one of the {@link SeverityWords}. The three are bits and are added.
 *   <li>tail: the bytes that the model held for all but impossible ({@link
 *       LineStatistics#tailBits}), identifiers included.
 * </ul>
 *
 * <p>Both are compared with normal lines ({@link TailProbability}) and their improbabilities added,
 * as Fisher's method does. What a line's identifiers cost is in neither, because most bits of a log
 * line are identifiers however well things are.
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
