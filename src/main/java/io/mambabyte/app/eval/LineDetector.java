package io.mambabyte.app.eval;

import java.util.Arrays;
import java.util.List;

/** A detector of single lines: of a session, the most anomalous line counts. */
abstract class LineDetector implements Detector {
    private final List<String> names;

    LineDetector(String... names) {
        this.names = List.of(names);
    }

    @Override
    public final List<String> names() {
        return names;
    }

    @Override
    public final void learn(Sample normal) {
        normal.lines().forEach(this::learnLine);
    }

    @Override
    public final double[] score(Sample sample) {
        double[] most = new double[names.size()];
        Arrays.fill(most, Double.NEGATIVE_INFINITY);
        for (byte[] line : sample.lines()) {
            double[] scores = scoreLine(line);
            for (int i = 0; i < most.length; i++) {
                most[i] = Math.max(most[i], scores[i]);
            }
        }
        return most;
    }

    abstract void learnLine(byte[] line);

    abstract double[] scoreLine(byte[] line);
}
