package io.mambabyte.model;

import org.jspecify.annotations.Nullable;

/**
 * The block's mathematics once more, in double, as plainly as it can be written: what other
 * computations are compared with where there is no reference of PyTorch.
 */
public final class Float64Model {
    private final MambaConfig config;
    private final MambaWeights weights;

    /** Per layer {@code [d_inner][d_state]}. */
    final double[][][] ssm;

    /** Per layer {@code [d_inner][d_conv]}, the current input last. */
    final double[][][] conv;

    public Float64Model(MambaConfig config, MambaWeights weights) {
        this.config = config;
        this.weights = weights;
        ssm = new double[config.nLayer()][config.dInner()][config.dState()];
        conv = new double[config.nLayer()][config.dInner()][config.dConv()];
    }

    /** Feeds one byte or token; the log2 probabilities of the next. */
    public double[] step(int value) {
        double[] r = new double[config.dModel()];
        for (int i = 0; i < r.length; i++) {
            r[i] = weights.embedding[value * r.length + i];
        }
        for (int i = 0; i < config.nLayer(); i++) {
            double[] out = block(i, weights.layers.get(i), r);
            for (int j = 0; j < r.length; j++) {
                r[j] += out[j];
            }
        }
        double[] logits =
                multiply(
                        weights.lmHead,
                        null,
                        weights.vocabulary(),
                        normalize(r, weights.normF, weights.normFBias));
        double max = Double.NEGATIVE_INFINITY;
        for (double logit : logits) {
            max = Math.max(max, logit);
        }
        double sum = 0;
        for (double logit : logits) {
            sum += Math.exp(logit - max);
        }
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (logits[i] - max - Math.log(sum)) / Math.log(2);
        }
        return logits;
    }

    private double[] block(int index, MambaWeights.Layer w, double[] r) {
        int e = config.dInner();
        int n = config.dState();
        int k = config.dConv();
        int rank = config.dtRank();
        double[] xz =
                multiply(w.inProj, w.inProjBias, 2 * e, normalize(r, w.normWeight, w.normBias));
        double[] x = new double[e];
        for (int c = 0; c < e; c++) {
            double[] past = conv[index][c];
            System.arraycopy(past, 1, past, 0, k - 1);
            past[k - 1] = xz[c];
            double sum = w.convBias == null ? 0 : w.convBias[c];
            for (int j = 0; j < k; j++) {
                sum += w.conv[c * k + j] * past[j];
            }
            x[c] = silu(sum);
        }
        double[] selection = multiply(w.xProj, null, rank + 2 * n, x);
        double[] dt = multiply(w.dtProj, w.dtProjBias, e, selection);
        double[] y = new double[e];
        for (int c = 0; c < e; c++) {
            double delta = dt[c] > 20 ? dt[c] : Math.log1p(Math.exp(dt[c]));
            double sum = w.skip[c] * x[c];
            for (int s = 0; s < n; s++) {
                double a = -Math.exp(w.aLog[c * n + s]);
                double b = selection[rank + s];
                ssm[index][c][s] = Math.exp(delta * a) * ssm[index][c][s] + delta * b * x[c];
                sum += selection[rank + n + s] * ssm[index][c][s];
            }
            y[c] = sum * silu(xz[e + c]);
        }
        return multiply(w.outProj, w.outProjBias, config.dModel(), y);
    }

    private double[] normalize(double[] r, float[] weight, float @Nullable [] bias) {
        double mean = 0;
        if (bias != null) {
            for (double value : r) {
                mean += value / r.length;
            }
        }
        double square = 0;
        for (double value : r) {
            square += (value - mean) * (value - mean) / r.length;
        }
        double[] out = new double[r.length];
        for (int i = 0; i < r.length; i++) {
            out[i] =
                    (r[i] - mean) / Math.sqrt(square + config.normEpsilon()) * weight[i]
                            + (bias == null ? 0 : bias[i]);
        }
        return out;
    }

    /** {@code matrix[rows][columns] * x + bias}, x at least as long as a row. */
    private static double[] multiply(
            float[] matrix, float @Nullable [] bias, int rows, double[] x) {
        int columns = matrix.length / rows;
        double[] out = new double[rows];
        for (int i = 0; i < rows; i++) {
            double sum = bias == null ? 0 : bias[i];
            for (int j = 0; j < columns; j++) {
                sum += (double) matrix[i * columns + j] * x[j];
            }
            out[i] = sum;
        }
        return out;
    }

    private static double silu(double x) {
        return x / (1 + Math.exp(-x));
    }
}
