package io.mambabyte.app.eval;

import io.mambabyte.train.LineChart;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/** Draws how scores rank: ROC, precision and recall, and the score over time. */
final class Pictures {
    private static final List<String> COLORS =
            List.of(
                    "#d62728", "#1f77b4", "#2ca02c", "#ff7f0e", "#9467bd", "#8c564b", "#17becf",
                    "#e377c2");

    /** More pieces of time than this cannot be told apart in a picture. */
    private static final int BINS = 600;

    /** Points of a curve nearer to one another than this cannot be told apart either. */
    private static final double NEAR = 0.002;

    /**
     * Scores that are drawn.
     *
     * @param name what they are of
     * @param scores in order of time
     * @param labels true for an anomaly, as many
     */
    @SuppressWarnings("ArrayRecordComponent") // a carrier, never compared
    record Series(String name, double[] scores, boolean[] labels) {}

    private Pictures() {}

    /**
     * Writes {@code roc.svg} and {@code precision-recall.svg} with a curve for each series.
     *
     * @param folder where to, made where it is not there
     * @param title what was evaluated
     * @param series at most as many as there are colours are drawn
     */
    static void curves(Path folder, String title, List<Series> series) throws IOException {
        LineChart roc = unit(title + ": ROC", "normal that score as high", "anomalies found");
        LineChart precision =
                unit(title + ": precision and recall", "anomalies found (recall)", "precision");
        for (int i = 0; i < Math.min(series.size(), COLORS.size()); i++) {
            Ranking ranking = new Ranking(series.get(i).scores(), series.get(i).labels());
            List<Ranking.Point> points = ranking.points();
            draw(roc, series.get(i).name(), COLORS.get(i), points, false);
            draw(precision, series.get(i).name(), COLORS.get(i), points, true);
        }
        roc.curve("chance", "#888", true, new double[] {0, 1}, new double[] {0, 1});
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("roc.svg"), roc.svg());
        Files.writeString(folder.resolve("precision-recall.svg"), precision.svg());
    }

    private static LineChart unit(String title, String x, String y) {
        return new LineChart(
                title,
                new LineChart.Axis(x, 0, 1, Pictures::number),
                new LineChart.Axis(y, 0, 1, Pictures::number));
    }

    private static void draw(
            LineChart chart,
            String name,
            String color,
            List<Ranking.Point> points,
            boolean precision) {
        List<double[]> kept = new ArrayList<>();
        for (int i = 0; i < points.size(); i++) {
            Ranking.Point point = points.get(i);
            double[] place = {
                precision ? point.recall() : point.falseAlarms(),
                precision ? point.precision() : point.recall()
            };
            double[] last = kept.isEmpty() ? place : kept.getLast();
            boolean near =
                    Math.abs(place[0] - last[0]) < NEAR && Math.abs(place[1] - last[1]) < NEAR;
            if (kept.isEmpty() || !near || i == points.size() - 1) {
                kept.add(place);
            }
        }
        chart.curve(
                name,
                color,
                false,
                kept.stream().mapToDouble(place -> place[0]).toArray(),
                kept.stream().mapToDouble(place -> place[1]).toArray());
    }

    /**
     * Draws scores in order of time: the anomalies', and the greatest of the others in each piece
     * of time.
     *
     * @param file is written
     * @param title what was evaluated
     * @param series the scores
     */
    static void overTime(Path file, String title, Series series) throws IOException {
        double[] scores = series.scores();
        double[] sorted = scores.clone();
        Arrays.sort(sorted);
        LineChart chart =
                new LineChart(
                        title + ": " + series.name() + " over time",
                        new LineChart.Axis(
                                "line or session", 0, Math.max(1, scores.length), Pictures::number),
                        LineChart.Axis.around(
                                "score",
                                sorted[0],
                                sorted[sorted.length - 1],
                                1,
                                Pictures::number));
        int bin = (scores.length + BINS - 1) / BINS;
        double[] greatest = new double[(scores.length + bin - 1) / bin];
        Arrays.fill(greatest, Double.NaN);
        for (int i = 0; i < scores.length; i++) {
            if (!series.labels()[i]) {
                double before = greatest[i / bin];
                greatest[i / bin] = before >= scores[i] ? before : scores[i];
            }
        }
        double[] times = IntStream.range(0, greatest.length).mapToDouble(i -> i * bin).toArray();
        chart.curve(
                bin == 1 ? "normal" : "normal, the greatest of " + bin,
                COLORS.get(1),
                false,
                times,
                greatest);
        int[] anomalies =
                IntStream.range(0, scores.length).filter(i -> series.labels()[i]).toArray();
        chart.points(
                "anomalies",
                COLORS.get(0),
                Arrays.stream(anomalies).mapToDouble(i -> i).toArray(),
                Arrays.stream(anomalies).mapToDouble(i -> scores[i]).toArray());
        Files.createDirectories(file.toAbsolutePath().getParent());
        Files.writeString(file, chart.svg());
    }

    private static String number(double value) {
        return Math.abs(value) >= 10 || value == Math.rint(value)
                ? String.format(Locale.ROOT, "%.0f", value)
                : String.format(Locale.ROOT, "%.1f", value);
    }
}
