package io.mambabyte.score;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * How long gaps are: a running distribution of their logarithms. Beyond what was seen it goes on as
 * an exponential one of the logarithm, which is a power of the gap: streams come in bursts, and
 * long gaps are far more frequent than in a steady one.
 */
public final class GapDistribution {
    // Rare gaps are what it is for: the tail may go as far as it likes.
    private static final double EXTRAPOLATION_BITS = 100;

    // However regular a key was: a gap twice as long is not less than e^-2 times as probable.
    private static final double MEAN_EXCESS_MIN = 0.5;
    private static final int GENERATION_GAPS = 2000;

    private final CalibrationDistribution logarithms =
            new CalibrationDistribution(EXTRAPOLATION_BITS, MEAN_EXCESS_MIN);
    private double currentMs;
    private double previousMs;
    private double pendingMs;

    /** Gaps of nothing yet. */
    public GapDistribution() {}

    /**
     * Takes a gap, to be counted from the next {@link #fold} on.
     *
     * @param gapMs milliseconds
     */
    public void add(long gapMs) {
        logarithms.add(log2(gapMs));
        pendingMs += gapMs;
    }

    /** Counts what was added; gaps are of the last one to two generations of 2,000. */
    public void fold() {
        logarithms.fold();
        currentMs += pendingMs;
        pendingMs = 0;
        if (logarithms.currentCount() >= GENERATION_GAPS) {
            logarithms.roll();
            previousMs = currentMs;
            currentMs = 0;
        }
    }

    /**
     * Gaps that are counted.
     *
     * @return how many
     */
    public long count() {
        return logarithms.count();
    }

    /**
     * Mean gap.
     *
     * @return milliseconds
     */
    public double meanMs() {
        return count() == 0 ? 0 : (previousMs + currentMs) / count();
    }

    /**
     * Probability of a gap at least so long.
     *
     * @param gapMs milliseconds
     * @return from 0 to 1; 1 where nothing is known
     */
    public double probability(long gapMs) {
        return Math.pow(2, -logarithms.bits(log2(gapMs)));
    }

    /**
     * The gap that is so improbable.
     *
     * @param probability small: it is looked up among the longest gaps
     * @return milliseconds
     */
    public long longerThan(double probability) {
        double gap = Math.pow(2, logarithms.at(-Math.log(probability) / Math.log(2))) - 1;
        return gap < Long.MAX_VALUE / 2.0 ? (long) Math.ceil(gap) : Long.MAX_VALUE;
    }

    private static double log2(long gapMs) {
        return Math.log(1.0 + gapMs) / Math.log(2);
    }

    /**
     * Writes what is counted.
     *
     * @param out where to
     * @throws IOException if that fails
     */
    public void write(DataOutput out) throws IOException {
        out.writeDouble(currentMs);
        out.writeDouble(previousMs);
        logarithms.write(out);
    }

    /**
     * Becomes what was written.
     *
     * @param in where from
     * @throws IOException if it is too short or not such a thing
     */
    public void read(DataInput in) throws IOException {
        currentMs = in.readDouble();
        previousMs = in.readDouble();
        pendingMs = 0;
        logarithms.read(in);
    }
}
