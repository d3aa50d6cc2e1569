package io.mambabyte.kernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Kernels#scan} with the Vector API. A lane is a channel. Of a vector of channels, four
 * states and their A stay in registers while t runs over all rows; the sum over states passes from
 * one group of four to the next through y.
 *
 * <p>What limits it is not the multipliers but how many operations the core takes in a cycle, so
 * the form of the loop is measured: offsets that are added to rather than multiplied, and constants
 * that come from memory, which the compiler keeps in registers (a constant that it knows, it
 * broadcasts anew at every use). Four states: with eight the registers overflow. Everything is
 * written out in one method because a method that the compiler declines to inline boxes every
 * vector that passes its border.
 */
final class VectorScan {
    private static final VectorSpecies<Float> SPECIES = VectorKernels.SPECIES;
    private static final int LANES = VectorKernels.LANES;

    /**
     * Rows between two loads of a state: few enough for delta, input and y of one vector of
     * channels to stay in the first level cache from one group of states to the next.
     */
    private static final int MOST_ROWS = 32;

    /** The constants of {@link Elementary#exp2}, each {@value Rows#LANES} times. */
    static final float[] CONSTANTS =
            repeated(
                    Elementary.ROUND,
                    Elementary.LEAST_POWER,
                    Elementary.P5,
                    Elementary.P4,
                    Elementary.P3,
                    Elementary.P2,
                    Elementary.P1,
                    1f);

    private VectorScan() {}

    private static float[] repeated(float... values) {
        float[] repeated = new float[values.length * Rows.LANES];
        for (int i = 0; i < repeated.length; i++) {
            repeated[i] = values[i / Rows.LANES];
        }
        return repeated;
    }

    static void scan(
            ScanParameters parameters,
            int rows,
            Rows delta,
            Rows x,
            Rows input,
            Rows projection,
            int bColumn,
            Rows z,
            Rows state,
            Rows y) {
        for (int first = 0; first < rows; first += MOST_ROWS) {
            scanRows(
                    parameters,
                    first,
                    Math.min(MOST_ROWS, rows - first),
                    delta,
                    x,
                    input,
                    projection,
                    bColumn,
                    z,
                    state,
                    y);
        }
    }

    private static void scanRows(
            ScanParameters parameters,
            int first,
            int rows,
            Rows delta,
            Rows x,
            Rows input,
            Rows projection,
            int bColumn,
            Rows z,
            Rows state,
            Rows y) {
        int b = projection.start(first) + bColumn;
        int width = parameters.width;
        int states = parameters.states;
        for (int e = 0; e < width; e += LANES) {
            skip(parameters.skip, e, first, rows, x, y);
            int n = 0;
            for (; n + 4 <= states; n += 4) {
                scan4(
                        parameters.decay,
                        n * width + e,
                        width,
                        rows,
                        delta.values,
                        input.values,
                        y.values,
                        y.start(first) + e,
                        y.stride,
                        projection.values,
                        b + n,
                        states,
                        projection.stride,
                        state.values,
                        state.start(n) + e,
                        state.stride);
            }
            for (; n < states; n++) {
                scan1(
                        parameters.decay,
                        n * width + e,
                        rows,
                        delta.values,
                        input.values,
                        y.values,
                        y.start(first) + e,
                        y.stride,
                        projection.values,
                        b + n,
                        states,
                        projection.stride,
                        state.values,
                        state.start(n) + e);
            }
            gate(e, first, rows, z, y);
        }
    }

    private static void skip(float[] skip, int e, int first, int rows, Rows x, Rows y) {
        FloatVector d = FloatVector.fromArray(SPECIES, skip, e);
        int from = x.start(first) + e;
        int to = y.start(first) + e;
        for (int t = 0; t < rows; t++, from += x.stride, to += y.stride) {
            d.mul(FloatVector.fromArray(SPECIES, x.values, from)).intoArray(y.values, to);
        }
    }

    private static void gate(int e, int first, int rows, Rows z, Rows y) {
        int from = z.start(first) + e;
        int to = y.start(first) + e;
        for (int t = 0; t < rows; t++, from += z.stride, to += y.stride) {
            FloatVector g = VectorElementary.silu(FloatVector.fromArray(SPECIES, z.values, from));
            FloatVector.fromArray(SPECIES, y.values, to).mul(g).intoArray(y.values, to);
        }
    }

    /** Four states; delta, input and y have the same index. */
    private static void scan4(
            float[] decay,
            int a,
            int width,
            int rows,
            float[] delta,
            float[] input,
            float[] y,
            int start,
            int stride,
            float[] projection,
            int bStart,
            int states,
            int projectionStride,
            float[] state,
            int h,
            int stateStride) {
        FloatVector round = FloatVector.fromArray(SPECIES, CONSTANTS, 0);
        IntVector least =
                FloatVector.fromArray(SPECIES, CONSTANTS, 1 * Rows.LANES).reinterpretAsInts();
        FloatVector p5 = FloatVector.fromArray(SPECIES, CONSTANTS, 2 * Rows.LANES);
        FloatVector p4 = FloatVector.fromArray(SPECIES, CONSTANTS, 3 * Rows.LANES);
        FloatVector p3 = FloatVector.fromArray(SPECIES, CONSTANTS, 4 * Rows.LANES);
        FloatVector p2 = FloatVector.fromArray(SPECIES, CONSTANTS, 5 * Rows.LANES);
        FloatVector p1 = FloatVector.fromArray(SPECIES, CONSTANTS, 6 * Rows.LANES);
        FloatVector one = FloatVector.fromArray(SPECIES, CONSTANTS, 7 * Rows.LANES);
        FloatVector a0 = FloatVector.fromArray(SPECIES, decay, a);
        FloatVector a1 = FloatVector.fromArray(SPECIES, decay, a + width);
        FloatVector a2 = FloatVector.fromArray(SPECIES, decay, a + 2 * width);
        FloatVector a3 = FloatVector.fromArray(SPECIES, decay, a + 3 * width);
        FloatVector h0 = FloatVector.fromArray(SPECIES, state, h);
        FloatVector h1 = FloatVector.fromArray(SPECIES, state, h + stateStride);
        FloatVector h2 = FloatVector.fromArray(SPECIES, state, h + 2 * stateStride);
        FloatVector h3 = FloatVector.fromArray(SPECIES, state, h + 3 * stateStride);
        for (int t = 0, i = start, b = bStart; t < rows; t++, i += stride, b += projectionStride) {
            FloatVector dt = FloatVector.fromArray(SPECIES, delta, i);
            FloatVector ut = FloatVector.fromArray(SPECIES, input, i);
            FloatVector sum = FloatVector.fromArray(SPECIES, y, i);

            FloatVector t0 =
                    dt.mul(a0)
                            .reinterpretAsInts()
                            .lanewise(VectorOperators.MIN, least)
                            .reinterpretAsFloats();
            FloatVector r0 = t0.add(round);
            FloatVector f0 = t0.sub(r0.sub(round));
            FloatVector q0 = p5.fma(f0, p4).fma(f0, p3).fma(f0, p2).fma(f0, p1).fma(f0, one);
            IntVector e0 =
                    r0.reinterpretAsInts().lanewise(VectorOperators.LSHL, Elementary.MANTISSA_BITS);
            h0 =
                    q0.reinterpretAsInts()
                            .add(e0)
                            .reinterpretAsFloats()
                            .fma(h0, ut.mul(FloatVector.broadcast(SPECIES, projection[b])));
            sum = h0.fma(FloatVector.broadcast(SPECIES, projection[b + states]), sum);

            FloatVector t1 =
                    dt.mul(a1)
                            .reinterpretAsInts()
                            .lanewise(VectorOperators.MIN, least)
                            .reinterpretAsFloats();
            FloatVector r1 = t1.add(round);
            FloatVector f1 = t1.sub(r1.sub(round));
            FloatVector q1 = p5.fma(f1, p4).fma(f1, p3).fma(f1, p2).fma(f1, p1).fma(f1, one);
            IntVector e1 =
                    r1.reinterpretAsInts().lanewise(VectorOperators.LSHL, Elementary.MANTISSA_BITS);
            h1 =
                    q1.reinterpretAsInts()
                            .add(e1)
                            .reinterpretAsFloats()
                            .fma(h1, ut.mul(FloatVector.broadcast(SPECIES, projection[b + 1])));
            sum = h1.fma(FloatVector.broadcast(SPECIES, projection[b + states + 1]), sum);

            FloatVector t2 =
                    dt.mul(a2)
                            .reinterpretAsInts()
                            .lanewise(VectorOperators.MIN, least)
                            .reinterpretAsFloats();
            FloatVector r2 = t2.add(round);
            FloatVector f2 = t2.sub(r2.sub(round));
            FloatVector q2 = p5.fma(f2, p4).fma(f2, p3).fma(f2, p2).fma(f2, p1).fma(f2, one);
            IntVector e2 =
                    r2.reinterpretAsInts().lanewise(VectorOperators.LSHL, Elementary.MANTISSA_BITS);
            h2 =
                    q2.reinterpretAsInts()
                            .add(e2)
                            .reinterpretAsFloats()
                            .fma(h2, ut.mul(FloatVector.broadcast(SPECIES, projection[b + 2])));
            sum = h2.fma(FloatVector.broadcast(SPECIES, projection[b + states + 2]), sum);

            FloatVector t3 =
                    dt.mul(a3)
                            .reinterpretAsInts()
                            .lanewise(VectorOperators.MIN, least)
                            .reinterpretAsFloats();
            FloatVector r3 = t3.add(round);
            FloatVector f3 = t3.sub(r3.sub(round));
            FloatVector q3 = p5.fma(f3, p4).fma(f3, p3).fma(f3, p2).fma(f3, p1).fma(f3, one);
            IntVector e3 =
                    r3.reinterpretAsInts().lanewise(VectorOperators.LSHL, Elementary.MANTISSA_BITS);
            h3 =
                    q3.reinterpretAsInts()
                            .add(e3)
                            .reinterpretAsFloats()
                            .fma(h3, ut.mul(FloatVector.broadcast(SPECIES, projection[b + 3])));
            sum = h3.fma(FloatVector.broadcast(SPECIES, projection[b + states + 3]), sum);

            sum.intoArray(y, i);
        }
        h0.intoArray(state, h);
        h1.intoArray(state, h + stateStride);
        h2.intoArray(state, h + 2 * stateStride);
        h3.intoArray(state, h + 3 * stateStride);
    }

    /** One state, of those that are left. */
    private static void scan1(
            float[] decay,
            int a,
            int rows,
            float[] delta,
            float[] input,
            float[] y,
            int start,
            int stride,
            float[] projection,
            int bStart,
            int states,
            int projectionStride,
            float[] state,
            int h) {
        FloatVector round = FloatVector.fromArray(SPECIES, CONSTANTS, 0);
        IntVector least =
                FloatVector.fromArray(SPECIES, CONSTANTS, 1 * Rows.LANES).reinterpretAsInts();
        FloatVector p5 = FloatVector.fromArray(SPECIES, CONSTANTS, 2 * Rows.LANES);
        FloatVector p4 = FloatVector.fromArray(SPECIES, CONSTANTS, 3 * Rows.LANES);
        FloatVector p3 = FloatVector.fromArray(SPECIES, CONSTANTS, 4 * Rows.LANES);
        FloatVector p2 = FloatVector.fromArray(SPECIES, CONSTANTS, 5 * Rows.LANES);
        FloatVector p1 = FloatVector.fromArray(SPECIES, CONSTANTS, 6 * Rows.LANES);
        FloatVector one = FloatVector.fromArray(SPECIES, CONSTANTS, 7 * Rows.LANES);
        FloatVector a0 = FloatVector.fromArray(SPECIES, decay, a);
        FloatVector h0 = FloatVector.fromArray(SPECIES, state, h);
        for (int t = 0, i = start, b = bStart; t < rows; t++, i += stride, b += projectionStride) {
            FloatVector dt = FloatVector.fromArray(SPECIES, delta, i);
            FloatVector ut = FloatVector.fromArray(SPECIES, input, i);
            FloatVector sum = FloatVector.fromArray(SPECIES, y, i);

            FloatVector t0 =
                    dt.mul(a0)
                            .reinterpretAsInts()
                            .lanewise(VectorOperators.MIN, least)
                            .reinterpretAsFloats();
            FloatVector r0 = t0.add(round);
            FloatVector f0 = t0.sub(r0.sub(round));
            FloatVector q0 = p5.fma(f0, p4).fma(f0, p3).fma(f0, p2).fma(f0, p1).fma(f0, one);
            IntVector e0 =
                    r0.reinterpretAsInts().lanewise(VectorOperators.LSHL, Elementary.MANTISSA_BITS);
            h0 =
                    q0.reinterpretAsInts()
                            .add(e0)
                            .reinterpretAsFloats()
                            .fma(h0, ut.mul(FloatVector.broadcast(SPECIES, projection[b])));
            sum = h0.fma(FloatVector.broadcast(SPECIES, projection[b + states]), sum);

            sum.intoArray(y, i);
        }
        h0.intoArray(state, h);
    }
}
