package io.mambabyte.app.eval;

import com.fasterxml.jackson.databind.node.ObjectNode;

import io.mambabyte.score.TailProbability;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How well a score ranks the samples of a set.
 *
 * @param name of the score
 * @param auroc area under the ROC curve
 * @param interval its 95% bootstrap interval
 * @param averagePrecision to be compared with the prevalence
 * @param recall share of the anomalies found, at each of {@link #ALERTS_PER_MILLION}
 * @param alerts share of the normal test samples that alert at each of them
 */
record Figures(
        String name,
        double auroc,
        Ranking.Interval interval,
        double averagePrecision,
        List<Double> recall,
        List<Double> alerts) {
    /** Expected alerts per million normal samples that recall is given at. */
    static final int[] ALERTS_PER_MILLION = {10, 100, 1_000, 10_000};

    /**
     * Figures of a score.
     *
     * @param scores of normal samples, which give the thresholds, and of those with labels
     * @param labels true for an anomaly
     */
    static Figures of(Evaluation.Scores scores, boolean[] labels) {
        Ranking ranking = new Ranking(scores.test(), labels);
        // Thresholds beyond the slice's largest score come from the tail that is fitted to it.
        TailProbability improbable = new TailProbability(scores.normal());
        double[] bits = Arrays.stream(scores.test()).map(improbable::bits).toArray();
        List<Double> recall = new ArrayList<>();
        List<Double> alerts = new ArrayList<>();
        for (int perMillion : ALERTS_PER_MILLION) {
            double threshold = -Math.log(perMillion / 1e6) / Math.log(2);
            recall.add(share(bits, labels, true, threshold));
            alerts.add(share(bits, labels, false, threshold));
        }
        return new Figures(
                scores.name(),
                ranking.auroc(),
                ranking.aurocInterval(),
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

    /** Writes them as the fields of an object. */
    void into(ObjectNode node) {
        node.put("name", name);
        node.put("auroc", auroc);
        node.putArray("auroc_95").add(interval.low()).add(interval.high());
        node.put("average_precision", averagePrecision);
        ObjectNode recalls = node.putObject("recall_at_alerts_per_million");
        ObjectNode rates = node.putObject("normal_alerts_per_million");
        for (int i = 0; i < ALERTS_PER_MILLION.length; i++) {
            String perMillion = Integer.toString(ALERTS_PER_MILLION[i]);
            recalls.put(perMillion, recall.get(i));
            rates.put(perMillion, Math.round(1e6 * alerts.get(i)));
        }
    }
}
