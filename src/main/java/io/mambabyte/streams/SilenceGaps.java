package io.mambabyte.streams;

import io.mambabyte.score.GapDistribution;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** How long a key usually says nothing, by the clock of its task. */
final class SilenceGaps {
    private static final double DAY_MS = 86_400_000;

    /** Gaps to see before one is long. */
    private static final int GAPS_MIN = 200;

    /** A shorter gap is no silence, however regular the key was. */
    private static final long SILENCE_MIN_MS = 10 * TaskClock.STEP_MAX_MS;

    private static final long NEVER = -1;

    private final GapDistribution gaps = new GapDistribution();
    private long lastMs = NEVER;

    SilenceGaps() {}

    /** The key spoke. */
    void speak(long clockMs) {
        if (lastMs != NEVER) {
            gaps.add(Math.max(0, clockMs - lastMs));
        }
        lastMs = Math.max(lastMs, clockMs);
    }

    void fold() {
        gaps.fold();
    }

    /** When the key spoke last. */
    long lastMs() {
        return lastMs;
    }

    /**
     * The gap that is a silence.
     *
     * @param perDay silences that are expected of a key that is well, in a day
     * @return milliseconds; {@code Long.MAX_VALUE} where too little is known or none is looked for
     */
    long silentAfterMs(double perDay) {
        if (perDay <= 0 || gaps.count() < GAPS_MIN) {
            return Long.MAX_VALUE;
        }
        double gapsPerDay = DAY_MS / Math.max(1, gaps.meanMs());
        return Math.max(SILENCE_MIN_MS, gaps.longerThan(Math.min(0.5, perDay / gapsPerDay)));
    }

    /** Probability of a gap so long. */
    double probability(long gapMs) {
        return gaps.probability(gapMs);
    }

    /** 99 of 100 gaps are shorter. */
    long usualMs() {
        return gaps.longerThan(0.01);
    }

    void write(DataOutput out) throws IOException {
        out.writeLong(lastMs);
        gaps.write(out);
    }

    void read(DataInput in) throws IOException {
        lastMs = in.readLong();
        gaps.read(in);
    }
}
