package io.mambabyte.kernels;

import org.jspecify.annotations.Nullable;

/** The parameters of a normalisation of rows, for {@link Kernels#normalize}. */
public final class Normalization {
    final int columns;
    final int width;

    /** {@code [width]}. */
    final float[] weight;

    /** {@code [width]}: there for layer normalisation, absent for RMS. */
    final float @Nullable [] bias;

    final float epsilon;

    private Normalization(int columns, float[] weight, float @Nullable [] bias, float epsilon) {
        this.columns = columns;
        this.width = Rows.padded(columns);
        this.weight = padded(weight, width);
        this.bias = bias == null ? null : padded(bias, width);
        this.epsilon = epsilon;
    }

    private static float[] padded(float[] values, int width) {
        float[] padded = new float[width];
        System.arraycopy(values, 0, padded, 0, values.length);
        return padded;
    }

    /**
     * {@code r * w / sqrt(mean(r^2) + epsilon)}.
     *
     * @param weight one float a column
     * @param epsilon added to the mean square
     * @return the parameters
     */
    public static Normalization rms(float[] weight, float epsilon) {
        return new Normalization(weight.length, weight, null, epsilon);
    }

    /**
     * {@code (r - mean) / sqrt(variance + epsilon) * w + b}.
     *
     * @param weight one float a column
     * @param bias one float a column
     * @param epsilon added to the variance
     * @return the parameters
     */
    public static Normalization layer(float[] weight, float[] bias, float epsilon) {
        if (weight.length != bias.length) {
            throw new IllegalArgumentException(
                    "weight has " + weight.length + " floats, bias " + bias.length);
        }
        return new Normalization(weight.length, weight, bias, epsilon);
    }

    /**
     * Number of columns that are normalised, without padding.
     *
     * @return the number of columns
     */
    public int columns() {
        return columns;
    }
}
