package io.mambabyte.score;

import com.tdunning.math.stats.Centroid;
import com.tdunning.math.stats.MergingDigest;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * A distribution of values as they come, of the last one to two generations of them: two t-digests
 * (Dunning, 2019), which keep the ends of a distribution nearly value by value.
 *
 * <p>Values count from the next {@link #fold} on. The improbability of a value is the share of
 * values above it; beyond the last few of them an exponential tail with their mean excess goes on,
 * as in {@link TailProbability}. Where that would make a value far rarer than one in all that were
 * seen, only the logarithm of the rest counts: larger stays rarer, but not by what nobody has seen.
 *
 * <p>A digest goes through its encoded form at every fold. So what is read back is what was there,
 * and what follows is the same, to the last bit, whether it was read back or not.
 */
final class CalibrationDistribution {
    private static final double COMPRESSION = 100;

    /** The tail is fitted to one value in so many, */
    private static final double TAIL_SHARE = 0.01;

    /** but to as many as this where that is no more than a tenth of all. */
    private static final double TAIL_VALUES_MIN = 30;

    private static final double TAIL_SHARE_MAX = 0.1;

    private static final byte[] EMPTY = {};

    private final double extrapolationBits;
    private final double meanExcessMin;

    private byte[] current = EMPTY;
    private byte[] previous = EMPTY;
    private long currentCount;
    private long previousCount;
    private double[] pending = new double[16];
    private int pendingCount;
    private long pendingClipped;
    private long currentClipped;
    private long previousClipped;

    // What the digests hold together: values in order, and how many are up to and with each.
    private double[] values = {};
    private double[] upTo = {};
    private double threshold;
    private double above;
    private double meanExcess;

    /**
     * A distribution of nothing yet.
     *
     * @param extrapolationBits how far beyond one in as many values as there are the tail is
     *     believed
     * @param meanExcessMin the tail is taken to be no steeper than with this mean, however much
     *     alike the largest values were
     */
    CalibrationDistribution(double extrapolationBits, double meanExcessMin) {
        this.extrapolationBits = extrapolationBits;
        this.meanExcessMin = meanExcessMin;
    }

    /** Takes a value, to be counted from the next fold on. */
    void add(double value) {
        if (pendingCount == pending.length) {
            pending = Arrays.copyOf(pending, 2 * pendingCount);
        }
        pending[pendingCount++] = value;
    }

    /**
     * Takes a value of which only that it is at least so large is to be known: it counts as one of
     * this size, and the tail is fitted as to one that may be larger.
     */
    void addAtLeast(double value) {
        add(value);
        pendingClipped++;
    }

    /** Values that are counted. */
    long count() {
        return currentCount + previousCount;
    }

    /** Values of the generation in progress that are counted. */
    long currentCount() {
        return currentCount;
    }

    /** Counts what was added. */
    void fold() {
        if (pendingCount == 0) {
            return;
        }
        MergingDigest digest =
                current.length == 0
                        ? new MergingDigest(COMPRESSION)
                        : MergingDigest.fromBytes(ByteBuffer.wrap(current));
        for (int i = 0; i < pendingCount; i++) {
            digest.add(pending[i], 1);
        }
        currentCount += pendingCount;
        currentClipped += pendingClipped;
        pendingCount = 0;
        pendingClipped = 0;
        ByteBuffer encoded = ByteBuffer.allocate(digest.byteSize());
        digest.asBytes(encoded);
        current = Arrays.copyOf(encoded.array(), encoded.position());
        fit();
    }

    /** Begins a generation: the one before the one that ends is forgotten. */
    void roll() {
        previous = current;
        previousCount = currentCount;
        current = EMPTY;
        currentCount = 0;
        previousClipped = currentClipped;
        currentClipped = 0;
        fit();
    }

    private void fit() {
        List<Centroid> centroids = new ArrayList<>();
        for (byte[] digest : List.of(previous, current)) {
            if (digest.length > 0) {
                centroids.addAll(MergingDigest.fromBytes(ByteBuffer.wrap(digest)).centroids());
            }
        }
        centroids.sort(Comparator.comparingDouble(Centroid::mean));
        values = new double[centroids.size()];
        upTo = new double[centroids.size()];
        double sum = 0;
        for (int i = 0; i < values.length; i++) {
            values[i] = centroids.get(i).mean();
            sum += centroids.get(i).count();
            upTo[i] = sum;
        }
        if (values.length == 0) {
            return;
        }
        double tail = Math.min(sum * TAIL_SHARE_MAX, Math.max(TAIL_VALUES_MIN, sum * TAIL_SHARE));
        int last = values.length - 1;
        while (last > 0 && sum - upTo[last] < tail) {
            last--;
        }
        threshold = values[last];
        above = 0;
        double excess = 0;
        for (int i = last + 1; i < values.length; i++) {
            if (values[i] > threshold) {
                double weight = upTo[i] - upTo[i - 1];
                above += weight;
                excess += weight * (values[i] - threshold);
            }
        }
        // Of exponential values that end where they were clipped, the likeliest mean is the sum of
        // what is there over the number of those that were not.
        double whole = Math.max(1, above - currentClipped - previousClipped);
        // Where all large values are the same one, any larger is as far out as its distance says.
        meanExcess =
                Math.max(meanExcessMin, above > 0 ? excess / whole : (threshold - values[0]) / 10);
    }

    /**
     * Improbability of a value.
     *
     * @return {@code -log2} of the probability of as large a value, at least 0; 0 where nothing is
     *     known
     */
    double bits(double value) {
        double n = count();
        if (n == 0) {
            return 0;
        }
        if (value <= threshold) {
            double higher = n - (countBelow(value) + countUpTo(value)) / 2;
            return Math.max(0, -log2((higher + 0.5) / (n + 1)));
        }
        double bits =
                Math.max(
                        0,
                        -log2(Math.max(above, 1) / (n + 1))
                                + (value - threshold) / meanExcess / LN2);
        double limit = log2(n + 1) + extrapolationBits;
        return bits <= limit ? bits : limit + log2(1 + bits - limit);
    }

    /**
     * The value that is so improbable, in the tail.
     *
     * @param bits {@code -log2} of a probability
     * @return not below the values that the tail begins at
     */
    double at(double bits) {
        double beyond = bits + log2(Math.max(above, 1) / (count() + 1.0));
        return threshold + Math.max(0, beyond) * LN2 * meanExcess;
    }

    private double countBelow(double value) {
        int at = lowerBound(value);
        return at == 0 ? 0 : upTo[at - 1];
    }

    private double countUpTo(double value) {
        int at = lowerBound(Math.nextUp(value));
        return at == 0 ? 0 : upTo[at - 1];
    }

    /** Index of the first value that is not less. */
    private int lowerBound(double value) {
        int low = 0;
        int high = values.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (values[middle] < value) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private static final double LN2 = Math.log(2);

    private static double log2(double value) {
        return Math.log(value) / LN2;
    }

    /** Writes what is counted; what is not must be folded before. */
    void write(DataOutput out) throws IOException {
        if (pendingCount > 0) {
            throw new IllegalStateException(pendingCount + " values are not folded");
        }
        out.writeLong(currentCount);
        out.writeLong(previousCount);
        out.writeLong(currentClipped);
        out.writeLong(previousClipped);
        out.writeInt(current.length);
        out.write(current);
        out.writeInt(previous.length);
        out.write(previous);
    }

    /** Reads what {@link #write} wrote. */
    void read(DataInput in) throws IOException {
        currentCount = in.readLong();
        previousCount = in.readLong();
        currentClipped = in.readLong();
        previousClipped = in.readLong();
        current = new byte[in.readInt()];
        in.readFully(current);
        previous = new byte[in.readInt()];
        in.readFully(previous);
        pendingCount = 0;
        fit();
    }

    /** Heap of it. */
    int bytes() {
        return current.length + previous.length + Double.BYTES * (2 * values.length + 16);
    }
}
