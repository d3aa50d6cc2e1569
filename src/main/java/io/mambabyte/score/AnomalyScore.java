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
     * Combines two improbabilities of the same line by Fisher's method: with x the sum of both in
     * nats, the probability of as much by chance is {@code exp(-x) (1 + x)}.
     *
     * @param first {@code -log2 p} of one, at least 0
     * @param second {@code -log2 p} of the other, at least 0
     * @return {@code -log2} of the combined probability
     */
    public static double combined(double first, double second) {
        double nats = (first + second) * Math.log(2);
        return (nats - Math.log1p(nats)) / Math.log(2);
    }
}
