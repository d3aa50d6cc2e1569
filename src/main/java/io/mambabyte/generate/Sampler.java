package io.mambabyte.generate;

import io.mambabyte.kernels.Kernels;
import io.mambabyte.kernels.Rows;

import java.util.Arrays;

/**
 * Draws bytes: the inverse of the cumulative distribution, bytes in ascending order, at the uniform
 * number of the position. A function of the logits, the settings and the position alone, the same
 * to the bit everywhere: weights come from {@link Kernels#softmaxWeights}, and their sums are in
 * double, in ascending order.
 *
 * <p>Holds scratch memory; one instance a thread. Allocates nothing.
 */
public final class Sampler {
    private static final int BYTES = 256;

    /** Most rows of one call of the kernel, for its results. */
    private static final int ROWS = 64;

    private final Kernels kernels;
    private final float[] bits = new float[ROWS];
    private final float[] entropy = new float[ROWS];
    private final float[] variance = new float[ROWS];
    private final float[] weights = new float[BYTES];

    /** Share of the byte that was drawn last, and how far the number was from its ends. */
    private double share;

    private double margin;

    /** A weight's bits above 255 less the byte: descending order is that of probability. */
    private final long[] ranked = new long[BYTES];

    /**
     * Makes a sampler.
     *
     * @param kernels what computes
     */
    public Sampler(Kernels kernels) {
        this.kernels = kernels;
    }

    /**
     * Draws the byte of a position.
     *
     * @param sampling the settings, whose UTF-8 filter is not applied here
     * @param position of the random number
     * @param logits row-major {@code [rows][256]}
     * @param row which row
     * @return 0 to 255
     */
    public int sample(Sampling sampling, long position, Rows logits, int row) {
        return sample(sampling, position, logits, row, Utf8State.BETWEEN, 0);
    }

    /**
     * Draws the byte of a position.
     *
     * @param utf8 state of the text, where only UTF-8 is wanted
     * @param room bytes that there is room for
     */
    int sample(Sampling sampling, long position, Rows logits, int row, int utf8, int room) {
        if (sampling.temperature() == 0) {
            return sampling.utf8Only()
                    ? argmaxOfUtf8(logits, row, utf8, room)
                    : argmax(logits, row);
        }
        kernels.softmaxWeights(logits, row, (float) (1 / sampling.temperature()), weights);
        if (sampling.utf8Only()) {
            maskUtf8(utf8, room);
        }
        if (sampling.topK() > 0 || sampling.topP() < 1 || sampling.minP() > 0) {
            filter(sampling);
        }
        double total = 0;
        for (int value = 0; value < BYTES; value++) {
            total += weights[value];
        }
        double target = CounterRandom.uniform(sampling.seed(), position) * total;
        double sum = 0;
        int last = 0;
        for (int value = 0; value < BYTES; value++) {
            if (weights[value] > 0) {
                sum += weights[value];
                last = value;
                if (sum > target) {
                    share = weights[value] / total;
                    margin = Math.min(sum - target, target - (sum - weights[value])) / total;
                    return value;
                }
            }
        }
        // The product may round up to the total itself; and where a logit is NaN, so is the total.
        share = 0;
        margin = 0;
        return last;
    }

    /**
     * How sure it is that a model that is much like this one draws the same byte: at temperature 0
     * the odds of the byte; above, the distance of the number from the next byte's, against what is
     * left to all other bytes, since it is by parts of these that the two models will differ.
     *
     * @param value what was drawn from these logits last
     */
    double odds(Sampling sampling, Rows logits, int value) {
        if (sampling.temperature() > 0) {
            return margin / Math.max(1 - share, 1e-9);
        }
        kernels.softmaxWeights(logits, 0, 1, weights);
        double others = 1e-9;
        for (int other = 0; other < BYTES; other++) {
            others += other == value ? 0 : weights[other];
        }
        return weights[value] / others;
    }

    /**
     * The surprisal of bytes, the first against the first row; into the same places as the bytes.
     */
    void surprisal(int count, Rows logits, byte[] bytes, int offset, float[] surprisal) {
        kernels.surprisal(count, logits, bytes, offset, bits, entropy, variance, 0);
        System.arraycopy(bits, 0, surprisal, offset, count);
    }

    /** How many bytes are more probable; of equals, the lower byte is. */
    static int rank(Rows logits, int row, int value) {
        float[] values = logits.values();
        int from = logits.start(row);
        int rank = 0;
        for (int other = 0; other < BYTES; other++) {
            float difference = values[from + other] - values[from + value];
            rank += difference > 0 || (difference == 0 && other < value) ? 1 : 0;
        }
        return rank;
    }

    private static int argmax(Rows logits, int row) {
        float[] values = logits.values();
        int from = logits.start(row);
        int best = 0;
        float most = Float.NEGATIVE_INFINITY;
        for (int value = 0; value < BYTES; value++) {
            if (values[from + value] > most) {
                most = values[from + value];
                best = value;
            }
        }
        return best;
    }

    private static int argmaxOfUtf8(Rows logits, int row, int utf8, int room) {
        float[] values = logits.values();
        int from = logits.start(row);
        int best = -1;
        for (int value = 0; value < BYTES; value++) {
            if (Utf8State.allows(utf8, value, room)
                    && (best < 0 || values[from + value] > values[from + best])) {
                best = value;
            }
        }
        return best;
    }

    // Some byte always may follow, and no weight is 0 before this.
    private void maskUtf8(int utf8, int room) {
        for (int value = 0; value < BYTES; value++) {
            if (!Utf8State.allows(utf8, value, room)) {
                weights[value] = 0;
            }
        }
    }

    private void filter(Sampling sampling) {
        double total = 0;
        float most = 0;
        for (int value = 0; value < BYTES; value++) {
            total += weights[value];
            most = Math.max(most, weights[value]);
            ranked[value] =
                    (long) Float.floatToRawIntBits(weights[value]) << 8 | (BYTES - 1 - value);
        }
        float least = (float) (sampling.minP() * most);
        int left = sampling.topK() == 0 ? BYTES : sampling.topK();
        if (sampling.topP() == 1 && left == BYTES) {
            dropBelow(least);
            return;
        }
        // Weights are not negative, so that their bits order as they do.
        Arrays.sort(ranked);
        double wanted = sampling.topP() == 1 ? Double.POSITIVE_INFINITY : sampling.topP() * total;
        double sum = 0;
        for (int i = BYTES - 1; i >= 0; i--) {
            int value = BYTES - 1 - (int) (ranked[i] & 0xff);
            if (left == 0 || sum >= wanted) {
                weights[value] = 0;
            } else {
                sum += weights[value];
                left--;
            }
        }
        dropBelow(least);
    }

    private void dropBelow(float least) {
        for (int value = 0; value < BYTES; value++) {
            if (weights[value] < least) {
                weights[value] = 0;
            }
        }
    }
}
