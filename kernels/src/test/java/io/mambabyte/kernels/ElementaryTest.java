package io.mambabyte.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;

import java.util.function.DoubleUnaryOperator;

/** Errors of the elementary functions against double, in units of the exact result's last place. */
class ElementaryTest {
    /** A prime, so that no mantissa pattern is skipped for every exponent. */
    private static final int STEP = 251;

    private interface FloatFunction {
        float of(float x);
    }

    /** The largest error over every {@code step}th float between two of the same sign. */
    private static double largestError(
            FloatFunction function, DoubleUnaryOperator exact, float from, float to, int step) {
        double largest = 0;
        int last = Float.floatToRawIntBits(to);
        for (int bits = Float.floatToRawIntBits(from); bits <= last; bits += step) {
            float x = Float.intBitsToFloat(bits);
            double expected = exact.applyAsDouble(x);
            double error = Math.abs(function.of(x) - expected) / Math.ulp((float) expected);
            largest = Math.max(largest, error);
        }
        return largest;
    }

    @Test
    void shouldBeWithinAFewUnitsInTheLastPlace(TestReporter reporter) {
        double exp2 =
                largestError(Elementary::exp2, t -> StrictMath.pow(2, t), -1e-30f, -125f, STEP);
        double[] near = errors(20f, 20f);
        double[] all = errors(86f, 1e30f);
        String errors =
                "exp2 %.3f, exp %.3f and %.3f, silu %.3f and %.3f, softplus %.3f and %.3f ulp"
                        .formatted(exp2, near[0], all[0], near[1], all[1], near[2], all[2]);
        reporter.publishEntry("largest errors", errors);
        assertTrue(exp2 <= 2, () -> errors);
        for (int i = 0; i < near.length; i++) {
            assertTrue(near[i] <= 4 && all[i] <= 6, () -> errors);
        }
    }

    /** Of exp, SiLU and softplus, from {@code -low} on. */
    private static double[] errors(float low, float high) {
        DoubleUnaryOperator exp = x -> StrictMath.exp(-x);
        DoubleUnaryOperator silu = x -> x / (1 + StrictMath.exp(-x));
        DoubleUnaryOperator softplus =
                x -> Math.max(x, 0) + StrictMath.log1p(StrictMath.exp(-Math.abs(x)));
        float lowSilu = Math.min(low, 82f);
        return new double[] {
            Math.max(
                    largestError(Elementary::expOfMinus, exp, 1e-30f, low, STEP),
                    largestError(Elementary::expOfMinus, exp, -1e-30f, -low, STEP)),
            Math.max(
                    largestError(Elementary::silu, silu, -1e-30f, -lowSilu, STEP),
                    largestError(Elementary::silu, silu, 1e-30f, high, STEP)),
            Math.max(
                    largestError(Elementary::softplus, softplus, -1e-30f, -low, STEP),
                    largestError(Elementary::softplus, softplus, 1e-30f, high, STEP))
        };
    }

    @Test
    void shouldBeExactWhereTheResultIs() {
        assertEquals(1f, Elementary.exp2(-0f));
        assertEquals(0.5f, Elementary.exp2(-1f));
        assertEquals(0x1p-125f, Elementary.exp2(-125f));
        assertEquals(0x1p-125f, Elementary.exp2(Float.NEGATIVE_INFINITY));
        assertEquals(1f, Elementary.expOfMinus(0f));
        assertEquals(0f, Elementary.silu(0f));
        assertEquals(25f, Elementary.softplus(25f));
        assertEquals(20f, Elementary.softplus(20f));
        assertEquals((float) Math.log(2), Elementary.softplus(0f));
        assertEquals(Float.POSITIVE_INFINITY, Elementary.softplus(Float.POSITIVE_INFINITY));
        assertEquals(Float.POSITIVE_INFINITY, Elementary.silu(Float.POSITIVE_INFINITY));
        assertTrue(Float.isNaN(Elementary.silu(Float.NaN)));
        assertTrue(Float.isNaN(Elementary.softplus(Float.NaN)));
    }

    @Test
    void shouldStayCloseToZeroBelowItsDomain() {
        assertTrue(Elementary.softplus(Float.NEGATIVE_INFINITY) < 5e-38f);
        assertTrue(Elementary.silu(Float.NEGATIVE_INFINITY) > -4e-36f);
        assertTrue(Elementary.silu(-1e30f) > -4e-36f);
    }
}
