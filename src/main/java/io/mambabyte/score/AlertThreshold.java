package io.mambabyte.score;

/**
 * How improbable a line must be to alert, such that alerts come as often as was asked for. Every
 * line that is judged lowers the threshold by a step times the share of lines that are to alert,
 * every alert raises it by a step: adaptive conformal inference (Gibbs and Candès, NeurIPS 2021) on
 * the logarithm of the p-value.
 *
 * <p>Where p-values are right it stays about where they say. Where they are not - lines come in
 * bursts, and the improbable ones are estimated from few - it goes to where they are right on
 * average. Between any two lines the alerts differ from those expected by no more than the
 * threshold's way between them, over the step: no assumption on the lines is needed for that. A
 * burst raises it by a step a line, so that of many strange lines the strangest still alert.
 *
 * <p>A function of the lines. Not safe for concurrent use.
 */
public final class AlertThreshold {
    /** Bits that an alert raises it by. */
    public static final double STEP_BITS = 2;

    // However long nothing was strange: a line must be this much stranger than all,
    private static final double LEAST_BITS = 3;

    // and however many alerts there were, one that is stranger than any p-value says alerts.
    private static final double MOST_BITS = 40;

    private final double alertsPerLine;
    private double bits;

    /**
     * Where p-values say.
     *
     * @param alertsPerLine share of normal lines that are to alert
     */
    public AlertThreshold(double alertsPerLine) {
        this.alertsPerLine = alertsPerLine;
        bits = -Math.log(alertsPerLine) / Math.log(2);
    }

    /**
     * The threshold.
     *
     * @return {@code -log2} of the p-value below which a line alerts now
     */
    public double bits() {
        return bits;
    }

    /**
     * Becomes one that was stored, or another's.
     *
     * @param newBits {@link #bits} of it
     */
    public void set(double newBits) {
        bits = newBits;
    }

    /**
     * Takes note of a line that was judged.
     *
     * @param alert whether it alerted
     */
    public void follow(boolean alert) {
        double moved = bits + STEP_BITS * ((alert ? 1 : 0) - alertsPerLine);
        bits = Math.min(MOST_BITS, Math.max(LEAST_BITS, moved));
    }
}
