package io.mambabyte.kernels;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/**
 * The definition of the kernels, operation by operation. Inner loops run over neighbouring columns,
 * which are independent of each other, so that the compiler may vectorise them by itself.
 */
final class ScalarKernels extends Kernels {
    static final ScalarKernels INSTANCE = new ScalarKernels();

    private static final int LANES = Rows.LANES;

    private ScalarKernels() {}

    @Override
    public String description() {
        return "scalar";
    }

    @Override
    void multiplyRows(PackedMatrix w, int rows, Rows x, Rows y) {
        for (int first = 0; first < w.columns; first += PackedMatrix.PANEL) {
            int width = Math.min(PackedMatrix.PANEL, w.columns - first);
            for (int row = 0; row < rows; row++) {
                int to = y.start(row) + first;
                System.arraycopy(w.bias, first, y.values, to, width);
                if (first < w.pairedColumns) {
                    multiplyPairs(
                            w.pairs,
                            first * w.inputs / 2,
                            w.inputs,
                            x.values,
                            x.start(row),
                            y.values,
                            to);
                } else {
                    int panel = (first - w.pairedColumns) * w.inputs;
                    multiplyPanel(
                            w.panels, panel, width, w.inputs, x.values, x.start(row), y.values, to);
                }
            }
        }
    }

    private static void multiplyPairs(
            int[] pairs, int panel, int inputs, float[] x, int xStart, float[] y, int yStart) {
        for (int k = 0; k < inputs; k++) {
            float xk = x[xStart + k];
            int wk = panel + k * PackedMatrix.PAIRS;
            for (int c = 0; c < PackedMatrix.PAIRS; c++) {
                int pair = pairs[wk + c];
                int low = yStart + c;
                int high = low + PackedMatrix.PAIRS;
                y[low] = Math.fma(xk, Float.intBitsToFloat(pair << PackedMatrix.HALF_BITS), y[low]);
                y[high] = Math.fma(xk, Float.intBitsToFloat(pair & PackedMatrix.HIGH), y[high]);
            }
        }
    }

    private static void multiplyPanel(
            float[] w,
            int panel,
            int width,
            int inputs,
            float[] x,
            int xStart,
            float[] y,
            int yStart) {
        for (int k = 0; k < inputs; k++) {
            float xk = x[xStart + k];
            int wk = panel + k * width;
            for (int c = 0; c < width; c++) {
                y[yStart + c] = Math.fma(xk, w[wk + c], y[yStart + c]);
            }
        }
    }

    @Override
    void addRows(int rows, Rows residual, Rows addend) {
        for (int row = 0; row < rows; row++) {
            int to = residual.start(row);
            int from = addend.start(row);
            for (int c = 0; c < residual.width; c++) {
                residual.values[to + c] += addend.values[from + c];
            }
        }
    }

    @Override
    void normalizeRows(Normalization normalization, int rows, Rows x, Rows y) {
        int columns = normalization.columns;
        float[] weight = normalization.weight;
        float[] bias = normalization.bias;
        for (int row = 0; row < rows; row++) {
            int from = x.start(row);
            int to = y.start(row);
            if (bias == null) {
                float scale =
                        reciprocalRoot(sumOfSquares(x.values, from, columns, 0f), normalization);
                for (int c = 0; c < columns; c++) {
                    y.values[to + c] = x.values[from + c] * scale * weight[c];
                }
            } else {
                float mean = sum(x.values, from, columns) / columns;
                float scale =
                        reciprocalRoot(sumOfSquares(x.values, from, columns, mean), normalization);
                for (int c = 0; c < columns; c++) {
                    y.values[to + c] =
                            Math.fma((x.values[from + c] - mean) * scale, weight[c], bias[c]);
                }
            }
        }
    }

    /** {@code 1 / sqrt(sum / n + epsilon)}, each step rounded to float. */
    static float reciprocalRoot(float sumOfSquares, Normalization normalization) {
        float mean = sumOfSquares / normalization.columns + normalization.epsilon;
        return 1f / (float) Math.sqrt(mean);
    }

    private static float sum(float[] x, int from, int columns) {
        float[] partial = new float[LANES];
        for (int c = 0; c < columns; c++) {
            partial[c % LANES] += x[from + c];
        }
        return combine(partial);
    }

    private static float sumOfSquares(float[] x, int from, int columns, float mean) {
        float[] partial = new float[LANES];
        for (int c = 0; c < columns; c++) {
            float v = x[from + c] - mean;
            partial[c % LANES] = Math.fma(v, v, partial[c % LANES]);
        }
        return combine(partial);
    }

    private static float combine(float[] partial) {
        for (int distance = LANES / 2; distance > 0; distance /= 2) {
            for (int i = 0; i < distance; i++) {
                partial[i] += partial[i + distance];
            }
        }
        return partial[0];
    }

    @Override
    void convolveSiluRows(Convolution convolution, int rows, Rows x, Rows y) {
        int width = convolution.width;
        float[] weight = convolution.weight;
        for (int row = 0; row < rows; row++) {
            int to = y.start(row);
            System.arraycopy(convolution.bias, 0, y.values, to, width);
            for (int k = 0; k < convolution.taps; k++) {
                int from = x.start(row + k);
                int wk = k * width;
                for (int e = 0; e < width; e++) {
                    y.values[to + e] =
                            Math.fma(weight[wk + e], x.values[from + e], y.values[to + e]);
                }
            }
            for (int e = 0; e < width; e++) {
                y.values[to + e] = Elementary.silu(y.values[to + e]);
            }
        }
    }

    @Override
    void timeStepsRows(int rows, Rows delta, Rows x, Rows input) {
        for (int row = 0; row < rows; row++) {
            int d = delta.start(row);
            int from = x.start(row);
            int to = input.start(row);
            for (int e = 0; e < delta.width; e++) {
                float step = Elementary.softplus(delta.values[d + e]);
                delta.values[d + e] = step;
                input.values[to + e] = step * x.values[from + e];
            }
        }
    }

    @Override
    void scanRows(
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
        int width = parameters.width;
        int states = parameters.states;
        float[] decay = parameters.decay;
        float[] h = state.values;
        for (int t = 0; t < rows; t++) {
            int d = delta.start(t);
            int xs = x.start(t);
            int to = y.start(t);
            int b = projection.start(t) + bColumn;
            for (int e = 0; e < width; e++) {
                float v = delta.values[d + e];
                float step = input == null ? Elementary.softplus(v) : v;
                block.delta[e] = step;
                block.input[e] =
                        input == null ? step * x.values[xs + e] : input.values[input.start(t) + e];
                y.values[to + e] = parameters.skip[e] * x.values[xs + e];
            }
            for (int n = 0; n < states; n++) {
                float bn = projection.values[b + n];
                float cn = projection.values[b + states + n];
                int a = n * width;
                int s = state.start(n);
                for (int e = 0; e < width; e++) {
                    float power = Elementary.exp2(block.delta[e] * decay[a + e]);
                    float next = Math.fma(power, h[s + e], block.input[e] * bn);
                    h[s + e] = next;
                    y.values[to + e] = Math.fma(cn, next, y.values[to + e]);
                }
            }
            int zs = z.start(t);
            for (int e = 0; e < width; e++) {
                y.values[to + e] *= Elementary.silu(z.values[zs + e]);
            }
        }
    }

    @Override
    void surprisalRows(
            int rows,
            Rows logits,
            byte[] targets,
            int targetOffset,
            float[] surprisal,
            float[] entropy,
            float[] variance,
            int offset) {
        float[] s = new float[LANES];
        float[] t = new float[LANES];
        float[] q = new float[LANES];
        float[] values = logits.values;
        for (int row = 0; row < rows; row++) {
            int from = logits.start(row);
            float max = Float.NEGATIVE_INFINITY;
            for (int c = 0; c < logits.width; c++) {
                float v = values[from + c];
                max = v > max ? v : max;
            }
            Arrays.fill(s, 0f);
            Arrays.fill(t, 0f);
            Arrays.fill(q, 0f);
            for (int c = 0; c < logits.width; c++) {
                int lane = c % LANES;
                float d = values[from + c] - max;
                float e = Elementary.expOfMinus(Elementary.clampedAbs(d));
                float ed = e * d;
                s[lane] += e;
                t[lane] += ed;
                q[lane] = Math.fma(ed, d, q[lane]);
            }
            float target = values[from + (targets[targetOffset + row] & 0xff)] - max;
            store(
                    combine(s),
                    combine(t),
                    combine(q),
                    target,
                    surprisal,
                    entropy,
                    variance,
                    offset + row);
        }
    }

    @Override
    void softmaxWeightsOfRow(Rows logits, int row, float scale, float[] weights) {
        int from = logits.start(row);
        float max = Float.NEGATIVE_INFINITY;
        for (int c = 0; c < logits.width; c++) {
            float v = logits.values[from + c];
            max = v > max ? v : max;
        }
        for (int c = 0; c < logits.width; c++) {
            float v = (logits.values[from + c] - max) * scale;
            weights[c] = Elementary.expOfMinus(Elementary.clampedAbs(v));
        }
    }

    private static final double BITS_PER_NAT = 1 / 0.6931471805599453;

    /** The last steps of {@link #surprisal}, in double, shared with the vector kernels. */
    static void store(
            float s,
            float t,
            float q,
            float target,
            float[] surprisal,
            float[] entropy,
            float[] variance,
            int index) {
        // exp takes NaN for its least argument, but e * d keeps it: no sum of a row with NaN is
        // told.
        double logSum = Float.isNaN(t) ? Double.NaN : StrictMath.log(s);
        double mean = (double) t / s;
        surprisal[index] = (float) ((logSum - target) * BITS_PER_NAT);
        entropy[index] = (float) ((logSum - mean) * BITS_PER_NAT);
        variance[index] =
                (float) (Math.max((double) q / s - mean * mean, 0) * (BITS_PER_NAT * BITS_PER_NAT));
    }
}
