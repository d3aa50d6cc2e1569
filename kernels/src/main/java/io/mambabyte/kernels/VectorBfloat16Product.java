package io.mambabyte.kernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link VectorProduct} for the panels whose weights are kept in bfloat16, two an int: half the
 * memory traffic, which is what limits a product of one row, and for many rows as fast. Vector i of
 * ints holds the columns of vector i in the low halves and those 32 further on in the high ones, so
 * that a block of four vectors of columns is two loads, two shifts and two masks.
 */
final class VectorBfloat16Product {
    private static final VectorSpecies<Float> SPECIES = VectorKernels.SPECIES;
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
    private static final int LANES = VectorKernels.LANES;

    private VectorBfloat16Product() {}

    /** The columns of the panels that are bfloat16. */
    static void multiply(PackedMatrix w, int rows, Rows x, Rows y) {
        int panelSize = PackedMatrix.PAIRS * w.inputs;
        int panel = 0;
        int first = 0;
        if (rows == 1) {
            for (;
                    first + 2 * PackedMatrix.PANEL <= w.pairedColumns;
                    first += 2 * PackedMatrix.PANEL) {
                for (int c = 0; c < PackedMatrix.PAIRS; c += 2 * LANES) {
                    row2Panels(
                            w.pairs,
                            panel + c,
                            panelSize,
                            w.inputs,
                            w.bias,
                            first + c,
                            x.values,
                            x.start(0),
                            y.values,
                            y.start(0) + first + c);
                }
                panel += 2 * panelSize;
            }
        }
        for (; first < w.pairedColumns; first += PackedMatrix.PANEL) {
            for (int c = 0; c < PackedMatrix.PAIRS; c += 2 * LANES) {
                multiplyBlock(w, panel + c, first + c, rows, x, y);
            }
            panel += panelSize;
        }
    }

    private static void multiplyBlock(
            PackedMatrix w, int wStart, int column, int rows, Rows x, Rows y) {
        int row = 0;
        while (row < rows) {
            int count = VectorProduct.MOST_ROWS == 6 ? atOnce(rows - row) : Math.min(2, rows - row);
            int xStart = x.start(row);
            int yStart = y.start(row) + column;
            switch (count) {
                case 6 ->
                        rows6(
                                w.pairs, wStart, w.inputs, w.bias, column, x.values, xStart,
                                x.stride, y.values, yStart, y.stride);
                case 5 ->
                        rows5(
                                w.pairs, wStart, w.inputs, w.bias, column, x.values, xStart,
                                x.stride, y.values, yStart, y.stride);
                case 4 ->
                        rows4(
                                w.pairs, wStart, w.inputs, w.bias, column, x.values, xStart,
                                x.stride, y.values, yStart, y.stride);
                case 3 ->
                        rows3(
                                w.pairs, wStart, w.inputs, w.bias, column, x.values, xStart,
                                x.stride, y.values, yStart, y.stride);
                case 2 ->
                        rows2(
                                w.pairs, wStart, w.inputs, w.bias, column, x.values, xStart,
                                x.stride, y.values, yStart, y.stride);
                default ->
                        rows1(
                                w.pairs, wStart, w.inputs, w.bias, column, x.values, xStart,
                                y.values, yStart);
            }
            row += count;
        }
    }

    /**
     * Widening the weights is work too, four operations that rows share: six at once, and what is
     * left over not one or two but three or more where it can be.
     */
    private static int atOnce(int left) {
        if (left >= 9) {
            return 6;
        }
        return left > 6 ? 4 : left;
    }

    /** Six rows: 24 chains. */
    private static void rows6(
            int[] w,
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
        FloatVector s0c = FloatVector.fromArray(SPECIES, bias, column + PackedMatrix.PAIRS);
        FloatVector s0d = FloatVector.fromArray(SPECIES, bias, column + PackedMatrix.PAIRS + LANES);
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
        for (int k = 0, i = wStart; k < inputs; k++, i += PackedMatrix.PAIRS) {
            IntVector p = IntVector.fromArray(INTS, w, i);
            IntVector q = IntVector.fromArray(INTS, w, i + LANES);
            FloatVector w0 =
                    p.lanewise(VectorOperators.LSHL, PackedMatrix.HALF_BITS).reinterpretAsFloats();
            FloatVector w1 =
                    q.lanewise(VectorOperators.LSHL, PackedMatrix.HALF_BITS).reinterpretAsFloats();
            FloatVector w2 =
                    p.lanewise(VectorOperators.AND, PackedMatrix.HIGH).reinterpretAsFloats();
            FloatVector w3 =
                    q.lanewise(VectorOperators.AND, PackedMatrix.HIGH).reinterpretAsFloats();
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
        s0c.intoArray(y, yStart + PackedMatrix.PAIRS);
        s0d.intoArray(y, yStart + PackedMatrix.PAIRS + LANES);
        int to = yStart + yStride;
        s1a.intoArray(y, to);
        s1b.intoArray(y, to + LANES);
        s1c.intoArray(y, to + PackedMatrix.PAIRS);
        s1d.intoArray(y, to + PackedMatrix.PAIRS + LANES);
        to += yStride;
        s2a.intoArray(y, to);
        s2b.intoArray(y, to + LANES);
        s2c.intoArray(y, to + PackedMatrix.PAIRS);
        s2d.intoArray(y, to + PackedMatrix.PAIRS + LANES);
        to += yStride;
        s3a.intoArray(y, to);
        s3b.intoArray(y, to + LANES);
        s3c.intoArray(y, to + PackedMatrix.PAIRS);
        s3d.intoArray(y, to + PackedMatrix.PAIRS + LANES);
        to += yStride;
        s4a.intoArray(y, to);
        s4b.intoArray(y, to + LANES);
        s4c.intoArray(y, to + PackedMatrix.PAIRS);
        s4d.intoArray(y, to + PackedMatrix.PAIRS + LANES);
        to += yStride;
        s5a.intoArray(y, to);
        s5b.intoArray(y, to + LANES);
        s5c.intoArray(y, to + PackedMatrix.PAIRS);
        s5d.intoArray(y, to + PackedMatrix.PAIRS + LANES);
    }

    /** Five rows: 20 chains. */
    private static void rows5(
            int[] w,
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
        FloatVector s0c = FloatVector.fromArray(SPECIES, bias, column + PackedMatrix.PAIRS);
        FloatVector s0d = FloatVector.fromArray(SPECIES, bias, column + PackedMatrix.PAIRS + LANES);
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
        int x1 = xStart + xStride;
        int x2 = x1 + xStride;
        int x3 = x2 + xStride;
        int x4 = x3 + xStride;
        for (int k = 0, i = wStart; k < inputs; k++, i += PackedMatrix.PAIRS) {
            IntVector p = IntVector.fromArray(INTS, w, i);
            IntVector q = IntVector.fromArray(INTS, w, i + LANES);
            FloatVector w0 =
                    p.lanewise(VectorOperators.LSHL, PackedMatrix.HALF_BITS).reinterpretAsFloats();
            FloatVector w1 =
                    q.lanewise(VectorOperators.LSHL, PackedMatrix.HALF_BITS).reinterpretAsFloats();
            FloatVector w2 =
                    p.lanewise(VectorOperators.AND, PackedMatrix.HIGH).reinterpretAsFloats();
            FloatVector w3 =
                    q.lanewise(VectorOperators.AND, PackedMatrix.HIGH).reinterpretAsFloats();
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
        }
        s0a.intoArray(y, yStart);
        s0b.intoArray(y, yStart + LANES);
        s0c.intoArray(y, yStart + PackedMatrix.PAIRS);
        s0d.intoArray(y, yStart + PackedMatrix.PAIRS + LANES);
        int to = yStart + yStride;
        s1a.intoArray(y, to);
        s1b.intoArray(y, to + LANES);
        s1c.intoArray(y, to + PackedMatrix.PAIRS);
        s1d.intoArray(y, to + PackedMatrix.PAIRS + LANES);
        to += yStride;
        s2a.intoArray(y, to);
        s2b.intoArray(y, to + LANES);
        s2c.intoArray(y, to + PackedMatrix.PAIRS);
        s2d.intoArray(y, to + PackedMatrix.PAIRS + LANES);
        to += yStride;
        s3a.intoArray(y, to);
        s3b.intoArray(y, to + LANES);
        s3c.intoArray(y, to + PackedMatrix.PAIRS);
        s3d.intoArray(y, to + PackedMatrix.PAIRS + LANES);
        to += yStride;
        s4a.intoArray(y, to);
        s4b.intoArray(y, to + LANES);
        s4c.intoArray(y, to + PackedMatrix.PAIRS);
        s4d.intoArray(y, to + PackedMatrix.PAIRS + LANES);
    }

    /** Four rows: 16 chains. */
    private static void rows4(
            int[] w,
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
        FloatVector s0c = FloatVector.fromArray(SPECIES, bias, column + PackedMatrix.PAIRS);
        FloatVector s0d = FloatVector.fromArray(SPECIES, bias, column + PackedMatrix.PAIRS + LANES);
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
        int x1 = xStart + xStride;
        int x2 = x1 + xStride;
        int x3 = x2 + xStride;
        for (int k = 0, i = wStart; k < inputs; k++, i += PackedMatrix.PAIRS) {
            IntVector p = IntVector.fromArray(INTS, w, i);
            IntVector q = IntVector.fromArray(INTS, w, i + LANES);
            FloatVector w0 =
                    p.lanewise(VectorOperators.LSHL, PackedMatrix.HALF_BITS).reinterpretAsFloats();
            FloatVector w1 =
                    q.lanewise(VectorOperators.LSHL, PackedMatrix.HALF_BITS).reinterpretAsFloats();
            FloatVector w2 =
                    p.lanewise(VectorOperators.AND, PackedMatrix.HIGH).reinterpretAsFloats();
            FloatVector w3 =
                    q.lanewise(VectorOperators.AND, PackedMatrix.HIGH).reinterpretAsFloats();
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
        }
        s0a.intoArray(y, yStart);
        s0b.intoArray(y, yStart + LANES);
        s0c.intoArray(y, yStart + PackedMatrix.PAIRS);
        s0d.intoArray(y, yStart + PackedMatrix.PAIRS + LANES);
        int to = yStart + yStride;
        s1a.intoArray(y, to);
        s1b.intoArray(y, to + LANES);
        s1c.intoArray(y, to + PackedMatrix.PAIRS);
        s1d.intoArray(y, to + PackedMatrix.PAIRS + LANES);
        to += yStride;
        s2a.intoArray(y, to);
        s2b.intoArray(y, to + LANES);
        s2c.intoArray(y, to + PackedMatrix.PAIRS);
        s2d.intoArray(y, to + PackedMatrix.PAIRS + LANES);
        to += yStride;
        s3a.intoArray(y, to);
        s3b.intoArray(y, to + LANES);
        s3c.intoArray(y, to + PackedMatrix.PAIRS);
        s3d.intoArray(y, to + PackedMatrix.PAIRS + LANES);
    }

    /** Three rows: 12 chains. */
    private static void rows3(
            int[] w,
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
        FloatVector s0c = FloatVector.fromArray(SPECIES, bias, column + PackedMatrix.PAIRS);
        FloatVector s0d = FloatVector.fromArray(SPECIES, bias, column + PackedMatrix.PAIRS + LANES);
        FloatVector s1a = s0a;
        FloatVector s1b = s0b;
        FloatVector s1c = s0c;
        FloatVector s1d = s0d;
        FloatVector s2a = s0a;
        FloatVector s2b = s0b;
        FloatVector s2c = s0c;
        FloatVector s2d = s0d;
        int x1 = xStart + xStride;
        int x2 = x1 + xStride;
        for (int k = 0, i = wStart; k < inputs; k++, i += PackedMatrix.PAIRS) {
            IntVector p = IntVector.fromArray(INTS, w, i);
            IntVector q = IntVector.fromArray(INTS, w, i + LANES);
            FloatVector w0 =
                    p.lanewise(VectorOperators.LSHL, PackedMatrix.HALF_BITS).reinterpretAsFloats();
            FloatVector w1 =
                    q.lanewise(VectorOperators.LSHL, PackedMatrix.HALF_BITS).reinterpretAsFloats();
            FloatVector w2 =
                    p.lanewise(VectorOperators.AND, PackedMatrix.HIGH).reinterpretAsFloats();
            FloatVector w3 =
                    q.lanewise(VectorOperators.AND, PackedMatrix.HIGH).reinterpretAsFloats();
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
        }
        s0a.intoArray(y, yStart);
        s0b.intoArray(y, yStart + LANES);
        s0c.intoArray(y, yStart + PackedMatrix.PAIRS);
        s0d.intoArray(y, yStart + PackedMatrix.PAIRS + LANES);
        int to = yStart + yStride;
        s1a.intoArray(y, to);
        s1b.intoArray(y, to + LANES);
        s1c.intoArray(y, to + PackedMatrix.PAIRS);
        s1d.intoArray(y, to + PackedMatrix.PAIRS + LANES);
        to += yStride;
        s2a.intoArray(y, to);
        s2b.intoArray(y, to + LANES);
        s2c.intoArray(y, to + PackedMatrix.PAIRS);
        s2d.intoArray(y, to + PackedMatrix.PAIRS + LANES);
    }

    /** Two rows: 8 chains. */
    private static void rows2(
            int[] w,
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
        FloatVector s0c = FloatVector.fromArray(SPECIES, bias, column + PackedMatrix.PAIRS);
        FloatVector s0d = FloatVector.fromArray(SPECIES, bias, column + PackedMatrix.PAIRS + LANES);
        FloatVector s1a = s0a;
        FloatVector s1b = s0b;
        FloatVector s1c = s0c;
        FloatVector s1d = s0d;
        int x1 = xStart + xStride;
        for (int k = 0, i = wStart; k < inputs; k++, i += PackedMatrix.PAIRS) {
            IntVector p = IntVector.fromArray(INTS, w, i);
            IntVector q = IntVector.fromArray(INTS, w, i + LANES);
            FloatVector w0 =
                    p.lanewise(VectorOperators.LSHL, PackedMatrix.HALF_BITS).reinterpretAsFloats();
            FloatVector w1 =
                    q.lanewise(VectorOperators.LSHL, PackedMatrix.HALF_BITS).reinterpretAsFloats();
            FloatVector w2 =
                    p.lanewise(VectorOperators.AND, PackedMatrix.HIGH).reinterpretAsFloats();
            FloatVector w3 =
                    q.lanewise(VectorOperators.AND, PackedMatrix.HIGH).reinterpretAsFloats();
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
        s0c.intoArray(y, yStart + PackedMatrix.PAIRS);
        s0d.intoArray(y, yStart + PackedMatrix.PAIRS + LANES);
        int to = yStart + yStride;
        s1a.intoArray(y, to);
        s1b.intoArray(y, to + LANES);
        s1c.intoArray(y, to + PackedMatrix.PAIRS);
        s1d.intoArray(y, to + PackedMatrix.PAIRS + LANES);
    }

    /** One row: 4 chains. */
    private static void rows1(
            int[] w,
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
        FloatVector s0c = FloatVector.fromArray(SPECIES, bias, column + PackedMatrix.PAIRS);
        FloatVector s0d = FloatVector.fromArray(SPECIES, bias, column + PackedMatrix.PAIRS + LANES);
        for (int k = 0, i = wStart; k < inputs; k++, i += PackedMatrix.PAIRS) {
            IntVector p = IntVector.fromArray(INTS, w, i);
            IntVector q = IntVector.fromArray(INTS, w, i + LANES);
            FloatVector w0 =
                    p.lanewise(VectorOperators.LSHL, PackedMatrix.HALF_BITS).reinterpretAsFloats();
            FloatVector w1 =
                    q.lanewise(VectorOperators.LSHL, PackedMatrix.HALF_BITS).reinterpretAsFloats();
            FloatVector w2 =
                    p.lanewise(VectorOperators.AND, PackedMatrix.HIGH).reinterpretAsFloats();
            FloatVector w3 =
                    q.lanewise(VectorOperators.AND, PackedMatrix.HIGH).reinterpretAsFloats();
            FloatVector v0 = FloatVector.broadcast(SPECIES, x[xStart + k]);
            s0a = w0.fma(v0, s0a);
            s0b = w1.fma(v0, s0b);
            s0c = w2.fma(v0, s0c);
            s0d = w3.fma(v0, s0d);
        }
        s0a.intoArray(y, yStart);
        s0b.intoArray(y, yStart + LANES);
        s0c.intoArray(y, yStart + PackedMatrix.PAIRS);
        s0d.intoArray(y, yStart + PackedMatrix.PAIRS + LANES);
    }

    /** One row of two panels: eight chains. */
    private static void row2Panels(
            int[] w,
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
        FloatVector s2 = FloatVector.fromArray(SPECIES, bias, column + PackedMatrix.PAIRS);
        FloatVector s3 = FloatVector.fromArray(SPECIES, bias, column + PackedMatrix.PAIRS + LANES);
        FloatVector s4 = FloatVector.fromArray(SPECIES, bias, column2);
        FloatVector s5 = FloatVector.fromArray(SPECIES, bias, column2 + LANES);
        FloatVector s6 = FloatVector.fromArray(SPECIES, bias, column2 + PackedMatrix.PAIRS);
        FloatVector s7 = FloatVector.fromArray(SPECIES, bias, column2 + PackedMatrix.PAIRS + LANES);
        for (int k = 0, i = wStart, j = wStart + panelSize;
                k < inputs;
                k++, i += PackedMatrix.PAIRS, j += PackedMatrix.PAIRS) {
            FloatVector v = FloatVector.broadcast(SPECIES, x[xStart + k]);
            IntVector p0 = IntVector.fromArray(INTS, w, i);
            IntVector p1 = IntVector.fromArray(INTS, w, i + LANES);
            s0 =
                    p0.lanewise(VectorOperators.LSHL, PackedMatrix.HALF_BITS)
                            .reinterpretAsFloats()
                            .fma(v, s0);
            s1 =
                    p1.lanewise(VectorOperators.LSHL, PackedMatrix.HALF_BITS)
                            .reinterpretAsFloats()
                            .fma(v, s1);
            s2 =
                    p0.lanewise(VectorOperators.AND, PackedMatrix.HIGH)
                            .reinterpretAsFloats()
                            .fma(v, s2);
            s3 =
                    p1.lanewise(VectorOperators.AND, PackedMatrix.HIGH)
                            .reinterpretAsFloats()
                            .fma(v, s3);
            IntVector q0 = IntVector.fromArray(INTS, w, j);
            IntVector q1 = IntVector.fromArray(INTS, w, j + LANES);
            s4 =
                    q0.lanewise(VectorOperators.LSHL, PackedMatrix.HALF_BITS)
                            .reinterpretAsFloats()
                            .fma(v, s4);
            s5 =
                    q1.lanewise(VectorOperators.LSHL, PackedMatrix.HALF_BITS)
                            .reinterpretAsFloats()
                            .fma(v, s5);
            s6 =
                    q0.lanewise(VectorOperators.AND, PackedMatrix.HIGH)
                            .reinterpretAsFloats()
                            .fma(v, s6);
            s7 =
                    q1.lanewise(VectorOperators.AND, PackedMatrix.HIGH)
                            .reinterpretAsFloats()
                            .fma(v, s7);
        }
        int to = yStart + PackedMatrix.PANEL;
        s0.intoArray(y, yStart);
        s1.intoArray(y, yStart + LANES);
        s2.intoArray(y, yStart + PackedMatrix.PAIRS);
        s3.intoArray(y, yStart + PackedMatrix.PAIRS + LANES);
        s4.intoArray(y, to);
        s5.intoArray(y, to + LANES);
        s6.intoArray(y, to + PackedMatrix.PAIRS);
        s7.intoArray(y, to + PackedMatrix.PAIRS + LANES);
    }
}
