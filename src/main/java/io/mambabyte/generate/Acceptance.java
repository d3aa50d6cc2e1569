package io.mambabyte.generate;

/**
 * How often drafted bytes were right lately, against what was claimed of them, and when to try
 * again although they were not.
 */
final class Acceptance {
    /** What is assumed at first, and as how many bytes that counts. */
    private static final double ASSUMED = 0.75;

    private static final double ASSUMED_BYTES = 2;
    private static final double BYTES_MAX = 24;
    private static final int PROBE_EVERY_MIN = 8;
    private static final int PROBE_EVERY_MAX = 64;

    /** Most bytes that are tried before anything is known of a drafter, and when something is. */
    private static final int FIRST_BYTES = 5;

    private static final double KNOWN_BYTES = 8;

    /** Bytes whose claims are remembered. */
    private static final double CLAIMS_MAX = 64;

    private double rate = ASSUMED;
    private double claimed = ASSUMED;
    private double kept = ASSUMED;
    private double claims = ASSUMED_BYTES;
    private double bytes = ASSUMED_BYTES;
    private int probeEvery = PROBE_EVERY_MIN;
    private int sinceProbe;

    double rate() {
        return rate;
    }

    /**
     * What a claimed confidence is worth: 1 where as many bytes were right as were said to be, and
     * less where there were fewer.
     */
    double trust() {
        return Math.min(1, kept / claimed);
    }

    /** Most bytes to try: a drafter that nothing is known of may always be wrong. */
    int most(int room) {
        return claims < KNOWN_BYTES ? Math.min(FIRST_BYTES, room) : room;
    }

    /**
     * Learns of a byte that was tried.
     *
     * @param confidence that it was drafted with
     */
    void add(boolean right, double confidence) {
        claims = Math.min(CLAIMS_MAX, claims + 1);
        claimed += (confidence - claimed) / claims;
        kept += ((right ? 1 : 0) - kept) / claims;
        bytes = Math.min(BYTES_MAX, bytes + 1);
        rate += ((right ? 1 : 0) - rate) / bytes;
        if (right) {
            probeEvery = PROBE_EVERY_MIN;
        }
    }

    /**
     * Nothing is learnt of drafts that are not tried, so one is at times, the more rarely the more
     * often it was wrong.
     */
    boolean probe() {
        if (++sinceProbe < probeEvery) {
            return false;
        }
        sinceProbe = 0;
        probeEvery = Math.min(PROBE_EVERY_MAX, 2 * probeEvery);
        return true;
    }
}
