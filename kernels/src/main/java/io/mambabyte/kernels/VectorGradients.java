package io.mambabyte.kernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

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

    /** Rows whose columns are summed together. */
    private static final int COLUMN_ROWS = 32;

    VectorGradients() {}

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
        // Few rows at a time: what is fetched for one vector of columns is close for the next.
        for (int first = 0; first < rows; first += COLUMN_ROWS) {
            int last = Math.min(first + COLUMN_ROWS, rows);
            for (int c = 0; c < dy.width; c += L) {
                FloatVector sum = FloatVector.fromArray(F, sums, c);
                for (int row = first; row < last; row++) {
                    sum = sum.add(FloatVector.fromArray(F, dy.values, dy.start(row) + c));
                }
                sum.intoArray(sums, c);
            }
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
    static float combine(FloatVector v) {
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
        VectorScanGradient.scan(
                parameters,
                rows,
                delta,
                x,
                input,
                projection,
                bColumn,
                z,
                checkpoints,
                dy,
                scratch,
                dDecay,
                dSkip,
                dDelta,
                dInput,
                dx,
                dProjection,
                dz);
    }

    // Cross-entropy

    @Override
    void crossEntropyRows(
            int rows,
            Rows logits,
            int[] targets,
            int targetOffset,
            float scale,
            Rows dLogits,
            float[] nats) {
        for (int row = 0; row < rows; row++) {
            int from = logits.start(row);
            int to = dLogits.start(row);
            float max = max(logits.values, from, logits.width);
            int target = targets[targetOffset + row];
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
