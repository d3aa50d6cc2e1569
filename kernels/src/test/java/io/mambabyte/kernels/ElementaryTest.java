package io.mambabyte.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;

import java.util.function.DoubleUnaryOperator;

/** Errors of the elementary functions against double, in units of the exact result's last place. */
class ElementaryTest {
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
    void shouldBeWithinTwoUnitsInTheLastPlace(TestReporter reporter) {
        // A prime step, so that no mantissa pattern is skipped for every exponent.
        int step = 251;
        double exp2 =
                largestError(Elementary::exp2, t -> StrictMath.pow(2, t), -1e-30f, -125f, step);
        DoubleUnaryOperator exactExp = x -> StrictMath.exp(-x);
        double exp =
                Math.max(
                        largestError(Elementary::expOfMinus, exactExp, 1e-30f, 86f, step),
                        largestError(Elementary::expOfMinus, exactExp, -1e-30f, -86f, step));
        DoubleUnaryOperator exactSilu = x -> x / (1 + StrictMath.exp(-x));
        double silu =
                Math.max(
                        largestError(Elementary::silu, exactSilu, -1e-30f, -82f, step),
                        largestError(Elementary::silu, exactSilu, 1e-30f, 1e30f, step));
        DoubleUnaryOperator exactSoftplus =
                x -> Math.max(x, 0) + StrictMath.log1p(StrictMath.exp(-Math.abs(x)));
        double softplus =
                Math.max(
                        largestError(Elementary::softplus, exactSoftplus, -1e-30f, -86f, step),
                        largestError(Elementary::softplus, exactSoftplus, 1e-30f, 1e30f, step));
        String errors =
                "exp2 %.3f, exp %.3f, silu %.3f, softplus %.3f ulp"
                        .formatted(exp2, exp, silu, softplus);
        reporter.publishEntry("largest errors", errors);
        assertTrue(exp2 <= 2 && exp <= 2 && silu <= 2 && softplus <= 2, () -> errors);
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
