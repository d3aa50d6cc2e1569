package io.mambabyte.kernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Kernels#multiply} with the Vector API. A lane is an output column, and every output is one
 * chain of fused multiply-adds over the inputs; what differs between the blocks below is only how
 * many such chains are in flight.
 *
 * <p>12 rows x 2 vectors are 24 accumulators: with two vectors of weights and one broadcast input
 * they fit the 32 registers of AVX-512 and NEON, each weight is used 12 times and each input twice,
 * and the 24 chains cover the latency of a fused multiply-add several times. AVX2 has 16 registers
 * and runs 4 rows x 2 vectors: eight chains, as many as cover its latency.
 */
final class VectorProduct {
    private static final VectorSpecies<Float> SPECIES = VectorKernels.SPECIES;
    private static final int LANES = VectorKernels.LANES;

    /** Rows of the largest block that fits the registers. */
    private static final int MOST_ROWS = LANES == 8 ? 4 : 12;

    /** Columns of a block: two vectors. */
    private static final int BLOCK = 2 * LANES;

    private VectorProduct() {}

    static void multiply(PackedMatrix w, int rows, Rows x, Rows y) {
        if (rows == 1) {
            multiplyRow(w, x.values, x.start(0), y.values, y.start(0));
            return;
        }
        // Panels outside: one is read from memory once and stays close while all rows pass.
        for (int first = 0; first < w.columns; first += PackedMatrix.PANEL) {
            int width = Math.min(PackedMatrix.PANEL, w.columns - first);
            int panel = first * w.inputs;
            for (int c = 0; c < width; c += BLOCK) {
                if (width - c >= BLOCK) {
                    multiplyBlock(w, panel + c, width, first + c, rows, x, y);
                } else {
                    multiplyVector(w, panel + c, width, first + c, rows, x, y);
                }
            }
        }
    }

    private static void multiplyBlock(
            PackedMatrix w, int wStart, int wStride, int column, int rows, Rows x, Rows y) {
        int row = 0;
        if (MOST_ROWS == 12) {
            for (; row + 12 <= rows; row += 12) {
                rows12x2(
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
            for (; row + 8 <= rows; row += 8) {
                rows8x2(
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
        for (; row + 4 <= rows; row += 4) {
            rows4x2(
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
        for (; row < rows; row++) {
            row1x2(
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

    /** The last 16 columns of a matrix, where a vector is as wide. */
    private static void multiplyVector(
            PackedMatrix w, int wStart, int wStride, int column, int rows, Rows x, Rows y) {
        int row = 0;
        for (; row + 12 <= rows; row += 12) {
            rows12x1(
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
        for (; row + 4 <= rows; row += 4) {
            rows4x1(
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
        for (; row < rows; row++) {
            row1x1(
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

    private static void multiplyRow(PackedMatrix w, float[] x, int xStart, float[] y, int yStart) {
        int inputs = w.inputs;
        int group = 4 * PackedMatrix.PANEL;
        int first = 0;
        for (; first + group <= w.columns; first += group) {
            for (int c = 0; c < PackedMatrix.PANEL; c += BLOCK) {
                row1x8(
                        w.panels,
                        first * inputs + c,
                        PackedMatrix.PANEL * inputs,
                        inputs,
                        w.bias,
                        first + c,
                        x,
                        xStart,
                        y,
                        yStart + first + c);
            }
        }
        for (; first < w.columns; first += PackedMatrix.PANEL) {
            int width = Math.min(PackedMatrix.PANEL, w.columns - first);
            int panel = first * inputs;
            int c = 0;
            for (; c + BLOCK <= width; c += BLOCK) {
                row1x2(
                        w.panels,
                        panel + c,
                        width,
                        inputs,
                        w.bias,
                        first + c,
                        x,
                        xStart,
                        y,
                        yStart + first + c);
            }
            for (; c < width; c += LANES) {
                row1x1(
                        w.panels,
                        panel + c,
                        width,
                        inputs,
                        w.bias,
                        first + c,
                        x,
                        xStart,
                        y,
                        yStart + first + c);
            }
        }
    }

    /** One row, two vectors of four panels: eight chains and four streams of weights. */
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
        FloatVector s0 = FloatVector.fromArray(SPECIES, bias, column);
        FloatVector s1 = FloatVector.fromArray(SPECIES, bias, column + LANES);
        FloatVector s2 = FloatVector.fromArray(SPECIES, bias, column + 32);
        FloatVector s3 = FloatVector.fromArray(SPECIES, bias, column + 32 + LANES);
        FloatVector s4 = FloatVector.fromArray(SPECIES, bias, column + 64);
        FloatVector s5 = FloatVector.fromArray(SPECIES, bias, column + 64 + LANES);
        FloatVector s6 = FloatVector.fromArray(SPECIES, bias, column + 96);
        FloatVector s7 = FloatVector.fromArray(SPECIES, bias, column + 96 + LANES);
        int panel1 = wStart + panelSize;
        int panel2 = panel1 + panelSize;
        int panel3 = panel2 + panelSize;
        for (int k = 0, i = 0; k < inputs; k++, i += PackedMatrix.PANEL) {
            FloatVector v = FloatVector.broadcast(SPECIES, x[xStart + k]);
            s0 = FloatVector.fromArray(SPECIES, w, wStart + i).fma(v, s0);
            s1 = FloatVector.fromArray(SPECIES, w, wStart + i + LANES).fma(v, s1);
            s2 = FloatVector.fromArray(SPECIES, w, panel1 + i).fma(v, s2);
            s3 = FloatVector.fromArray(SPECIES, w, panel1 + i + LANES).fma(v, s3);
            s4 = FloatVector.fromArray(SPECIES, w, panel2 + i).fma(v, s4);
            s5 = FloatVector.fromArray(SPECIES, w, panel2 + i + LANES).fma(v, s5);
            s6 = FloatVector.fromArray(SPECIES, w, panel3 + i).fma(v, s6);
            s7 = FloatVector.fromArray(SPECIES, w, panel3 + i + LANES).fma(v, s7);
        }
        s0.intoArray(y, yStart);
        s1.intoArray(y, yStart + LANES);
        s2.intoArray(y, yStart + 32);
        s3.intoArray(y, yStart + 32 + LANES);
        s4.intoArray(y, yStart + 64);
        s5.intoArray(y, yStart + 64 + LANES);
        s6.intoArray(y, yStart + 96);
        s7.intoArray(y, yStart + 96 + LANES);
    }

    /** One row, two vectors of columns. */
    private static void row1x2(
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
        FloatVector s0 = FloatVector.fromArray(SPECIES, bias, column);
        FloatVector s1 = FloatVector.fromArray(SPECIES, bias, column + LANES);
        for (int k = 0, i = wStart; k < inputs; k++, i += wStride) {
            FloatVector v = FloatVector.broadcast(SPECIES, x[xStart + k]);
            s0 = FloatVector.fromArray(SPECIES, w, i).fma(v, s0);
            s1 = FloatVector.fromArray(SPECIES, w, i + LANES).fma(v, s1);
        }
        s0.intoArray(y, yStart);
        s1.intoArray(y, yStart + LANES);
    }

    /** One row, one vector of columns. */
    private static void row1x1(
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
        FloatVector s0 = FloatVector.fromArray(SPECIES, bias, column);
        for (int k = 0, i = wStart; k < inputs; k++, i += wStride) {
            FloatVector v = FloatVector.broadcast(SPECIES, x[xStart + k]);
            s0 = FloatVector.fromArray(SPECIES, w, i).fma(v, s0);
        }
        s0.intoArray(y, yStart);
    }

    /** 12 rows, two vectors of columns. */
    private static void rows12x2(
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
        FloatVector b0 = FloatVector.fromArray(SPECIES, bias, column);
        FloatVector b1 = FloatVector.fromArray(SPECIES, bias, column + 1 * LANES);
        FloatVector s0a = b0;
        FloatVector s0b = b1;
        FloatVector s1a = b0;
        FloatVector s1b = b1;
        FloatVector s2a = b0;
        FloatVector s2b = b1;
        FloatVector s3a = b0;
        FloatVector s3b = b1;
        FloatVector s4a = b0;
        FloatVector s4b = b1;
        FloatVector s5a = b0;
        FloatVector s5b = b1;
        FloatVector s6a = b0;
        FloatVector s6b = b1;
        FloatVector s7a = b0;
        FloatVector s7b = b1;
        FloatVector s8a = b0;
        FloatVector s8b = b1;
        FloatVector s9a = b0;
        FloatVector s9b = b1;
        FloatVector s10a = b0;
        FloatVector s10b = b1;
        FloatVector s11a = b0;
        FloatVector s11b = b1;
        int x1 = xStart + xStride;
        int x2 = x1 + xStride;
        int x3 = x2 + xStride;
        int x4 = x3 + xStride;
        int x5 = x4 + xStride;
        int x6 = x5 + xStride;
        int x7 = x6 + xStride;
        int x8 = x7 + xStride;
        int x9 = x8 + xStride;
        int x10 = x9 + xStride;
        int x11 = x10 + xStride;
        for (int k = 0, i = wStart; k < inputs; k++, i += wStride) {
            FloatVector w0 = FloatVector.fromArray(SPECIES, w, i);
            FloatVector w1 = FloatVector.fromArray(SPECIES, w, i + LANES);
            FloatVector v0 = FloatVector.broadcast(SPECIES, x[xStart + k]);
            s0a = w0.fma(v0, s0a);
            s0b = w1.fma(v0, s0b);
            FloatVector v1 = FloatVector.broadcast(SPECIES, x[x1 + k]);
            s1a = w0.fma(v1, s1a);
            s1b = w1.fma(v1, s1b);
            FloatVector v2 = FloatVector.broadcast(SPECIES, x[x2 + k]);
            s2a = w0.fma(v2, s2a);
            s2b = w1.fma(v2, s2b);
            FloatVector v3 = FloatVector.broadcast(SPECIES, x[x3 + k]);
            s3a = w0.fma(v3, s3a);
            s3b = w1.fma(v3, s3b);
            FloatVector v4 = FloatVector.broadcast(SPECIES, x[x4 + k]);
            s4a = w0.fma(v4, s4a);
            s4b = w1.fma(v4, s4b);
            FloatVector v5 = FloatVector.broadcast(SPECIES, x[x5 + k]);
            s5a = w0.fma(v5, s5a);
            s5b = w1.fma(v5, s5b);
            FloatVector v6 = FloatVector.broadcast(SPECIES, x[x6 + k]);
            s6a = w0.fma(v6, s6a);
            s6b = w1.fma(v6, s6b);
            FloatVector v7 = FloatVector.broadcast(SPECIES, x[x7 + k]);
            s7a = w0.fma(v7, s7a);
            s7b = w1.fma(v7, s7b);
            FloatVector v8 = FloatVector.broadcast(SPECIES, x[x8 + k]);
            s8a = w0.fma(v8, s8a);
            s8b = w1.fma(v8, s8b);
            FloatVector v9 = FloatVector.broadcast(SPECIES, x[x9 + k]);
            s9a = w0.fma(v9, s9a);
            s9b = w1.fma(v9, s9b);
            FloatVector v10 = FloatVector.broadcast(SPECIES, x[x10 + k]);
            s10a = w0.fma(v10, s10a);
            s10b = w1.fma(v10, s10b);
            FloatVector v11 = FloatVector.broadcast(SPECIES, x[x11 + k]);
            s11a = w0.fma(v11, s11a);
            s11b = w1.fma(v11, s11b);
        }
        int to = yStart;
        s0a.intoArray(y, to);
        s0b.intoArray(y, to + LANES);
        to += yStride;
        s1a.intoArray(y, to);
        s1b.intoArray(y, to + LANES);
        to += yStride;
        s2a.intoArray(y, to);
        s2b.intoArray(y, to + LANES);
        to += yStride;
        s3a.intoArray(y, to);
        s3b.intoArray(y, to + LANES);
        to += yStride;
        s4a.intoArray(y, to);
        s4b.intoArray(y, to + LANES);
        to += yStride;
        s5a.intoArray(y, to);
        s5b.intoArray(y, to + LANES);
        to += yStride;
        s6a.intoArray(y, to);
        s6b.intoArray(y, to + LANES);
        to += yStride;
        s7a.intoArray(y, to);
        s7b.intoArray(y, to + LANES);
        to += yStride;
        s8a.intoArray(y, to);
        s8b.intoArray(y, to + LANES);
        to += yStride;
        s9a.intoArray(y, to);
        s9b.intoArray(y, to + LANES);
        to += yStride;
        s10a.intoArray(y, to);
        s10b.intoArray(y, to + LANES);
        to += yStride;
        s11a.intoArray(y, to);
        s11b.intoArray(y, to + LANES);
    }

    /** 8 rows, two vectors of columns. */
    private static void rows8x2(
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
        FloatVector b0 = FloatVector.fromArray(SPECIES, bias, column);
        FloatVector b1 = FloatVector.fromArray(SPECIES, bias, column + 1 * LANES);
        FloatVector s0a = b0;
        FloatVector s0b = b1;
        FloatVector s1a = b0;
        FloatVector s1b = b1;
        FloatVector s2a = b0;
        FloatVector s2b = b1;
        FloatVector s3a = b0;
        FloatVector s3b = b1;
        FloatVector s4a = b0;
        FloatVector s4b = b1;
        FloatVector s5a = b0;
        FloatVector s5b = b1;
        FloatVector s6a = b0;
        FloatVector s6b = b1;
        FloatVector s7a = b0;
        FloatVector s7b = b1;
        int x1 = xStart + xStride;
        int x2 = x1 + xStride;
        int x3 = x2 + xStride;
        int x4 = x3 + xStride;
        int x5 = x4 + xStride;
        int x6 = x5 + xStride;
        int x7 = x6 + xStride;
        for (int k = 0, i = wStart; k < inputs; k++, i += wStride) {
            FloatVector w0 = FloatVector.fromArray(SPECIES, w, i);
            FloatVector w1 = FloatVector.fromArray(SPECIES, w, i + LANES);
            FloatVector v0 = FloatVector.broadcast(SPECIES, x[xStart + k]);
            s0a = w0.fma(v0, s0a);
            s0b = w1.fma(v0, s0b);
            FloatVector v1 = FloatVector.broadcast(SPECIES, x[x1 + k]);
            s1a = w0.fma(v1, s1a);
            s1b = w1.fma(v1, s1b);
            FloatVector v2 = FloatVector.broadcast(SPECIES, x[x2 + k]);
            s2a = w0.fma(v2, s2a);
            s2b = w1.fma(v2, s2b);
            FloatVector v3 = FloatVector.broadcast(SPECIES, x[x3 + k]);
            s3a = w0.fma(v3, s3a);
            s3b = w1.fma(v3, s3b);
            FloatVector v4 = FloatVector.broadcast(SPECIES, x[x4 + k]);
            s4a = w0.fma(v4, s4a);
            s4b = w1.fma(v4, s4b);
            FloatVector v5 = FloatVector.broadcast(SPECIES, x[x5 + k]);
            s5a = w0.fma(v5, s5a);
            s5b = w1.fma(v5, s5b);
            FloatVector v6 = FloatVector.broadcast(SPECIES, x[x6 + k]);
            s6a = w0.fma(v6, s6a);
            s6b = w1.fma(v6, s6b);
            FloatVector v7 = FloatVector.broadcast(SPECIES, x[x7 + k]);
            s7a = w0.fma(v7, s7a);
            s7b = w1.fma(v7, s7b);
        }
        int to = yStart;
        s0a.intoArray(y, to);
        s0b.intoArray(y, to + LANES);
        to += yStride;
        s1a.intoArray(y, to);
        s1b.intoArray(y, to + LANES);
        to += yStride;
        s2a.intoArray(y, to);
        s2b.intoArray(y, to + LANES);
        to += yStride;
        s3a.intoArray(y, to);
        s3b.intoArray(y, to + LANES);
        to += yStride;
        s4a.intoArray(y, to);
        s4b.intoArray(y, to + LANES);
        to += yStride;
        s5a.intoArray(y, to);
        s5b.intoArray(y, to + LANES);
        to += yStride;
        s6a.intoArray(y, to);
        s6b.intoArray(y, to + LANES);
        to += yStride;
        s7a.intoArray(y, to);
        s7b.intoArray(y, to + LANES);
    }

    /** 4 rows, two vectors of columns. */
    private static void rows4x2(
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
        FloatVector b0 = FloatVector.fromArray(SPECIES, bias, column);
        FloatVector b1 = FloatVector.fromArray(SPECIES, bias, column + 1 * LANES);
        FloatVector s0a = b0;
        FloatVector s0b = b1;
        FloatVector s1a = b0;
        FloatVector s1b = b1;
        FloatVector s2a = b0;
        FloatVector s2b = b1;
        FloatVector s3a = b0;
        FloatVector s3b = b1;
        int x1 = xStart + xStride;
        int x2 = x1 + xStride;
        int x3 = x2 + xStride;
        for (int k = 0, i = wStart; k < inputs; k++, i += wStride) {
            FloatVector w0 = FloatVector.fromArray(SPECIES, w, i);
            FloatVector w1 = FloatVector.fromArray(SPECIES, w, i + LANES);
            FloatVector v0 = FloatVector.broadcast(SPECIES, x[xStart + k]);
            s0a = w0.fma(v0, s0a);
            s0b = w1.fma(v0, s0b);
            FloatVector v1 = FloatVector.broadcast(SPECIES, x[x1 + k]);
            s1a = w0.fma(v1, s1a);
            s1b = w1.fma(v1, s1b);
            FloatVector v2 = FloatVector.broadcast(SPECIES, x[x2 + k]);
            s2a = w0.fma(v2, s2a);
            s2b = w1.fma(v2, s2b);
            FloatVector v3 = FloatVector.broadcast(SPECIES, x[x3 + k]);
            s3a = w0.fma(v3, s3a);
            s3b = w1.fma(v3, s3b);
        }
        int to = yStart;
        s0a.intoArray(y, to);
        s0b.intoArray(y, to + LANES);
        to += yStride;
        s1a.intoArray(y, to);
        s1b.intoArray(y, to + LANES);
        to += yStride;
        s2a.intoArray(y, to);
        s2b.intoArray(y, to + LANES);
        to += yStride;
        s3a.intoArray(y, to);
        s3b.intoArray(y, to + LANES);
    }

    /** 12 rows, one vector of columns. */
    private static void rows12x1(
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
        FloatVector b0 = FloatVector.fromArray(SPECIES, bias, column);
        FloatVector s0a = b0;
        FloatVector s1a = b0;
        FloatVector s2a = b0;
        FloatVector s3a = b0;
        FloatVector s4a = b0;
        FloatVector s5a = b0;
        FloatVector s6a = b0;
        FloatVector s7a = b0;
        FloatVector s8a = b0;
        FloatVector s9a = b0;
        FloatVector s10a = b0;
        FloatVector s11a = b0;
        int x1 = xStart + xStride;
        int x2 = x1 + xStride;
        int x3 = x2 + xStride;
        int x4 = x3 + xStride;
        int x5 = x4 + xStride;
        int x6 = x5 + xStride;
        int x7 = x6 + xStride;
        int x8 = x7 + xStride;
        int x9 = x8 + xStride;
        int x10 = x9 + xStride;
        int x11 = x10 + xStride;
        for (int k = 0, i = wStart; k < inputs; k++, i += wStride) {
            FloatVector w0 = FloatVector.fromArray(SPECIES, w, i);
            s0a = w0.fma(FloatVector.broadcast(SPECIES, x[xStart + k]), s0a);
            s1a = w0.fma(FloatVector.broadcast(SPECIES, x[x1 + k]), s1a);
            s2a = w0.fma(FloatVector.broadcast(SPECIES, x[x2 + k]), s2a);
            s3a = w0.fma(FloatVector.broadcast(SPECIES, x[x3 + k]), s3a);
            s4a = w0.fma(FloatVector.broadcast(SPECIES, x[x4 + k]), s4a);
            s5a = w0.fma(FloatVector.broadcast(SPECIES, x[x5 + k]), s5a);
            s6a = w0.fma(FloatVector.broadcast(SPECIES, x[x6 + k]), s6a);
            s7a = w0.fma(FloatVector.broadcast(SPECIES, x[x7 + k]), s7a);
            s8a = w0.fma(FloatVector.broadcast(SPECIES, x[x8 + k]), s8a);
            s9a = w0.fma(FloatVector.broadcast(SPECIES, x[x9 + k]), s9a);
            s10a = w0.fma(FloatVector.broadcast(SPECIES, x[x10 + k]), s10a);
            s11a = w0.fma(FloatVector.broadcast(SPECIES, x[x11 + k]), s11a);
        }
        int to = yStart;
        s0a.intoArray(y, to);
        to += yStride;
        s1a.intoArray(y, to);
        to += yStride;
        s2a.intoArray(y, to);
        to += yStride;
        s3a.intoArray(y, to);
        to += yStride;
        s4a.intoArray(y, to);
        to += yStride;
        s5a.intoArray(y, to);
        to += yStride;
        s6a.intoArray(y, to);
        to += yStride;
        s7a.intoArray(y, to);
        to += yStride;
        s8a.intoArray(y, to);
        to += yStride;
        s9a.intoArray(y, to);
        to += yStride;
        s10a.intoArray(y, to);
        to += yStride;
        s11a.intoArray(y, to);
    }

    /** 4 rows, one vector of columns. */
    private static void rows4x1(
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
        FloatVector b0 = FloatVector.fromArray(SPECIES, bias, column);
        FloatVector s0a = b0;
        FloatVector s1a = b0;
        FloatVector s2a = b0;
        FloatVector s3a = b0;
        int x1 = xStart + xStride;
        int x2 = x1 + xStride;
        int x3 = x2 + xStride;
        for (int k = 0, i = wStart; k < inputs; k++, i += wStride) {
            FloatVector w0 = FloatVector.fromArray(SPECIES, w, i);
            s0a = w0.fma(FloatVector.broadcast(SPECIES, x[xStart + k]), s0a);
            s1a = w0.fma(FloatVector.broadcast(SPECIES, x[x1 + k]), s1a);
            s2a = w0.fma(FloatVector.broadcast(SPECIES, x[x2 + k]), s2a);
            s3a = w0.fma(FloatVector.broadcast(SPECIES, x[x3 + k]), s3a);
        }
        int to = yStart;
        s0a.intoArray(y, to);
        to += yStride;
        s1a.intoArray(y, to);
        to += yStride;
        s2a.intoArray(y, to);
        to += yStride;
        s3a.intoArray(y, to);
    }
}
