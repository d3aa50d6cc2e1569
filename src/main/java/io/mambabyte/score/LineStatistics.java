package io.mambabyte.score;

/**
 * What an anomaly decision takes from a line and its likelihood.
 *
 * @param kind {@link LineKind} of the line
 * @param severity how many of the {@link SeverityWords} it has
 * @param bits surprisal of all its bytes
 * @param excessBits that beyond what the model expected
 * @param worstBits of its most surprising 16 bytes
 * @param wordBits mean surprisal of a byte outside words that have a digit, 0 where there is none
 * @param tailBits what the surprisal of its bytes has above {@link #TAIL_BITS}, summed and divided
 *     by the bytes of the line and {@link #TAIL_BYTES} more: a long line has more chances of a
 *     surprise, a short one must not be made of one
 */
public record LineStatistics(
        long kind,
        int severity,
        double bits,
        double excessBits,
        double worstBits,
        double wordBits,
        double tailBits) {
    /** A byte that the model gave less than an even chance among all 256. */
    public static final double TAIL_BITS = 8;

    /** Bytes that are added to a line's length. */
    public static final int TAIL_BYTES = 128;

    /**
     * Whether it has one of the {@link SeverityWords}.
     *
     * @return true where there is one
     */
    public boolean severe() {
        return severity > 0;
    }

    /**
     * Statistics of a line.
     *
     * @param line its bytes
     * @param score its score, kept byte by byte
     * @return the statistics
     * @throws IllegalArgumentException if the score has no surprisal of every byte of the line
     */
    public static LineStatistics of(byte[] line, RecordScore score) {
        Surprisals surprisal = score.surprisal();
        if (surprisal == null || surprisal.size() < line.length) {
            throw new IllegalArgumentException(
                    "a line of "
                            + line.length
                            + " bytes and the surprisal of "
                            + (surprisal == null ? 0 : surprisal.size()));
        }
        double words = 0;
        int wordBytes = 0;
        double tail = 0;
        int wordEnd = 0;
        boolean variable = false;
        for (int i = 0; i < surprisal.size(); i++) {
            if (i >= wordEnd) {
                boolean space = i >= line.length || LineKind.isSpace(line[i]);
                wordEnd = space ? i + 1 : LineKind.wordEnd(line, i);
                variable = !space && LineKind.hasDigit(line, i, wordEnd);
            }
            float bits = surprisal.get(i);
            if (Float.isNaN(bits)) {
                continue;
            }
            tail += Math.max(0, bits - TAIL_BITS);
            if (!variable) {
                words += bits;
                wordBytes++;
            }
        }
        return new LineStatistics(
                LineKind.of(line),
                SeverityWords.count(line),
                score.bits(),
                score.excessBits(),
                score.worstBits(),
                wordBytes == 0 ? 0 : words / wordBytes,
                tail / (surprisal.size() + TAIL_BYTES));
    }
}
