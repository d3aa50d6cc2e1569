package io.mambabyte.kernels;

import static io.mambabyte.kernels.VectorKernels.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** The functions of {@link Elementary}, a lane at a time by the same operations. */
final class VectorElementary {
    private VectorElementary() {}

    /** {@code max(-|x|, -86)} as {@link Elementary} clamps it. */
    static FloatVector minusAbs(FloatVector x) {
        return x.reinterpretAsInts()
                .lanewise(VectorOperators.OR, Elementary.SIGN)
                .lanewise(VectorOperators.MIN, Float.floatToRawIntBits(Elementary.LEAST_EXPONENT))
                .reinterpretAsFloats();
    }

    /** {@code exp(c)} for c from {@link #minusAbs}. */
    static FloatVector exp(FloatVector c) {
        FloatVector round = FloatVector.broadcast(SPECIES, Elementary.ROUND);
        FloatVector one = FloatVector.broadcast(SPECIES, 1f);
        FloatVector r = c.fma(FloatVector.broadcast(SPECIES, Elementary.LOG2_E), round);
        FloatVector n = r.sub(round);
        FloatVector f = n.fma(FloatVector.broadcast(SPECIES, -Elementary.LN2_HIGH), c);
        f = n.fma(FloatVector.broadcast(SPECIES, -Elementary.LN2_LOW), f);
        FloatVector p =
                FloatVector.broadcast(SPECIES, Elementary.E6)
                        .fma(f, FloatVector.broadcast(SPECIES, Elementary.E5));
        p = p.fma(f, FloatVector.broadcast(SPECIES, Elementary.E4));
        p = p.fma(f, FloatVector.broadcast(SPECIES, Elementary.E3));
        p = p.fma(f, FloatVector.broadcast(SPECIES, Elementary.E2));
        p = p.fma(f, one);
        p = p.fma(f, one);
        IntVector exponent =
                r.reinterpretAsInts().lanewise(VectorOperators.LSHL, Elementary.MANTISSA_BITS);
        return p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
    }

    /** {@link Elementary#silu}. */
    static FloatVector silu(FloatVector x) {
        FloatVector a = minusAbs(x);
        FloatVector e = exp(a);
        VectorMask<Float> negative = x.lt(0f);
        FloatVector numerator = x.blend(a.mul(e), negative);
        return numerator.div(e.add(1f));
    }

    /** {@link Elementary#softplus}. */
    static FloatVector softplus(FloatVector x) {
        FloatVector e = exp(minusAbs(x));
        FloatVector p =
                FloatVector.broadcast(SPECIES, Elementary.L9)
                        .fma(e, FloatVector.broadcast(SPECIES, Elementary.L8));
        p = p.fma(e, FloatVector.broadcast(SPECIES, Elementary.L7));
        p = p.fma(e, FloatVector.broadcast(SPECIES, Elementary.L6));
        p = p.fma(e, FloatVector.broadcast(SPECIES, Elementary.L5));
        p = p.fma(e, FloatVector.broadcast(SPECIES, Elementary.L4));
        p = p.fma(e, FloatVector.broadcast(SPECIES, Elementary.L3));
        p = p.fma(e, FloatVector.broadcast(SPECIES, Elementary.L2));
        p = p.fma(e, FloatVector.broadcast(SPECIES, Elementary.L1));
        p = p.fma(e, FloatVector.broadcast(SPECIES, 1f));
        FloatVector ramp = x.blend(FloatVector.zero(SPECIES), x.lt(0f));
        return e.fma(p, ramp);
    }
}
