package io.mambabyte.kernels;

import java.util.Arrays;

/**
 * The gradient of a linear layer's weights, where {@link Gradients#accumulateWeights} adds to it.
 */
public final class WeightGradient {
    final int columns;
    final int inputs;
    final int stride;

    /** {@code [columns][stride]}. */
    final float[] values;

    /**
     * Starts from zero.
     *
     * @param columns outputs of the layer, padding included: {@link PackedMatrix#columns()}
     * @param inputs inputs of the layer
     */
    public WeightGradient(int columns, int inputs) {
        if (columns <= 0 || columns % Rows.LANES != 0 || inputs <= 0) {
            throw new IllegalArgumentException("columns " + columns + ", inputs " + inputs);
        }
        this.columns = columns;
        this.inputs = inputs;
        this.stride = Rows.padded(inputs);
        this.values = new float[Math.multiplyExact(columns, stride)];
    }

    /** Goes back to zero. */
    public void clear() {
        Arrays.fill(values, 0f);
    }

    /**
     * The array: the gradient by the weight of output c and input k is at {@code c * stride() + k}.
     *
     * @return the array itself, not a copy
     */
    public float[] values() {
        return values;
    }

    /**
     * Floats from an output to the next.
     *
     * @return the inputs, padded
     */
    public int stride() {
        return stride;
    }
}
