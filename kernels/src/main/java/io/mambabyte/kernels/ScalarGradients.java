package io.mambabyte.kernels;

import java.util.Arrays;

/** The definition of the gradients, operation by operation. */
final class ScalarGradients extends Gradients {
    static final ScalarGradients INSTANCE = new ScalarGradients();

    private static final int LANES = Rows.LANES;

    private ScalarGradients() {}

    @Override
    public String description() {
        return "scalar";
    }

    @Override
    void weights(WeightGradient gradient, int rows, Rows x, Rows dy) {
        float[] g = gradient.values;
        for (int row = 0; row < rows; row++) {
            int xs = x.start(row);
            int ys = dy.start(row);
            for (int c = 0; c < gradient.columns; c++) {
                float d = dy.values[ys + c];
                int to = c * gradient.stride;
                for (int k = 0; k < gradient.stride; k++) {
                    g[to + k] = Math.fma(d, x.values[xs + k], g[to + k]);
                }
            }
        }
    }

    @Override
    void columns(int rows, Rows dy, float[] sums) {
        for (int row = 0; row < rows; row++) {
            int from = dy.start(row);
            for (int c = 0; c < dy.width; c++) {
                sums[c] += dy.values[from + c];
            }
        }
    }

    @Override
    void normalizeRows(
            Normalization normalization,
            int rows,
            Rows x,
            Rows dy,
            float[] dWeight,
            float[] dBias,
            Rows dx) {
        int columns = normalization.columns;
        boolean layer = normalization.bias != null;
        float[] sums = new float[LANES];
        float[] products = new float[LANES];
        for (int row = 0; row < rows; row++) {
            int xs = x.start(row);
            int ys = dy.start(row);
            int to = dx.start(row);
            float mean = 0f;
            if (layer) {
                Arrays.fill(sums, 0f);
                for (int c = 0; c < columns; c++) {
                    sums[c % LANES] += x.values[xs + c];
                }
                mean = combine(sums, 0) / columns;
            }
            Arrays.fill(sums, 0f);
            for (int c = 0; c < columns; c++) {
                float v = x.values[xs + c] - mean;
                sums[c % LANES] = Math.fma(v, v, sums[c % LANES]);
            }
            float scale = ScalarKernels.reciprocalRoot(combine(sums, 0), normalization);
            Arrays.fill(sums, 0f);
            Arrays.fill(products, 0f);
            for (int c = 0; c < columns; c++) {
                float d = dy.values[ys + c];
                float n = (x.values[xs + c] - mean) * scale;
                float g = d * normalization.weight[c];
                sums[c % LANES] += g;
                products[c % LANES] = Math.fma(g, n, products[c % LANES]);
                dWeight[c] = Math.fma(d, n, dWeight[c]);
                if (layer) {
                    dBias[c] += d;
                }
            }
            float sum = combine(sums, 0);
            float meanG = layer ? sum / columns : 0f;
            float meanProduct = combine(products, 0) / columns;
            for (int c = 0; c < columns; c++) {
                float n = (x.values[xs + c] - mean) * scale;
                float g = dy.values[ys + c] * normalization.weight[c] - meanG;
                dx.values[to + c] =
                        Math.fma(scale, Math.fma(-meanProduct, n, g), dx.values[to + c]);
            }
        }
    }

    @Override
    void convolveSiluRows(
            Convolution convolution,
            int rows,
            Rows x,
            Rows dy,
            Rows dv,
            float[] dWeight,
            float[] dBias,
            Rows dx) {
        int width = convolution.width;
        int taps = convolution.taps;
        float[] weight = convolution.weight;
        for (int t = 0; t < rows; t++) {
            int ys = dy.start(t);
            int vs = dv.start(t);
            for (int e = 0; e < width; e++) {
                float v = convolution.bias[e];
                for (int k = 0; k < taps; k++) {
                    v = Math.fma(weight[k * width + e], x.values[x.start(t + k) + e], v);
                }
                float d = dy.values[ys + e] * ElementarySlopes.silu(v);
                dv.values[vs + e] = d;
                dBias[e] += d;
                for (int k = 0; k < taps; k++) {
                    dWeight[k * width + e] =
                            Math.fma(d, x.values[x.start(t + k) + e], dWeight[k * width + e]);
                }
            }
        }
        for (int t = rows; t < rows + taps - 1; t++) {
            Arrays.fill(dv.values, dv.start(t), dv.start(t) + width, 0f);
        }
        for (int t = 0; t < rows; t++) {
            int to = dx.start(t);
            for (int e = 0; e < width; e++) {
                float sum = 0f;
                for (int k = taps - 1; k >= 0; k--) {
                    sum =
                            Math.fma(
                                    weight[k * width + e],
                                    dv.values[dv.start(t + taps - 1 - k) + e],
                                    sum);
                }
                dx.values[to + e] = sum;
            }
        }
    }

    @Override
    void timeStepsRows(int rows, Rows raw, Rows delta, Rows x, Rows dInput, Rows dDelta, Rows dx) {
        for (int row = 0; row < rows; row++) {
            int rs = raw.start(row);
            int ds = delta.start(row);
            int xs = x.start(row);
            int is = dInput.start(row);
            int to = dDelta.start(row);
            int xTo = dx.start(row);
            for (int e = 0; e < raw.width; e++) {
                float d = dInput.values[is + e];
                float sum = Math.fma(d, x.values[xs + e], dDelta.values[to + e]);
                dDelta.values[to + e] = sum * ElementarySlopes.sigmoid(raw.values[rs + e]);
                dx.values[xTo + e] = Math.fma(d, delta.values[ds + e], dx.values[xTo + e]);
            }
        }
    }

    @Override
    void scanRows(
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
        float[] carry = scratch.carry;
        float[] partials = scratch.partials;
        float[] power = new float[CHECKPOINT_STEPS];
        float[] h = new float[CHECKPOINT_STEPS + 1];
        float[] y = new float[CHECKPOINT_STEPS];
        float[] s = new float[CHECKPOINT_STEPS];
        Arrays.fill(carry, 0, states * width, 0f);
        for (int chunk = (rows - 1) / CHECKPOINT_STEPS; chunk >= 0 && rows > 0; chunk--) {
            int first = chunk * CHECKPOINT_STEPS;
            int count = Math.min(CHECKPOINT_STEPS, rows - first);
            Arrays.fill(partials, 0f);
            for (int e = 0; e < width; e++) {
                for (int t = 0; t < count; t++) {
                    y[t] = parameters.skip[e] * x.values[x.start(first + t) + e];
                    float zt = z.values[z.start(first + t) + e];
                    s[t] = dy.values[dy.start(first + t) + e] * (zt * ElementarySlopes.sigmoid(zt));
                    dDelta.values[dDelta.start(first + t) + e] = 0f;
                    dInput.values[dInput.start(first + t) + e] = 0f;
                }
                for (int n = 0; n < states; n++) {
                    float decay = parameters.decay[n * width + e];
                    h[0] = checkpoints.values[checkpoints.start(chunk * states + n) + e];
                    for (int t = 0; t < count; t++) {
                        int row = first + t;
                        int b = projection.start(row) + bColumn + n;
                        power[t] = Elementary.exp2(delta.values[delta.start(row) + e] * decay);
                        h[t + 1] =
                                Math.fma(
                                        power[t],
                                        h[t],
                                        input.values[input.start(row) + e] * projection.values[b]);
                        y[t] = Math.fma(projection.values[b + states], h[t + 1], y[t]);
                    }
                    float g = carry[n * width + e];
                    float sum = dDecay[n * width + e];
                    for (int t = count - 1; t >= 0; t--) {
                        int row = first + t;
                        int b = projection.start(row) + bColumn + n;
                        int bSum = (n * CHECKPOINT_STEPS + t) * LANES + e % LANES;
                        int cSum = bSum + states * CHECKPOINT_STEPS * LANES;
                        int toDelta = dDelta.start(row) + e;
                        int toInput = dInput.start(row) + e;
                        g = Math.fma(projection.values[b + states], s[t], g);
                        partials[cSum] = Math.fma(s[t], h[t + 1], partials[cSum]);
                        partials[bSum] =
                                Math.fma(g, input.values[input.start(row) + e], partials[bSum]);
                        dInput.values[toInput] =
                                Math.fma(g, projection.values[b], dInput.values[toInput]);
                        g = g * power[t];
                        float q = g * h[t];
                        dDelta.values[toDelta] = Math.fma(q, decay, dDelta.values[toDelta]);
                        sum = Math.fma(q, delta.values[delta.start(row) + e], sum);
                    }
                    carry[n * width + e] = g;
                    dDecay[n * width + e] = sum;
                }
                for (int t = count - 1; t >= 0; t--) {
                    int row = first + t;
                    float zt = z.values[z.start(row) + e];
                    dDelta.values[dDelta.start(row) + e] *= LN2;
                    dx.values[dx.start(row) + e] = parameters.skip[e] * s[t];
                    dSkip[e] = Math.fma(s[t], x.values[x.start(row) + e], dSkip[e]);
                    dz.values[dz.start(row) + e] =
                            y[t] * (ElementarySlopes.silu(zt) * dy.values[dy.start(row) + e]);
                }
            }
            projectionSums(partials, first, count, states, bColumn, dProjection);
        }
    }

    @Override
    void crossEntropyRows(
            int rows,
            Rows logits,
            int[] targets,
            int targetOffset,
            float scale,
            Rows dLogits,
            float[] nats) {
        float[] sums = new float[LANES];
        for (int row = 0; row < rows; row++) {
            int from = logits.start(row);
            int to = dLogits.start(row);
            float max = Float.NEGATIVE_INFINITY;
            for (int c = 0; c < logits.width; c++) {
                float v = logits.values[from + c];
                max = v > max ? v : max;
            }
            int target = targets[targetOffset + row];
            float targetLogit = logits.values[from + target] - max;
            Arrays.fill(sums, 0f);
            for (int c = 0; c < logits.width; c++) {
                float e =
                        Elementary.expOfMinus(Elementary.clampedAbs(logits.values[from + c] - max));
                dLogits.values[to + c] = e;
                sums[c % LANES] += e;
            }
            float sum = combine(sums, 0);
            float factor = scale / sum;
            for (int c = 0; c < logits.width; c++) {
                dLogits.values[to + c] *= factor;
            }
            dLogits.values[to + target] -= scale;
            nats[row] = (float) (StrictMath.log(sum) - targetLogit);
        }
    }
}
