package io.mambabyte.kernels;

/** Derivatives of the functions in {@link Elementary}, by the operations of the vector kernels. */
final class ElementarySlopes {
    private ElementarySlopes() {}

    /** {@code 1 / (1 + exp(-x))}, the derivative of softplus. */
    static float sigmoid(float x) {
        float e = Elementary.expOfMinus(Elementary.clampedAbs(x));
        float r = 1f / (1f + e);
        return x < 0f ? e * r : r;
    }

    /** {@code silu'(x) = s + x * s * (1 - s)} with {@code s = sigmoid(x)}. */
    static float silu(float x) {
        float e = Elementary.expOfMinus(Elementary.clampedAbs(x));
        float r = 1f / (1f + e);
        float er = e * r;
        float s = x < 0f ? er : r;
        float rest = x < 0f ? r : er;
        return Math.fma(x * s, rest, s);
    }
}
