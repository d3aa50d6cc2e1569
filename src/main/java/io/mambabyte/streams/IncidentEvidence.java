package io.mambabyte.streams;

/**
 * How much the lines of a key speak for an incident, in bits: a cumulative sum (Page, 1954). A line
 * adds the bits of its improbability beyond five, so that one in 32 counts at all; every line takes
 * a little away, several times what normal lines add, and so does time. So lines that are strange
 * add up where they come together, and normal lines, however many, do not.
 */
final class IncidentEvidence {
    private static final double ORDINARY_BITS = 5;

    // Normal lines add 0.045 bits each, (1/32) / ln 2.
    private static final double LEAK_BITS = 0.2;

    private final double enough;
    private final double most;
    private final long gapMs;

    private double bits;
    private long lastMs;

    /**
     * None yet.
     *
     * @param alertsPerLine what opens an incident is as improbable as an alert
     * @param gapMs nothing is left of it so long after a strange line
     */
    IncidentEvidence(double alertsPerLine, long gapMs) {
        enough = -Math.log(alertsPerLine) / Math.log(2);
        // Not more, or an incident would last for hundreds of lines after its end.
        most = 2 * enough;
        this.gapMs = gapMs;
    }

    /** Whether a line counts. */
    static boolean strange(double lineBits) {
        return lineBits > ORDINARY_BITS;
    }

    /**
     * Takes a line in.
     *
     * @param lineBits {@code -log2} of its p-value
     * @param timeMs its time
     * @return whether it is the first of those that count
     */
    boolean add(double lineBits, long timeMs) {
        if (timeMs - lastMs > gapMs) {
            bits = 0;
        }
        bits = Math.max(0, bits - LEAK_BITS);
        boolean first = bits == 0;
        if (strange(lineBits)) {
            bits = Math.min(most, bits + lineBits - ORDINARY_BITS);
            lastMs = Math.max(lastMs, timeMs);
        }
        return first;
    }

    /** Whether it opens an incident. */
    boolean enough() {
        return bits >= enough;
    }

    /** Whether it keeps one open. */
    boolean lasting() {
        return bits >= enough / 2;
    }

    double bits() {
        return bits;
    }

    long lastMs() {
        return lastMs;
    }

    /** Becomes what was stored. */
    void set(double storedBits, long storedMs) {
        bits = storedBits;
        lastMs = storedMs;
    }
}
