package io.mambabyte.kernels;

import org.jspecify.annotations.Nullable;

/**
 * The weights of a linear layer, packed once for {@link Kernels#multiply}.
 *
 * <p>A panel holds {@value #PANEL} output columns, input by input: {@code [inputs][64]}. The last
 * panel is as wide as the columns that are left. Reading a panel from front to back is then all
 * that a product does with it, for one row as for many.
 */
public final class PackedMatrix {
    /** Output columns of a panel. */
    static final int PANEL = 64;

    final int inputs;
    final int columns;

    /** {@code [panel][inputs][64]}, the last panel {@code [inputs][columns % 64]}. */
    final float[] panels;

    /** {@code [columns]}: what the chain of every output starts from. */
    final float[] bias;

    private PackedMatrix(int inputs, int columns, float[] panels, float[] bias) {
        this.inputs = inputs;
        this.columns = columns;
        this.panels = panels;
        this.bias = bias;
    }

    /**
     * Packs the weights of a layer.
     *
     * @param weight row-major {@code [outputs][inputs]}, as checkpoints have it
     * @param bias {@code [outputs]}, or null for none
     * @param outputs number of outputs
     * @param inputs number of inputs
     * @return the weights, padded with zero columns to a multiple of {@value Rows#LANES}
     */
    public static PackedMatrix of(
            float[] weight, float @Nullable [] bias, int outputs, int inputs) {
        return of(weight, bias, outputs, inputs, outputs);
    }

    /**
     * Packs the weights of a layer whose outputs are groups (x and z of a block, say): every group
     * is padded for itself, so that each starts at a multiple of {@value Rows#LANES} columns.
     *
     * @param weight row-major {@code [outputs][inputs]}
     * @param bias {@code [outputs]}, or null for none
     * @param outputs number of outputs, a multiple of the group
     * @param inputs number of inputs
     * @param group outputs of a group
     * @return the weights
     */
    public static PackedMatrix of(
            float[] weight, float @Nullable [] bias, int outputs, int inputs, int group) {
        if (outputs <= 0 || inputs <= 0 || group <= 0 || outputs % group != 0) {
            throw new IllegalArgumentException(
                    "outputs " + outputs + ", inputs " + inputs + ", group " + group);
        }
        if (weight.length != (long) outputs * inputs) {
            throw new IllegalArgumentException(
                    "weight has "
                            + weight.length
                            + " floats, expected "
                            + outputs
                            + " x "
                            + inputs);
        }
        if (bias != null && bias.length != outputs) {
            throw new IllegalArgumentException(
                    "bias has " + bias.length + " floats, expected " + outputs);
        }
        int paddedGroup = Rows.padded(group);
        int columns = Math.multiplyExact(outputs / group, paddedGroup);
        float[] panels = new float[Math.multiplyExact(columns, inputs)];
        float[] packedBias = new float[columns];
        for (int output = 0; output < outputs; output++) {
            int column = output / group * paddedGroup + output % group;
            if (bias != null) {
                packedBias[column] = bias[output];
            }
            int first = column / PANEL * PANEL;
            int width = Math.min(PANEL, columns - first);
            int to = first * inputs + (column - first);
            for (int k = 0; k < inputs; k++) {
                panels[to + k * width] = weight[output * inputs + k];
            }
        }
        return new PackedMatrix(inputs, columns, panels, packedBias);
    }

    /**
     * Number of inputs.
     *
     * @return how many floats of an input row a product reads
     */
    public int inputs() {
        return inputs;
    }

    /**
     * Number of columns, padding included.
     *
     * @return how many floats of an output row a product writes
     */
    public int columns() {
        return columns;
    }
}
