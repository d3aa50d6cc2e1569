package io.mambabyte.app.bench;

import java.util.Arrays;

/** Quantiles of few values. */
public final class Quantiles {
    private Quantiles() {}

    /**
     * The value that a share of the values lies below, between neighbours in proportion.
     *
     * @param values in any order, at least one
     * @param share between 0 and 1
     * @return the quantile
     */
    public static double quantile(double[] values, double share) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        double at = share * (sorted.length - 1);
        int below = (int) at;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }

    /**
     * The middle value, or half way between the two in the middle.
     *
     * @param values in any order, at least one
     * @return the median
     */
    public static double median(double[] values) {
        return quantile(values, 0.5);
    }
}
