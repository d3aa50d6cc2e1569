package io.mambabyte.kernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

import org.jspecify.annotations.Nullable;

/**
 * {@link Kernels#scan} and {@link Kernels#selectiveScan} with the Vector API. A lane is a channel.
 * 64 rows of one vector of channels are gathered in a block that stays in the first level cache;
 * four states and their A stay in registers while t runs over its rows, and the sum over states
 * passes from one group of four to the next through y.
 *
 * <p>What limits it on a core whose 512-bit operations take two passes are the multipliers, nine
 * uses a vector of states, and how many operations the core looks ahead over: a loop without bounds
 * checks and without the clamp of powers comes close to them. So B, C and the block lie at
 * distances that the compiler knows, and the clamp is left out where the largest delta of the block
 * shows it unneeded. Constants come from memory, which the compiler keeps in registers (a constant
 * that it knows, it broadcasts anew at every use). Four states: with eight the registers overflow.
 *
 * <p>Methods are written out, softplus too, because a method that the compiler declines to inline
 * boxes every vector that passes its border, and it declines where a caller has become large. Those
 * above 325 bytes of code are compiled for themselves.
 */
final class VectorScan {
    private static final VectorSpecies<Float> SPECIES = VectorKernels.SPECIES;
    private static final int LANES = VectorKernels.LANES;
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
    private static final int LARGEST_EXPONENT =
            Float.floatToRawIntBits(Elementary.LARGEST_EXPONENT);
    private static final int MINUS_LARGEST_EXPONENT =
            Float.floatToRawIntBits(-Elementary.LARGEST_EXPONENT);
    private static final int LARGEST_POWER = Float.floatToRawIntBits(-Elementary.LEAST_POWER);
    private static final int STEP = ScanBlock.STEP;
    private static final int INPUT = ScanBlock.INPUT;
    private static final int Y = ScanBlock.Y;
    private static final int GATE = ScanBlock.GATE;
    private static final int MIX = ScanBlock.MIX;

    /** From B of a state to its C. */
    private static final int C = ScanBlock.GROUP;

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

    /** Where input is null, delta is what softplus is applied to. */
    static void scan(
            ScanParameters parameters,
            int rows,
            Rows delta,
            Rows x,
            @Nullable Rows input,
            Rows projection,
            int bColumn,
            Rows z,
            Rows state,
            Rows y,
            ScanBlock block) {
        for (int first = 0; first < rows; first += ScanBlock.ROWS) {
            int count = Math.min(ScanBlock.ROWS, rows - first);
            gather(
                    projection.values,
                    projection.start(first) + bColumn,
                    projection.stride,
                    parameters.states,
                    block.mix,
                    count);
            scanRows(parameters, first, count, delta, x, input, z, state, y, block);
        }
    }

    /** B and C by groups of states, so that a group's are one after the other. */
    private static void gather(
            float[] projection, int from, int stride, int states, float[] mix, int rows) {
        int to = 0;
        for (int n = 0; n < states; n += C, to = n * ScanBlock.ROWS * MIX / C) {
            int b = from + n;
            for (int t = 0; t < rows; t++, b += stride, to += MIX) {
                if (n + C <= states) {
                    mix[to] = projection[b];
                    mix[to + 1] = projection[b + 1];
                    mix[to + 2] = projection[b + 2];
                    mix[to + 3] = projection[b + 3];
                    mix[to + C] = projection[b + states];
                    mix[to + C + 1] = projection[b + states + 1];
                    mix[to + C + 2] = projection[b + states + 2];
                    mix[to + C + 3] = projection[b + states + 3];
                } else {
                    for (int k = 0; n + k < states; k++) {
                        mix[to + k] = projection[b + k];
                        mix[to + C + k] = projection[b + states + k];
                    }
                }
            }
        }
    }

    private static void scanRows(
            ScanParameters parameters,
            int first,
            int rows,
            Rows delta,
            Rows x,
            @Nullable Rows input,
            Rows z,
            Rows state,
            Rows y,
            ScanBlock block) {
        int width = parameters.width;
        int states = parameters.states;
        for (int e = 0; e < width; e += LANES) {
            int d = delta.start(first) + e;
            int xs = x.start(first) + e;
            if (input == null) {
                steps(
                        delta.values,
                        d,
                        delta.stride,
                        x.values,
                        xs,
                        x.stride,
                        z.values,
                        z.start(first) + e,
                        z.stride,
                        parameters.skip,
                        e,
                        block.steps,
                        rows);
            } else {
                given(
                        delta.values,
                        d,
                        delta.stride,
                        x.values,
                        xs,
                        x.stride,
                        input.values,
                        input.start(first) + e,
                        input.stride,
                        z.values,
                        z.start(first) + e,
                        z.stride,
                        parameters.skip,
                        e,
                        block.steps,
                        rows);
            }
            int n = 0;
            if (isBounded(block.steps, parameters.steepest, e, rows)) {
                for (; n + 4 <= states; n += 4) {
                    scan4(
                            parameters.decay,
                            n * width + e,
                            width,
                            rows,
                            block.steps,
                            block.mix,
                            n / 4 * ScanBlock.ROWS * MIX,
                            state.values,
                            state.start(n) + e,
                            state.stride);
                }
            }
            for (; n < states; n++) {
                scan1(
                        parameters.decay,
                        n * width + e,
                        rows,
                        block.steps,
                        block.mix,
                        n / 4 * ScanBlock.ROWS * MIX + n % 4,
                        state.values,
                        state.start(n) + e);
            }
            gate(block.steps, y.values, y.start(first) + e, y.stride, rows);
        }
    }

    /**
     * Softplus, {@code delta * x}, {@code D * x} and the gate: {@link Elementary#softplus} and
     * {@link Elementary#silu} written out, in one loop because each alone waits for its own chain.
     */
    private static void steps(
            float[] delta,
            int deltaStart,
            int deltaStride,
            float[] x,
            int xStart,
            int xStride,
            float[] z,
            int zStart,
            int zStride,
            float[] skip,
            int e,
            float[] steps,
            int rows) {
        FloatVector d = FloatVector.fromArray(SPECIES, skip, e);
        for (int t = 0; t < rows; t++) {
            FloatVector v = FloatVector.fromArray(SPECIES, delta, deltaStart + t * deltaStride);
            FloatVector c =
                    v.reinterpretAsInts()
                            .lanewise(VectorOperators.AND, Elementary.MAGNITUDE)
                            .lanewise(VectorOperators.MIN, LARGEST_EXPONENT)
                            .reinterpretAsFloats();
            FloatVector round = FloatVector.broadcast(SPECIES, Elementary.ROUND);
            FloatVector r = c.fma(FloatVector.broadcast(SPECIES, -Elementary.LOG2_E), round);
            FloatVector g = r.sub(round).fma(FloatVector.broadcast(SPECIES, Elementary.LN2), c);
            FloatVector one = FloatVector.broadcast(SPECIES, 1f);
            FloatVector p =
                    FloatVector.broadcast(SPECIES, -Elementary.E5)
                            .fma(g, FloatVector.broadcast(SPECIES, Elementary.E4));
            p = p.fma(g, FloatVector.broadcast(SPECIES, -Elementary.E3));
            p = p.fma(g, FloatVector.broadcast(SPECIES, Elementary.E2));
            p = p.fma(g, FloatVector.broadcast(SPECIES, -1f)).fma(g, one);
            FloatVector power =
                    r.reinterpretAsInts()
                            .lanewise(VectorOperators.LSHL, Elementary.MANTISSA_BITS)
                            .add(p.reinterpretAsInts())
                            .reinterpretAsFloats();
            p =
                    FloatVector.broadcast(SPECIES, Elementary.L8)
                            .fma(power, FloatVector.broadcast(SPECIES, Elementary.L7));
            p = p.fma(power, FloatVector.broadcast(SPECIES, Elementary.L6));
            p = p.fma(power, FloatVector.broadcast(SPECIES, Elementary.L5));
            p = p.fma(power, FloatVector.broadcast(SPECIES, Elementary.L4));
            p = p.fma(power, FloatVector.broadcast(SPECIES, Elementary.L3));
            p = p.fma(power, FloatVector.broadcast(SPECIES, Elementary.L2));
            p = p.fma(power, FloatVector.broadcast(SPECIES, Elementary.L1)).fma(power, one);
            FloatVector step = power.fma(p, v.blend(FloatVector.zero(SPECIES), v.lt(0f)));
            step.intoArray(steps, t * STEP);
            FloatVector xt = FloatVector.fromArray(SPECIES, x, xStart + t * xStride);
            step.mul(xt).intoArray(steps, t * STEP + INPUT);
            d.mul(xt).intoArray(steps, t * STEP + Y);

            FloatVector zt = FloatVector.fromArray(SPECIES, z, zStart + t * zStride);
            FloatVector zc =
                    zt.reinterpretAsInts()
                            .lanewise(VectorOperators.UMIN, MINUS_LARGEST_EXPONENT)
                            .lanewise(VectorOperators.MIN, LARGEST_EXPONENT)
                            .reinterpretAsFloats();
            FloatVector zr = zc.fma(FloatVector.broadcast(SPECIES, -Elementary.LOG2_E), round);
            FloatVector zg = zr.sub(round).fma(FloatVector.broadcast(SPECIES, Elementary.LN2), zc);
            FloatVector zp =
                    FloatVector.broadcast(SPECIES, -Elementary.E5)
                            .fma(zg, FloatVector.broadcast(SPECIES, Elementary.E4));
            zp = zp.fma(zg, FloatVector.broadcast(SPECIES, -Elementary.E3));
            zp = zp.fma(zg, FloatVector.broadcast(SPECIES, Elementary.E2));
            zp = zp.fma(zg, FloatVector.broadcast(SPECIES, -1f)).fma(zg, one);
            FloatVector ze =
                    zr.reinterpretAsInts()
                            .lanewise(VectorOperators.LSHL, Elementary.MANTISSA_BITS)
                            .add(zp.reinterpretAsInts())
                            .reinterpretAsFloats();
            zt.blend(zc, zt.lt(0f)).div(ze.add(one)).intoArray(steps, t * STEP + GATE);
        }
    }

    /** The same where delta and input are given. */
    private static void given(
            float[] delta,
            int deltaStart,
            int deltaStride,
            float[] x,
            int xStart,
            int xStride,
            float[] input,
            int inputStart,
            int inputStride,
            float[] z,
            int zStart,
            int zStride,
            float[] skip,
            int e,
            float[] steps,
            int rows) {
        FloatVector d = FloatVector.fromArray(SPECIES, skip, e);
        for (int t = 0; t < rows; t++) {
            FloatVector step = FloatVector.fromArray(SPECIES, delta, deltaStart + t * deltaStride);
            step.intoArray(steps, t * STEP);
            FloatVector.fromArray(SPECIES, input, inputStart + t * inputStride)
                    .intoArray(steps, t * STEP + INPUT);
            FloatVector xt = FloatVector.fromArray(SPECIES, x, xStart + t * xStride);
            d.mul(xt).intoArray(steps, t * STEP + Y);
            VectorElementary.silu(FloatVector.fromArray(SPECIES, z, zStart + t * zStride))
                    .intoArray(steps, t * STEP + GATE);
        }
    }

    /**
     * Whether {@code delta * decay} of no row and no state is below {@link Elementary#LEAST_POWER},
     * so that the clamp changes nothing. False where a delta is negative or NaN, which none should
     * be. In a method of its own: as part of those above, their vectors were boxed at times.
     */
    private static boolean isBounded(float[] steps, float[] steepest, int e, int rows) {
        IntVector most = IntVector.zero(INTS);
        IntVector least = IntVector.zero(INTS);
        for (int t = 0; t < rows; t++) {
            // Positive floats are in the order of their bits, negative ones are below.
            IntVector step = FloatVector.fromArray(SPECIES, steps, t * STEP).reinterpretAsInts();
            most = most.max(step);
            least = least.min(step);
        }
        // -power, so 0 to 125 where all is well; else negative, or more, as NaN is.
        IntVector power =
                most.reinterpretAsFloats()
                        .mul(FloatVector.fromArray(SPECIES, steepest, e))
                        .reinterpretAsInts()
                        .lanewise(VectorOperators.XOR, Elementary.SIGN);
        return power.compare(VectorOperators.LE, LARGEST_POWER)
                .and(power.compare(VectorOperators.GE, 0))
                .and(least.compare(VectorOperators.EQ, 0))
                .allTrue();
    }

    /** The skip and the sum over states, times the gate. */
    private static void gate(float[] steps, float[] y, int yStart, int yStride, int rows) {
        for (int t = 0; t < rows; t++) {
            FloatVector g = FloatVector.fromArray(SPECIES, steps, t * STEP + GATE);
            FloatVector.fromArray(SPECIES, steps, t * STEP + Y)
                    .mul(g)
                    .intoArray(y, yStart + t * yStride);
        }
    }

    /** Four states, without the clamp of powers. */
    private static void scan4(
            float[] decay,
            int a,
            int width,
            int rows,
            float[] steps,
            float[] mix,
            int mixStart,
            float[] state,
            int h,
            int stateStride) {
        FloatVector round = FloatVector.fromArray(SPECIES, CONSTANTS, 0);
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
        for (int t = 0; t < rows; t++) {
            int b = mixStart + t * MIX;
            FloatVector dt = FloatVector.fromArray(SPECIES, steps, t * STEP);
            FloatVector ut = FloatVector.fromArray(SPECIES, steps, t * STEP + INPUT);
            FloatVector sum = FloatVector.fromArray(SPECIES, steps, t * STEP + Y);

            FloatVector t0 = dt.mul(a0);
            FloatVector r0 = t0.add(round);
            FloatVector f0 = t0.sub(r0.sub(round));
            FloatVector q0 = p5.fma(f0, p4).fma(f0, p3).fma(f0, p2).fma(f0, p1).fma(f0, one);
            IntVector e0 =
                    r0.reinterpretAsInts().lanewise(VectorOperators.LSHL, Elementary.MANTISSA_BITS);
            h0 =
                    q0.reinterpretAsInts()
                            .add(e0)
                            .reinterpretAsFloats()
                            .fma(h0, ut.mul(FloatVector.broadcast(SPECIES, mix[b])));
            sum = h0.fma(FloatVector.broadcast(SPECIES, mix[b + C]), sum);

            FloatVector t1 = dt.mul(a1);
            FloatVector r1 = t1.add(round);
            FloatVector f1 = t1.sub(r1.sub(round));
            FloatVector q1 = p5.fma(f1, p4).fma(f1, p3).fma(f1, p2).fma(f1, p1).fma(f1, one);
            IntVector e1 =
                    r1.reinterpretAsInts().lanewise(VectorOperators.LSHL, Elementary.MANTISSA_BITS);
            h1 =
                    q1.reinterpretAsInts()
                            .add(e1)
                            .reinterpretAsFloats()
                            .fma(h1, ut.mul(FloatVector.broadcast(SPECIES, mix[b + 1])));
            sum = h1.fma(FloatVector.broadcast(SPECIES, mix[b + C + 1]), sum);

            FloatVector t2 = dt.mul(a2);
            FloatVector r2 = t2.add(round);
            FloatVector f2 = t2.sub(r2.sub(round));
            FloatVector q2 = p5.fma(f2, p4).fma(f2, p3).fma(f2, p2).fma(f2, p1).fma(f2, one);
            IntVector e2 =
                    r2.reinterpretAsInts().lanewise(VectorOperators.LSHL, Elementary.MANTISSA_BITS);
            h2 =
                    q2.reinterpretAsInts()
                            .add(e2)
                            .reinterpretAsFloats()
                            .fma(h2, ut.mul(FloatVector.broadcast(SPECIES, mix[b + 2])));
            sum = h2.fma(FloatVector.broadcast(SPECIES, mix[b + C + 2]), sum);

            FloatVector t3 = dt.mul(a3);
            FloatVector r3 = t3.add(round);
            FloatVector f3 = t3.sub(r3.sub(round));
            FloatVector q3 = p5.fma(f3, p4).fma(f3, p3).fma(f3, p2).fma(f3, p1).fma(f3, one);
            IntVector e3 =
                    r3.reinterpretAsInts().lanewise(VectorOperators.LSHL, Elementary.MANTISSA_BITS);
            h3 =
                    q3.reinterpretAsInts()
                            .add(e3)
                            .reinterpretAsFloats()
                            .fma(h3, ut.mul(FloatVector.broadcast(SPECIES, mix[b + 3])));
            sum = h3.fma(FloatVector.broadcast(SPECIES, mix[b + C + 3]), sum);

            sum.intoArray(steps, t * STEP + Y);
        }
        h0.intoArray(state, h);
        h1.intoArray(state, h + stateStride);
        h2.intoArray(state, h + 2 * stateStride);
        h3.intoArray(state, h + 3 * stateStride);
    }

    /** One state, with the clamp: of those that are left, and where a delta is large. */
    private static void scan1(
            float[] decay,
            int a,
            int rows,
            float[] steps,
            float[] mix,
            int mixStart,
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
        for (int t = 0; t < rows; t++) {
            int b = mixStart + t * MIX;
            FloatVector dt = FloatVector.fromArray(SPECIES, steps, t * STEP);
            FloatVector ut = FloatVector.fromArray(SPECIES, steps, t * STEP + INPUT);
            FloatVector sum = FloatVector.fromArray(SPECIES, steps, t * STEP + Y);

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
                            .fma(h0, ut.mul(FloatVector.broadcast(SPECIES, mix[b])));
            sum = h0.fma(FloatVector.broadcast(SPECIES, mix[b + C]), sum);

            sum.intoArray(steps, t * STEP + Y);
        }
        h0.intoArray(state, h);
    }
}
