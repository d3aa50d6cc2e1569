package io.mambabyte.train;

import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;

/** Bits per byte against bytes learnt from, as an SVG picture. */
final class LearningCurve {
    /** Differences below this would only show noise. */
    private static final double RANGE_MIN_BITS = 0.05;

    private LearningCurve() {}

    /**
     * Draws training and held-out bytes, and the base as a line to be below.
     *
     * @param title what was trained
     * @param evaluations in order, the first before the first step
     * @return the picture
     */
    static String svg(String title, List<Evaluation> evaluations) {
        double[] bytes = column(evaluations, Evaluation::bytes);
        double[] training = column(evaluations, Evaluation::trainBits);
        double[] heldOut = column(evaluations, Evaluation::heldOutBits);
        double[] shown =
                DoubleStream.concat(DoubleStream.of(training), DoubleStream.of(heldOut))
                        .filter(Double::isFinite)
                        .sorted()
                        .toArray();
        double last = Math.max(1, bytes[bytes.length - 1]);
        LineChart chart =
                new LineChart(
                        title,
                        new LineChart.Axis(
                                "megabytes learnt from",
                                0,
                                last,
                                value -> String.format(Locale.ROOT, "%.1f", value / 1e6)),
                        LineChart.Axis.around(
                                "bits per byte",
                                shown[0],
                                shown[shown.length - 1],
                                RANGE_MIN_BITS,
                                value -> String.format(Locale.ROOT, "%.2f", value)));
        chart.curve("held out", "#d62728", false, bytes, heldOut);
        chart.curve("training", "#1f77b4", false, bytes, training);
        chart.curve(
                "held out, before",
                "#888",
                true,
                new double[] {0, last},
                new double[] {heldOut[0], heldOut[0]});
        return chart.svg();
    }

    private static double[] column(
            List<Evaluation> evaluations, ToDoubleFunction<Evaluation> column) {
        return evaluations.stream().mapToDouble(column).toArray();
    }
}
