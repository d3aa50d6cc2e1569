package io.mambabyte.kernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

import java.util.Arrays;

/**
 * {@link Gradients#scan} with the Vector API: 16 rows at a time from the last to the first, two
 * vectors of channels, two states. Decays and states are computed again from the checkpoint on and
 * kept for the way back.
 *
 * <p>Two vectors of channels and not one: the sums over channels of dB and dC pass through memory
 * once for the two, and B and C are broadcast once. Two and not four states: more would not fit the
 * registers, and machines with 16 of them take one vector of channels.
 */
final class VectorScanGradient {
    private static final VectorSpecies<Float> F = VectorKernels.SPECIES;
    private static final int L = VectorKernels.LANES;
    private static final int LANES = Rows.LANES;
    private static final int CHECKPOINT_STEPS = Gradients.CHECKPOINT_STEPS;

    /**
     * The constants of {@link Elementary#exp2}, in memory for the reason that {@link VectorScan}
     * gives.
     */
    private static final float[] CONSTANTS = VectorScan.CONSTANTS;

    private VectorScanGradient() {}

    static void scan(
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
            int checkpoint = chunk * states;
            Arrays.fill(scratch.partials, 0f);
            fetch(first, count, width, delta, x, input, z, dy, dx, dz, scratch);
            fetch(checkpoint, states, width, checkpoints, scratch);
            clear(first, count, width, dDelta);
            clear(first, count, width, dInput);
            int e = 0;
            for (; L == LANES && e + 2 * LANES <= width; e += 2 * LANES) {
                gates(parameters, first, count, e, 0, x, z, dy, scratch);
                gates(parameters, first, count, e + LANES, LANES, x, z, dy, scratch);
                int n = 0;
                for (; n + 2 <= states; n += 2) {
                    recompute2x2(
                            parameters,
                            n,
                            e,
                            first,
                            count,
                            delta,
                            input,
                            projection,
                            bColumn,
                            checkpoints,
                            checkpoint,
                            scratch);
                    back2x2(
                            parameters,
                            n,
                            e,
                            first,
                            count,
                            delta,
                            input,
                            projection,
                            bColumn,
                            scratch,
                            dDecay,
                            dDelta,
                            dInput);
                }
                if (n < states) {
                    for (int half = 0; half < 2 * LANES; half += LANES) {
                        recompute1(
                                parameters,
                                n,
                                e + half,
                                half,
                                first,
                                count,
                                delta,
                                input,
                                projection,
                                bColumn,
                                checkpoints,
                                checkpoint,
                                scratch);
                        back1(
                                parameters,
                                n,
                                e + half,
                                half,
                                first,
                                count,
                                delta,
                                input,
                                projection,
                                bColumn,
                                scratch,
                                dDecay,
                                dDelta,
                                dInput);
                    }
                }
                outputs(parameters, first, count, e, 0, x, scratch, dSkip, dDelta, dx, dz);
                outputs(
                        parameters,
                        first,
                        count,
                        e + LANES,
                        LANES,
                        x,
                        scratch,
                        dSkip,
                        dDelta,
                        dx,
                        dz);
            }
            for (; e < width; e += L) {
                gates(parameters, first, count, e, 0, x, z, dy, scratch);
                for (int n = 0; n < states; n++) {
                    recompute1(
                            parameters,
                            n,
                            e,
                            0,
                            first,
                            count,
                            delta,
                            input,
                            projection,
                            bColumn,
                            checkpoints,
                            checkpoint,
                            scratch);
                    back1(
                            parameters,
                            n,
                            e,
                            0,
                            first,
                            count,
                            delta,
                            input,
                            projection,
                            bColumn,
                            scratch,
                            dDecay,
                            dDelta,
                            dInput);
                }
                outputs(parameters, first, count, e, 0, x, scratch, dSkip, dDelta, dx, dz);
            }
            projectionSums(scratch.partials, first, count, states, bColumn, dProjection);
        }
    }

    /**
     * Reads a float of every line, row by row. What follows goes through a vector of channels of
     * all rows after the other, which no prefetcher follows.
     */
    private static void fetch(
            int first,
            int count,
            int width,
            Rows delta,
            Rows x,
            Rows input,
            Rows z,
            Rows dy,
            Rows dx,
            Rows dz,
            ScanScratch scratch) {
        float sum = 0f;
        for (int row = first; row < first + count; row++) {
            for (int e = 0; e < width; e += LANES) {
                sum +=
                        delta.values[delta.start(row) + e]
                                + x.values[x.start(row) + e]
                                + input.values[input.start(row) + e]
                                + z.values[z.start(row) + e]
                                + dy.values[dy.start(row) + e]
                                + dx.values[dx.start(row) + e]
                                + dz.values[dz.start(row) + e];
            }
        }
        scratch.fetched = sum;
    }

    private static void fetch(int first, int count, int width, Rows rows, ScanScratch scratch) {
        float sum = 0f;
        for (int row = first; row < first + count; row++) {
            for (int e = 0; e < width; e += LANES) {
                sum += rows.values[rows.start(row) + e];
            }
        }
        scratch.fetched = sum;
    }

    private static void clear(int first, int count, int width, Rows rows) {
        for (int row = first; row < first + count; row++) {
            Arrays.fill(rows.values, rows.start(row), rows.start(row) + width, 0f);
        }
    }

    /** Starts the sums, and leaves what the gate's derivative is to be multiplied with. */
    private static void gates(
            ScanParameters parameters,
            int first,
            int count,
            int e,
            int half,
            Rows x,
            Rows z,
            Rows dy,
            ScanScratch scratch) {
        FloatVector skip = FloatVector.fromArray(F, parameters.skip, e);
        FloatVector one = FloatVector.broadcast(F, 1f);
        for (int t = 0; t < count; t++) {
            int row = first + t;
            int to = 2 * t * LANES + half;
            skip.mul(FloatVector.fromArray(F, x.values, x.start(row) + e)).intoArray(scratch.y, to);
            FloatVector v = FloatVector.fromArray(F, z.values, z.start(row) + e);
            FloatVector d = FloatVector.fromArray(F, dy.values, dy.start(row) + e);
            FloatVector power = VectorElementary.expOfMinusAbs(v);
            FloatVector r = one.div(power.add(one));
            FloatVector er = power.mul(r);
            VectorMask<Float> negative = v.compare(VectorOperators.LT, 0f);
            FloatVector s = r.blend(er, negative);
            FloatVector silu = v.mul(s);
            d.mul(silu).intoArray(scratch.dy, to);
            silu.fma(er.blend(r, negative), s).mul(d).intoArray(scratch.slopes, to);
        }
    }

    /**
     * Computes decays and states of two states of two vectors of channels again, from the
     * checkpoint on, and the output before the gate.
     */
    private static void recompute2x2(
            ScanParameters parameters,
            int n,
            int e,
            int first,
            int count,
            Rows delta,
            Rows input,
            Rows projection,
            int bColumn,
            Rows checkpoints,
            int checkpoint,
            ScanScratch scratch) {
        float[] ds = delta.values;
        float[] us = input.values;
        float[] ps = projection.values;
        float[] powers = scratch.powers;
        float[] values = scratch.values;
        float[] y = scratch.y;
        int states = parameters.states;
        FloatVector round = FloatVector.fromArray(F, CONSTANTS, 0);
        IntVector least = FloatVector.fromArray(F, CONSTANTS, LANES).reinterpretAsInts();
        FloatVector p5 = FloatVector.fromArray(F, CONSTANTS, 2 * LANES);
        FloatVector p4 = FloatVector.fromArray(F, CONSTANTS, 3 * LANES);
        FloatVector p3 = FloatVector.fromArray(F, CONSTANTS, 4 * LANES);
        FloatVector p2 = FloatVector.fromArray(F, CONSTANTS, 5 * LANES);
        FloatVector p1 = FloatVector.fromArray(F, CONSTANTS, 6 * LANES);
        FloatVector one = FloatVector.fromArray(F, CONSTANTS, 7 * LANES);
        int a = n * parameters.width + e;
        int h = checkpoints.start(checkpoint + n) + e;
        FloatVector a0a = FloatVector.fromArray(F, parameters.decay, a);
        FloatVector a0b = FloatVector.fromArray(F, parameters.decay, a + LANES);
        FloatVector a1a = FloatVector.fromArray(F, parameters.decay, a + parameters.width);
        FloatVector a1b = FloatVector.fromArray(F, parameters.decay, a + parameters.width + LANES);
        FloatVector h0a = FloatVector.fromArray(F, checkpoints.values, h);
        h0a.intoArray(values, 0);
        FloatVector h0b = FloatVector.fromArray(F, checkpoints.values, h + LANES);
        h0b.intoArray(values, 2 * LANES);
        FloatVector h1a = FloatVector.fromArray(F, checkpoints.values, h + checkpoints.stride);
        h1a.intoArray(values, LANES);
        FloatVector h1b =
                FloatVector.fromArray(F, checkpoints.values, h + checkpoints.stride + LANES);
        h1b.intoArray(values, 3 * LANES);
        int d = delta.start(first) + e;
        int u = input.start(first) + e;
        int b = projection.start(first) + bColumn + n;
        int at = 0;
        for (int t = 0; t < count; t++) {
            int to = 2 * t * LANES;
            FloatVector da = FloatVector.fromArray(F, ds, d);
            FloatVector ua = FloatVector.fromArray(F, us, u);
            FloatVector ya = FloatVector.fromArray(F, y, to);
            FloatVector db = FloatVector.fromArray(F, ds, d + LANES);
            FloatVector ub = FloatVector.fromArray(F, us, u + LANES);
            FloatVector yb = FloatVector.fromArray(F, y, to + LANES);

            FloatVector b0 = FloatVector.broadcast(F, ps[b]);
            FloatVector c0 = FloatVector.broadcast(F, ps[b + states]);
            FloatVector t0a =
                    da.mul(a0a)
                            .reinterpretAsInts()
                            .lanewise(VectorOperators.MIN, least)
                            .reinterpretAsFloats();
            FloatVector r0a = t0a.add(round);
            FloatVector f0a = t0a.sub(r0a.sub(round));
            FloatVector q0a = p5.fma(f0a, p4).fma(f0a, p3).fma(f0a, p2).fma(f0a, p1).fma(f0a, one);
            FloatVector e0a =
                    q0a.reinterpretAsInts()
                            .add(
                                    r0a.reinterpretAsInts()
                                            .lanewise(
                                                    VectorOperators.LSHL, Elementary.MANTISSA_BITS))
                            .reinterpretAsFloats();
            h0a = e0a.fma(h0a, ua.mul(b0));
            ya = h0a.fma(c0, ya);
            e0a.intoArray(powers, at);
            h0a.intoArray(values, at + 4 * LANES);
            FloatVector t0b =
                    db.mul(a0b)
                            .reinterpretAsInts()
                            .lanewise(VectorOperators.MIN, least)
                            .reinterpretAsFloats();
            FloatVector r0b = t0b.add(round);
            FloatVector f0b = t0b.sub(r0b.sub(round));
            FloatVector q0b = p5.fma(f0b, p4).fma(f0b, p3).fma(f0b, p2).fma(f0b, p1).fma(f0b, one);
            FloatVector e0b =
                    q0b.reinterpretAsInts()
                            .add(
                                    r0b.reinterpretAsInts()
                                            .lanewise(
                                                    VectorOperators.LSHL, Elementary.MANTISSA_BITS))
                            .reinterpretAsFloats();
            h0b = e0b.fma(h0b, ub.mul(b0));
            yb = h0b.fma(c0, yb);
            e0b.intoArray(powers, at + 2 * LANES);
            h0b.intoArray(values, at + 6 * LANES);

            FloatVector b1 = FloatVector.broadcast(F, ps[b + 1]);
            FloatVector c1 = FloatVector.broadcast(F, ps[b + states + 1]);
            FloatVector t1a =
                    da.mul(a1a)
                            .reinterpretAsInts()
                            .lanewise(VectorOperators.MIN, least)
                            .reinterpretAsFloats();
            FloatVector r1a = t1a.add(round);
            FloatVector f1a = t1a.sub(r1a.sub(round));
            FloatVector q1a = p5.fma(f1a, p4).fma(f1a, p3).fma(f1a, p2).fma(f1a, p1).fma(f1a, one);
            FloatVector e1a =
                    q1a.reinterpretAsInts()
                            .add(
                                    r1a.reinterpretAsInts()
                                            .lanewise(
                                                    VectorOperators.LSHL, Elementary.MANTISSA_BITS))
                            .reinterpretAsFloats();
            h1a = e1a.fma(h1a, ua.mul(b1));
            ya = h1a.fma(c1, ya);
            e1a.intoArray(powers, at + LANES);
            h1a.intoArray(values, at + 5 * LANES);
            FloatVector t1b =
                    db.mul(a1b)
                            .reinterpretAsInts()
                            .lanewise(VectorOperators.MIN, least)
                            .reinterpretAsFloats();
            FloatVector r1b = t1b.add(round);
            FloatVector f1b = t1b.sub(r1b.sub(round));
            FloatVector q1b = p5.fma(f1b, p4).fma(f1b, p3).fma(f1b, p2).fma(f1b, p1).fma(f1b, one);
            FloatVector e1b =
                    q1b.reinterpretAsInts()
                            .add(
                                    r1b.reinterpretAsInts()
                                            .lanewise(
                                                    VectorOperators.LSHL, Elementary.MANTISSA_BITS))
                            .reinterpretAsFloats();
            h1b = e1b.fma(h1b, ub.mul(b1));
            yb = h1b.fma(c1, yb);
            e1b.intoArray(powers, at + 3 * LANES);
            h1b.intoArray(values, at + 7 * LANES);

            ya.intoArray(y, to);
            yb.intoArray(y, to + LANES);
            d += delta.stride;
            u += input.stride;
            b += projection.stride;
            at += 4 * LANES;
        }
    }

    /** {@link #recompute2x2} of one state of one vector of channels. */
    private static void recompute1(
            ScanParameters parameters,
            int n,
            int e,
            int half,
            int first,
            int count,
            Rows delta,
            Rows input,
            Rows projection,
            int bColumn,
            Rows checkpoints,
            int checkpoint,
            ScanScratch scratch) {
        FloatVector round = FloatVector.fromArray(F, CONSTANTS, 0);
        IntVector least = FloatVector.fromArray(F, CONSTANTS, LANES).reinterpretAsInts();
        FloatVector p5 = FloatVector.fromArray(F, CONSTANTS, 2 * LANES);
        FloatVector p4 = FloatVector.fromArray(F, CONSTANTS, 3 * LANES);
        FloatVector p3 = FloatVector.fromArray(F, CONSTANTS, 4 * LANES);
        FloatVector p2 = FloatVector.fromArray(F, CONSTANTS, 5 * LANES);
        FloatVector p1 = FloatVector.fromArray(F, CONSTANTS, 6 * LANES);
        FloatVector one = FloatVector.fromArray(F, CONSTANTS, 7 * LANES);
        FloatVector a = FloatVector.fromArray(F, parameters.decay, n * parameters.width + e);
        FloatVector h =
                FloatVector.fromArray(F, checkpoints.values, checkpoints.start(checkpoint + n) + e);
        h.intoArray(scratch.values, 0);
        int d = delta.start(first) + e;
        int u = input.start(first) + e;
        int b = projection.start(first) + bColumn + n;
        for (int t = 0; t < count; t++) {
            int to = 2 * t * LANES + half;
            FloatVector power =
                    FloatVector.fromArray(F, delta.values, d)
                            .mul(a)
                            .reinterpretAsInts()
                            .lanewise(VectorOperators.MIN, least)
                            .reinterpretAsFloats();
            FloatVector r = power.add(round);
            FloatVector f = power.sub(r.sub(round));
            FloatVector q = p5.fma(f, p4).fma(f, p3).fma(f, p2).fma(f, p1).fma(f, one);
            power =
                    q.reinterpretAsInts()
                            .add(
                                    r.reinterpretAsInts()
                                            .lanewise(
                                                    VectorOperators.LSHL, Elementary.MANTISSA_BITS))
                            .reinterpretAsFloats();
            FloatVector bt = FloatVector.broadcast(F, projection.values[b]);
            FloatVector ct = FloatVector.broadcast(F, projection.values[b + parameters.states]);
            h = power.fma(h, FloatVector.fromArray(F, input.values, u).mul(bt));
            h.fma(ct, FloatVector.fromArray(F, scratch.y, to)).intoArray(scratch.y, to);
            power.intoArray(scratch.powers, t * LANES);
            h.intoArray(scratch.values, (t + 1) * LANES);
            d += delta.stride;
            u += input.stride;
            b += projection.stride;
        }
    }

    /** The way back through two states of two vectors of channels. */
    private static void back2x2(
            ScanParameters parameters,
            int n,
            int e,
            int first,
            int count,
            Rows delta,
            Rows input,
            Rows projection,
            int bColumn,
            ScanScratch scratch,
            float[] dDecay,
            Rows dDelta,
            Rows dInput) {
        float[] ds = delta.values;
        float[] us = input.values;
        float[] ps = projection.values;
        float[] byDelta = dDelta.values;
        float[] byInput = dInput.values;
        float[] powers = scratch.powers;
        float[] values = scratch.values;
        float[] partials = scratch.partials;
        float[] carry = scratch.carry;
        float[] dy = scratch.dy;
        int states = parameters.states;
        int width = parameters.width;
        int last = count - 1;
        int a = n * width + e;
        int at = 4 * last * LANES;
        FloatVector a0a = FloatVector.fromArray(F, parameters.decay, a);
        FloatVector g0a = FloatVector.fromArray(F, carry, a);
        FloatVector sum0a = FloatVector.fromArray(F, dDecay, a);
        FloatVector h0a = FloatVector.fromArray(F, values, at + 4 * LANES);
        FloatVector a0b = FloatVector.fromArray(F, parameters.decay, a + LANES);
        FloatVector g0b = FloatVector.fromArray(F, carry, a + LANES);
        FloatVector sum0b = FloatVector.fromArray(F, dDecay, a + LANES);
        FloatVector h0b = FloatVector.fromArray(F, values, at + 6 * LANES);
        FloatVector a1a = FloatVector.fromArray(F, parameters.decay, a + width);
        FloatVector g1a = FloatVector.fromArray(F, carry, a + width);
        FloatVector sum1a = FloatVector.fromArray(F, dDecay, a + width);
        FloatVector h1a = FloatVector.fromArray(F, values, at + 5 * LANES);
        FloatVector a1b = FloatVector.fromArray(F, parameters.decay, a + width + LANES);
        FloatVector g1b = FloatVector.fromArray(F, carry, a + width + LANES);
        FloatVector sum1b = FloatVector.fromArray(F, dDecay, a + width + LANES);
        FloatVector h1b = FloatVector.fromArray(F, values, at + 7 * LANES);
        int d = delta.start(first + last) + e;
        int u = input.start(first + last) + e;
        int b = projection.start(first + last) + bColumn + n;
        int bSum = (n * CHECKPOINT_STEPS + last) * LANES;
        int toDelta = dDelta.start(first + last) + e;
        int toInput = dInput.start(first + last) + e;
        for (int t = last; t >= 0; t--) {
            int cSum = bSum + states * CHECKPOINT_STEPS * LANES;
            FloatVector sa = FloatVector.fromArray(F, dy, 2 * t * LANES);
            FloatVector ua = FloatVector.fromArray(F, us, u);
            FloatVector da = FloatVector.fromArray(F, ds, d);
            FloatVector deltaA = FloatVector.fromArray(F, byDelta, toDelta);
            FloatVector inputA = FloatVector.fromArray(F, byInput, toInput);
            FloatVector sb = FloatVector.fromArray(F, dy, 2 * t * LANES + LANES);
            FloatVector ub = FloatVector.fromArray(F, us, u + LANES);
            FloatVector db = FloatVector.fromArray(F, ds, d + LANES);
            FloatVector deltaB = FloatVector.fromArray(F, byDelta, toDelta + LANES);
            FloatVector inputB = FloatVector.fromArray(F, byInput, toInput + LANES);

            FloatVector b0 = FloatVector.broadcast(F, ps[b]);
            FloatVector c0 = FloatVector.broadcast(F, ps[b + states]);
            sb.fma(h0b, sa.fma(h0a, FloatVector.fromArray(F, partials, cSum)))
                    .intoArray(partials, cSum);
            g0a = sa.fma(c0, g0a);
            g0b = sb.fma(c0, g0b);
            g0b.fma(ub, g0a.fma(ua, FloatVector.fromArray(F, partials, bSum)))
                    .intoArray(partials, bSum);
            inputA = g0a.fma(b0, inputA);
            g0a = g0a.mul(FloatVector.fromArray(F, powers, at));
            h0a = FloatVector.fromArray(F, values, at);
            FloatVector q0a = g0a.mul(h0a);
            deltaA = q0a.fma(a0a, deltaA);
            sum0a = q0a.fma(da, sum0a);
            inputB = g0b.fma(b0, inputB);
            g0b = g0b.mul(FloatVector.fromArray(F, powers, at + 2 * LANES));
            h0b = FloatVector.fromArray(F, values, at + 2 * LANES);
            FloatVector q0b = g0b.mul(h0b);
            deltaB = q0b.fma(a0b, deltaB);
            sum0b = q0b.fma(db, sum0b);

            FloatVector b1 = FloatVector.broadcast(F, ps[b + 1]);
            FloatVector c1 = FloatVector.broadcast(F, ps[b + states + 1]);
            sb.fma(
                            h1b,
                            sa.fma(
                                    h1a,
                                    FloatVector.fromArray(
                                            F, partials, cSum + CHECKPOINT_STEPS * LANES)))
                    .intoArray(partials, cSum + CHECKPOINT_STEPS * LANES);
            g1a = sa.fma(c1, g1a);
            g1b = sb.fma(c1, g1b);
            g1b.fma(
                            ub,
                            g1a.fma(
                                    ua,
                                    FloatVector.fromArray(
                                            F, partials, bSum + CHECKPOINT_STEPS * LANES)))
                    .intoArray(partials, bSum + CHECKPOINT_STEPS * LANES);
            inputA = g1a.fma(b1, inputA);
            g1a = g1a.mul(FloatVector.fromArray(F, powers, at + LANES));
            h1a = FloatVector.fromArray(F, values, at + LANES);
            FloatVector q1a = g1a.mul(h1a);
            deltaA = q1a.fma(a1a, deltaA);
            sum1a = q1a.fma(da, sum1a);
            inputB = g1b.fma(b1, inputB);
            g1b = g1b.mul(FloatVector.fromArray(F, powers, at + 3 * LANES));
            h1b = FloatVector.fromArray(F, values, at + 3 * LANES);
            FloatVector q1b = g1b.mul(h1b);
            deltaB = q1b.fma(a1b, deltaB);
            sum1b = q1b.fma(db, sum1b);

            deltaA.intoArray(byDelta, toDelta);
            inputA.intoArray(byInput, toInput);
            deltaB.intoArray(byDelta, toDelta + LANES);
            inputB.intoArray(byInput, toInput + LANES);
            d -= delta.stride;
            u -= input.stride;
            b -= projection.stride;
            bSum -= LANES;
            toDelta -= dDelta.stride;
            toInput -= dInput.stride;
            at -= 4 * LANES;
        }
        g0a.intoArray(carry, a);
        sum0a.intoArray(dDecay, a);
        g0b.intoArray(carry, a + LANES);
        sum0b.intoArray(dDecay, a + LANES);
        g1a.intoArray(carry, a + width);
        sum1a.intoArray(dDecay, a + width);
        g1b.intoArray(carry, a + width + LANES);
        sum1b.intoArray(dDecay, a + width + LANES);
    }

    /** {@link #back2x2} of one state of one vector of channels. */
    private static void back1(
            ScanParameters parameters,
            int n,
            int e,
            int half,
            int first,
            int count,
            Rows delta,
            Rows input,
            Rows projection,
            int bColumn,
            ScanScratch scratch,
            float[] dDecay,
            Rows dDelta,
            Rows dInput) {
        int states = parameters.states;
        int channel = n * parameters.width + e;
        FloatVector a = FloatVector.fromArray(F, parameters.decay, channel);
        FloatVector g = FloatVector.fromArray(F, scratch.carry, channel);
        FloatVector sum = FloatVector.fromArray(F, dDecay, channel);
        FloatVector h = FloatVector.fromArray(F, scratch.values, count * LANES);
        for (int t = count - 1; t >= 0; t--) {
            int row = first + t;
            int b = projection.start(row) + bColumn + n;
            int bSum = (n * CHECKPOINT_STEPS + t) * LANES + e % LANES;
            int cSum = bSum + states * CHECKPOINT_STEPS * LANES;
            int toDelta = dDelta.start(row) + e;
            int toInput = dInput.start(row) + e;
            FloatVector s = FloatVector.fromArray(F, scratch.dy, 2 * t * LANES + half);
            s.fma(h, FloatVector.fromArray(F, scratch.partials, cSum))
                    .intoArray(scratch.partials, cSum);
            g = s.fma(FloatVector.broadcast(F, projection.values[b + states]), g);
            g.fma(
                            FloatVector.fromArray(F, input.values, input.start(row) + e),
                            FloatVector.fromArray(F, scratch.partials, bSum))
                    .intoArray(scratch.partials, bSum);
            g.fma(
                            FloatVector.broadcast(F, projection.values[b]),
                            FloatVector.fromArray(F, dInput.values, toInput))
                    .intoArray(dInput.values, toInput);
            g = g.mul(FloatVector.fromArray(F, scratch.powers, t * LANES));
            h = FloatVector.fromArray(F, scratch.values, t * LANES);
            FloatVector q = g.mul(h);
            q.fma(a, FloatVector.fromArray(F, dDelta.values, toDelta))
                    .intoArray(dDelta.values, toDelta);
            sum = q.fma(FloatVector.fromArray(F, delta.values, delta.start(row) + e), sum);
        }
        g.intoArray(scratch.carry, channel);
        sum.intoArray(dDecay, channel);
    }

    private static void outputs(
            ScanParameters parameters,
            int first,
            int count,
            int e,
            int half,
            Rows x,
            ScanScratch scratch,
            float[] dSkip,
            Rows dDelta,
            Rows dx,
            Rows dz) {
        FloatVector skip = FloatVector.fromArray(F, parameters.skip, e);
        FloatVector sum = FloatVector.fromArray(F, dSkip, e);
        for (int t = count - 1; t >= 0; t--) {
            int row = first + t;
            int at = 2 * t * LANES + half;
            int toDelta = dDelta.start(row) + e;
            FloatVector s = FloatVector.fromArray(F, scratch.dy, at);
            FloatVector.fromArray(F, dDelta.values, toDelta)
                    .mul(Gradients.LN2)
                    .intoArray(dDelta.values, toDelta);
            skip.mul(s).intoArray(dx.values, dx.start(row) + e);
            sum = s.fma(FloatVector.fromArray(F, x.values, x.start(row) + e), sum);
            FloatVector.fromArray(F, scratch.y, at)
                    .mul(FloatVector.fromArray(F, scratch.slopes, at))
                    .intoArray(dz.values, dz.start(row) + e);
        }
        sum.intoArray(dSkip, e);
    }

    /** {@link Gradients#projectionSums}. */
    private static void projectionSums(
            float[] partials, int first, int count, int states, int bColumn, Rows dProjection) {
        for (int n = 0; n < 2 * states; n++) {
            int at = n * CHECKPOINT_STEPS * LANES;
            int to = dProjection.start(first) + bColumn + n;
            for (int t = 0; t < count; t++, at += LANES, to += dProjection.stride) {
                FloatVector sum = FloatVector.fromArray(F, partials, at);
                if (2 * L == LANES) {
                    sum = sum.add(FloatVector.fromArray(F, partials, at + L));
                } else if (4 * L == LANES) {
                    sum = sum.add(FloatVector.fromArray(F, partials, at + 2 * L));
                    sum =
                            sum.add(
                                    FloatVector.fromArray(F, partials, at + L)
                                            .add(FloatVector.fromArray(F, partials, at + 3 * L)));
                }
                dProjection.values[to] = VectorGradients.combine(sum);
            }
        }
    }
}
