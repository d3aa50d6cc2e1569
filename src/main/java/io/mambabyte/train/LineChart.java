package io.mambabyte.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;

/** Curves and points over two linear axes, as an SVG picture. Not safe for concurrent use. */
public final class LineChart {
    private static final int WIDTH = 720;
    private static final int HEIGHT = 400;
    private static final int LEFT = 64;
    private static final int RIGHT = 24;
    private static final int TOP = 40;
    private static final int BOTTOM = 52;
    private static final int TICKS = 5;
    private static final int LEGEND_WIDTH = 190;
    private static final int LEGEND_HEIGHT = 18;

    /** Numbers below this are not told apart on an axis. */
    private static final double RANGE_MIN = 1e-9;

    /**
     * An axis.
     *
     * @param label what it shows, with its unit
     * @param low its least value
     * @param high its greatest value, more than the least
     * @param number how its numbers are written
     */
    public record Axis(String label, double low, double high, DoubleFunction<String> number) {
        /**
         * Checks the range.
         *
         * @throws IllegalArgumentException if it is empty or not finite
         */
        public Axis {
            if (!(high > low) || !Double.isFinite(low) || !Double.isFinite(high)) {
                throw new IllegalArgumentException(label + ": an axis from " + low + " to " + high);
            }
        }

        /**
         * An axis around values, from one round number to another.
         *
         * @param label what it shows
         * @param low the least of the values
         * @param high the greatest of them
         * @param rangeMin the least range that is shown, more than 0
         * @param number how its numbers are written
         * @return the axis
         */
        public static Axis around(
                String label,
                double low,
                double high,
                double rangeMin,
                DoubleFunction<String> number) {
            double step = step(Math.max(high - low, rangeMin));
            double from = Math.floor(low / step) * step;
            return new Axis(
                    label, from, Math.max(Math.ceil(high / step) * step, from + step), number);
        }

        private double share(double value) {
            return (value - low) / (high - low);
        }
    }

    private final Axis x;
    private final Axis y;
    private final StringBuilder svg = new StringBuilder();
    private final List<String> legend = new ArrayList<>();

    /**
     * Draws the axes.
     *
     * @param title what it is about
     * @param x the axis from left to right
     * @param y the axis from bottom to top
     */
    public LineChart(String title, Axis x, Axis y) {
        this.x = x;
        this.y = y;
        line(
                String.format(
                        Locale.ROOT,
                        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\""
                                + " font-family=\"sans-serif\" font-size=\"12\">",
                        WIDTH,
                        HEIGHT));
        line(
                String.format(
                        Locale.ROOT,
                        "<rect width=\"%d\" height=\"%d\" fill=\"white\"/>",
                        WIDTH,
                        HEIGHT));
        line(
                String.format(
                        Locale.ROOT,
                        "<text x=\"%d\" y=\"22\" font-size=\"14\">%s</text>",
                        LEFT,
                        escaped(title)));
        double step = step(y.high() - y.low());
        for (double at = y.low(); at <= y.high() + step / 2; at += step) {
            line(
                    String.format(
                            Locale.ROOT,
                            "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/>"
                                    + "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>",
                            LEFT,
                            top(at),
                            WIDTH - RIGHT,
                            LEFT - 6,
                            top(at) + 4,
                            escaped(y.number().apply(at))));
        }
        for (int i = 0; i <= TICKS; i++) {
            double at = x.low() + (x.high() - x.low()) * i / TICKS;
            line(
                    String.format(
                            Locale.ROOT,
                            "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>",
                            left(at),
                            HEIGHT - BOTTOM + 18,
                            escaped(x.number().apply(at))));
        }
        line(
                String.format(
                        Locale.ROOT,
                        "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>",
                        (LEFT + WIDTH - RIGHT) / 2,
                        HEIGHT - 14,
                        escaped(x.label())));
        line(
                String.format(
                        Locale.ROOT,
                        "<text transform=\"translate(16 %d) rotate(-90)\" text-anchor=\"middle\">%s</text>",
                        (TOP + HEIGHT - BOTTOM) / 2,
                        escaped(y.label())));
    }

    /**
     * Draws a curve; points that are not finite are left out.
     *
     * @param name what the legend calls it
     * @param color in SVG's notation
     * @param dashed whether it is only there to compare with
     * @param xs where its points are
     * @param ys their heights, as many
     */
    public void curve(String name, String color, boolean dashed, double[] xs, double[] ys) {
        StringBuilder path = new StringBuilder();
        for (int i = 0; i < xs.length; i++) {
            if (Double.isFinite(xs[i]) && Double.isFinite(ys[i])) {
                path.append(path.isEmpty() ? 'M' : 'L').append(place(xs[i], ys[i]));
            }
        }
        line(
                String.format(
                        Locale.ROOT,
                        "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%s\"/>",
                        path,
                        color,
                        dashed ? "1\" stroke-dasharray=\"6 4" : "2"));
        legend(name, color);
    }

    /**
     * Draws single points.
     *
     * @param name what the legend calls them
     * @param color in SVG's notation
     * @param xs where they are
     * @param ys their heights, as many
     */
    public void points(String name, String color, double[] xs, double[] ys) {
        // One path for all of them: a line of no length with a round end is a dot.
        StringBuilder path = new StringBuilder();
        for (int i = 0; i < xs.length; i++) {
            path.append('M').append(place(xs[i], ys[i])).append("h0");
        }
        line(
                String.format(
                        Locale.ROOT,
                        "<path d=\"%s\" stroke=\"%s\" stroke-width=\"3\" stroke-linecap=\"round\"/>",
                        path,
                        color));
        legend(name, color);
    }

    /**
     * Ends the picture.
     *
     * @return the SVG document
     */
    public String svg() {
        StringBuilder all = new StringBuilder(svg);
        legend.forEach(all::append);
        return all.append("</svg>\n").toString();
    }

    private void legend(String name, String color) {
        int row = TOP + 14 + LEGEND_HEIGHT * legend.size();
        int left = WIDTH - RIGHT - LEGEND_WIDTH;
        legend.add(
                String.format(
                        Locale.ROOT,
                        "<path d=\"M%d %dh20\" stroke=\"%s\" stroke-width=\"2\"/>"
                                + "<text x=\"%d\" y=\"%d\">%s</text>%n",
                        left,
                        row - 4,
                        color,
                        left + 26,
                        row,
                        escaped(name)));
    }

    private String place(double atX, double atY) {
        return String.format(Locale.ROOT, "%.1f %.1f", left(atX), top(atY));
    }

    private double left(double value) {
        return LEFT + (WIDTH - LEFT - RIGHT) * x.share(value);
    }

    private double top(double value) {
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - y.share(value));
    }

    /** A step of 1, 2 or 5 times a power of ten that makes about five of a range. */
    private static double step(double range) {
        double raw = Math.max(range, RANGE_MIN) / TICKS;
        double power = Math.pow(10, Math.floor(Math.log10(raw)));
        double first = raw / power;
        return power * (first <= 1 ? 1 : first <= 2 ? 2 : first <= 5 ? 5 : 10);
    }

    private static String escaped(String text) {
        return text.replaceAll("\\p{Cntrl}", " ")
                .replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;");
    }

    private void line(String text) {
        svg.append(text).append('\n');
    }
}
