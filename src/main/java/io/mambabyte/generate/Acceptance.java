package io.mambabyte.generate;

/** How often drafted bytes were right lately, and when to try again although they were not. */
final class Acceptance {
    /** What is assumed at first, and as how many bytes that counts. */
    private static final double ASSUMED = 0.75;

    private static final double ASSUMED_BYTES = 2;
    private static final double BYTES_MAX = 24;
    private static final int PROBE_EVERY_MAX = 64;

    private double rate = ASSUMED;
    private double bytes = ASSUMED_BYTES;
    private int probeEvery = 1;
    private int sinceProbe;

    double rate() {
        return rate;
    }

    void add(boolean right) {
        bytes = Math.min(BYTES_MAX, bytes + 1);
        rate += ((right ? 1 : 0) - rate) / bytes;
        if (right) {
            probeEvery = 1;
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
