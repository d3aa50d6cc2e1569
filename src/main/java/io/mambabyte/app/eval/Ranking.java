package io.mambabyte.app.eval;

import java.util.stream.IntStream;

/** How well scores put anomalies before the rest. */
final class Ranking {
    private final double[] scores;
    private final boolean[] anomalies;

    /** Indices, the highest score first. */
    private final int[] order;

    private final int positives;

    Ranking(double[] scores, boolean[] anomalies) {
        this.scores = scores;
        this.anomalies = anomalies;
        int count = 0;
        for (boolean anomaly : anomalies) {
            count += anomaly ? 1 : 0;
        }
        positives = count;
        order =
                IntStream.range(0, scores.length)
                        .boxed()
                        .sorted((a, b) -> Double.compare(scores[b], scores[a]))
                        .mapToInt(Integer::intValue)
                        .toArray();
    }

    /**
     * Area under the ROC curve: the chance that an anomaly scores above a normal sample, ties half.
     */
    double auroc() {
        double wins = 0;
        long normalBelow = scores.length - (long) positives;
        long normals = normalBelow;
        for (int i = 0; i < order.length; ) {
            int end = groupEnd(i);
            long hits = hits(i, end);
            long misses = end - i - hits;
            normalBelow -= misses;
            wins += hits * (normalBelow + misses / 2.0);
            i = end;
        }
        return wins / ((double) positives * normals);
    }

    /** Average precision; samples that tie are taken together. */
    double averagePrecision() {
        double sum = 0;
        long found = 0;
        for (int i = 0; i < order.length; ) {
            int end = groupEnd(i);
            long hits = hits(i, end);
            found += hits;
            sum += hits * (found / (double) end);
            i = end;
        }
        return sum / positives;
    }

    /**
     * Where the first anomaly in the order of the samples stands when they are sorted by score.
     *
     * @return 1 for the top; among equal scores the mean place
     */
    double rankOfFirst() {
        int first = 0;
        while (!anomalies[first]) {
            first++;
        }
        long above = 0;
        long equal = 0;
        for (double score : scores) {
            above += score > scores[first] ? 1 : 0;
            equal += score == scores[first] ? 1 : 0;
        }
        return above + (equal + 1) / 2.0;
    }

    /** Share of the anomalies among the first places; of samples that tie, all or none are in. */
    double recallInTop(int places) {
        long found = 0;
        for (int i = 0; i < order.length; ) {
            int end = groupEnd(i);
            if (end > places) {
                break;
            }
            found += hits(i, end);
            i = end;
        }
        return found / (double) positives;
    }

    private int groupEnd(int from) {
        int end = from;
        while (end < order.length && scores[order[end]] == scores[order[from]]) {
            end++;
        }
        return end;
    }

    private long hits(int from, int to) {
        long hits = 0;
        for (int i = from; i < to; i++) {
            hits += anomalies[order[i]] ? 1 : 0;
        }
        return hits;
    }
}
