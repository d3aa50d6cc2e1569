package io.mambabyte.app.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** How well scores put anomalies before the rest. */
final class Ranking {
    private static final int BOOTSTRAPS = 1000;

    private final double[] scores;
    private final boolean[] anomalies;

    /** Indices, the highest score first. */
    private final int[] order;

    private final int positives;

    /** How often each sample counts: once. */
    private final int[] once;

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
        once = new int[scores.length];
        Arrays.fill(once, 1);
    }

    /**
     * An interval of a figure.
     *
     * @param low lower end
     * @param high upper end
     */
    record Interval(double low, double high) {}

    /**
     * Area under the ROC curve: the chance that an anomaly scores above a normal sample, ties half.
     */
    double auroc() {
        return auroc(once);
    }

    /** The area when each sample counts so many times; as many of each class as there are. */
    private double auroc(int[] times) {
        double wins = 0;
        long normals = scores.length - (long) positives;
        long normalBelow = normals;
        for (int i = 0; i < order.length; ) {
            double score = scores[order[i]];
            long hits = 0;
            long misses = 0;
            for (; i < order.length && scores[order[i]] == score; i++) {
                if (anomalies[order[i]]) {
                    hits += times[order[i]];
                } else {
                    misses += times[order[i]];
                }
            }
            normalBelow -= misses;
            wins += hits * (normalBelow + misses / 2.0);
        }
        return wins / ((double) positives * normals);
    }

    /**
     * The 95% bootstrap interval of the area: samples of each class are drawn again with
     * replacement.
     */
    Interval aurocInterval() {
        int[] positive = indices(true);
        int[] negative = indices(false);
        SplittableRandom random = new SplittableRandom(1);
        int[] times = new int[scores.length];
        double[] drawn = new double[BOOTSTRAPS];
        for (int b = 0; b < BOOTSTRAPS; b++) {
            Arrays.fill(times, 0);
            for (int[] from : List.of(positive, negative)) {
                for (int i = 0; i < from.length; i++) {
                    times[from[random.nextInt(from.length)]]++;
                }
            }
            drawn[b] = auroc(times);
        }
        Arrays.sort(drawn);
        int low = (int) (0.025 * BOOTSTRAPS);
        return new Interval(drawn[low], drawn[BOOTSTRAPS - 1 - low]);
    }

    private int[] indices(boolean anomaly) {
        return IntStream.range(0, anomalies.length).filter(i -> anomalies[i] == anomaly).toArray();
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
     * What a threshold finds.
     *
     * @param recall share of the anomalies that score as high
     * @param falseAlarms share of the normal samples that do
     * @param precision share of anomalies among all that do; 1 where none does
     */
    record Point(double recall, double falseAlarms, double precision) {}

    /** What each threshold finds, from one above all scores to the lowest of them. */
    List<Point> points() {
        List<Point> points = new ArrayList<>();
        points.add(new Point(0, 0, 1));
        long found = 0;
        for (int i = 0; i < order.length; ) {
            int end = groupEnd(i);
            found += hits(i, end);
            double normals = scores.length - (double) positives;
            points.add(
                    new Point(
                            found / (double) positives,
                            (end - found) / normals,
                            found / (double) end));
            i = end;
        }
        return points;
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
