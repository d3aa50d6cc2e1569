package io.mambabyte.kernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

import java.util.Arrays;

/**
 * The gradients with the Vector API: lanes are columns, every operation as in {@link
 * ScalarGradients}.
 *
 * <p>Vectors stay inside one method each, and methods small: one that C2 stops inlining would box
 * every vector that it is given.
 */
final class VectorGradients extends Gradients {
    private static final VectorSpecies<Float> F = VectorKernels.SPECIES;
    private static final int L = F.length();
    private static final int LANES = Rows.LANES;

    private static final VectorShuffle<Float> DOWN_8 = VectorShuffle.iota(F, 8, 1, true);
    private static final VectorShuffle<Float> DOWN_4 = VectorShuffle.iota(F, 4, 1, true);
    private static final VectorShuffle<Float> DOWN_2 = VectorShuffle.iota(F, 2, 1, true);
    private static final VectorShuffle<Float> DOWN_1 = VectorShuffle.iota(F, 1, 1, true);

    /**
     * Rows that pass through the accumulators of one block of weights together: their x and dy stay
     * in the first level cache while all blocks pass. Results do not depend on it, a chain
     * continues from memory.
     */
    private static final int BLOCK_ROWS = 128;

    /**
     * The constants of {@link Elementary#exp2}, in memory for the reason that {@link VectorScan}
     * gives.
     */
    private static final float[] CONSTANTS =
            repeated(
                    Elementary.ROUND,
                    Elementary.LEAST_POWER,
                    Elementary.P5,
                    Elementary.P4,
                    Elementary.P3,
                    Elementary.P2,
                    Elementary.P1,
                    1f);

    VectorGradients() {}

    private static float[] repeated(float... values) {
        float[] repeated = new float[values.length * LANES];
        for (int i = 0; i < repeated.length; i++) {
            repeated[i] = values[i / LANES];
        }
        return repeated;
    }

    @Override
    public String description() {
        return "vector, " + F.vectorBitSize() + " bits";
    }

    // Weights

    @Override
    void weights(WeightGradient gradient, int rows, Rows x, Rows dy) {
        int stride = gradient.stride;
        for (int row = 0; row < rows; row += BLOCK_ROWS) {
            int count = Math.min(BLOCK_ROWS, rows - row);
            int k = 0;
            for (; k + 2 * L <= stride; k += 2 * L) {
                weightsBlock2(gradient, k, count, x, x.start(row) + k, dy, dy.start(row));
            }
            if (k < stride) {
                weightsBlock1(gradient, k, count, x, x.start(row) + k, dy, dy.start(row));
            }
        }
    }

    private static void weightsBlock2(
            WeightGradient gradient, int k, int rows, Rows x, int xs, Rows dy, int ys) {
        int c = 0;
        if (L == LANES) { // narrower machines have half the registers
            for (; c + 12 <= gradient.columns; c += 12) {
                weights12x2(
                        gradient.values,
                        c * gradient.stride + k,
                        gradient.stride,
                        rows,
                        x.values,
                        xs,
                        x.stride,
                        dy.values,
                        ys + c,
                        dy.stride);
            }
        }
        for (; c < gradient.columns; c += 4) {
            weights4x2(
                    gradient.values,
                    c * gradient.stride + k,
                    gradient.stride,
                    rows,
                    x.values,
                    xs,
                    x.stride,
                    dy.values,
                    ys + c,
                    dy.stride);
        }
    }

    private static void weightsBlock1(
            WeightGradient gradient, int k, int rows, Rows x, int xs, Rows dy, int ys) {
        int c = 0;
        for (; c + 12 <= gradient.columns; c += 12) {
            weights12x1(
                    gradient.values,
                    c * gradient.stride + k,
                    gradient.stride,
                    rows,
                    x.values,
                    xs,
                    x.stride,
                    dy.values,
                    ys + c,
                    dy.stride);
        }
        for (; c < gradient.columns; c += 4) {
            weights4x1(
                    gradient.values,
                    c * gradient.stride + k,
                    gradient.stride,
                    rows,
                    x.values,
                    xs,
                    x.stride,
                    dy.values,
                    ys + c,
                    dy.stride);
        }
    }

    // Columns are a multiple of 16, so 12 and 4 at a time leave none over.

    private static void weights12x2(
            float[] g,
            int gStart,
            int stride,
            int rows,
            float[] x,
            int xStart,
            int xStride,
            float[] d,
            int dStart,
            int dStride) {
        FloatVector a0a = FloatVector.fromArray(F, g, gStart);
        FloatVector a0b = FloatVector.fromArray(F, g, gStart + L);
        FloatVector a1a = FloatVector.fromArray(F, g, gStart + stride);
        FloatVector a1b = FloatVector.fromArray(F, g, gStart + stride + L);
        FloatVector a2a = FloatVector.fromArray(F, g, gStart + 2 * stride);
        FloatVector a2b = FloatVector.fromArray(F, g, gStart + 2 * stride + L);
        FloatVector a3a = FloatVector.fromArray(F, g, gStart + 3 * stride);
        FloatVector a3b = FloatVector.fromArray(F, g, gStart + 3 * stride + L);
        FloatVector a4a = FloatVector.fromArray(F, g, gStart + 4 * stride);
        FloatVector a4b = FloatVector.fromArray(F, g, gStart + 4 * stride + L);
        FloatVector a5a = FloatVector.fromArray(F, g, gStart + 5 * stride);
        FloatVector a5b = FloatVector.fromArray(F, g, gStart + 5 * stride + L);
        FloatVector a6a = FloatVector.fromArray(F, g, gStart + 6 * stride);
        FloatVector a6b = FloatVector.fromArray(F, g, gStart + 6 * stride + L);
        FloatVector a7a = FloatVector.fromArray(F, g, gStart + 7 * stride);
        FloatVector a7b = FloatVector.fromArray(F, g, gStart + 7 * stride + L);
        FloatVector a8a = FloatVector.fromArray(F, g, gStart + 8 * stride);
        FloatVector a8b = FloatVector.fromArray(F, g, gStart + 8 * stride + L);
        FloatVector a9a = FloatVector.fromArray(F, g, gStart + 9 * stride);
        FloatVector a9b = FloatVector.fromArray(F, g, gStart + 9 * stride + L);
        FloatVector a10a = FloatVector.fromArray(F, g, gStart + 10 * stride);
        FloatVector a10b = FloatVector.fromArray(F, g, gStart + 10 * stride + L);
        FloatVector a11a = FloatVector.fromArray(F, g, gStart + 11 * stride);
        FloatVector a11b = FloatVector.fromArray(F, g, gStart + 11 * stride + L);
        for (int r = 0, xr = xStart, dr = dStart; r < rows; r++, xr += xStride, dr += dStride) {
            FloatVector xa = FloatVector.fromArray(F, x, xr);
            FloatVector xb = FloatVector.fromArray(F, x, xr + L);
            FloatVector b0 = FloatVector.broadcast(F, d[dr]);
            a0a = b0.fma(xa, a0a);
            a0b = b0.fma(xb, a0b);
            FloatVector b1 = FloatVector.broadcast(F, d[dr + 1]);
            a1a = b1.fma(xa, a1a);
            a1b = b1.fma(xb, a1b);
            FloatVector b2 = FloatVector.broadcast(F, d[dr + 2]);
            a2a = b2.fma(xa, a2a);
            a2b = b2.fma(xb, a2b);
            FloatVector b3 = FloatVector.broadcast(F, d[dr + 3]);
            a3a = b3.fma(xa, a3a);
            a3b = b3.fma(xb, a3b);
            FloatVector b4 = FloatVector.broadcast(F, d[dr + 4]);
            a4a = b4.fma(xa, a4a);
            a4b = b4.fma(xb, a4b);
            FloatVector b5 = FloatVector.broadcast(F, d[dr + 5]);
            a5a = b5.fma(xa, a5a);
            a5b = b5.fma(xb, a5b);
            FloatVector b6 = FloatVector.broadcast(F, d[dr + 6]);
            a6a = b6.fma(xa, a6a);
            a6b = b6.fma(xb, a6b);
            FloatVector b7 = FloatVector.broadcast(F, d[dr + 7]);
            a7a = b7.fma(xa, a7a);
            a7b = b7.fma(xb, a7b);
            FloatVector b8 = FloatVector.broadcast(F, d[dr + 8]);
            a8a = b8.fma(xa, a8a);
            a8b = b8.fma(xb, a8b);
            FloatVector b9 = FloatVector.broadcast(F, d[dr + 9]);
            a9a = b9.fma(xa, a9a);
            a9b = b9.fma(xb, a9b);
            FloatVector b10 = FloatVector.broadcast(F, d[dr + 10]);
            a10a = b10.fma(xa, a10a);
            a10b = b10.fma(xb, a10b);
            FloatVector b11 = FloatVector.broadcast(F, d[dr + 11]);
            a11a = b11.fma(xa, a11a);
            a11b = b11.fma(xb, a11b);
        }
        a0a.intoArray(g, gStart);
        a0b.intoArray(g, gStart + L);
        a1a.intoArray(g, gStart + stride);
        a1b.intoArray(g, gStart + stride + L);
        a2a.intoArray(g, gStart + 2 * stride);
        a2b.intoArray(g, gStart + 2 * stride + L);
        a3a.intoArray(g, gStart + 3 * stride);
        a3b.intoArray(g, gStart + 3 * stride + L);
        a4a.intoArray(g, gStart + 4 * stride);
        a4b.intoArray(g, gStart + 4 * stride + L);
        a5a.intoArray(g, gStart + 5 * stride);
        a5b.intoArray(g, gStart + 5 * stride + L);
        a6a.intoArray(g, gStart + 6 * stride);
        a6b.intoArray(g, gStart + 6 * stride + L);
        a7a.intoArray(g, gStart + 7 * stride);
        a7b.intoArray(g, gStart + 7 * stride + L);
        a8a.intoArray(g, gStart + 8 * stride);
        a8b.intoArray(g, gStart + 8 * stride + L);
        a9a.intoArray(g, gStart + 9 * stride);
        a9b.intoArray(g, gStart + 9 * stride + L);
        a10a.intoArray(g, gStart + 10 * stride);
        a10b.intoArray(g, gStart + 10 * stride + L);
        a11a.intoArray(g, gStart + 11 * stride);
        a11b.intoArray(g, gStart + 11 * stride + L);
    }

    private static void weights12x1(
            float[] g,
            int gStart,
            int stride,
            int rows,
            float[] x,
            int xStart,
            int xStride,
            float[] d,
            int dStart,
            int dStride) {
        FloatVector a0a = FloatVector.fromArray(F, g, gStart);
        FloatVector a1a = FloatVector.fromArray(F, g, gStart + stride);
        FloatVector a2a = FloatVector.fromArray(F, g, gStart + 2 * stride);
        FloatVector a3a = FloatVector.fromArray(F, g, gStart + 3 * stride);
        FloatVector a4a = FloatVector.fromArray(F, g, gStart + 4 * stride);
        FloatVector a5a = FloatVector.fromArray(F, g, gStart + 5 * stride);
        FloatVector a6a = FloatVector.fromArray(F, g, gStart + 6 * stride);
        FloatVector a7a = FloatVector.fromArray(F, g, gStart + 7 * stride);
        FloatVector a8a = FloatVector.fromArray(F, g, gStart + 8 * stride);
        FloatVector a9a = FloatVector.fromArray(F, g, gStart + 9 * stride);
        FloatVector a10a = FloatVector.fromArray(F, g, gStart + 10 * stride);
        FloatVector a11a = FloatVector.fromArray(F, g, gStart + 11 * stride);
        for (int r = 0, xr = xStart, dr = dStart; r < rows; r++, xr += xStride, dr += dStride) {
            FloatVector xa = FloatVector.fromArray(F, x, xr);
            FloatVector b0 = FloatVector.broadcast(F, d[dr]);
            a0a = b0.fma(xa, a0a);
            FloatVector b1 = FloatVector.broadcast(F, d[dr + 1]);
            a1a = b1.fma(xa, a1a);
            FloatVector b2 = FloatVector.broadcast(F, d[dr + 2]);
            a2a = b2.fma(xa, a2a);
            FloatVector b3 = FloatVector.broadcast(F, d[dr + 3]);
            a3a = b3.fma(xa, a3a);
            FloatVector b4 = FloatVector.broadcast(F, d[dr + 4]);
            a4a = b4.fma(xa, a4a);
            FloatVector b5 = FloatVector.broadcast(F, d[dr + 5]);
            a5a = b5.fma(xa, a5a);
            FloatVector b6 = FloatVector.broadcast(F, d[dr + 6]);
            a6a = b6.fma(xa, a6a);
            FloatVector b7 = FloatVector.broadcast(F, d[dr + 7]);
            a7a = b7.fma(xa, a7a);
            FloatVector b8 = FloatVector.broadcast(F, d[dr + 8]);
            a8a = b8.fma(xa, a8a);
            FloatVector b9 = FloatVector.broadcast(F, d[dr + 9]);
            a9a = b9.fma(xa, a9a);
            FloatVector b10 = FloatVector.broadcast(F, d[dr + 10]);
            a10a = b10.fma(xa, a10a);
            FloatVector b11 = FloatVector.broadcast(F, d[dr + 11]);
            a11a = b11.fma(xa, a11a);
        }
        a0a.intoArray(g, gStart);
        a1a.intoArray(g, gStart + stride);
        a2a.intoArray(g, gStart + 2 * stride);
        a3a.intoArray(g, gStart + 3 * stride);
        a4a.intoArray(g, gStart + 4 * stride);
        a5a.intoArray(g, gStart + 5 * stride);
        a6a.intoArray(g, gStart + 6 * stride);
        a7a.intoArray(g, gStart + 7 * stride);
        a8a.intoArray(g, gStart + 8 * stride);
        a9a.intoArray(g, gStart + 9 * stride);
        a10a.intoArray(g, gStart + 10 * stride);
        a11a.intoArray(g, gStart + 11 * stride);
    }

    private static void weights4x2(
            float[] g,
            int gStart,
            int stride,
            int rows,
            float[] x,
            int xStart,
            int xStride,
            float[] d,
            int dStart,
            int dStride) {
        FloatVector a0a = FloatVector.fromArray(F, g, gStart);
        FloatVector a0b = FloatVector.fromArray(F, g, gStart + L);
        FloatVector a1a = FloatVector.fromArray(F, g, gStart + stride);
        FloatVector a1b = FloatVector.fromArray(F, g, gStart + stride + L);
        FloatVector a2a = FloatVector.fromArray(F, g, gStart + 2 * stride);
        FloatVector a2b = FloatVector.fromArray(F, g, gStart + 2 * stride + L);
        FloatVector a3a = FloatVector.fromArray(F, g, gStart + 3 * stride);
        FloatVector a3b = FloatVector.fromArray(F, g, gStart + 3 * stride + L);
        for (int r = 0, xr = xStart, dr = dStart; r < rows; r++, xr += xStride, dr += dStride) {
            FloatVector xa = FloatVector.fromArray(F, x, xr);
            FloatVector xb = FloatVector.fromArray(F, x, xr + L);
            FloatVector b0 = FloatVector.broadcast(F, d[dr]);
            a0a = b0.fma(xa, a0a);
            a0b = b0.fma(xb, a0b);
            FloatVector b1 = FloatVector.broadcast(F, d[dr + 1]);
            a1a = b1.fma(xa, a1a);
            a1b = b1.fma(xb, a1b);
            FloatVector b2 = FloatVector.broadcast(F, d[dr + 2]);
            a2a = b2.fma(xa, a2a);
            a2b = b2.fma(xb, a2b);
            FloatVector b3 = FloatVector.broadcast(F, d[dr + 3]);
            a3a = b3.fma(xa, a3a);
            a3b = b3.fma(xb, a3b);
        }
        a0a.intoArray(g, gStart);
        a0b.intoArray(g, gStart + L);
        a1a.intoArray(g, gStart + stride);
        a1b.intoArray(g, gStart + stride + L);
        a2a.intoArray(g, gStart + 2 * stride);
        a2b.intoArray(g, gStart + 2 * stride + L);
        a3a.intoArray(g, gStart + 3 * stride);
        a3b.intoArray(g, gStart + 3 * stride + L);
    }

    private static void weights4x1(
            float[] g,
            int gStart,
            int stride,
            int rows,
            float[] x,
            int xStart,
            int xStride,
            float[] d,
            int dStart,
            int dStride) {
        FloatVector a0a = FloatVector.fromArray(F, g, gStart);
        FloatVector a1a = FloatVector.fromArray(F, g, gStart + stride);
        FloatVector a2a = FloatVector.fromArray(F, g, gStart + 2 * stride);
        FloatVector a3a = FloatVector.fromArray(F, g, gStart + 3 * stride);
        for (int r = 0, xr = xStart, dr = dStart; r < rows; r++, xr += xStride, dr += dStride) {
            FloatVector xa = FloatVector.fromArray(F, x, xr);
            FloatVector b0 = FloatVector.broadcast(F, d[dr]);
            a0a = b0.fma(xa, a0a);
            FloatVector b1 = FloatVector.broadcast(F, d[dr + 1]);
            a1a = b1.fma(xa, a1a);
            FloatVector b2 = FloatVector.broadcast(F, d[dr + 2]);
            a2a = b2.fma(xa, a2a);
            FloatVector b3 = FloatVector.broadcast(F, d[dr + 3]);
            a3a = b3.fma(xa, a3a);
        }
        a0a.intoArray(g, gStart);
        a1a.intoArray(g, gStart + stride);
        a2a.intoArray(g, gStart + 2 * stride);
        a3a.intoArray(g, gStart + 3 * stride);
    }

    @Override
    void columns(int rows, Rows dy, float[] sums) {
        for (int c = 0; c < dy.width; c += L) {
            FloatVector sum = FloatVector.fromArray(F, sums, c);
            for (int row = 0; row < rows; row++) {
                sum = sum.add(FloatVector.fromArray(F, dy.values, dy.start(row) + c));
            }
            sum.intoArray(sums, c);
        }
    }

    // Normalisation

    @Override
    void normalizeRows(
            Normalization normalization,
            int rows,
            Rows x,
            Rows dy,
            float[] dWeight,
            float[] dBias,
            Rows dx) {
        int columns = normalization.columns;
        int width = normalization.width;
        float[] weight = normalization.weight;
        boolean layer = normalization.bias != null;
        for (int row = 0; row < rows; row++) {
            int xs = x.start(row);
            int ys = dy.start(row);
            float mean = layer ? sum(x.values, xs, width) / columns : 0f;
            float scale =
                    ScalarKernels.reciprocalRoot(
                            sumOfSquares(x.values, xs, columns, mean), normalization);
            float sum = layer ? sumOfProducts(dy.values, ys, weight, width) : 0f;
            float meanG = layer ? sum / columns : 0f;
            float meanProduct =
                    sumOfGradients(x.values, xs, dy.values, ys, weight, mean, scale, width)
                            / columns;
            for (int c = 0; c < width; c += L) {
                VectorMask<Float> inside = F.indexInRange(c, columns);
                FloatVector d = FloatVector.fromArray(F, dy.values, ys + c);
                FloatVector n = FloatVector.fromArray(F, x.values, xs + c).sub(mean).mul(scale);
                d.fma(n, FloatVector.fromArray(F, dWeight, c)).intoArray(dWeight, c, inside);
                FloatVector g = d.mul(FloatVector.fromArray(F, weight, c)).sub(meanG);
                int to = dx.start(row) + c;
                FloatVector change = FloatVector.broadcast(F, -meanProduct).fma(n, g);
                FloatVector.broadcast(F, scale)
                        .fma(change, FloatVector.fromArray(F, dx.values, to))
                        .intoArray(dx.values, to, inside);
            }
        }
        if (layer) {
            for (int c = 0; c < width; c += L) {
                FloatVector sum = FloatVector.fromArray(F, dBias, c);
                for (int row = 0; row < rows; row++) {
                    sum = sum.add(FloatVector.fromArray(F, dy.values, dy.start(row) + c));
                }
                sum.intoArray(dBias, c);
            }
        }
    }

    private static float sum(float[] x, int from, int width) {
        if (L == LANES) {
            return combine(partSum(x, from, width, 0));
        }
        if (2 * L == LANES) {
            return combine(partSum(x, from, width, 0).add(partSum(x, from, width, L)));
        }
        return combine(
                partSum(x, from, width, 0)
                        .add(partSum(x, from, width, 2 * L))
                        .add(partSum(x, from, width, L).add(partSum(x, from, width, 3 * L))));
    }

    private static FloatVector partSum(float[] x, int from, int width, int first) {
        FloatVector sum = FloatVector.zero(F);
        for (int c = first; c < width; c += LANES) {
            sum = sum.add(FloatVector.fromArray(F, x, from + c));
        }
        return sum;
    }

    private static float sumOfSquares(float[] x, int from, int columns, float mean) {
        if (L == LANES) {
            return combine(partSquares(x, from, columns, mean, 0));
        }
        if (2 * L == LANES) {
            return combine(
                    partSquares(x, from, columns, mean, 0)
                            .add(partSquares(x, from, columns, mean, L)));
        }
        return combine(
                partSquares(x, from, columns, mean, 0)
                        .add(partSquares(x, from, columns, mean, 2 * L))
                        .add(
                                partSquares(x, from, columns, mean, L)
                                        .add(partSquares(x, from, columns, mean, 3 * L))));
    }

    private static FloatVector partSquares(
            float[] x, int from, int columns, float mean, int first) {
        FloatVector sum = FloatVector.zero(F);
        int c = first;
        for (; c + L <= columns; c += LANES) {
            FloatVector v = FloatVector.fromArray(F, x, from + c).sub(mean);
            sum = v.fma(v, sum);
        }
        if (c < columns) {
            FloatVector v =
                    FloatVector.fromArray(F, x, from + c)
                            .sub(mean)
                            .blend(0f, F.indexInRange(c, columns).not());
            sum = v.fma(v, sum);
        }
        return sum;
    }

    private static float sumOfProducts(float[] d, int from, float[] weight, int width) {
        if (L == LANES) {
            return combine(partProducts(d, from, weight, width, 0));
        }
        if (2 * L == LANES) {
            return combine(
                    partProducts(d, from, weight, width, 0)
                            .add(partProducts(d, from, weight, width, L)));
        }
        return combine(
                partProducts(d, from, weight, width, 0)
                        .add(partProducts(d, from, weight, width, 2 * L))
                        .add(
                                partProducts(d, from, weight, width, L)
                                        .add(partProducts(d, from, weight, width, 3 * L))));
    }

    private static FloatVector partProducts(
            float[] d, int from, float[] weight, int width, int first) {
        FloatVector sum = FloatVector.zero(F);
        for (int c = first; c < width; c += LANES) {
            sum =
                    sum.add(
                            FloatVector.fromArray(F, d, from + c)
                                    .mul(FloatVector.fromArray(F, weight, c)));
        }
        return sum;
    }

    private static float sumOfGradients(
            float[] x,
            int xs,
            float[] d,
            int ys,
            float[] weight,
            float mean,
            float scale,
            int width) {
        if (L == LANES) {
            return combine(partGradients(x, xs, d, ys, weight, mean, scale, width, 0));
        }
        if (2 * L == LANES) {
            return combine(
                    partGradients(x, xs, d, ys, weight, mean, scale, width, 0)
                            .add(partGradients(x, xs, d, ys, weight, mean, scale, width, L)));
        }
        return combine(
                partGradients(x, xs, d, ys, weight, mean, scale, width, 0)
                        .add(partGradients(x, xs, d, ys, weight, mean, scale, width, 2 * L))
                        .add(
                                partGradients(x, xs, d, ys, weight, mean, scale, width, L)
                                        .add(
                                                partGradients(
                                                        x, xs, d, ys, weight, mean, scale, width,
                                                        3 * L))));
    }

    private static FloatVector partGradients(
            float[] x,
            int xs,
            float[] d,
            int ys,
            float[] weight,
            float mean,
            float scale,
            int width,
            int first) {
        FloatVector sum = FloatVector.zero(F);
        for (int c = first; c < width; c += LANES) {
            FloatVector n = FloatVector.fromArray(F, x, xs + c).sub(mean).mul(scale);
            FloatVector g =
                    FloatVector.fromArray(F, d, ys + c).mul(FloatVector.fromArray(F, weight, c));
            sum = g.fma(n, sum);
        }
        return sum;
    }

    /** Lane i + 8 to lane i where there are 16, then i + 4, i + 2, i + 1. */
    private static float combine(FloatVector v) {
        FloatVector sum = v;
        if (L == LANES) {
            sum = sum.add(sum.rearrange(DOWN_8));
        }
        if (2 * L >= LANES) {
            sum = sum.add(sum.rearrange(DOWN_4));
        }
        sum = sum.add(sum.rearrange(DOWN_2));
        sum = sum.add(sum.rearrange(DOWN_1));
        return sum.lane(0);
    }

    // Convolution

    @Override
    void convolveSiluRows(
            Convolution convolution,
            int rows,
            Rows x,
            Rows dy,
            Rows dv,
            float[] dWeight,
            float[] dBias,
            Rows dx) {
        VectorConvolutionGradient.convolveSilu(convolution, rows, x, dy, dv, dWeight, dBias, dx);
    }

    @Override
    void timeStepsRows(int rows, Rows raw, Rows delta, Rows x, Rows dInput, Rows dDelta, Rows dx) {
        for (int row = 0; row < rows; row++) {
            int rs = raw.start(row);
            int ds = delta.start(row);
            int xs = x.start(row);
            int is = dInput.start(row);
            int to = dDelta.start(row);
            int xTo = dx.start(row);
            for (int e = 0; e < raw.width; e += L) {
                FloatVector d = FloatVector.fromArray(F, dInput.values, is + e);
                FloatVector sum =
                        d.fma(
                                FloatVector.fromArray(F, x.values, xs + e),
                                FloatVector.fromArray(F, dDelta.values, to + e));
                sum.mul(VectorElementary.sigmoid(FloatVector.fromArray(F, raw.values, rs + e)))
                        .intoArray(dDelta.values, to + e);
                d.fma(
                                FloatVector.fromArray(F, delta.values, ds + e),
                                FloatVector.fromArray(F, dx.values, xTo + e))
                        .intoArray(dx.values, xTo + e);
            }
        }
    }

    // Scan

    @Override
    void scanRows(
            ScanParameters parameters,
            int rows,
            Rows delta,
            Rows x,
            Rows input,
            Rows projection,
            int bColumn,
            Rows z,
            Rows checkpoints,
            Rows dy,
            ScanScratch scratch,
            float[] dDecay,
            float[] dSkip,
            Rows dDelta,
            Rows dInput,
            Rows dx,
            Rows dProjection,
            Rows dz) {
        int width = parameters.width;
        int states = parameters.states;
        Arrays.fill(scratch.carry, 0, states * width, 0f);
        for (int chunk = (rows - 1) / CHECKPOINT_STEPS; chunk >= 0 && rows > 0; chunk--) {
            int first = chunk * CHECKPOINT_STEPS;
            int count = Math.min(CHECKPOINT_STEPS, rows - first);
            Arrays.fill(scratch.partials, 0, count * 2 * states * LANES, 0f);
            for (int e = 0; e < width; e += L) {
                scanGates(parameters, first, count, e, x, z, dy, scratch, dDelta, dInput);
                int n = 0;
                for (; n + 2 <= states; n += 2) {
                    recompute2(
                            parameters.decay,
                            n * width + e,
                            width,
                            count,
                            delta.values,
                            delta.start(first) + e,
                            delta.stride,
                            input.values,
                            input.start(first) + e,
                            input.stride,
                            projection.values,
                            projection.start(first) + bColumn + n,
                            projection.start(first) + bColumn + states + n,
                            projection.stride,
                            checkpoints.values,
                            checkpoints.start(chunk * states + n) + e,
                            checkpoints.stride,
                            scratch.powers,
                            scratch.values,
                            scratch.y);
                    back2(
                            parameters.decay,
                            n * width + e,
                            width,
                            count,
                            delta.values,
                            delta.start(first) + e,
                            delta.stride,
                            input.values,
                            input.start(first) + e,
                            input.stride,
                            projection.values,
                            projection.start(first) + bColumn + n,
                            projection.start(first) + bColumn + states + n,
                            projection.stride,
                            scratch,
                            n * LANES + e % LANES,
                            (states + n) * LANES + e % LANES,
                            2 * states * LANES,
                            dDecay,
                            dDelta.values,
                            dDelta.start(first) + e,
                            dDelta.stride,
                            dInput.values,
                            dInput.start(first) + e,
                            dInput.stride);
                }
                if (n < states) {
                    recompute1(
                            parameters.decay,
                            n * width + e,
                            count,
                            delta.values,
                            delta.start(first) + e,
                            delta.stride,
                            input.values,
                            input.start(first) + e,
                            input.stride,
                            projection.values,
                            projection.start(first) + bColumn + n,
                            projection.start(first) + bColumn + states + n,
                            projection.stride,
                            checkpoints.values,
                            checkpoints.start(chunk * states + n) + e,
                            scratch.powers,
                            scratch.values,
                            scratch.y);
                    back1(
                            parameters.decay,
                            n * width + e,
                            count,
                            delta.values,
                            delta.start(first) + e,
                            delta.stride,
                            input.values,
                            input.start(first) + e,
                            input.stride,
                            projection.values,
                            projection.start(first) + bColumn + n,
                            projection.start(first) + bColumn + states + n,
                            projection.stride,
                            scratch,
                            n * LANES + e % LANES,
                            (states + n) * LANES + e % LANES,
                            2 * states * LANES,
                            dDecay,
                            dDelta.values,
                            dDelta.start(first) + e,
                            dDelta.stride,
                            dInput.values,
                            dInput.start(first) + e,
                            dInput.stride);
                }
                scanOutputs(parameters, first, count, e, x, z, dy, scratch, dSkip, dDelta, dx, dz);
            }
            ScalarGradients.projectionSums(
                    scratch.partials, first, count, states, bColumn, dProjection);
        }
    }

    private static void scanGates(
            ScanParameters parameters,
            int first,
            int count,
            int e,
            Rows x,
            Rows z,
            Rows dy,
            ScanScratch scratch,
            Rows dDelta,
            Rows dInput) {
        FloatVector skip = FloatVector.fromArray(F, parameters.skip, e);
        FloatVector zero = FloatVector.zero(F);
        for (int t = 0; t < count; t++) {
            int row = first + t;
            skip.mul(FloatVector.fromArray(F, x.values, x.start(row) + e))
                    .intoArray(scratch.y, t * LANES);
            FloatVector.fromArray(F, dy.values, dy.start(row) + e)
                    .mul(
                            VectorElementary.silu(
                                    FloatVector.fromArray(F, z.values, z.start(row) + e)))
                    .intoArray(scratch.dy, t * LANES);
            zero.intoArray(dDelta.values, dDelta.start(row) + e);
            zero.intoArray(dInput.values, dInput.start(row) + e);
        }
    }

    private static void recompute2(
            float[] decay,
            int a,
            int width,
            int rows,
            float[] delta,
            int deltaStart,
            int deltaStride,
            float[] input,
            int inputStart,
            int inputStride,
            float[] projection,
            int bStart,
            int cStart,
            int projectionStride,
            float[] state,
            int hStart,
            int stateStride,
            float[] powers,
            float[] values,
            float[] y) {
        FloatVector round = FloatVector.fromArray(F, CONSTANTS, 0);
        IntVector least = FloatVector.fromArray(F, CONSTANTS, LANES).reinterpretAsInts();
        FloatVector p5 = FloatVector.fromArray(F, CONSTANTS, 2 * LANES);
        FloatVector p4 = FloatVector.fromArray(F, CONSTANTS, 3 * LANES);
        FloatVector p3 = FloatVector.fromArray(F, CONSTANTS, 4 * LANES);
        FloatVector p2 = FloatVector.fromArray(F, CONSTANTS, 5 * LANES);
        FloatVector p1 = FloatVector.fromArray(F, CONSTANTS, 6 * LANES);
        FloatVector one = FloatVector.fromArray(F, CONSTANTS, 7 * LANES);
        FloatVector a0 = FloatVector.fromArray(F, decay, a);
        FloatVector a1 = FloatVector.fromArray(F, decay, a + width);
        FloatVector h0 = FloatVector.fromArray(F, state, hStart);
        h0.intoArray(values, 0);
        FloatVector h1 = FloatVector.fromArray(F, state, hStart + stateStride);
        h1.intoArray(values, LANES);
        int d = deltaStart;
        int u = inputStart;
        int b = bStart;
        int c = cStart;
        int at = 0;
        for (int t = 0; t < rows; t++) {
            FloatVector dt = FloatVector.fromArray(F, delta, d);
            FloatVector ut = FloatVector.fromArray(F, input, u);
            FloatVector sum = FloatVector.fromArray(F, y, t * LANES);

            FloatVector t0 =
                    dt.mul(a0)
                            .reinterpretAsInts()
                            .lanewise(VectorOperators.MIN, least)
                            .reinterpretAsFloats();
            FloatVector r0 = t0.add(round);
            FloatVector f0 = t0.sub(r0.sub(round));
            FloatVector q0 = p5.fma(f0, p4).fma(f0, p3).fma(f0, p2).fma(f0, p1).fma(f0, one);
            FloatVector e0 =
                    q0.reinterpretAsInts()
                            .add(
                                    r0.reinterpretAsInts()
                                            .lanewise(
                                                    VectorOperators.LSHL, Elementary.MANTISSA_BITS))
                            .reinterpretAsFloats();
            h0 = e0.fma(h0, ut.mul(FloatVector.broadcast(F, projection[b])));
            sum = h0.fma(FloatVector.broadcast(F, projection[c]), sum);
            e0.intoArray(powers, at);
            h0.intoArray(values, at + 2 * LANES);

            FloatVector t1 =
                    dt.mul(a1)
                            .reinterpretAsInts()
                            .lanewise(VectorOperators.MIN, least)
                            .reinterpretAsFloats();
            FloatVector r1 = t1.add(round);
            FloatVector f1 = t1.sub(r1.sub(round));
            FloatVector q1 = p5.fma(f1, p4).fma(f1, p3).fma(f1, p2).fma(f1, p1).fma(f1, one);
            FloatVector e1 =
                    q1.reinterpretAsInts()
                            .add(
                                    r1.reinterpretAsInts()
                                            .lanewise(
                                                    VectorOperators.LSHL, Elementary.MANTISSA_BITS))
                            .reinterpretAsFloats();
            h1 = e1.fma(h1, ut.mul(FloatVector.broadcast(F, projection[b + 1])));
            sum = h1.fma(FloatVector.broadcast(F, projection[c + 1]), sum);
            e1.intoArray(powers, at + LANES);
            h1.intoArray(values, at + 3 * LANES);

            sum.intoArray(y, t * LANES);
            d += deltaStride;
            u += inputStride;
            b += projectionStride;
            c += projectionStride;
            at += 2 * LANES;
        }
    }

    private static void recompute1(
            float[] decay,
            int a,
            int rows,
            float[] delta,
            int deltaStart,
            int deltaStride,
            float[] input,
            int inputStart,
            int inputStride,
            float[] projection,
            int bStart,
            int cStart,
            int projectionStride,
            float[] state,
            int hStart,
            float[] powers,
            float[] values,
            float[] y) {
        FloatVector round = FloatVector.fromArray(F, CONSTANTS, 0);
        IntVector least = FloatVector.fromArray(F, CONSTANTS, LANES).reinterpretAsInts();
        FloatVector p5 = FloatVector.fromArray(F, CONSTANTS, 2 * LANES);
        FloatVector p4 = FloatVector.fromArray(F, CONSTANTS, 3 * LANES);
        FloatVector p3 = FloatVector.fromArray(F, CONSTANTS, 4 * LANES);
        FloatVector p2 = FloatVector.fromArray(F, CONSTANTS, 5 * LANES);
        FloatVector p1 = FloatVector.fromArray(F, CONSTANTS, 6 * LANES);
        FloatVector one = FloatVector.fromArray(F, CONSTANTS, 7 * LANES);
        FloatVector a0 = FloatVector.fromArray(F, decay, a);
        FloatVector h0 = FloatVector.fromArray(F, state, hStart);
        h0.intoArray(values, 0);
        int d = deltaStart;
        int u = inputStart;
        int b = bStart;
        int c = cStart;
        int at = 0;
        for (int t = 0; t < rows; t++) {
            FloatVector dt = FloatVector.fromArray(F, delta, d);
            FloatVector ut = FloatVector.fromArray(F, input, u);
            FloatVector sum = FloatVector.fromArray(F, y, t * LANES);

            FloatVector t0 =
                    dt.mul(a0)
                            .reinterpretAsInts()
                            .lanewise(VectorOperators.MIN, least)
                            .reinterpretAsFloats();
            FloatVector r0 = t0.add(round);
            FloatVector f0 = t0.sub(r0.sub(round));
            FloatVector q0 = p5.fma(f0, p4).fma(f0, p3).fma(f0, p2).fma(f0, p1).fma(f0, one);
            FloatVector e0 =
                    q0.reinterpretAsInts()
                            .add(
                                    r0.reinterpretAsInts()
                                            .lanewise(
                                                    VectorOperators.LSHL, Elementary.MANTISSA_BITS))
                            .reinterpretAsFloats();
            h0 = e0.fma(h0, ut.mul(FloatVector.broadcast(F, projection[b])));
            sum = h0.fma(FloatVector.broadcast(F, projection[c]), sum);
            e0.intoArray(powers, at);
            h0.intoArray(values, at + 2 * LANES);

            sum.intoArray(y, t * LANES);
            d += deltaStride;
            u += inputStride;
            b += projectionStride;
            c += projectionStride;
            at += 2 * LANES;
        }
    }

    private static void back2(
            float[] decay,
            int state,
            int width,
            int rows,
            float[] delta,
            int deltaStart,
            int deltaStride,
            float[] input,
            int inputStart,
            int inputStride,
            float[] projection,
            int bStart,
            int cStart,
            int projectionStride,
            ScanScratch scratch,
            int bSumStart,
            int cSumStart,
            int sumStride,
            float[] dDecay,
            float[] dDelta,
            int dDeltaStart,
            int dDeltaStride,
            float[] dInput,
            int dInputStart,
            int dInputStride) {
        float[] powers = scratch.powers;
        float[] values = scratch.values;
        float[] partials = scratch.partials;
        float[] carry = scratch.carry;
        float[] dy = scratch.dy;
        int last = rows - 1;
        FloatVector a0 = FloatVector.fromArray(F, decay, state);
        FloatVector g0 = FloatVector.fromArray(F, carry, state);
        FloatVector sum0 = FloatVector.fromArray(F, dDecay, state);
        FloatVector h0 = FloatVector.fromArray(F, values, rows * 2 * LANES);
        FloatVector a1 = FloatVector.fromArray(F, decay, state + width);
        FloatVector g1 = FloatVector.fromArray(F, carry, state + width);
        FloatVector sum1 = FloatVector.fromArray(F, dDecay, state + width);
        FloatVector h1 = FloatVector.fromArray(F, values, rows * 2 * LANES + LANES);
        int d = deltaStart + last * deltaStride;
        int u = inputStart + last * inputStride;
        int b = bStart + last * projectionStride;
        int c = cStart + last * projectionStride;
        int bSum = bSumStart + last * sumStride;
        int cSum = cSumStart + last * sumStride;
        int toDelta = dDeltaStart + last * dDeltaStride;
        int toInput = dInputStart + last * dInputStride;
        int at = last * 2 * LANES;
        for (int t = last; t >= 0; t--) {
            FloatVector s = FloatVector.fromArray(F, dy, t * LANES);
            FloatVector ut = FloatVector.fromArray(F, input, u);
            FloatVector dt = FloatVector.fromArray(F, delta, d);
            FloatVector byDelta = FloatVector.fromArray(F, dDelta, toDelta);
            FloatVector byInput = FloatVector.fromArray(F, dInput, toInput);

            s.fma(h0, FloatVector.fromArray(F, partials, cSum)).intoArray(partials, cSum);
            g0 = s.fma(FloatVector.broadcast(F, projection[c]), g0);
            g0.fma(ut, FloatVector.fromArray(F, partials, bSum)).intoArray(partials, bSum);
            byInput = g0.fma(FloatVector.broadcast(F, projection[b]), byInput);
            g0 = g0.mul(FloatVector.fromArray(F, powers, at));
            h0 = FloatVector.fromArray(F, values, at);
            FloatVector q0 = g0.mul(h0);
            byDelta = q0.fma(a0, byDelta);
            sum0 = q0.fma(dt, sum0);

            s.fma(h1, FloatVector.fromArray(F, partials, cSum + LANES))
                    .intoArray(partials, cSum + LANES);
            g1 = s.fma(FloatVector.broadcast(F, projection[c + 1]), g1);
            g1.fma(ut, FloatVector.fromArray(F, partials, bSum + LANES))
                    .intoArray(partials, bSum + LANES);
            byInput = g1.fma(FloatVector.broadcast(F, projection[b + 1]), byInput);
            g1 = g1.mul(FloatVector.fromArray(F, powers, at + LANES));
            h1 = FloatVector.fromArray(F, values, at + LANES);
            FloatVector q1 = g1.mul(h1);
            byDelta = q1.fma(a1, byDelta);
            sum1 = q1.fma(dt, sum1);

            byDelta.intoArray(dDelta, toDelta);
            byInput.intoArray(dInput, toInput);
            d -= deltaStride;
            u -= inputStride;
            b -= projectionStride;
            c -= projectionStride;
            bSum -= sumStride;
            cSum -= sumStride;
            toDelta -= dDeltaStride;
            toInput -= dInputStride;
            at -= 2 * LANES;
        }
        g0.intoArray(carry, state);
        sum0.intoArray(dDecay, state);
        g1.intoArray(carry, state + width);
        sum1.intoArray(dDecay, state + width);
    }

    private static void back1(
            float[] decay,
            int state,
            int rows,
            float[] delta,
            int deltaStart,
            int deltaStride,
            float[] input,
            int inputStart,
            int inputStride,
            float[] projection,
            int bStart,
            int cStart,
            int projectionStride,
            ScanScratch scratch,
            int bSumStart,
            int cSumStart,
            int sumStride,
            float[] dDecay,
            float[] dDelta,
            int dDeltaStart,
            int dDeltaStride,
            float[] dInput,
            int dInputStart,
            int dInputStride) {
        float[] powers = scratch.powers;
        float[] values = scratch.values;
        float[] partials = scratch.partials;
        float[] carry = scratch.carry;
        float[] dy = scratch.dy;
        int last = rows - 1;
        FloatVector a0 = FloatVector.fromArray(F, decay, state);
        FloatVector g0 = FloatVector.fromArray(F, carry, state);
        FloatVector sum0 = FloatVector.fromArray(F, dDecay, state);
        FloatVector h0 = FloatVector.fromArray(F, values, rows * 2 * LANES);
        int d = deltaStart + last * deltaStride;
        int u = inputStart + last * inputStride;
        int b = bStart + last * projectionStride;
        int c = cStart + last * projectionStride;
        int bSum = bSumStart + last * sumStride;
        int cSum = cSumStart + last * sumStride;
        int toDelta = dDeltaStart + last * dDeltaStride;
        int toInput = dInputStart + last * dInputStride;
        int at = last * 2 * LANES;
        for (int t = last; t >= 0; t--) {
            FloatVector s = FloatVector.fromArray(F, dy, t * LANES);
            FloatVector ut = FloatVector.fromArray(F, input, u);
            FloatVector dt = FloatVector.fromArray(F, delta, d);
            FloatVector byDelta = FloatVector.fromArray(F, dDelta, toDelta);
            FloatVector byInput = FloatVector.fromArray(F, dInput, toInput);

            s.fma(h0, FloatVector.fromArray(F, partials, cSum)).intoArray(partials, cSum);
            g0 = s.fma(FloatVector.broadcast(F, projection[c]), g0);
            g0.fma(ut, FloatVector.fromArray(F, partials, bSum)).intoArray(partials, bSum);
            byInput = g0.fma(FloatVector.broadcast(F, projection[b]), byInput);
            g0 = g0.mul(FloatVector.fromArray(F, powers, at));
            h0 = FloatVector.fromArray(F, values, at);
            FloatVector q0 = g0.mul(h0);
            byDelta = q0.fma(a0, byDelta);
            sum0 = q0.fma(dt, sum0);

            byDelta.intoArray(dDelta, toDelta);
            byInput.intoArray(dInput, toInput);
            d -= deltaStride;
            u -= inputStride;
            b -= projectionStride;
            c -= projectionStride;
            bSum -= sumStride;
            cSum -= sumStride;
            toDelta -= dDeltaStride;
            toInput -= dInputStride;
            at -= 2 * LANES;
        }
        g0.intoArray(carry, state);
        sum0.intoArray(dDecay, state);
    }

    private static void scanOutputs(
            ScanParameters parameters,
            int first,
            int count,
            int e,
            Rows x,
            Rows z,
            Rows dy,
            ScanScratch scratch,
            float[] dSkip,
            Rows dDelta,
            Rows dx,
            Rows dz) {
        FloatVector skip = FloatVector.fromArray(F, parameters.skip, e);
        FloatVector sum = FloatVector.fromArray(F, dSkip, e);
        for (int t = count - 1; t >= 0; t--) {
            int row = first + t;
            int toDelta = dDelta.start(row) + e;
            FloatVector s = FloatVector.fromArray(F, scratch.dy, t * LANES);
            FloatVector.fromArray(F, dDelta.values, toDelta)
                    .mul(LN2)
                    .intoArray(dDelta.values, toDelta);
            skip.mul(s).intoArray(dx.values, dx.start(row) + e);
            sum = s.fma(FloatVector.fromArray(F, x.values, x.start(row) + e), sum);
            FloatVector.fromArray(F, dy.values, dy.start(row) + e)
                    .mul(FloatVector.fromArray(F, scratch.y, t * LANES))
                    .mul(
                            VectorElementary.siluSlope(
                                    FloatVector.fromArray(F, z.values, z.start(row) + e)))
                    .intoArray(dz.values, dz.start(row) + e);
        }
        sum.intoArray(dSkip, e);
    }

    // Cross-entropy

    @Override
    void crossEntropyRows(
            int rows,
            Rows logits,
            byte[] targets,
            int targetOffset,
            float scale,
            Rows dLogits,
            float[] nats) {
        for (int row = 0; row < rows; row++) {
            int from = logits.start(row);
            int to = dLogits.start(row);
            float max = max(logits.values, from, logits.width);
            int target = targets[targetOffset + row] & 0xff;
            float targetLogit = logits.values[from + target] - max;
            exponentials(logits.values, from, max, dLogits.values, to, logits.width);
            float sum = sum(dLogits.values, to, logits.width);
            float factor = scale / sum;
            for (int c = 0; c < logits.width; c += L) {
                FloatVector.fromArray(F, dLogits.values, to + c)
                        .mul(factor)
                        .intoArray(dLogits.values, to + c);
            }
            dLogits.values[to + target] -= scale;
            nats[row] = (float) (StrictMath.log(sum) - targetLogit);
        }
    }

    private static float max(float[] x, int from, int width) {
        FloatVector max = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
        for (int c = 0; c < width; c += L) {
            max = max.max(FloatVector.fromArray(F, x, from + c));
        }
        return max.reduceLanes(VectorOperators.MAX);
    }

    private static void exponentials(float[] x, int from, float max, float[] y, int to, int width) {
        for (int c = 0; c < width; c += L) {
            VectorElementary.expOfMinusAbs(FloatVector.fromArray(F, x, from + c).sub(max))
                    .intoArray(y, to + c);
        }
    }
}
