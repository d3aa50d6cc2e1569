package io.mambabyte.kernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Kernels#multiply} with the Vector API. A lane is an output column, and every output is one
 * chain of fused multiply-adds over the inputs; what differs between the blocks below is only how
 * many such chains are in flight.
 *
 * <p>Six rows x four vectors are 24 accumulators: with four vectors of weights and the broadcast
 * inputs they fit the 32 registers of AVX-512 and NEON, and six rows keep all their addresses in
 * general registers. (12 rows x 2 vectors need fewer loads but spend a third of the instructions on
 * addresses: 185 against 215 GFLOP/s where the peak is 230.) AVX2 has 16 registers and runs two
 * rows x four vectors: eight chains, as many as cover the latency of a fused multiply-add on two
 * units.
 */
final class VectorProduct {
    private static final VectorSpecies<Float> SPECIES = VectorKernels.SPECIES;
    private static final int LANES = VectorKernels.LANES;

    /** Rows of the largest block that fits the registers. */
    static final int MOST_ROWS = LANES == 8 ? 2 : 6;

    /** Columns of a block: four vectors. */
    private static final int BLOCK = 4 * LANES;

    /** Columns of a last panel that three vectors cover. */
    private static final int STRIDE_3 = 48;

    private VectorProduct() {}

    static void multiply(PackedMatrix w, int rows, Rows x, Rows y) {
        int first = w.pairedColumns;
        if (first > 0) {
            VectorBfloat16Product.multiply(w, rows, x, y);
        } else if (rows == 1) {
            first = multiplyRow(w, x.values, x.start(0), y.values, y.start(0));
        }
        // Panels outside: one is read from memory once and stays close while all rows pass.
        for (; first < w.columns; first += PackedMatrix.PANEL) {
            int width = Math.min(PackedMatrix.PANEL, w.columns - first);
            int panel = (first - w.pairedColumns) * w.inputs;
            if (width == PackedMatrix.PANEL) {
                for (int c = 0; c < width; c += BLOCK) {
                    multiply4(w, panel + c, first + c, rows, x, y);
                }
            } else if (width == 3 * LANES) {
                multiply3(w, panel, first, rows, x, y);
            } else {
                for (int c = 0; c < width; c += LANES) {
                    multiply1(w, panel + c, width, first + c, rows, x, y);
                }
            }
        }
    }

    private static void multiply4(
            PackedMatrix w, int wStart, int column, int rows, Rows x, Rows y) {
        int row = 0;
        if (MOST_ROWS == 6) {
            for (; row + 6 <= rows; row += 6) {
                rows6x4(
                        w.panels,
                        wStart,
                        w.inputs,
                        w.bias,
                        column,
                        x.values,
                        x.start(row),
                        x.stride,
                        y.values,
                        y.start(row) + column,
                        y.stride);
            }
        }
        for (; row + 2 <= rows; row += 2) {
            rows2x4(
                    w.panels,
                    wStart,
                    w.inputs,
                    w.bias,
                    column,
                    x.values,
                    x.start(row),
                    x.stride,
                    y.values,
                    y.start(row) + column,
                    y.stride);
        }
        if (row < rows) {
            rows1x4(
                    w.panels,
                    wStart,
                    w.inputs,
                    w.bias,
                    column,
                    x.values,
                    x.start(row),
                    y.values,
                    y.start(row) + column);
        }
    }

    /**
     * A last panel of three vectors, where a vector has 16 lanes: 16 states and a rank up to 16.
     */
    private static void multiply3(
            PackedMatrix w, int wStart, int column, int rows, Rows x, Rows y) {
        int row = 0;
        if (MOST_ROWS == 6) {
            for (; row + 6 <= rows; row += 6) {
                rows6x3(
                        w.panels,
                        wStart,
                        w.inputs,
                        w.bias,
                        column,
                        x.values,
                        x.start(row),
                        x.stride,
                        y.values,
                        y.start(row) + column,
                        y.stride);
            }
        }
        for (; row + 2 <= rows; row += 2) {
            rows2x3(
                    w.panels,
                    wStart,
                    w.inputs,
                    w.bias,
                    column,
                    x.values,
                    x.start(row),
                    x.stride,
                    y.values,
                    y.start(row) + column,
                    y.stride);
        }
        if (row < rows) {
            rows1x3(
                    w.panels,
                    wStart,
                    w.inputs,
                    w.bias,
                    column,
                    x.values,
                    x.start(row),
                    y.values,
                    y.start(row) + column);
        }
    }

    /** A vector of another last panel. */
    private static void multiply1(
            PackedMatrix w, int wStart, int wStride, int column, int rows, Rows x, Rows y) {
        int row = 0;
        if (MOST_ROWS == 6) {
            for (; row + 6 <= rows; row += 6) {
                rows6x1(
                        w.panels,
                        wStart,
                        wStride,
                        w.inputs,
                        w.bias,
                        column,
                        x.values,
                        x.start(row),
                        x.stride,
                        y.values,
                        y.start(row) + column,
                        y.stride);
            }
        }
        for (; row + 2 <= rows; row += 2) {
            rows2x1(
                    w.panels,
                    wStart,
                    wStride,
                    w.inputs,
                    w.bias,
                    column,
                    x.values,
                    x.start(row),
                    x.stride,
                    y.values,
                    y.start(row) + column,
                    y.stride);
        }
        if (row < rows) {
            rows1x1(
                    w.panels,
                    wStart,
                    wStride,
                    w.inputs,
                    w.bias,
                    column,
                    x.values,
                    x.start(row),
                    y.values,
                    y.start(row) + column);
        }
    }

    /** Pairs of panels; returns the first column that is left. */
    private static int multiplyRow(PackedMatrix w, float[] x, int xStart, float[] y, int yStart) {
        int panelSize = PackedMatrix.PANEL * w.inputs;
        int first = 0;
        for (; first + 2 * PackedMatrix.PANEL <= w.columns; first += 2 * PackedMatrix.PANEL) {
            for (int c = 0; c < PackedMatrix.PANEL; c += BLOCK) {
                row1x8(
                        w.panels,
                        first * w.inputs + c,
                        panelSize,
                        w.inputs,
                        w.bias,
                        first + c,
                        x,
                        xStart,
                        y,
                        yStart + first + c);
            }
        }
        return first;
    }

    /** Six rows, four vectors of columns: 24 chains. */
    private static void rows6x4(
            float[] w,
            int wStart,
            int inputs,
            float[] bias,
            int column,
            float[] x,
            int xStart,
            int xStride,
            float[] y,
            int yStart,
            int yStride) {
        FloatVector s0a = FloatVector.fromArray(SPECIES, bias, column);
        FloatVector s0b = FloatVector.fromArray(SPECIES, bias, column + LANES);
        FloatVector s0c = FloatVector.fromArray(SPECIES, bias, column + 2 * LANES);
        FloatVector s0d = FloatVector.fromArray(SPECIES, bias, column + 3 * LANES);
        FloatVector s1a = s0a;
        FloatVector s1b = s0b;
        FloatVector s1c = s0c;
        FloatVector s1d = s0d;
        FloatVector s2a = s0a;
        FloatVector s2b = s0b;
        FloatVector s2c = s0c;
        FloatVector s2d = s0d;
        FloatVector s3a = s0a;
        FloatVector s3b = s0b;
        FloatVector s3c = s0c;
        FloatVector s3d = s0d;
        FloatVector s4a = s0a;
        FloatVector s4b = s0b;
        FloatVector s4c = s0c;
        FloatVector s4d = s0d;
        FloatVector s5a = s0a;
        FloatVector s5b = s0b;
        FloatVector s5c = s0c;
        FloatVector s5d = s0d;
        int x1 = xStart + xStride;
        int x2 = x1 + xStride;
        int x3 = x2 + xStride;
        int x4 = x3 + xStride;
        int x5 = x4 + xStride;
        for (int k = 0, i = wStart; k < inputs; k++, i += PackedMatrix.PANEL) {
            FloatVector w0 = FloatVector.fromArray(SPECIES, w, i);
            FloatVector w1 = FloatVector.fromArray(SPECIES, w, i + LANES);
            FloatVector w2 = FloatVector.fromArray(SPECIES, w, i + 2 * LANES);
            FloatVector w3 = FloatVector.fromArray(SPECIES, w, i + 3 * LANES);
            FloatVector v0 = FloatVector.broadcast(SPECIES, x[xStart + k]);
            s0a = w0.fma(v0, s0a);
            s0b = w1.fma(v0, s0b);
            s0c = w2.fma(v0, s0c);
            s0d = w3.fma(v0, s0d);
            FloatVector v1 = FloatVector.broadcast(SPECIES, x[x1 + k]);
            s1a = w0.fma(v1, s1a);
            s1b = w1.fma(v1, s1b);
            s1c = w2.fma(v1, s1c);
            s1d = w3.fma(v1, s1d);
            FloatVector v2 = FloatVector.broadcast(SPECIES, x[x2 + k]);
            s2a = w0.fma(v2, s2a);
            s2b = w1.fma(v2, s2b);
            s2c = w2.fma(v2, s2c);
            s2d = w3.fma(v2, s2d);
            FloatVector v3 = FloatVector.broadcast(SPECIES, x[x3 + k]);
            s3a = w0.fma(v3, s3a);
            s3b = w1.fma(v3, s3b);
            s3c = w2.fma(v3, s3c);
            s3d = w3.fma(v3, s3d);
            FloatVector v4 = FloatVector.broadcast(SPECIES, x[x4 + k]);
            s4a = w0.fma(v4, s4a);
            s4b = w1.fma(v4, s4b);
            s4c = w2.fma(v4, s4c);
            s4d = w3.fma(v4, s4d);
            FloatVector v5 = FloatVector.broadcast(SPECIES, x[x5 + k]);
            s5a = w0.fma(v5, s5a);
            s5b = w1.fma(v5, s5b);
            s5c = w2.fma(v5, s5c);
            s5d = w3.fma(v5, s5d);
        }
        s0a.intoArray(y, yStart);
        s0b.intoArray(y, yStart + LANES);
        s0c.intoArray(y, yStart + 2 * LANES);
        s0d.intoArray(y, yStart + 3 * LANES);
        int to = yStart + yStride;
        s1a.intoArray(y, to);
        s1b.intoArray(y, to + LANES);
        s1c.intoArray(y, to + 2 * LANES);
        s1d.intoArray(y, to + 3 * LANES);
        to += yStride;
        s2a.intoArray(y, to);
        s2b.intoArray(y, to + LANES);
        s2c.intoArray(y, to + 2 * LANES);
        s2d.intoArray(y, to + 3 * LANES);
        to += yStride;
        s3a.intoArray(y, to);
        s3b.intoArray(y, to + LANES);
        s3c.intoArray(y, to + 2 * LANES);
        s3d.intoArray(y, to + 3 * LANES);
        to += yStride;
        s4a.intoArray(y, to);
        s4b.intoArray(y, to + LANES);
        s4c.intoArray(y, to + 2 * LANES);
        s4d.intoArray(y, to + 3 * LANES);
        to += yStride;
        s5a.intoArray(y, to);
        s5b.intoArray(y, to + LANES);
        s5c.intoArray(y, to + 2 * LANES);
        s5d.intoArray(y, to + 3 * LANES);
    }

    /** Two rows, four vectors of columns: 8 chains. */
    private static void rows2x4(
            float[] w,
            int wStart,
            int inputs,
            float[] bias,
            int column,
            float[] x,
            int xStart,
            int xStride,
            float[] y,
            int yStart,
            int yStride) {
        FloatVector s0a = FloatVector.fromArray(SPECIES, bias, column);
        FloatVector s0b = FloatVector.fromArray(SPECIES, bias, column + LANES);
        FloatVector s0c = FloatVector.fromArray(SPECIES, bias, column + 2 * LANES);
        FloatVector s0d = FloatVector.fromArray(SPECIES, bias, column + 3 * LANES);
        FloatVector s1a = s0a;
        FloatVector s1b = s0b;
        FloatVector s1c = s0c;
        FloatVector s1d = s0d;
        int x1 = xStart + xStride;
        for (int k = 0, i = wStart; k < inputs; k++, i += PackedMatrix.PANEL) {
            FloatVector w0 = FloatVector.fromArray(SPECIES, w, i);
            FloatVector w1 = FloatVector.fromArray(SPECIES, w, i + LANES);
            FloatVector w2 = FloatVector.fromArray(SPECIES, w, i + 2 * LANES);
            FloatVector w3 = FloatVector.fromArray(SPECIES, w, i + 3 * LANES);
            FloatVector v0 = FloatVector.broadcast(SPECIES, x[xStart + k]);
            s0a = w0.fma(v0, s0a);
            s0b = w1.fma(v0, s0b);
            s0c = w2.fma(v0, s0c);
            s0d = w3.fma(v0, s0d);
            FloatVector v1 = FloatVector.broadcast(SPECIES, x[x1 + k]);
            s1a = w0.fma(v1, s1a);
            s1b = w1.fma(v1, s1b);
            s1c = w2.fma(v1, s1c);
            s1d = w3.fma(v1, s1d);
        }
        s0a.intoArray(y, yStart);
        s0b.intoArray(y, yStart + LANES);
        s0c.intoArray(y, yStart + 2 * LANES);
        s0d.intoArray(y, yStart + 3 * LANES);
        int to = yStart + yStride;
        s1a.intoArray(y, to);
        s1b.intoArray(y, to + LANES);
        s1c.intoArray(y, to + 2 * LANES);
        s1d.intoArray(y, to + 3 * LANES);
    }

    /** One row, four vectors of columns: 4 chains. */
    private static void rows1x4(
            float[] w,
            int wStart,
            int inputs,
            float[] bias,
            int column,
            float[] x,
            int xStart,
            float[] y,
            int yStart) {
        FloatVector s0a = FloatVector.fromArray(SPECIES, bias, column);
        FloatVector s0b = FloatVector.fromArray(SPECIES, bias, column + LANES);
        FloatVector s0c = FloatVector.fromArray(SPECIES, bias, column + 2 * LANES);
        FloatVector s0d = FloatVector.fromArray(SPECIES, bias, column + 3 * LANES);
        for (int k = 0, i = wStart; k < inputs; k++, i += PackedMatrix.PANEL) {
            FloatVector w0 = FloatVector.fromArray(SPECIES, w, i);
            FloatVector w1 = FloatVector.fromArray(SPECIES, w, i + LANES);
            FloatVector w2 = FloatVector.fromArray(SPECIES, w, i + 2 * LANES);
            FloatVector w3 = FloatVector.fromArray(SPECIES, w, i + 3 * LANES);
            FloatVector v0 = FloatVector.broadcast(SPECIES, x[xStart + k]);
            s0a = w0.fma(v0, s0a);
            s0b = w1.fma(v0, s0b);
            s0c = w2.fma(v0, s0c);
            s0d = w3.fma(v0, s0d);
        }
        s0a.intoArray(y, yStart);
        s0b.intoArray(y, yStart + LANES);
        s0c.intoArray(y, yStart + 2 * LANES);
        s0d.intoArray(y, yStart + 3 * LANES);
    }

    /** Six rows, three vectors of columns: 18 chains. */
    private static void rows6x3(
            float[] w,
            int wStart,
            int inputs,
            float[] bias,
            int column,
            float[] x,
            int xStart,
            int xStride,
            float[] y,
            int yStart,
            int yStride) {
        FloatVector s0a = FloatVector.fromArray(SPECIES, bias, column);
        FloatVector s0b = FloatVector.fromArray(SPECIES, bias, column + LANES);
        FloatVector s0c = FloatVector.fromArray(SPECIES, bias, column + 2 * LANES);
        FloatVector s1a = s0a;
        FloatVector s1b = s0b;
        FloatVector s1c = s0c;
        FloatVector s2a = s0a;
        FloatVector s2b = s0b;
        FloatVector s2c = s0c;
        FloatVector s3a = s0a;
        FloatVector s3b = s0b;
        FloatVector s3c = s0c;
        FloatVector s4a = s0a;
        FloatVector s4b = s0b;
        FloatVector s4c = s0c;
        FloatVector s5a = s0a;
        FloatVector s5b = s0b;
        FloatVector s5c = s0c;
        int x1 = xStart + xStride;
        int x2 = x1 + xStride;
        int x3 = x2 + xStride;
        int x4 = x3 + xStride;
        int x5 = x4 + xStride;
        for (int k = 0, i = wStart; k < inputs; k++, i += STRIDE_3) {
            FloatVector w0 = FloatVector.fromArray(SPECIES, w, i);
            FloatVector w1 = FloatVector.fromArray(SPECIES, w, i + LANES);
            FloatVector w2 = FloatVector.fromArray(SPECIES, w, i + 2 * LANES);
            FloatVector v0 = FloatVector.broadcast(SPECIES, x[xStart + k]);
            s0a = w0.fma(v0, s0a);
            s0b = w1.fma(v0, s0b);
            s0c = w2.fma(v0, s0c);
            FloatVector v1 = FloatVector.broadcast(SPECIES, x[x1 + k]);
            s1a = w0.fma(v1, s1a);
            s1b = w1.fma(v1, s1b);
            s1c = w2.fma(v1, s1c);
            FloatVector v2 = FloatVector.broadcast(SPECIES, x[x2 + k]);
            s2a = w0.fma(v2, s2a);
            s2b = w1.fma(v2, s2b);
            s2c = w2.fma(v2, s2c);
            FloatVector v3 = FloatVector.broadcast(SPECIES, x[x3 + k]);
            s3a = w0.fma(v3, s3a);
            s3b = w1.fma(v3, s3b);
            s3c = w2.fma(v3, s3c);
            FloatVector v4 = FloatVector.broadcast(SPECIES, x[x4 + k]);
            s4a = w0.fma(v4, s4a);
            s4b = w1.fma(v4, s4b);
            s4c = w2.fma(v4, s4c);
            FloatVector v5 = FloatVector.broadcast(SPECIES, x[x5 + k]);
            s5a = w0.fma(v5, s5a);
            s5b = w1.fma(v5, s5b);
            s5c = w2.fma(v5, s5c);
        }
        s0a.intoArray(y, yStart);
        s0b.intoArray(y, yStart + LANES);
        s0c.intoArray(y, yStart + 2 * LANES);
        int to = yStart + yStride;
        s1a.intoArray(y, to);
        s1b.intoArray(y, to + LANES);
        s1c.intoArray(y, to + 2 * LANES);
        to += yStride;
        s2a.intoArray(y, to);
        s2b.intoArray(y, to + LANES);
        s2c.intoArray(y, to + 2 * LANES);
        to += yStride;
        s3a.intoArray(y, to);
        s3b.intoArray(y, to + LANES);
        s3c.intoArray(y, to + 2 * LANES);
        to += yStride;
        s4a.intoArray(y, to);
        s4b.intoArray(y, to + LANES);
        s4c.intoArray(y, to + 2 * LANES);
        to += yStride;
        s5a.intoArray(y, to);
        s5b.intoArray(y, to + LANES);
        s5c.intoArray(y, to + 2 * LANES);
    }

    /** Two rows, three vectors of columns: 6 chains. */
    private static void rows2x3(
            float[] w,
            int wStart,
            int inputs,
            float[] bias,
            int column,
            float[] x,
            int xStart,
            int xStride,
            float[] y,
            int yStart,
            int yStride) {
        FloatVector s0a = FloatVector.fromArray(SPECIES, bias, column);
        FloatVector s0b = FloatVector.fromArray(SPECIES, bias, column + LANES);
        FloatVector s0c = FloatVector.fromArray(SPECIES, bias, column + 2 * LANES);
        FloatVector s1a = s0a;
        FloatVector s1b = s0b;
        FloatVector s1c = s0c;
        int x1 = xStart + xStride;
        for (int k = 0, i = wStart; k < inputs; k++, i += STRIDE_3) {
            FloatVector w0 = FloatVector.fromArray(SPECIES, w, i);
            FloatVector w1 = FloatVector.fromArray(SPECIES, w, i + LANES);
            FloatVector w2 = FloatVector.fromArray(SPECIES, w, i + 2 * LANES);
            FloatVector v0 = FloatVector.broadcast(SPECIES, x[xStart + k]);
            s0a = w0.fma(v0, s0a);
            s0b = w1.fma(v0, s0b);
            s0c = w2.fma(v0, s0c);
            FloatVector v1 = FloatVector.broadcast(SPECIES, x[x1 + k]);
            s1a = w0.fma(v1, s1a);
            s1b = w1.fma(v1, s1b);
            s1c = w2.fma(v1, s1c);
        }
        s0a.intoArray(y, yStart);
        s0b.intoArray(y, yStart + LANES);
        s0c.intoArray(y, yStart + 2 * LANES);
        int to = yStart + yStride;
        s1a.intoArray(y, to);
        s1b.intoArray(y, to + LANES);
        s1c.intoArray(y, to + 2 * LANES);
    }

    /** One row, three vectors of columns: 3 chains. */
    private static void rows1x3(
            float[] w,
            int wStart,
            int inputs,
            float[] bias,
            int column,
            float[] x,
            int xStart,
            float[] y,
            int yStart) {
        FloatVector s0a = FloatVector.fromArray(SPECIES, bias, column);
        FloatVector s0b = FloatVector.fromArray(SPECIES, bias, column + LANES);
        FloatVector s0c = FloatVector.fromArray(SPECIES, bias, column + 2 * LANES);
        for (int k = 0, i = wStart; k < inputs; k++, i += STRIDE_3) {
            FloatVector w0 = FloatVector.fromArray(SPECIES, w, i);
            FloatVector w1 = FloatVector.fromArray(SPECIES, w, i + LANES);
            FloatVector w2 = FloatVector.fromArray(SPECIES, w, i + 2 * LANES);
            FloatVector v0 = FloatVector.broadcast(SPECIES, x[xStart + k]);
            s0a = w0.fma(v0, s0a);
            s0b = w1.fma(v0, s0b);
            s0c = w2.fma(v0, s0c);
        }
        s0a.intoArray(y, yStart);
        s0b.intoArray(y, yStart + LANES);
        s0c.intoArray(y, yStart + 2 * LANES);
    }

    /** Six rows, one vector of columns: 6 chains. */
    private static void rows6x1(
            float[] w,
            int wStart,
            int wStride,
            int inputs,
            float[] bias,
            int column,
            float[] x,
            int xStart,
            int xStride,
            float[] y,
            int yStart,
            int yStride) {
        FloatVector s0a = FloatVector.fromArray(SPECIES, bias, column);
        FloatVector s1a = s0a;
        FloatVector s2a = s0a;
        FloatVector s3a = s0a;
        FloatVector s4a = s0a;
        FloatVector s5a = s0a;
        int x1 = xStart + xStride;
        int x2 = x1 + xStride;
        int x3 = x2 + xStride;
        int x4 = x3 + xStride;
        int x5 = x4 + xStride;
        for (int k = 0, i = wStart; k < inputs; k++, i += wStride) {
            FloatVector w0 = FloatVector.fromArray(SPECIES, w, i);
            s0a = w0.fma(FloatVector.broadcast(SPECIES, x[xStart + k]), s0a);
            s1a = w0.fma(FloatVector.broadcast(SPECIES, x[x1 + k]), s1a);
            s2a = w0.fma(FloatVector.broadcast(SPECIES, x[x2 + k]), s2a);
            s3a = w0.fma(FloatVector.broadcast(SPECIES, x[x3 + k]), s3a);
            s4a = w0.fma(FloatVector.broadcast(SPECIES, x[x4 + k]), s4a);
            s5a = w0.fma(FloatVector.broadcast(SPECIES, x[x5 + k]), s5a);
        }
        s0a.intoArray(y, yStart);
        int to = yStart + yStride;
        s1a.intoArray(y, to);
        to += yStride;
        s2a.intoArray(y, to);
        to += yStride;
        s3a.intoArray(y, to);
        to += yStride;
        s4a.intoArray(y, to);
        to += yStride;
        s5a.intoArray(y, to);
    }

    /** Two rows, one vector of columns: 2 chains. */
    private static void rows2x1(
            float[] w,
            int wStart,
            int wStride,
            int inputs,
            float[] bias,
            int column,
            float[] x,
            int xStart,
            int xStride,
            float[] y,
            int yStart,
            int yStride) {
        FloatVector s0a = FloatVector.fromArray(SPECIES, bias, column);
        FloatVector s1a = s0a;
        int x1 = xStart + xStride;
        for (int k = 0, i = wStart; k < inputs; k++, i += wStride) {
            FloatVector w0 = FloatVector.fromArray(SPECIES, w, i);
            s0a = w0.fma(FloatVector.broadcast(SPECIES, x[xStart + k]), s0a);
            s1a = w0.fma(FloatVector.broadcast(SPECIES, x[x1 + k]), s1a);
        }
        s0a.intoArray(y, yStart);
        int to = yStart + yStride;
        s1a.intoArray(y, to);
    }

    /** One row, one vector of columns: 1 chain. */
    private static void rows1x1(
            float[] w,
            int wStart,
            int wStride,
            int inputs,
            float[] bias,
            int column,
            float[] x,
            int xStart,
            float[] y,
            int yStart) {
        FloatVector s0a = FloatVector.fromArray(SPECIES, bias, column);
        for (int k = 0, i = wStart; k < inputs; k++, i += wStride) {
            FloatVector w0 = FloatVector.fromArray(SPECIES, w, i);
            s0a = w0.fma(FloatVector.broadcast(SPECIES, x[xStart + k]), s0a);
        }
        s0a.intoArray(y, yStart);
    }

    /** One row, four vectors of columns of each of two panels: eight chains. */
    private static void row1x8(
            float[] w,
            int wStart,
            int panelSize,
            int inputs,
            float[] bias,
            int column,
            float[] x,
            int xStart,
            float[] y,
            int yStart) {
        int column2 = column + PackedMatrix.PANEL;
        FloatVector s0 = FloatVector.fromArray(SPECIES, bias, column);
        FloatVector s1 = FloatVector.fromArray(SPECIES, bias, column + LANES);
        FloatVector s2 = FloatVector.fromArray(SPECIES, bias, column + 2 * LANES);
        FloatVector s3 = FloatVector.fromArray(SPECIES, bias, column + 3 * LANES);
        FloatVector s4 = FloatVector.fromArray(SPECIES, bias, column2);
        FloatVector s5 = FloatVector.fromArray(SPECIES, bias, column2 + LANES);
        FloatVector s6 = FloatVector.fromArray(SPECIES, bias, column2 + 2 * LANES);
        FloatVector s7 = FloatVector.fromArray(SPECIES, bias, column2 + 3 * LANES);
        for (int k = 0, i = wStart, j = wStart + panelSize;
                k < inputs;
                k++, i += PackedMatrix.PANEL, j += PackedMatrix.PANEL) {
            FloatVector v = FloatVector.broadcast(SPECIES, x[xStart + k]);
            s0 = FloatVector.fromArray(SPECIES, w, i).fma(v, s0);
            s1 = FloatVector.fromArray(SPECIES, w, i + LANES).fma(v, s1);
            s2 = FloatVector.fromArray(SPECIES, w, i + 2 * LANES).fma(v, s2);
            s3 = FloatVector.fromArray(SPECIES, w, i + 3 * LANES).fma(v, s3);
            s4 = FloatVector.fromArray(SPECIES, w, j).fma(v, s4);
            s5 = FloatVector.fromArray(SPECIES, w, j + LANES).fma(v, s5);
            s6 = FloatVector.fromArray(SPECIES, w, j + 2 * LANES).fma(v, s6);
            s7 = FloatVector.fromArray(SPECIES, w, j + 3 * LANES).fma(v, s7);
        }
        int to = yStart + PackedMatrix.PANEL;
        s0.intoArray(y, yStart);
        s1.intoArray(y, yStart + LANES);
        s2.intoArray(y, yStart + 2 * LANES);
        s3.intoArray(y, yStart + 3 * LANES);
        s4.intoArray(y, to);
        s5.intoArray(y, to + LANES);
        s6.intoArray(y, to + 2 * LANES);
        s7.intoArray(y, to + 3 * LANES);
    }
}
