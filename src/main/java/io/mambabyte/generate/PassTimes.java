package io.mambabyte.generate;

/**
 * What a pass over so many bytes takes on this machine, learnt from the passes that were made: the
 * time of a pass over one byte, and how many times that a longer one takes. What was not tried for
 * long is assumed to be cheap, so that it is tried again: early passes are slow for reasons that
 * pass.
 */
final class PassTimes {
    /** Of one more row, as a share of a pass over one: less than on any machine met so far. */
    private static final double ASSUMED_SLOPE = 0.05;

    private static final double SHARE = 0.2;
    private static final double NEIGHBOUR_SHARE = 0.05;

    /** How much of a longer pass's news is about all passes. */
    private static final double COMMON_SHARE = 0.05;

    /** Share of a turn in the measured rate. */
    private static final double TURN_SHARE = 1 / 64.0;

    private static final double FORGET_SHARE = 0.0005;

    /** Nanoseconds of a pass over one byte. */
    private double one = 1;

    /** Times that; {@code [1]} is 1. */
    private final double[] factor;

    /** Bytes that were made lately, and nanoseconds that it took: means of turns. */
    private double meanBytes;

    private double meanNanos;

    private final boolean learns;
    private boolean measured;

    /**
     * Times to be learnt.
     *
     * @param maxRows bytes of the longest pass
     */
    PassTimes(int maxRows) {
        this(maxRows, ASSUMED_SLOPE, true);
    }

    /**
     * For tests: every pass takes the same, a second, so that whatever is drafted is tried and no
     * drafter is too slow.
     */
    static PassTimes allAlike(int maxRows) {
        PassTimes times = new PassTimes(maxRows, 0, false);
        times.one = 1e9;
        return times;
    }

    private PassTimes(int maxRows, double slope, boolean learns) {
        this.learns = learns;
        factor = new double[maxRows + 1];
        for (int rows = 0; rows <= maxRows; rows++) {
            factor[rows] = 1 + slope * (rows - 1);
        }
    }

    private static double assumed(int rows) {
        return 1 + ASSUMED_SLOPE * (rows - 1);
    }

    /** Time of a pass; in units of its own before the first was measured. */
    double of(int rows) {
        return one * factor[Math.min(rows, factor.length - 1)];
    }

    /**
     * Time in which a byte is made at present: as measured lately, drafts and all, and at most that
     * of one by one.
     *
     * @param together continuations of a pass
     */
    double byteNanos(int together) {
        double oneByOne = of(together) / together;
        return meanNanos == 0 ? oneByOne : Math.min(oneByOne, meanNanos / meanBytes);
    }

    /** Learns what a whole turn took, and how many bytes it made. */
    void made(int bytes, long took) {
        if (learns) {
            double share = meanNanos == 0 ? 1 : TURN_SHARE;
            meanBytes += (bytes - meanBytes) * share;
            meanNanos += (took - meanNanos) * share;
        }
    }

    void add(int rows, long took) {
        if (!learns) {
            return;
        }
        double ratio = took / of(rows);
        if (!measured) {
            measured = true;
            one *= ratio;
            return;
        }
        // A pass that the machine was away from says nothing.
        double news = Math.clamp(ratio, 0.5, 2) - 1;
        if (rows == 1) {
            one *= 1 + SHARE * news;
        } else {
            one *= 1 + COMMON_SHARE * news;
            adjust(rows, SHARE * news);
            adjust(rows - 1, NEIGHBOUR_SHARE * news);
            adjust(rows + 1, NEIGHBOUR_SHARE * news);
        }
        for (int other = 2; other < factor.length; other++) {
            if (other != rows) {
                factor[other] += FORGET_SHARE * (assumed(other) - factor[other]);
            }
        }
    }

    private void adjust(int rows, double change) {
        if (rows > 1 && rows < factor.length) {
            factor[rows] *= 1 + change;
        }
    }
}
