package io.mambabyte.app.eval;

import java.util.List;
import java.util.function.UnaryOperator;

/**
 * Scores samples; more is more anomalous. What shares its work gives several scores of a sample at
 * once, each under a name of its own.
 */
interface Detector {
    /** Names of the scores, in their order. */
    List<String> names();

    /** Learns from a sample that is known to be normal. */
    void learn(Sample normal);

    /**
     * Scores a sample and does not change.
     *
     * @return what {@link #calibrated} is to make scores of, one for each of the names by default
     */
    double[] score(Sample sample);

    /**
     * Makes final scores comparable with those of normal samples, where a detector combines
     * several.
     *
     * @param normal what {@link #score} gave for normal samples that were not learnt from
     * @return takes what {@link #score} gives and gives a score for each of the names
     */
    default UnaryOperator<double[]> calibrated(List<double[]> normal) {
        return UnaryOperator.identity();
    }

    /**
     * Whether it goes on learning from the stream that it scores, without labels: {@link #learn} is
     * then called with every sample after it was scored.
     */
    default boolean follows() {
        return false;
    }

    /** Whether it is to score a log line by line as it comes, rather than knowing all of it. */
    default boolean readsOnce() {
        return false;
    }
}
