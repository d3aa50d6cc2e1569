package io.mambabyte.streams;

/**
 * How much a line speaks for an incident. A line counts with the bits of its improbability beyond
 * five: one line in 32 counts at all, and one that is as rare as the expected alerts counts for
 * half of an incident or so. Lines that are strange one by one add up where they come together.
 */
final class IncidentEvidence {
    private static final double ORDINARY_BITS = 5;

    private IncidentEvidence() {}

    /** Whether a line counts. */
    static boolean strange(double bits) {
        return bits > ORDINARY_BITS;
    }

    /** What it counts for. */
    static double of(double bits) {
        return Math.max(0, bits - ORDINARY_BITS);
    }

    /** Evidence that opens an incident: as improbable as an alert. */
    static double enough(double alertsPerLine) {
        return -Math.log(alertsPerLine) / Math.log(2);
    }
}
