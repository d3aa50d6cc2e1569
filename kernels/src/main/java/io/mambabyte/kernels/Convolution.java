package io.mambabyte.kernels;

import org.jspecify.annotations.Nullable;

/** The weights of a causal depthwise convolution, laid out for {@link Kernels#convolveSilu}. */
public final class Convolution {
    final int taps;
    final int width;

    /** {@code [taps][width]}; the last row is the current step. */
    final float[] weight;

    /** {@code [width]}. */
    final float[] bias;

    private Convolution(int taps, int width, float[] weight, float[] bias) {
        this.taps = taps;
        this.width = width;
        this.weight = weight;
        this.bias = bias;
    }

    /**
     * Lays the weights out, padded with zero channels.
     *
     * @param weight row-major {@code [channels][taps]}; the last column is the current step
     * @param bias {@code [channels]}, or null for none
     * @param channels number of channels
     * @param taps number of steps that a channel sees, the current one included
     * @return the weights
     */
    public static Convolution of(float[] weight, float @Nullable [] bias, int channels, int taps) {
        if (channels <= 0 || taps <= 0) {
            throw new IllegalArgumentException("channels " + channels + ", taps " + taps);
        }
        if (weight.length != (long) channels * taps || (bias != null && bias.length != channels)) {
            throw new IllegalArgumentException(
                    "weight has "
                            + weight.length
                            + " floats and the bias "
                            + (bias == null ? "none" : bias.length)
                            + ", expected "
                            + channels
                            + " x "
                            + taps
                            + " and "
                            + channels);
        }
        int width = Rows.padded(channels);
        float[] packed = new float[Math.multiplyExact(width, taps)];
        float[] packedBias = new float[width];
        if (bias != null) {
            System.arraycopy(bias, 0, packedBias, 0, channels);
        }
        for (int channel = 0; channel < channels; channel++) {
            for (int tap = 0; tap < taps; tap++) {
                packed[tap * width + channel] = weight[channel * taps + tap];
            }
        }
        return new Convolution(taps, width, packed, packedBias);
    }

    /**
     * Number of taps.
     *
     * @return how many steps a channel sees, the current one included
     */
    public int taps() {
        return taps;
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
