package io.mambabyte.score;

import java.util.Arrays;

/**
 * How improbable a score is among normal ones, in bits: {@code -log2 p}. Up to the 90th percentile
 * p is the share of normal scores above (the conformal p-value, ties counted half); beyond it an
 * exponential tail with the mean excess of what is there goes on, so that scores above all normal
 * ones keep their order and differ by how far they are out (peaks over threshold: Siffer et al.,
 * KDD 2017, with shape 0).
 */
public final class TailProbability {
    private static final double THRESHOLD = 0.9;

    private final double[] normal;
    private final double threshold;
    private final double meanExcess;
    private final double beyond;

    /**
     * Learns from normal scores.
     *
     * @param scores of normal lines or sessions, at least one, in any order
     * @throws IllegalArgumentException if there is none
     */
    public TailProbability(double[] scores) {
        if (scores.length == 0) {
            throw new IllegalArgumentException("no normal score to compare with");
        }
        normal = scores.clone();
        Arrays.sort(normal);
        threshold = normal[(int) Math.min(normal.length - 1, (long) (THRESHOLD * normal.length))];
        int above = normal.length - firstAbove(threshold);
        double sum = 0;
        for (int i = normal.length - above; i < normal.length; i++) {
            sum += normal[i] - threshold;
        }
        beyond = Math.max(above, 1) / (normal.length + 1.0);
        // Where all large scores are the same one, any larger is as far out as its distance says.
        meanExcess = above > 0 ? sum / above : Math.max(1e-3, spread() / 10);
    }

    private double spread() {
        return threshold - normal[0];
    }

    /**
     * Improbability of a score.
     *
     * @param score any
     * @return {@code -log2} of the probability of a normal score at least as large, at least 0
     */
    public double bits(double score) {
        double p;
        if (score <= threshold) {
            double above = normal.length - (firstAt(score) + firstAbove(score)) / 2.0;
            p = (above + 0.5) / (normal.length + 1);
        } else {
            return Math.max(0, -Math.log(beyond) + (score - threshold) / meanExcess) / Math.log(2);
        }
        return Math.max(0, -Math.log(p) / Math.log(2));
    }

    /** Index of the first score that is not less. */
    private int firstAt(double score) {
        int low = 0;
        int high = normal.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (normal[middle] < score) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Index of the first score that is greater. */
    private int firstAbove(double score) {
        int low = 0;
        int high = normal.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (normal[middle] <= score) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }
}
