package io.mambabyte.kernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

import java.util.Arrays;

/** {@link Gradients#convolveSilu} with the Vector API. */
final class VectorConvolutionGradient {
    private static final VectorSpecies<Float> F = VectorKernels.SPECIES;
    private static final int L = VectorKernels.LANES;

    /**
     * Rows that pass through both halves together: what the first half wrote is still close when
     * the second reads it. Results do not depend on it, a chain continues from memory.
     */
    private static final int BLOCK_ROWS = 32;

    private VectorConvolutionGradient() {}

    static void convolveSilu(
            Convolution convolution,
            int rows,
            Rows x,
            Rows dy,
            Rows dv,
            float[] dWeight,
            float[] dBias,
            Rows dx) {
        int width = convolution.width;
        int history = convolution.taps - 1;
        for (int t = rows; t < rows + history; t++) {
            Arrays.fill(dv.values, dv.start(t), dv.start(t) + width, 0f);
        }
        for (int first = 0; first < rows; first += BLOCK_ROWS) {
            int count = Math.min(BLOCK_ROWS, rows - first);
            // A row of dx needs dv of as many rows after it as the convolution looks back.
            int from = Math.max(0, first - history);
            int to = first + count == rows ? rows : Math.max(from, first + count - history);
            for (int e = 0; e < width; e += L) {
                if (convolution.taps == 4) {
                    slopes4(convolution, e, first, count, x, dy, dv, dBias);
                    weights4(convolution, e, first, count, x, dv, dWeight);
                    inputs4(convolution, e, from, to, dv, dx);
                } else {
                    slopes(convolution, e, first, count, x, dy, dv, dBias);
                    weights(convolution, e, first, count, x, dv, dWeight);
                    inputs(convolution, e, from, to, dv, dx);
                }
            }
        }
    }

    // Four taps, the usual number: weights and the last inputs stay in registers.

    private static void slopes4(
            Convolution convolution,
            int e,
            int first,
            int count,
            Rows x,
            Rows dy,
            Rows dv,
            float[] dBias) {
        int width = convolution.width;
        FloatVector w0 = FloatVector.fromArray(F, convolution.weight, e);
        FloatVector w1 = FloatVector.fromArray(F, convolution.weight, width + e);
        FloatVector w2 = FloatVector.fromArray(F, convolution.weight, 2 * width + e);
        FloatVector w3 = FloatVector.fromArray(F, convolution.weight, 3 * width + e);
        FloatVector bias = FloatVector.fromArray(F, convolution.bias, e);
        FloatVector sum = FloatVector.fromArray(F, dBias, e);
        int from = x.start(first) + e;
        FloatVector x0 = FloatVector.fromArray(F, x.values, from);
        FloatVector x1 = FloatVector.fromArray(F, x.values, from + x.stride);
        FloatVector x2 = FloatVector.fromArray(F, x.values, from + 2 * x.stride);
        from += 3 * x.stride;
        int ys = dy.start(first) + e;
        int to = dv.start(first) + e;
        for (int t = 0; t < count; t++) {
            FloatVector x3 = FloatVector.fromArray(F, x.values, from);
            FloatVector v = w3.fma(x3, w2.fma(x2, w1.fma(x1, w0.fma(x0, bias))));
            FloatVector d =
                    FloatVector.fromArray(F, dy.values, ys).mul(VectorElementary.siluSlope(v));
            d.intoArray(dv.values, to);
            sum = sum.add(d);
            x0 = x1;
            x1 = x2;
            x2 = x3;
            from += x.stride;
            ys += dy.stride;
            to += dv.stride;
        }
        sum.intoArray(dBias, e);
    }

    private static void weights4(
            Convolution convolution,
            int e,
            int first,
            int count,
            Rows x,
            Rows dv,
            float[] dWeight) {
        int width = convolution.width;
        FloatVector sum0 = FloatVector.fromArray(F, dWeight, e);
        FloatVector sum1 = FloatVector.fromArray(F, dWeight, width + e);
        FloatVector sum2 = FloatVector.fromArray(F, dWeight, 2 * width + e);
        FloatVector sum3 = FloatVector.fromArray(F, dWeight, 3 * width + e);
        int from = x.start(first) + e;
        FloatVector x0 = FloatVector.fromArray(F, x.values, from);
        FloatVector x1 = FloatVector.fromArray(F, x.values, from + x.stride);
        FloatVector x2 = FloatVector.fromArray(F, x.values, from + 2 * x.stride);
        from += 3 * x.stride;
        int vs = dv.start(first) + e;
        for (int t = 0; t < count; t++) {
            FloatVector x3 = FloatVector.fromArray(F, x.values, from);
            FloatVector d = FloatVector.fromArray(F, dv.values, vs);
            sum0 = d.fma(x0, sum0);
            sum1 = d.fma(x1, sum1);
            sum2 = d.fma(x2, sum2);
            sum3 = d.fma(x3, sum3);
            x0 = x1;
            x1 = x2;
            x2 = x3;
            from += x.stride;
            vs += dv.stride;
        }
        sum0.intoArray(dWeight, e);
        sum1.intoArray(dWeight, width + e);
        sum2.intoArray(dWeight, 2 * width + e);
        sum3.intoArray(dWeight, 3 * width + e);
    }

    private static void inputs4(
            Convolution convolution, int e, int fromRow, int toRow, Rows dv, Rows dx) {
        int width = convolution.width;
        FloatVector w0 = FloatVector.fromArray(F, convolution.weight, e);
        FloatVector w1 = FloatVector.fromArray(F, convolution.weight, width + e);
        FloatVector w2 = FloatVector.fromArray(F, convolution.weight, 2 * width + e);
        FloatVector w3 = FloatVector.fromArray(F, convolution.weight, 3 * width + e);
        FloatVector zero = FloatVector.zero(F);
        int from = dv.start(fromRow) + e;
        FloatVector d0 = FloatVector.fromArray(F, dv.values, from);
        FloatVector d1 = FloatVector.fromArray(F, dv.values, from + dv.stride);
        FloatVector d2 = FloatVector.fromArray(F, dv.values, from + 2 * dv.stride);
        from += 3 * dv.stride;
        int to = dx.start(fromRow) + e;
        for (int t = fromRow; t < toRow; t++) {
            FloatVector d3 = FloatVector.fromArray(F, dv.values, from);
            w0.fma(d3, w1.fma(d2, w2.fma(d1, w3.fma(d0, zero)))).intoArray(dx.values, to);
            d0 = d1;
            d1 = d2;
            d2 = d3;
            from += dv.stride;
            to += dx.stride;
        }
    }

    private static void slopes(
            Convolution convolution,
            int e,
            int first,
            int count,
            Rows x,
            Rows dy,
            Rows dv,
            float[] dBias) {
        int width = convolution.width;
        FloatVector bias = FloatVector.fromArray(F, convolution.bias, e);
        FloatVector sum = FloatVector.fromArray(F, dBias, e);
        for (int t = first; t < first + count; t++) {
            FloatVector v = bias;
            for (int k = 0; k < convolution.taps; k++) {
                v =
                        FloatVector.fromArray(F, convolution.weight, k * width + e)
                                .fma(FloatVector.fromArray(F, x.values, x.start(t + k) + e), v);
            }
            FloatVector d =
                    FloatVector.fromArray(F, dy.values, dy.start(t) + e)
                            .mul(VectorElementary.siluSlope(v));
            d.intoArray(dv.values, dv.start(t) + e);
            sum = sum.add(d);
        }
        sum.intoArray(dBias, e);
    }

    private static void weights(
            Convolution convolution,
            int e,
            int first,
            int count,
            Rows x,
            Rows dv,
            float[] dWeight) {
        for (int k = 0; k < convolution.taps; k++) {
            int at = k * convolution.width + e;
            FloatVector sum = FloatVector.fromArray(F, dWeight, at);
            for (int t = first; t < first + count; t++) {
                FloatVector d = FloatVector.fromArray(F, dv.values, dv.start(t) + e);
                sum = d.fma(FloatVector.fromArray(F, x.values, x.start(t + k) + e), sum);
            }
            sum.intoArray(dWeight, at);
        }
    }

    private static void inputs(
            Convolution convolution, int e, int fromRow, int toRow, Rows dv, Rows dx) {
        int history = convolution.taps - 1;
        for (int t = fromRow; t < toRow; t++) {
            FloatVector sum = FloatVector.zero(F);
            for (int k = history; k >= 0; k--) {
                sum =
                        FloatVector.fromArray(F, convolution.weight, k * convolution.width + e)
                                .fma(
                                        FloatVector.fromArray(
                                                F, dv.values, dv.start(t + history - k) + e),
                                        sum);
            }
            sum.intoArray(dx.values, dx.start(t) + e);
        }
    }
}
