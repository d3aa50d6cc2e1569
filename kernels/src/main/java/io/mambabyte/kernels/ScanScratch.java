package io.mambabyte.kernels;

/** Memory that {@link Gradients#scan} works in; one a thread. */
public final class ScanScratch {
    /** {@code [states][width]}: gradient by the state, on its way back. */
    final float[] carry;

    /** {@code [2 * states][16 rows][16]}: partial sums of dB and dC. */
    final float[] partials;

    /** {@code [16 rows][4][16]}: decays of two states of two vectors of channels. */
    final float[] powers = new float[Gradients.CHECKPOINT_STEPS * 4 * Rows.LANES];

    /** {@code [16 rows + 1][4][16]}: values of these states, the first before the rows. */
    final float[] values = new float[(Gradients.CHECKPOINT_STEPS + 1) * 4 * Rows.LANES];

    /** {@code [16 rows][2][16]}: output before the gate. */
    final float[] y = new float[Gradients.CHECKPOINT_STEPS * 2 * Rows.LANES];

    /** {@code [16 rows][2][16]}: gradient by it. */
    final float[] dy = new float[Gradients.CHECKPOINT_STEPS * 2 * Rows.LANES];

    /** {@code [16 rows][2][16]}: gradient by the output times the gate's derivative. */
    final float[] slopes = new float[Gradients.CHECKPOINT_STEPS * 2 * Rows.LANES];

    /** A sum that nobody wants, so that what was read for it is read. */
    float fetched;

    /**
     * Allocates it.
     *
     * @param width channels of the scan, padding included
     * @param states states of a channel
     */
    public ScanScratch(int width, int states) {
        carry = new float[Math.multiplyExact(width, states)];
        partials = new float[length(states)];
    }

    int length(int states) {
        return Math.multiplyExact(Gradients.CHECKPOINT_STEPS * 2 * Rows.LANES, states);
    }
}
