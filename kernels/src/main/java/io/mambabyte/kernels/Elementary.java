package io.mambabyte.kernels;

/**
 * Elementary functions in float, by the operations that the vector kernels use lane by lane.
 * Nothing here may be rewritten without the other: not even {@code a - b} as {@code a + (-b)} of a
 * NaN.
 *
 * <p>The coefficients are minimax fits in units of the result's last place, rounded one after
 * another with the rest fitted again. Errors, measured over every argument or a dense grid by the
 * tests, are in kernels/README.md.
 */
final class Elementary {
    /** Adding it rounds a float of magnitude below 2^22 to an integer, in the low mantissa bits. */
    static final float ROUND = 0x1.8p23f;

    static final int SIGN = 0x80000000;
    static final int MAGNITUDE = 0x7fffffff;
    static final int MANTISSA_BITS = 23;

    /**
     * Powers are clamped here: one smaller and the exponent of the polynomial's value, which may be
     * just below 1, would wrap.
     */
    static final float LEAST_POWER = -125f;

    /** {@code 2^f = 1 + f * (P1 + f * (P2 + ...))} for |f| <= 1/2. */
    static final float P1 = 0x1.62e424p-1f;

    static final float P2 = 0x1.ebf9b2p-3f;
    static final float P3 = 0x1.c6bac2p-5f;
    static final float P4 = 0x1.3cedb0p-7f;
    static final float P5 = 0x1.5aa9a6p-10f;

    /** Arguments of exp are clamped at this and its negative, as powers are. */
    static final float LARGEST_EXPONENT = 86f;

    static final float LOG2_E = 0x1.715476p0f;

    /**
     * log(2). The float is within 2e-9 of it, so that {@code c + n * LN2} is the remainder to 2e-7
     * for every n that there is.
     */
    static final float LN2 = 0x1.62e43p-1f;

    /**
     * {@code e^f = 1 + f + f^2 * (E2 + f * (E3 + ...))} for |f| <= log(2) / 2, within 1.1e-7; with
     * g = -f, odd coefficients change their sign.
     */
    static final float E2 = 0x1.fffdfcp-2f;

    static final float E3 = 0x1.5557acp-3f;
    static final float E4 = 0x1.572a16p-5f;
    static final float E5 = 0x1.1063ccp-7f;

    /** {@code log1p(e) = e * (1 + e * (L1 + e * (L2 + ...)))} for e in [0, 1], within 3.4e-8. */
    static final float L1 = -0x1.ffff14p-2f;

    static final float L2 = 0x1.5535dep-2f;
    static final float L3 = -0x1.fd1368p-3f;
    static final float L4 = 0x1.884554p-3f;
    static final float L5 = -0x1.19af8ep-3f;
    static final float L6 = 0x1.44707ap-4f;
    static final float L7 = -0x1.eca398p-6f;
    static final float L8 = 0x1.5fa0dap-8f;

    private Elementary() {}

    /**
     * {@code 2^max(t, -125)} for t that is negative or -0. Every other t, NaN included, counts as
     * -125.
     */
    static float exp2(float t) {
        // As integers, negative floats are in the reverse order, and below all positive ones.
        int clamped = Math.min(bits(t), bits(LEAST_POWER));
        float c = Float.intBitsToFloat(clamped);
        float r = c + ROUND;
        float f = c - (r - ROUND);
        float p = Math.fma(P5, f, P4);
        p = Math.fma(p, f, P3);
        p = Math.fma(p, f, P2);
        p = Math.fma(p, f, P1);
        p = Math.fma(p, f, 1f);
        return Float.intBitsToFloat(bits(p) + (bits(r) << MANTISSA_BITS));
    }

    /** {@code min(|x|, 86)}; NaN counts as 86. */
    static float clampedAbs(float x) {
        return Float.intBitsToFloat(Math.min(bits(x) & MAGNITUDE, bits(LARGEST_EXPONENT)));
    }

    /** {@code exp(-c)} for |c| <= 86: {@code 2^n * exp(-g)}, and {@code exp(-g) = 1 + g * p}. */
    static float expOfMinus(float c) {
        float r = Math.fma(c, -LOG2_E, ROUND);
        float n = r - ROUND;
        float g = Math.fma(n, LN2, c);
        float p = Math.fma(-E5, g, E4);
        p = Math.fma(p, g, -E3);
        p = Math.fma(p, g, E2);
        p = Math.fma(p, g, -1f);
        p = Math.fma(p, g, 1f);
        return Float.intBitsToFloat(bits(p) + (bits(r) << MANTISSA_BITS));
    }

    /**
     * {@code min(max(x, -86), 86)}; NaN counts as one of the two. Negative floats as unsigned
     * integers are in the reverse order, and above all positive ones.
     */
    static float clamped(float x) {
        int low = bits(-LARGEST_EXPONENT);
        int notLess = Integer.compareUnsigned(bits(x), low) < 0 ? bits(x) : low;
        return Float.intBitsToFloat(Math.min(notLess, bits(LARGEST_EXPONENT)));
    }

    /** {@code x / (1 + exp(-x))}. */
    static float silu(float x) {
        float c = clamped(x);
        float numerator = x < 0f ? c : x;
        return numerator / (expOfMinus(c) + 1f);
    }

    /** {@code log(1 + exp(x))}. */
    static float softplus(float x) {
        float e = expOfMinus(clampedAbs(x));
        float p = Math.fma(L8, e, L7);
        p = Math.fma(p, e, L6);
        p = Math.fma(p, e, L5);
        p = Math.fma(p, e, L4);
        p = Math.fma(p, e, L3);
        p = Math.fma(p, e, L2);
        p = Math.fma(p, e, L1);
        p = Math.fma(p, e, 1f);
        float ramp = x < 0f ? 0f : x;
        return Math.fma(e, p, ramp);
    }

    private static int bits(float x) {
        return Float.floatToRawIntBits(x);
    }
}
