package io.mambabyte.kernels;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/**
 * The weights of a linear layer, packed once for {@link Kernels#multiply}.
 *
 * <p>A panel holds {@value #PANEL} output columns, input by input: {@code [inputs][64]}. The last
 * panel is as wide as the columns that are left. Reading a panel from front to back is then all
 * that a product does with it, for one row as for many.
 *
 * <p>Where every weight is a bfloat16 (those of the shipped models are), whole panels are kept as
 * such, two an int: half the memory, and half of what a product of one row waits for. Widened again
 * they are the same floats, so results do not tell the difference.
 */
public final class PackedMatrix {
    /** Output columns of a panel. */
    static final int PANEL = 64;

    /** Ints of an input in a panel of bfloat16. */
    static final int PAIRS = PANEL / 2;

    /** The bits of a float that a bfloat16 has. */
    static final int HIGH = 0xffff0000;

    /** From the low half of an int to the high. */
    static final int HALF_BITS = 16;

    final int inputs;
    final int columns;

    /** Columns before {@link #panels}: those of whole panels where these are bfloat16, else 0. */
    final int pairedColumns;

    /**
     * {@code [panel][inputs][32]}: int i of an input has column i in its low half and column i + 32
     * in its high half. Empty where a weight is not a bfloat16.
     */
    final int[] pairs;

    /** {@code [panel][inputs][64]} of the other panels, the last {@code [inputs][columns % 64]}. */
    final float[] panels;

    /** {@code [columns]}: what the chain of every output starts from. */
    final float[] bias;

    private PackedMatrix(int inputs, int columns, float[] panels, float[] bias) {
        this.inputs = inputs;
        this.columns = columns;
        this.bias = bias;
        if (areBfloat16(panels)) {
            pairedColumns = columns / PANEL * PANEL;
            pairs = pairs(panels, pairedColumns * inputs);
            this.panels = Arrays.copyOfRange(panels, pairedColumns * inputs, panels.length);
        } else {
            pairedColumns = 0;
            pairs = new int[0];
            this.panels = panels;
        }
    }

    private static boolean areBfloat16(float[] values) {
        for (float value : values) {
            if ((Float.floatToRawIntBits(value) & ~HIGH) != 0) {
                return false;
            }
        }
        return true;
    }

    private static int[] pairs(float[] panels, int weights) {
        int[] pairs = new int[weights / 2];
        for (int i = 0; i < pairs.length; i++) {
            int low = i / PAIRS * PANEL + i % PAIRS;
            pairs[i] =
                    Float.floatToRawIntBits(panels[low]) >>> HALF_BITS
                            | Float.floatToRawIntBits(panels[low + PAIRS]);
        }
        return pairs;
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
