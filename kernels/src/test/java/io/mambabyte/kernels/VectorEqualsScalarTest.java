package io.mambabyte.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.Arrays;
import java.util.Random;

/**
 * Whatever the vector kernels compute, the scalar ones do to the bit: over named inputs, shapes
 * that divide by nothing, offsets, and as many rows as a block has and one more or less.
 */
@Tag("kernels")
class VectorEqualsScalarTest {
    private static final long SEED = 20260731;

    private final Kernels scalar = Kernels.scalar();
    private final Kernels vector = Kernels.vector();

    /** Rows of results, one of each kernel, that start from the same garbage. */
    private record Pair(Rows scalar, Rows vector) {
        static Pair of(Rows rows) {
            return new Pair(
                    new Rows(rows.values.clone(), rows.offset, rows.stride, rows.width, rows.count),
                    new Rows(
                            rows.values.clone(), rows.offset, rows.stride, rows.width, rows.count));
        }

        void assertEqual(int rows, int columns, String what) {
            for (int row = 0; row < rows; row++) {
                for (int c = 0; c < columns; c++) {
                    float expected = scalar.values[scalar.start(row) + c];
                    float actual = vector.values[vector.start(row) + c];
                    // floatToIntBits: any NaN is as good as another, everything else is its bits.
                    if (Float.floatToIntBits(expected) != Float.floatToIntBits(actual)) {
                        fail(
                                "%s, row %d of %d, column %d of %d: scalar %s (%08x), vector %s (%08x)"
                                        .formatted(
                                                what,
                                                row,
                                                rows,
                                                c,
                                                columns,
                                                expected,
                                                Float.floatToRawIntBits(expected),
                                                actual,
                                                Float.floatToRawIntBits(actual)));
                    }
                }
            }
        }

        /** What lies outside the rows' width must not be touched. */
        void assertUntouched(Rows before, int rows, String what) {
            boolean[] inside = new boolean[before.values.length];
            for (int row = 0; row < rows; row++) {
                Arrays.fill(inside, before.start(row), before.start(row) + before.width, true);
            }
            for (int i = 0; i < inside.length; i++) {
                if (!inside[i]) {
                    int index = i;
                    assertEquals(
                            Float.floatToRawIntBits(before.values[i]),
                            Float.floatToRawIntBits(vector.values[i]),
                            () -> what + ": wrote outside its rows, at index " + index);
                }
            }
        }
    }

    /** Inputs and outputs of a product. */
    private static final int[][] PRODUCTS = {
        {1, 1}, {5, 7}, {16, 16}, {17, 33}, {40, 48}, {12, 64}, {33, 130}, {8, 256}, {120, 24},
        {7, 112}, {1, 200}
    };

    @ParameterizedTest
    @EnumSource
    void shouldMultiply(Values values) {
        for (int[] shape : PRODUCTS) {
            Random random = new Random(SEED);
            float[] weight = values.array(random, shape[0] * shape[1]);
            assertMultiply(values, random, weight, shape[0], shape[1]);
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldMultiplyWithBfloat16(Values values) {
        for (int[] shape : PRODUCTS) {
            Random random = new Random(SEED);
            float[] weight = bfloat16(values.array(random, shape[0] * shape[1]));
            assertMultiply(values, random, weight, shape[0], shape[1]);
        }
    }

    private void assertMultiply(
            Values values, Random random, float[] weight, int inputs, int outputs) {
        PackedMatrix w =
                PackedMatrix.of(
                        weight,
                        inputs % 2 == 0 ? null : values.array(random, outputs),
                        outputs,
                        inputs);
        Rows x = values.rows(random, inputs, 40);
        for (int rows = 0; rows <= 40; rows++) {
            String what = "seed " + SEED + ", " + inputs + " -> " + outputs;
            Rows before = values.rows(random, outputs, 40);
            Pair y = Pair.of(before);
            scalar.multiply(w, rows, x, y.scalar);
            vector.multiply(w, rows, x, y.vector);
            y.assertEqual(rows, outputs, what);
            y.assertUntouched(before, rows, what);
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldMultiplyWithBfloat16AsWithTheSameFloats(Values values) {
        for (int[] shape : PRODUCTS) {
            Random random = new Random(SEED);
            int inputs = shape[0];
            int outputs = shape[1];
            float[] weight = bfloat16(values.array(random, inputs * outputs));
            // One more output with weights that no bfloat16 is, so that all are kept as floats.
            float[] oneMore = Arrays.copyOf(weight, inputs * (outputs + 1));
            Arrays.fill(oneMore, weight.length, oneMore.length, 0.1f);
            PackedMatrix narrow = PackedMatrix.of(weight, null, outputs, inputs);
            PackedMatrix wide = PackedMatrix.of(oneMore, null, outputs + 1, inputs);
            assertEquals(outputs / PackedMatrix.PANEL * PackedMatrix.PANEL, narrow.pairedColumns);
            assertEquals(0, wide.pairedColumns);
            Rows x = values.rows(random, inputs, 9);
            Pair y = Pair.of(Rows.allocate(outputs + 1, 9));
            for (int rows : new int[] {1, 9}) {
                vector.multiply(narrow, rows, x, y.vector);
                vector.multiply(wide, rows, x, y.scalar);
                y.assertEqual(rows, outputs, "seed " + SEED + ", " + inputs + " -> " + outputs);
            }
        }
    }

    private static float[] bfloat16(float[] values) {
        for (int i = 0; i < values.length; i++) {
            values[i] =
                    Float.intBitsToFloat(Float.floatToRawIntBits(values[i]) & PackedMatrix.HIGH);
        }
        return values;
    }

    @ParameterizedTest
    @EnumSource
    void shouldAdd(Values values) {
        Random random = new Random(SEED);
        for (int width : new int[] {1, 16, 33, 128}) {
            Rows addend = values.rows(random, width, 3);
            Pair residual = Pair.of(values.rows(random, width, 3));
            scalar.add(3, residual.scalar, addend);
            vector.add(3, residual.vector, addend);
            residual.assertEqual(3, width, "width " + width);
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldNormalize(Values values) {
        int[] columns = new int[40];
        Arrays.setAll(
                columns, i -> i < 34 ? i + 1 : new int[] {40, 127, 128, 129, 256, 1023}[i - 34]);
        for (int n : columns) {
            Random random = new Random(SEED);
            float[] weight = Values.NORMAL.array(random, n);
            float[] bias = Values.NORMAL.array(random, n);
            Rows x = values.rows(random, n, 3);
            for (Normalization normalization :
                    new Normalization[] {
                        Normalization.rms(weight, 1e-5f), Normalization.layer(weight, bias, 1e-5f)
                    }) {
                Pair y = Pair.of(values.rows(random, n, 3));
                scalar.normalize(normalization, 3, x, y.scalar);
                vector.normalize(normalization, 3, x, y.vector);
                y.assertEqual(3, n, (normalization.bias == null ? "RMS of " : "layer of ") + n);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldConvolve(Values values) {
        for (int channels : new int[] {1, 15, 16, 17, 120, 128}) {
            for (int taps = 1; taps <= 5; taps++) {
                Random random = new Random(SEED);
                Convolution convolution =
                        Convolution.of(
                                Values.NORMAL.array(random, channels * taps),
                                taps == 3 ? null : Values.NORMAL.array(random, channels),
                                channels,
                                taps);
                for (int rows : new int[] {0, 1, 2, 3, 4, 33}) {
                    Rows x = values.rows(random, channels, rows + taps - 1);
                    Rows before = values.rows(random, channels, rows);
                    Pair y = Pair.of(before);
                    scalar.convolveSilu(convolution, rows, x, y.scalar);
                    vector.convolveSilu(convolution, rows, x, y.vector);
                    String what = channels + " channels, " + taps + " taps";
                    y.assertEqual(rows, channels, what);
                    y.assertUntouched(before, rows, what);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldMakeTimeSteps(Values values) {
        for (int width : new int[] {1, 16, 17, 127, 128, 129, 1023}) {
            Random random = new Random(SEED);
            Rows x = values.rows(random, width, 3);
            Pair delta = Pair.of(values.rows(random, width, 3));
            Pair input = Pair.of(values.rows(random, width, 3));
            scalar.timeSteps(3, delta.scalar, x, input.scalar);
            vector.timeSteps(3, delta.vector, x, input.vector);
            delta.assertEqual(3, width, "delta of " + width);
            input.assertEqual(3, width, "input of " + width);
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldScan(Values values) {
        assertScan(values, true, 1f);
    }

    /** So small that no power needs its clamp, in the first rows or in all. */
    @ParameterizedTest
    @EnumSource
    void shouldScanWithSmallTimeSteps(Values values) {
        assertScan(values, true, 1e-3f);
    }

    @ParameterizedTest
    @EnumSource
    void shouldScanSelectively(Values values) {
        assertScan(values, false, 1f);
    }

    private void assertScan(Values values, boolean given, float scale) {
        for (int channels : new int[] {1, 16, 17, 120}) {
            for (int states : new int[] {1, 2, 3, 4, 5, 8, 16, 17}) {
                Random random = new Random(SEED);
                ScanParameters parameters =
                        ScanParameters.of(
                                Values.NORMAL.array(random, channels * states),
                                Values.NORMAL.array(random, channels),
                                channels,
                                states);
                ScanBlock block = new ScanBlock(parameters.width, states);
                Pair state = Pair.of(Values.NORMAL.rows(random, channels, states));
                for (int rows : new int[] {1, 0, 2, 33, 70}) {
                    Rows delta = values.rows(random, channels, rows);
                    for (int i = 0; given && i < delta.values.length; i++) {
                        delta.values[i] = Math.abs(delta.values[i]) * scale;
                    }
                    Rows x = values.rows(random, channels, rows);
                    Rows input = values.rows(random, channels, rows);
                    Rows projection = values.rows(random, 3 + 2 * states, rows);
                    Rows z = values.rows(random, channels, rows);
                    Rows before = values.rows(random, channels, rows);
                    Pair y = Pair.of(before);
                    scan(
                            scalar,
                            given,
                            parameters,
                            rows,
                            delta,
                            x,
                            input,
                            projection,
                            z,
                            state.scalar,
                            y.scalar,
                            block);
                    scan(
                            vector,
                            given,
                            parameters,
                            rows,
                            delta,
                            x,
                            input,
                            projection,
                            z,
                            state.vector,
                            y.vector,
                            block);
                    String what = channels + " channels, " + states + " states";
                    y.assertEqual(rows, channels, what);
                    y.assertUntouched(before, rows, what);
                    state.assertEqual(states, channels, what + ", state");
                }
            }
        }
    }

    private static void scan(
            Kernels kernels,
            boolean given,
            ScanParameters parameters,
            int rows,
            Rows delta,
            Rows x,
            Rows input,
            Rows projection,
            Rows z,
            Rows state,
            Rows y,
            ScanBlock block) {
        if (given) {
            kernels.scan(parameters, rows, delta, x, input, projection, 3, z, state, y, block);
        } else {
            kernels.selectiveScan(parameters, rows, delta, x, projection, 3, z, state, y, block);
        }
    }

    /** Time steps and scan in one, and one after the other. */
    @ParameterizedTest
    @EnumSource
    void shouldScanSelectivelyAsInTwoSteps(Values values) {
        int channels = 40;
        int states = 6;
        int rows = 70;
        Random random = new Random(SEED);
        ScanParameters parameters =
                ScanParameters.of(
                        Values.NORMAL.array(random, channels * states),
                        Values.NORMAL.array(random, channels),
                        channels,
                        states);
        ScanBlock block = new ScanBlock(parameters.width, states);
        Rows raw = values.rows(random, channels, rows);
        Rows x = values.rows(random, channels, rows);
        Rows input = values.rows(random, channels, rows);
        Rows projection = values.rows(random, 2 * states, rows);
        Rows z = values.rows(random, channels, rows);
        Pair state = Pair.of(Values.NORMAL.rows(random, channels, states));
        Pair y = Pair.of(values.rows(random, channels, rows));
        Rows delta = Pair.of(raw).scalar;
        scalar.timeSteps(rows, delta, x, input);
        scalar.scan(
                parameters, rows, delta, x, input, projection, 0, z, state.scalar, y.scalar, block);
        vector.selectiveScan(
                parameters, rows, raw, x, projection, 0, z, state.vector, y.vector, block);
        y.assertEqual(rows, channels, "y");
        state.assertEqual(states, channels, "state");
    }

    @ParameterizedTest
    @EnumSource
    void shouldTellSurprisal(Values values) {
        Random random = new Random(SEED);
        for (int rows : new int[] {0, 1, 2, 33}) {
            Rows logits = values.rows(random, 256, rows);
            byte[] targets = new byte[rows + 2];
            random.nextBytes(targets);
            Rows results = Rows.allocate(3 * (rows + 1), 1);
            Pair all = Pair.of(results);
            for (Kernels kernels : new Kernels[] {scalar, vector}) {
                float[] surprisal = new float[rows + 1];
                float[] entropy = new float[rows + 1];
                float[] variance = new float[rows + 1];
                kernels.surprisal(rows, logits, targets, 2, surprisal, entropy, variance, 1);
                float[] to = (kernels == scalar ? all.scalar : all.vector).values;
                System.arraycopy(surprisal, 0, to, 0, rows + 1);
                System.arraycopy(entropy, 0, to, rows + 1, rows + 1);
                System.arraycopy(variance, 0, to, 2 * rows + 2, rows + 1);
            }
            all.assertEqual(1, 3 * (rows + 1), rows + " rows");
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldComputeSoftmaxWeights(Values values) {
        for (int width : new int[] {16, 48, 256}) {
            for (float scale : new float[] {1f, 1 / 0.7f, 1e-3f, 1e6f}) {
                Rows logits = values.rows(new Random(SEED + width), width, 3);
                Pair weights = Pair.of(Rows.allocate(width, 1));
                for (int row = 0; row < 3; row++) {
                    scalar.softmaxWeights(logits, row, scale, weights.scalar.values);
                    vector.softmaxWeights(logits, row, scale, weights.vector.values);
                    weights.assertEqual(1, width, "row " + row + " at scale " + scale);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldComputeElementaryFunctions(Values values) {
        Random random = new Random(SEED);
        // Through a kernel each: silu without a convolution, softplus by the time steps.
        Convolution identity = Convolution.of(new float[] {1f}, null, 1, 1);
        for (int i = 0; i < 20_000; i++) {
            Rows x = values.rows(random, 1, 1);
            Pair y = Pair.of(Rows.allocate(1, 1));
            scalar.convolveSilu(identity, 1, x, y.scalar);
            vector.convolveSilu(identity, 1, x, y.vector);
            y.assertEqual(1, 1, "silu of " + x.values[x.start(0)]);
            Pair delta = Pair.of(x);
            Pair input = Pair.of(x);
            scalar.timeSteps(1, delta.scalar, x, input.scalar);
            vector.timeSteps(1, delta.vector, x, input.vector);
            delta.assertEqual(1, 1, "softplus of " + x.values[x.start(0)]);
        }
    }
}
