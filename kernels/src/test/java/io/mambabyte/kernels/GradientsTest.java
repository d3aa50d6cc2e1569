package io.mambabyte.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Arrays;
import java.util.Random;
import java.util.function.ToDoubleFunction;

/**
 * The vector gradients against their scalar definition, to the bit, and the definition against
 * central differences of the operation in double.
 */
@Tag("kernels")
class GradientsTest {
    private static final Gradients SCALAR = Gradients.scalar();
    private static final Gradients VECTOR = new VectorGradients();

    /** Rows around the block of weights (128), the checkpoints (16) and none at all. */
    private static final int[] ROWS = {0, 1, 2, 15, 16, 17, 31, 33, 127, 130, 257};

    private static final int[] CHANNELS = {1, 15, 16, 17, 40, 64};

    /** Floats that a model may meet, and some that it should not. */
    enum Values {
        GAUSSIAN {
            @Override
            float next(Random random) {
                return (float) random.nextGaussian();
            }
        },
        EVERY_MAGNITUDE {
            @Override
            float next(Random random) {
                return (float) (random.nextGaussian() * Math.pow(10, random.nextInt(8) - 6));
            }
        },
        DENORMALS_AND_ZEROS {
            @Override
            float next(Random random) {
                return switch (random.nextInt(4)) {
                    case 0 -> 0f;
                    case 1 -> -0f;
                    case 2 -> Float.MIN_VALUE * (random.nextInt(1 << 20) - (1 << 19));
                    default -> (float) random.nextGaussian();
                };
            }
        };

        abstract float next(Random random);
    }

    @ParameterizedTest
    @EnumSource
    void shouldAccumulateWeightsInTheSameBits(Values values) {
        Random random = new Random(1);
        for (int rows : ROWS) {
            for (int inputs : CHANNELS) {
                for (int outputs : new int[] {1, 17, 40, 96, 100}) {
                    Rows x = rows(values, random, inputs, rows);
                    Rows dy = rows(values, random, outputs, rows);
                    WeightGradient a = new WeightGradient(Rows.padded(outputs), inputs);
                    WeightGradient b = new WeightGradient(Rows.padded(outputs), inputs);
                    fill(values, random, a.values);
                    System.arraycopy(a.values, 0, b.values, 0, a.values.length);
                    SCALAR.accumulateWeights(a, rows, x, dy);
                    VECTOR.accumulateWeights(b, rows, x, dy);
                    assertSame(rows + " rows " + inputs + " to " + outputs, a.values, b.values);
                    float[] sums = new float[dy.width];
                    float[] vectorSums = new float[dy.width];
                    SCALAR.accumulateColumns(rows, dy, sums);
                    VECTOR.accumulateColumns(rows, dy, vectorSums);
                    assertSame("columns", sums, vectorSums);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldNormalizeInTheSameBits(Values values) {
        Random random = new Random(2);
        for (int rows : new int[] {0, 1, 3}) {
            for (int columns : new int[] {1, 2, 15, 16, 17, 31, 33, 40, 128, 130}) {
                for (boolean layer : new boolean[] {false, true}) {
                    Normalization norm = normalization(random, columns, layer);
                    Rows x = rows(values, random, columns, rows);
                    Rows dy = rows(values, random, columns, rows);
                    float[][] a = normalizeGradient(SCALAR, norm, rows, x, dy);
                    float[][] b = normalizeGradient(VECTOR, norm, rows, x, dy);
                    assertSame("normalize " + columns, a, b);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldConvolveInTheSameBits(Values values) {
        Random random = new Random(3);
        for (int rows : ROWS) {
            for (int channels : CHANNELS) {
                for (int taps : new int[] {1, 2, 4}) {
                    Convolution convolution = convolution(random, channels, taps);
                    Rows x = rows(values, random, channels, rows + taps - 1);
                    Rows dy = rows(values, random, channels, rows);
                    assertSame(
                            rows + " rows of " + channels + ", " + taps + " taps",
                            convolutionGradient(SCALAR, convolution, rows, x, dy),
                            convolutionGradient(VECTOR, convolution, rows, x, dy));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldComputeTimeStepsInTheSameBits(Values values) {
        Random random = new Random(4);
        for (int rows : new int[] {0, 1, 3}) {
            for (int channels : CHANNELS) {
                TimeSteps steps = new TimeSteps(values, random, channels, rows);
                assertSame("time steps", steps.gradient(SCALAR), steps.gradient(VECTOR));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldScanInTheSameBits(Values values) {
        Random random = new Random(5);
        for (int rows : ROWS) {
            for (int channels : CHANNELS) {
                for (int states : new int[] {1, 2, 5, 16}) {
                    Scan scan = new Scan(values, random, channels, states, rows, 3);
                    assertSame(
                            rows + " rows of " + channels + ", " + states + " states",
                            scan.gradient(SCALAR),
                            scan.gradient(VECTOR));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldComputeCrossEntropyInTheSameBits(Values values) {
        Random random = new Random(6);
        for (int width : new int[] {256, 2048, 304}) {
            for (int rows : new int[] {0, 1, 3, 20}) {
                Rows logits = rows(values, random, width, rows);
                int[] targets = random.ints(rows + 2L, 0, width).toArray();
                assertSame(
                        "cross-entropy",
                        crossEntropyGradient(SCALAR, rows, logits, targets),
                        crossEntropyGradient(VECTOR, rows, logits, targets));
            }
        }
    }

    @Test
    void shouldAgreeWithCentralDifferencesOfALinearLayer() {
        Random random = new Random(7);
        int rows = 9;
        int inputs = 6;
        int outputs = 5;
        Rows x = rows(Values.GAUSSIAN, random, inputs, rows);
        Rows dy = rows(Values.GAUSSIAN, random, outputs, rows);
        WeightGradient gradient = new WeightGradient(16, inputs);
        SCALAR.accumulateWeights(gradient, rows, x, dy);
        double[] weight = new double[outputs * inputs];
        double[] expected =
                centralDifferences(
                        weight,
                        w -> {
                            double loss = 0;
                            for (int r = 0; r < rows; r++) {
                                for (int i = 0; i < w.length; i++) {
                                    loss += at(dy, r, i / inputs) * w[i] * at(x, r, i % inputs);
                                }
                            }
                            return loss;
                        });
        double[] actual = new double[expected.length];
        for (int i = 0; i < actual.length; i++) {
            actual[i] = gradient.values()[i / inputs * gradient.stride() + i % inputs];
        }
        assertClose("weights", expected, actual);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldAgreeWithCentralDifferencesOfANormalization(boolean layer) {
        Random random = new Random(8);
        int rows = 3;
        int columns = 21;
        Normalization norm = normalization(random, columns, layer);
        Rows x = rows(Values.GAUSSIAN, random, columns, rows);
        Rows dy = rows(Values.GAUSSIAN, random, columns, rows);
        float[][] gradient = normalizeGradient(SCALAR, norm, rows, x, dy);
        double[] at = concat(doubles(x, columns), doubles(norm.weight, columns));
        double[] expected =
                centralDifferences(
                        at,
                        p -> {
                            double loss = 0;
                            for (int r = 0; r < rows; r++) {
                                double mean = 0;
                                double square = 0;
                                for (int c = 0; c < columns && layer; c++) {
                                    mean += p[r * columns + c] / columns;
                                }
                                for (int c = 0; c < columns; c++) {
                                    square += Math.pow(p[r * columns + c] - mean, 2) / columns;
                                }
                                for (int c = 0; c < columns; c++) {
                                    loss +=
                                            at(dy, r, c)
                                                    * (p[r * columns + c] - mean)
                                                    / Math.sqrt(square + 1e-5)
                                                    * p[rows * columns + c];
                                }
                            }
                            return loss;
                        });
        Rows dx = new Rows(gradient[2], 0, gradient[2].length / rows, norm.width, rows);
        assertClose(
                "normalization",
                expected,
                concat(doubles(dx, columns), doubles(gradient[0], columns)));
    }

    @Test
    void shouldAgreeWithCentralDifferencesOfAConvolution() {
        Random random = new Random(9);
        int rows = 7;
        int channels = 5;
        int taps = 3;
        Convolution convolution = convolution(random, channels, taps);
        Rows x = rows(Values.GAUSSIAN, random, channels, rows + taps - 1);
        Rows dy = rows(Values.GAUSSIAN, random, channels, rows);
        float[][] gradient = convolutionGradient(SCALAR, convolution, rows, x, dy);
        int inputs = (rows + taps - 1) * channels;
        double[] weight = new double[taps * channels];
        for (int i = 0; i < weight.length; i++) {
            weight[i] = convolution.weight[i / channels * convolution.width + i % channels];
        }
        double[] at =
                concat(doubles(x, channels), concat(weight, doubles(convolution.bias, channels)));
        double[] numeric =
                centralDifferences(
                        at,
                        p -> {
                            double loss = 0;
                            for (int t = 0; t < rows; t++) {
                                for (int e = 0; e < channels; e++) {
                                    double v = p[inputs + taps * channels + e];
                                    for (int k = 0; k < taps; k++) {
                                        v +=
                                                p[inputs + k * channels + e]
                                                        * p[(t + k) * channels + e];
                                    }
                                    loss += at(dy, t, e) * silu(v);
                                }
                            }
                            return loss;
                        });
        // What came before the first row gets no gradient.
        double[] expected = Arrays.copyOfRange(numeric, (taps - 1) * channels, numeric.length);
        double[] dWeight = new double[weight.length];
        for (int i = 0; i < weight.length; i++) {
            dWeight[i] = gradient[0][i / channels * convolution.width + i % channels];
        }
        Rows dx = new Rows(gradient[2], 0, gradient[2].length / rows, 16, rows);
        assertClose(
                "convolution",
                expected,
                concat(doubles(dx, channels), concat(dWeight, doubles(gradient[1], channels))));
    }

    @Test
    void shouldAgreeWithCentralDifferencesOfTimeSteps() {
        Random random = new Random(10);
        int rows = 4;
        int channels = 6;
        TimeSteps steps = new TimeSteps(Values.GAUSSIAN, random, channels, rows);
        float[][] gradient = steps.gradient(SCALAR);
        int count = rows * channels;
        double[] expected =
                centralDifferences(
                        concat(doubles(steps.raw, channels), doubles(steps.x, channels)),
                        p -> {
                            double loss = 0;
                            for (int i = 0; i < count; i++) {
                                double delta = Math.log1p(Math.exp(p[i]));
                                loss +=
                                        at(steps.dDelta, i / channels, i % channels) * delta
                                                + at(steps.dInput, i / channels, i % channels)
                                                        * delta
                                                        * p[count + i]
                                                + at(steps.dx, i / channels, i % channels)
                                                        * p[count + i];
                            }
                            return loss;
                        });
        int stride = gradient[0].length / rows;
        assertClose(
                "time steps",
                expected,
                concat(
                        doubles(new Rows(gradient[0], 0, stride, 16, rows), channels),
                        doubles(new Rows(gradient[1], 0, stride, 16, rows), channels)));
    }

    @Test
    void shouldAgreeWithCentralDifferencesOfAScan() {
        Scan scan = new Scan(Values.GAUSSIAN, new Random(11), 3, 4, 37, 2);
        float[][] g = scan.gradient(SCALAR);
        double[] numeric = centralDifferences(scan.parameters(), scan::loss);
        double[] actual = scan.parameterGradient(g);
        assertClose("scan", numeric, actual);
    }

    @ParameterizedTest
    @ValueSource(ints = {256, 304})
    void shouldAgreeWithCentralDifferencesOfCrossEntropy(int width) {
        Random random = new Random(12);
        Rows logits = rows(Values.GAUSSIAN, random, width, 2);
        int[] targets = {0, 0, 17, width - 56};
        float[][] gradient = crossEntropyGradient(SCALAR, 2, logits, targets);
        double[] expected =
                centralDifferences(
                        doubles(logits, width),
                        p -> {
                            double loss = 0;
                            for (int r = 0; r < 2; r++) {
                                double sum = 0;
                                for (int c = 0; c < width; c++) {
                                    sum += Math.exp(p[r * width + c]);
                                }
                                loss += Math.log(sum) - p[r * width + targets[2 + r]];
                            }
                            return 0.25 * loss;
                        });
        Rows dLogits = new Rows(gradient[0], 0, gradient[0].length / 2, width, 2);
        assertClose("cross-entropy", expected, doubles(dLogits, width));
    }

    @Test
    void shouldRefuseShapesThatDoNotFit() {
        IllegalArgumentException e =
                assertThrows(
                        IllegalArgumentException.class,
                        () ->
                                SCALAR.accumulateWeights(
                                        new WeightGradient(32, 20),
                                        4,
                                        Rows.allocate(16, 4),
                                        Rows.allocate(32, 4)));
        assertEquals("x is 4 x 16, expected at least 4 x 32", e.getMessage());
    }

    // One gradient each: outputs in a row, so that two kernels can be compared

    private static float[][] normalizeGradient(
            Gradients gradients, Normalization norm, int rows, Rows x, Rows dy) {
        float[] dWeight = new float[norm.width];
        float[] dBias = new float[norm.width];
        Rows dx = Rows.allocate(norm.width, rows);
        gradients.normalize(norm, rows, x, dy, dWeight, dBias, dx);
        return new float[][] {dWeight, dBias, dx.values};
    }

    private static float[][] convolutionGradient(
            Gradients gradients, Convolution convolution, int rows, Rows x, Rows dy) {
        float[] dWeight = new float[convolution.taps * convolution.width];
        float[] dBias = new float[convolution.width];
        Rows dv = Rows.allocate(convolution.width, rows + convolution.taps - 1);
        Arrays.fill(dv.values, Float.NaN);
        Rows dx = Rows.allocate(convolution.width, rows);
        gradients.convolveSilu(convolution, rows, x, dy, dv, dWeight, dBias, dx);
        return new float[][] {dWeight, dBias, dx.values};
    }

    private static float[][] crossEntropyGradient(
            Gradients gradients, int rows, Rows logits, int[] targets) {
        Rows dLogits = Rows.allocate(logits.width, rows);
        float[] nats = new float[rows];
        gradients.crossEntropy(rows, logits, targets, 2, 0.25f, dLogits, nats);
        return new float[][] {dLogits.values, nats};
    }

    private static final class TimeSteps {
        final int rows;
        final Rows raw;
        final Rows delta;
        final Rows x;
        final Rows dInput;
        final Rows dDelta;
        final Rows dx;

        TimeSteps(Values values, Random random, int channels, int rows) {
            this.rows = rows;
            raw = GradientsTest.rows(values, random, channels, rows);
            x = GradientsTest.rows(values, random, channels, rows);
            dInput = GradientsTest.rows(values, random, channels, rows);
            dDelta = GradientsTest.rows(values, random, channels, rows);
            dx = GradientsTest.rows(values, random, channels, rows);
            delta = copy(raw);
            Kernels.scalar().timeSteps(rows, delta, x, Rows.allocate(raw.width, rows));
        }

        float[][] gradient(Gradients gradients) {
            Rows toDelta = copy(dDelta);
            Rows toX = copy(dx);
            gradients.timeSteps(rows, raw, delta, x, dInput, toDelta, toX);
            return new float[][] {toDelta.values, toX.values};
        }
    }

    /** A scan whose every input is a parameter of its own. */
    private static final class Scan {
        final int channels;
        final int states;
        final int rows;
        final int bColumn;
        final ScanParameters parameters;
        final Rows delta;
        final Rows x;
        final Rows input;
        final Rows projection;
        final Rows z;
        final Rows state;
        final Rows dy;
        final Rows checkpoints;

        Scan(Values values, Random random, int channels, int states, int rows, int bColumn) {
            this.channels = channels;
            this.states = states;
            this.rows = rows;
            this.bColumn = bColumn;
            float[] aLog = new float[channels * states];
            float[] skip = new float[channels];
            fill(Values.GAUSSIAN, random, aLog);
            fill(Values.GAUSSIAN, random, skip);
            parameters = ScanParameters.of(aLog, skip, channels, states);
            delta = GradientsTest.rows(values, random, channels, rows);
            for (int i = 0; i < delta.values.length; i++) {
                delta.values[i] = Math.abs(delta.values[i]);
            }
            x = GradientsTest.rows(values, random, channels, rows);
            input = GradientsTest.rows(values, random, channels, rows);
            projection = GradientsTest.rows(values, random, bColumn + 2 * states, rows);
            z = GradientsTest.rows(values, random, channels, rows);
            dy = GradientsTest.rows(values, random, channels, rows);
            state = GradientsTest.rows(values, random, channels, states);
            int chunks = (rows + 15) / 16;
            checkpoints = Rows.allocate(channels, chunks * states);
            Rows moving = copy(state);
            Rows y = Rows.allocate(channels, rows);
            for (int chunk = 0; chunk < chunks; chunk++) {
                for (int n = 0; n < states; n++) {
                    System.arraycopy(
                            moving.values,
                            moving.start(n),
                            checkpoints.values,
                            checkpoints.start(chunk * states + n),
                            moving.width);
                }
                Kernels.scalar()
                        .scan(
                                parameters,
                                Math.min(16, rows - chunk * 16),
                                delta.from(chunk * 16),
                                x.from(chunk * 16),
                                input.from(chunk * 16),
                                projection.from(chunk * 16),
                                bColumn,
                                z.from(chunk * 16),
                                moving,
                                y.from(chunk * 16),
                                new ScanBlock(parameters.width, states));
            }
        }

        float[][] gradient(Gradients gradients) {
            float[] dDecay = new float[states * parameters.width];
            float[] dSkip = new float[parameters.width];
            Rows dDelta = Rows.allocate(channels, rows);
            Rows dInput = Rows.allocate(channels, rows);
            Rows dx = Rows.allocate(channels, rows);
            Rows dProjection = Rows.allocate(bColumn + 2 * states, rows);
            Rows dz = Rows.allocate(channels, rows);
            gradients.scan(
                    parameters,
                    rows,
                    delta,
                    x,
                    input,
                    projection,
                    bColumn,
                    z,
                    checkpoints,
                    dy,
                    new ScanScratch(parameters.width, states),
                    dDecay,
                    dSkip,
                    dDelta,
                    dInput,
                    dx,
                    dProjection,
                    dz);
            return new float[][] {
                dDecay,
                dSkip,
                dDelta.values,
                dInput.values,
                dx.values,
                dProjection.values,
                dz.values
            };
        }

        /** A, D, delta, x, input, B and C, z. */
        double[] parameters() {
            double[] a = new double[states * channels];
            for (int i = 0; i < a.length; i++) {
                a[i] =
                        parameters.decay[i / channels * parameters.width + i % channels]
                                * Math.log(2);
            }
            double[] p = concat(a, doubles(parameters.skip, channels));
            p = concat(p, concat(doubles(delta, channels), doubles(x, channels)));
            p = concat(p, doubles(input, channels));
            p = concat(p, doubles(projection.values, projection, bColumn, 2 * states));
            return concat(p, doubles(z, channels));
        }

        double[] parameterGradient(float[][] g) {
            double[] a = new double[states * channels];
            for (int i = 0; i < a.length; i++) {
                a[i] = g[0][i / channels * parameters.width + i % channels];
            }
            double[] p = concat(a, doubles(g[1], channels));
            p = concat(p, doubles(g[2], delta, 0, channels));
            p = concat(p, doubles(g[4], delta, 0, channels));
            p = concat(p, doubles(g[3], delta, 0, channels));
            p = concat(p, doubles(g[5], projection, bColumn, 2 * states));
            return concat(p, doubles(g[6], delta, 0, channels));
        }

        double loss(double[] p) {
            int a = 0;
            int skip = states * channels;
            int ds = skip + channels;
            int xs = ds + rows * channels;
            int us = xs + rows * channels;
            int bs = us + rows * channels;
            int zs = bs + rows * 2 * states;
            double loss = 0;
            for (int e = 0; e < channels; e++) {
                double[] h = new double[states];
                for (int n = 0; n < states; n++) {
                    h[n] = at(state, n, e);
                }
                for (int t = 0; t < rows; t++) {
                    double y = p[skip + e] * p[xs + t * channels + e];
                    for (int n = 0; n < states; n++) {
                        double decay = Math.exp(p[ds + t * channels + e] * p[a + n * channels + e]);
                        h[n] = decay * h[n] + p[us + t * channels + e] * p[bs + t * 2 * states + n];
                        y += p[bs + t * 2 * states + states + n] * h[n];
                    }
                    loss += at(dy, t, e) * y * silu(p[zs + t * channels + e]);
                }
            }
            return loss;
        }
    }

    // Doubles

    private static double silu(double x) {
        return x / (1 + Math.exp(-x));
    }

    private static double[] centralDifferences(double[] at, ToDoubleFunction<double[]> loss) {
        double[] gradient = new double[at.length];
        double[] moved = at.clone();
        for (int i = 0; i < at.length; i++) {
            // The truncation error goes with step^2, the rounding error with 1e-16 / step.
            double step = 1e-5;
            moved[i] = at[i] + step;
            double above = loss.applyAsDouble(moved);
            moved[i] = at[i] - step;
            gradient[i] = (above - loss.applyAsDouble(moved)) / (2 * step);
            moved[i] = at[i];
        }
        return gradient;
    }

    private static void assertClose(String what, double[] expected, double[] actual) {
        assertEquals(expected.length, actual.length, what);
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow(expected[i] - actual[i], 2);
            norm += Math.pow(expected[i], 2);
        }
        double relative = Math.sqrt(difference / norm);
        // Some tens of float roundings of 6e-8 each, and what central differences leave.
        assertTrue(relative < 2e-6, what + ": relative error " + relative);
    }

    private static double at(Rows rows, int row, int column) {
        return rows.values[rows.start(row) + column];
    }

    private static double[] doubles(Rows rows, int columns) {
        return doubles(rows.values, rows, 0, columns);
    }

    private static double[] doubles(float[] values, Rows layout, int first, int columns) {
        double[] out = new double[layout.count * columns];
        for (int i = 0; i < out.length; i++) {
            out[i] = values[layout.start(i / columns) + first + i % columns];
        }
        return out;
    }

    private static double[] doubles(float[] values, int count) {
        double[] out = new double[count];
        for (int i = 0; i < count; i++) {
            out[i] = values[i];
        }
        return out;
    }

    private static double[] concat(double[] a, double[] b) {
        double[] out = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, out, a.length, b.length);
        return out;
    }

    // Floats

    private static Normalization normalization(Random random, int columns, boolean layer) {
        float[] weight = new float[columns];
        float[] bias = new float[columns];
        fill(Values.GAUSSIAN, random, weight);
        return layer ? Normalization.layer(weight, bias, 1e-5f) : Normalization.rms(weight, 1e-5f);
    }

    private static Convolution convolution(Random random, int channels, int taps) {
        float[] weight = new float[channels * taps];
        float[] bias = new float[channels];
        fill(Values.GAUSSIAN, random, weight);
        fill(Values.GAUSSIAN, random, bias);
        return Convolution.of(weight, bias, channels, taps);
    }

    private static Rows rows(Values values, Random random, int columns, int count) {
        Rows rows = Rows.allocate(columns, count);
        for (int row = 0; row < count; row++) {
            for (int c = 0; c < columns; c++) {
                rows.values[rows.start(row) + c] = values.next(random);
            }
        }
        return rows;
    }

    private static void fill(Values values, Random random, float[] array) {
        for (int i = 0; i < array.length; i++) {
            array[i] = values.next(random);
        }
    }

    private static Rows copy(Rows rows) {
        return new Rows(rows.values.clone(), rows.offset, rows.stride, rows.width, rows.count);
    }

    private static void assertSame(String what, float[] expected, float[] actual) {
        assertSame(what, new float[][] {expected}, new float[][] {actual});
    }

    private static void assertSame(String what, float[][] expected, float[][] actual) {
        for (int i = 0; i < expected.length; i++) {
            for (int j = 0; j < expected[i].length; j++) {
                int a = Float.floatToIntBits(expected[i][j]);
                int b = Float.floatToIntBits(actual[i][j]);
                if (a != b) {
                    throw new AssertionError(
                            "%s: output %d at %d: scalar %s, vector %s"
                                    .formatted(what, i, j, expected[i][j], actual[i][j]));
                }
            }
        }
    }
}
