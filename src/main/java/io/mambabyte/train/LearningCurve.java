package io.mambabyte.train;

import java.util.List;
import java.util.Locale;

/** Bits per byte against bytes learnt from, as an SVG picture. */
final class LearningCurve {
    private static final int WIDTH = 720;
    private static final int HEIGHT = 400;
    private static final int LEFT = 64;
    private static final int RIGHT = 24;
    private static final int TOP = 40;
    private static final int BOTTOM = 52;
    private static final int TICKS = 5;

    private LearningCurve() {}

    /**
     * Draws training and held-out bytes, and the base as a line to be below.
     *
     * @param title what was trained
     * @param evaluations in order, the first before the first step
     * @return the picture
     */
    static String svg(String title, List<Evaluation> evaluations) {
        double maxBytes = Math.max(1, evaluations.getLast().bytes());
        double low = Double.POSITIVE_INFINITY;
        double high = 0;
        for (Evaluation e : evaluations) {
            for (double bits : new double[] {e.trainBits(), e.heldOutBits()}) {
                if (Double.isFinite(bits)) {
                    low = Math.min(low, bits);
                    high = Math.max(high, bits);
                }
            }
        }
        double step = tick(high - low);
        double bottom = Math.floor(low / step) * step;
        double top = Math.max(Math.ceil(high / step) * step, bottom + step);
        StringBuilder svg = new StringBuilder();
        line(
                svg,
                String.format(
                        Locale.ROOT,
                        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\""
                                + " font-family=\"sans-serif\" font-size=\"12\">",
                        WIDTH,
                        HEIGHT));
        line(
                svg,
                String.format(
                        Locale.ROOT,
                        "<rect width=\"%d\" height=\"%d\" fill=\"white\"/>",
                        WIDTH,
                        HEIGHT));
        line(
                svg,
                String.format(
                        Locale.ROOT,
                        "<text x=\"%d\" y=\"22\" font-size=\"14\">%s</text>",
                        LEFT,
                        escaped(title)));
        for (int i = 0; bottom + i * step <= top + step / 2; i++) {
            double y = y(bottom + i * step, bottom, top);
            line(
                    svg,
                    String.format(
                            Locale.ROOT,
                            "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/>"
                                    + "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.2f</text>",
                            LEFT,
                            y,
                            WIDTH - RIGHT,
                            LEFT - 6,
                            y + 4,
                            bottom + i * step));
        }
        for (int i = 0; i <= TICKS; i++) {
            double bytes = maxBytes * i / TICKS;
            line(
                    svg,
                    String.format(
                            Locale.ROOT,
                            "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.1f</text>",
                            x(bytes, maxBytes),
                            HEIGHT - BOTTOM + 18,
                            bytes / 1e6));
        }
        line(
                svg,
                String.format(
                        Locale.ROOT,
                        "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">megabytes learnt from</text>",
                        (LEFT + WIDTH - RIGHT) / 2,
                        HEIGHT - 14));
        line(
                svg,
                String.format(
                        Locale.ROOT,
                        "<text transform=\"translate(16 %d) rotate(-90)\" text-anchor=\"middle\">bits per"
                                + " byte</text>",
                        (TOP + HEIGHT - BOTTOM) / 2));
        double base = y(evaluations.getFirst().heldOutBits(), bottom, top);
        line(
                svg,
                String.format(
                        Locale.ROOT,
                        "<path d=\"M%d %.1fH%d\" stroke=\"#888\" stroke-dasharray=\"6 4\"/>",
                        LEFT,
                        base,
                        WIDTH - RIGHT));
        curve(svg, "#1f77b4", evaluations, false, maxBytes, bottom, top);
        curve(svg, "#d62728", evaluations, true, maxBytes, bottom, top);
        legend(svg, 0, "#d62728", "held out");
        legend(svg, 1, "#1f77b4", "training");
        legend(svg, 2, "#888", "held out, before");
        line(svg, "</svg>");
        return svg.toString();
    }

    private static void curve(
            StringBuilder svg,
            String color,
            List<Evaluation> evaluations,
            boolean heldOut,
            double maxBytes,
            double bottom,
            double top) {
        StringBuilder path = new StringBuilder();
        for (Evaluation e : evaluations) {
            double bits = heldOut ? e.heldOutBits() : e.trainBits();
            if (Double.isFinite(bits)) {
                path.append(
                        String.format(
                                Locale.ROOT,
                                "%s%.1f %.1f",
                                path.isEmpty() ? "M" : "L",
                                x((double) e.bytes(), maxBytes),
                                y(bits, bottom, top)));
            }
        }
        line(
                svg,
                String.format(
                        Locale.ROOT,
                        "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>",
                        path,
                        color));
    }

    private static void legend(StringBuilder svg, int row, String color, String text) {
        int y = TOP + 14 + 18 * row;
        int x = WIDTH - RIGHT - 130;
        line(
                svg,
                String.format(
                        Locale.ROOT,
                        "<path d=\"M%d %dh20\" stroke=\"%s\" stroke-width=\"2\"/><text x=\"%d\""
                                + " y=\"%d\">%s</text>",
                        x,
                        y - 4,
                        color,
                        x + 26,
                        y,
                        text));
    }

    /** A step of 1, 2 or 5 times a power of ten that makes about five of a range. */
    private static double tick(double range) {
        double raw = Math.max(range, 0.05) / TICKS;
        double power = Math.pow(10, Math.floor(Math.log10(raw)));
        double first = raw / power;
        return power * (first <= 1 ? 1 : first <= 2 ? 2 : first <= 5 ? 5 : 10);
    }

    private static double x(double bytes, double maxBytes) {
        return LEFT + (WIDTH - LEFT - RIGHT) * bytes / maxBytes;
    }

    private static double y(double bits, double bottom, double top) {
        return TOP + (HEIGHT - TOP - BOTTOM) * (top - bits) / (top - bottom);
    }

    private static String escaped(String text) {
        return text.replaceAll("\\p{Cntrl}", " ")
                .replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;");
    }

    private static void line(StringBuilder svg, String text) {
        svg.append(text).append('\n');
    }
}
