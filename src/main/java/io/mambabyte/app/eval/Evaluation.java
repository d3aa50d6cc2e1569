package io.mambabyte.app.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/** Runs a detector over a set or a log. */
final class Evaluation {
    /**
     * What one score of a detector says.
     *
     * @param name of the score
     * @param normal scores of the calibration samples; none where there is only a log
     * @param test scores of the samples that have labels, in order of time
     */
    @SuppressWarnings("ArrayRecordComponent") // a carrier, never compared
    record Scores(String name, double[] normal, double[] test) {
        /** The scores of the samples that have labels, to be drawn. */
        Pictures.Series series(String drawn, boolean[] labels) {
            return new Pictures.Series(drawn, test, labels);
        }
    }

    private Evaluation() {}

    /**
     * Learns from the fit part, scores the calibration part and learns from it as from a stream,
     * scores the test.
     *
     * @param detector has learnt nothing yet
     * @param set what to learn from and to score
     * @param done is told each sample that was learnt from or scored
     * @return one for each of the detector's names
     */
    static List<Scores> of(Detector detector, LabelledSet set, Consumer<Sample> done) {
        for (Sample sample : set.fit()) {
            detector.learn(sample);
            done.accept(sample);
        }
        List<double[]> normal = scores(detector, set.calibration(), true, done);
        UnaryOperator<double[]> calibrated = detector.calibrated(normal);
        List<double[]> test = scores(detector, set.test(), detector.follows(), done);
        return named(
                detector,
                normal.stream().map(calibrated).toList(),
                test.stream().map(calibrated).toList());
    }

    /**
     * Scores the lines of a log among each other. The log is read twice, first to learn how it
     * speaks, except by what {@link Detector#readsOnce}.
     *
     * @param detector has learnt nothing yet
     * @param log what to score
     * @param done is told each line that was scored
     * @return one for each of the detector's names
     */
    static List<Scores> of(Detector detector, ErrorLog log, Consumer<Sample> done) {
        if (!detector.readsOnce()) {
            log.lines().forEach(detector::learn);
        }
        List<double[]> scores = scores(detector, log.lines(), detector.readsOnce(), done);
        return named(
                detector, List.of(), scores.stream().map(detector.calibrated(scores)).toList());
    }

    private static List<double[]> scores(
            Detector detector, List<Sample> samples, boolean learn, Consumer<Sample> done) {
        List<double[]> scores = new ArrayList<>(samples.size());
        for (Sample sample : samples) {
            scores.add(detector.score(sample));
            if (learn) {
                detector.learn(sample);
            }
            done.accept(sample);
        }
        return scores;
    }

    private static List<Scores> named(
            Detector detector, List<double[]> normal, List<double[]> test) {
        List<Scores> named = new ArrayList<>();
        for (int i = 0; i < detector.names().size(); i++) {
            named.add(new Scores(detector.names().get(i), column(normal, i), column(test, i)));
        }
        return named;
    }

    private static double[] column(List<double[]> scores, int index) {
        return scores.stream().mapToDouble(one -> one[index]).toArray();
    }

    static boolean[] labels(List<Sample> samples) {
        boolean[] labels = new boolean[samples.size()];
        for (int i = 0; i < labels.length; i++) {
            labels[i] = samples.get(i).anomaly();
        }
        return labels;
    }
}
