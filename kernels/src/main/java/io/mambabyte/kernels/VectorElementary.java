package io.mambabyte.kernels;

import static io.mambabyte.kernels.VectorKernels.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** The functions of {@link Elementary}, a lane at a time by the same operations. */
final class VectorElementary {
    private static final int LARGEST_EXPONENT =
            Float.floatToRawIntBits(Elementary.LARGEST_EXPONENT);
    private static final int MINUS_LARGEST_EXPONENT =
            Float.floatToRawIntBits(-Elementary.LARGEST_EXPONENT);

    private VectorElementary() {}

    /** {@link Elementary#clampedAbs}. */
    static FloatVector clampedAbs(FloatVector x) {
        return x.reinterpretAsInts()
                .lanewise(VectorOperators.AND, Elementary.MAGNITUDE)
                .lanewise(VectorOperators.MIN, LARGEST_EXPONENT)
                .reinterpretAsFloats();
    }

    /** {@link Elementary#expOfMinus}. */
    static FloatVector expOfMinus(FloatVector c) {
        FloatVector round = FloatVector.broadcast(SPECIES, Elementary.ROUND);
        FloatVector r = c.fma(FloatVector.broadcast(SPECIES, -Elementary.LOG2_E), round);
        FloatVector n = r.sub(round);
        FloatVector g = n.fma(FloatVector.broadcast(SPECIES, Elementary.LN2), c);
        FloatVector p =
                FloatVector.broadcast(SPECIES, -Elementary.E5)
                        .fma(g, FloatVector.broadcast(SPECIES, Elementary.E4));
        p = p.fma(g, FloatVector.broadcast(SPECIES, -Elementary.E3));
        p = p.fma(g, FloatVector.broadcast(SPECIES, Elementary.E2));
        p = p.fma(g, FloatVector.broadcast(SPECIES, -1f));
        p = p.fma(g, FloatVector.broadcast(SPECIES, 1f));
        IntVector exponent =
                r.reinterpretAsInts().lanewise(VectorOperators.LSHL, Elementary.MANTISSA_BITS);
        return p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
    }

    /** {@link Elementary#silu}, with {@link Elementary#expOfMinus} written out. */
    static FloatVector silu(FloatVector x) {
        FloatVector c =
                x.reinterpretAsInts()
                        .lanewise(VectorOperators.UMIN, MINUS_LARGEST_EXPONENT)
                        .lanewise(VectorOperators.MIN, LARGEST_EXPONENT)
                        .reinterpretAsFloats();
        FloatVector round = FloatVector.broadcast(SPECIES, Elementary.ROUND);
        FloatVector r = c.fma(FloatVector.broadcast(SPECIES, -Elementary.LOG2_E), round);
        FloatVector n = r.sub(round);
        FloatVector g = n.fma(FloatVector.broadcast(SPECIES, Elementary.LN2), c);
        FloatVector p =
                FloatVector.broadcast(SPECIES, -Elementary.E5)
                        .fma(g, FloatVector.broadcast(SPECIES, Elementary.E4));
        p = p.fma(g, FloatVector.broadcast(SPECIES, -Elementary.E3));
        p = p.fma(g, FloatVector.broadcast(SPECIES, Elementary.E2));
        p = p.fma(g, FloatVector.broadcast(SPECIES, -1f));
        FloatVector one = FloatVector.broadcast(SPECIES, 1f);
        p = p.fma(g, one);
        FloatVector e =
                r.reinterpretAsInts()
                        .lanewise(VectorOperators.LSHL, Elementary.MANTISSA_BITS)
                        .add(p.reinterpretAsInts())
                        .reinterpretAsFloats();
        return x.blend(c, x.lt(0f)).div(e.add(one));
    }

    /** {@link Elementary#softplus}. */
    static FloatVector softplus(FloatVector x) {
        FloatVector e = expOfMinus(clampedAbs(x));
        FloatVector p =
                FloatVector.broadcast(SPECIES, Elementary.L8)
                        .fma(e, FloatVector.broadcast(SPECIES, Elementary.L7));
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

    /** {@code exp(-|x|)}. */
    static FloatVector expOfMinusAbs(FloatVector x) {
        return expOfMinus(clampedAbs(x));
    }

    /** {@link ElementarySlopes#sigmoid}. */
    static FloatVector sigmoid(FloatVector x) {
        FloatVector e = expOfMinusAbs(x);
        FloatVector r = FloatVector.broadcast(SPECIES, 1f).div(e.add(1f));
        return r.blend(e.mul(r), x.compare(VectorOperators.LT, 0f));
    }

    /** {@link ElementarySlopes#silu}. */
    static FloatVector siluSlope(FloatVector x) {
        FloatVector e = expOfMinusAbs(x);
        FloatVector r = FloatVector.broadcast(SPECIES, 1f).div(e.add(1f));
        FloatVector er = e.mul(r);
        VectorMask<Float> negative = x.compare(VectorOperators.LT, 0f);
        FloatVector s = r.blend(er, negative);
        FloatVector rest = er.blend(r, negative);
        return x.mul(s).fma(rest, s);
    }
}
