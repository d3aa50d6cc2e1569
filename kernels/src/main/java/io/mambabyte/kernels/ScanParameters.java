package io.mambabyte.kernels;

import java.util.Arrays;

/** The constants of a block's selective scan, laid out for {@link Kernels#scan}. */
public final class ScanParameters {
    private static final double LOG2_E = 1.4426950408889634;

    final int states;
    final int width;

    /**
     * {@code [states][width]}: {@code -exp(A_log) * log2(e)}, so that {@code exp(delta * A)} is one
     * product and a power of two.
     */
    final float[] decay;

    /** {@code [width]}: the least decay of a channel's states. */
    final float[] steepest;

    /** {@code [width]}: {@code D}. */
    final float[] skip;

    private ScanParameters(int states, int width, float[] decay, float[] skip) {
        this.states = states;
        this.width = width;
        this.decay = decay;
        this.steepest = Arrays.copyOf(decay, width);
        for (int i = width; i < decay.length; i++) {
            steepest[i % width] = Math.min(steepest[i % width], decay[i]);
        }
        this.skip = skip;
    }

    /**
     * Lays the constants out, padded with zero channels.
     *
     * @param aLog row-major {@code [channels][states]}
     * @param skip {@code [channels]}
     * @param channels number of channels
     * @param states states of a channel
     * @return the constants
     */
    public static ScanParameters of(float[] aLog, float[] skip, int channels, int states) {
        if (channels <= 0 || states <= 0) {
            throw new IllegalArgumentException("channels " + channels + ", states " + states);
        }
        if (aLog.length != (long) channels * states || skip.length != channels) {
            throw new IllegalArgumentException(
                    "A_log has "
                            + aLog.length
                            + " floats and D "
                            + skip.length
                            + ", expected "
                            + channels
                            + " x "
                            + states
                            + " and "
                            + channels);
        }
        int width = Rows.padded(channels);
        float[] decay = new float[Math.multiplyExact(width, states)];
        // Of the padding too, delta * decay is to be -0, whose power is 1 with and without a clamp.
        Arrays.fill(decay, -0f);
        float[] paddedSkip = new float[width];
        System.arraycopy(skip, 0, paddedSkip, 0, channels);
        for (int channel = 0; channel < channels; channel++) {
            for (int state = 0; state < states; state++) {
                // StrictMath: the same bits on every machine. Once, at load, so its cost is
                // nothing.
                decay[state * width + channel] =
                        (float) (-StrictMath.exp(aLog[channel * states + state]) * LOG2_E);
            }
        }
        return new ScanParameters(states, width, decay, paddedSkip);
    }

    /**
     * States of a channel.
     *
     * @return the number of states
     */
    public int states() {
        return states;
    }

    /**
     * Number of channels, padding included.
     *
     * @return the width
     */
    public int width() {
        return width;
    }
}
