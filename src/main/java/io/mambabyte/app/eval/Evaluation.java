package io.mambabyte.app.eval;

import io.mambabyte.score.TailProbability;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/** Runs detectors over a set and says how well each ranks. */
final class Evaluation {
    /** Expected alerts per million normal samples that recall is given at. */
    static final int[] ALERTS_PER_MILLION = {10, 100, 1_000, 10_000};

    private static final int BOOTSTRAPS = 200;

    /**
     * How well a detector ranks.
     *
     * @param name of the detector
     * @param auroc area under the ROC curve
     * @param aurocLow lower end of its 95% bootstrap interval
     * @param aurocHigh upper end
     * @param averagePrecision to be compared with the prevalence
     * @param recall share of the anomalies found, at each of {@link #ALERTS_PER_MILLION}
     * @param alerts share of the normal test samples that alert at each of them
     */
    record Figures(
            String name,
            double auroc,
            double aurocLow,
            double aurocHigh,
            double averagePrecision,
            List<Double> recall,
            List<Double> alerts) {}

    private Evaluation() {}

    /** Learns from the fit part, takes thresholds from the calibration part, scores the test. */
    static List<Figures> of(Detector detector, LabelledSet set) {
        set.fit().forEach(detector::learn);
        List<double[]> normal = scores(detector, set.calibration(), true);
        UnaryOperator<double[]> calibrated = detector.calibrated(normal);
        List<double[]> test = scores(detector, set.test(), detector.follows());
        return figures(
                detector.names(),
                normal.stream().map(calibrated).toList(),
                test.stream().map(calibrated).toList(),
                labels(set.test()));
    }

    /**
     * Scores the lines of a log among each other. The log is read twice, first to learn how it
     * speaks, except by what {@link Detector#readsOnce}.
     *
     * @return a score of each line for each of the detector's names
     */
    static List<double[]> of(Detector detector, ErrorLog log) {
        if (!detector.readsOnce()) {
            log.lines().forEach(detector::learn);
        }
        List<double[]> scores = scores(detector, log.lines(), detector.readsOnce());
        return scores.stream().map(detector.calibrated(scores)).toList();
    }

    private static List<double[]> scores(Detector detector, List<Sample> samples, boolean learn) {
        List<double[]> scores = new ArrayList<>(samples.size());
        for (Sample sample : samples) {
            scores.add(detector.score(sample));
            if (learn) {
                detector.learn(sample);
            }
        }
        return scores;
    }

    static boolean[] labels(List<Sample> samples) {
        boolean[] labels = new boolean[samples.size()];
        for (int i = 0; i < labels.length; i++) {
            labels[i] = samples.get(i).anomaly();
        }
        return labels;
    }

    static double[] column(List<double[]> scores, int index) {
        return scores.stream().mapToDouble(one -> one[index]).toArray();
    }

    private static List<Figures> figures(
            List<String> names, List<double[]> normal, List<double[]> test, boolean[] labels) {
        List<Figures> figures = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            figures.add(figures(names.get(i), column(normal, i), column(test, i), labels));
        }
        return figures;
    }

    static Figures figures(String name, double[] normal, double[] test, boolean[] labels) {
        Ranking ranking = new Ranking(test, labels);
        // Thresholds beyond the slice's largest score come from the tail that is fitted to it.
        TailProbability improbable = new TailProbability(normal);
        double[] bits = Arrays.stream(test).map(improbable::bits).toArray();
        List<Double> recall = new ArrayList<>();
        List<Double> alerts = new ArrayList<>();
        for (int perMillion : ALERTS_PER_MILLION) {
            double threshold = -Math.log(perMillion / 1e6) / Math.log(2);
            recall.add(share(bits, labels, true, threshold));
            alerts.add(share(bits, labels, false, threshold));
        }
        double[] interval = interval(test, labels);
        return new Figures(
                name,
                ranking.auroc(),
                interval[0],
                interval[1],
                ranking.averagePrecision(),
                List.copyOf(recall),
                List.copyOf(alerts));
    }

    private static double share(
            double[] bits, boolean[] labels, boolean anomaly, double threshold) {
        int all = 0;
        int above = 0;
        for (int i = 0; i < bits.length; i++) {
            if (labels[i] == anomaly) {
                all++;
                above += bits[i] > threshold ? 1 : 0;
            }
        }
        return above / (double) all;
    }

    /** Percentiles 2.5 and 97.5 of the AUROC of samples drawn again with replacement, by class. */
    private static double[] interval(double[] scores, boolean[] labels) {
        int[] positive = indices(labels, true);
        int[] negative = indices(labels, false);
        SplittableRandom random = new SplittableRandom(1);
        double[] drawn = new double[BOOTSTRAPS];
        double[] again = new double[scores.length];
        boolean[] classes = new boolean[scores.length];
        for (int b = 0; b < BOOTSTRAPS; b++) {
            for (int i = 0; i < scores.length; i++) {
                int[] from = i < positive.length ? positive : negative;
                again[i] = scores[from[random.nextInt(from.length)]];
                classes[i] = i < positive.length;
            }
            drawn[b] = new Ranking(again, classes).auroc();
        }
        Arrays.sort(drawn);
        int low = (int) (0.025 * BOOTSTRAPS);
        return new double[] {drawn[low], drawn[BOOTSTRAPS - 1 - low]};
    }

    private static int[] indices(boolean[] labels, boolean anomaly) {
        return IntStream.range(0, labels.length).filter(i -> labels[i] == anomaly).toArray();
    }
}
