package io.mambabyte.kernels;

import java.util.Objects;

/**
 * The backward pass of {@link Kernels}: what a loss changes by where an operation's inputs or
 * parameters change. {@code dv} stands for the gradient of the loss by {@code v}.
 *
 * <p>As with the forward kernels, {@link #scalar()} is the definition of every operation to the bit
 * and the vector kernels compute the same bits at whatever width. A parameter's gradient is one
 * chain of additions over rows that starts from what the gradient holds, so that sequences
 * accumulate by being computed one after another.
 *
 * <p>The gradient of a product by its input is a product itself, with the transposed weights:
 * {@code kernels.multiply(w.transposed, rows, dy, dx)}.
 *
 * <p>Columns of padding must hold zeros in every input, and get zeros in every output. Methods
 * check shapes and throw {@link IllegalArgumentException}; what they call trusts them. All are safe
 * for use by several threads on different outputs and scratch. The vector kernels allocate nothing.
 * An output must not overlap an input unless it says otherwise.
 */
public abstract sealed class Gradients permits ScalarGradients, VectorGradients {
    /**
     * Steps between the states that the scan's gradient starts from: it recomputes so many states
     * at a time. Fewer cost memory, more cost the first level cache.
     */
    public static final int CHECKPOINT_STEPS = 16;

    static final float LN2 = 0x1.62e430p-1f;

    Gradients() {}

    /**
     * The kernels that go with given forward kernels: vector with vector, scalar with scalar.
     *
     * @param kernels the forward kernels
     * @return the kernels
     */
    public static Gradients of(Kernels kernels) {
        return kernels == Kernels.scalar() ? ScalarGradients.INSTANCE : Vectors.INSTANCE;
    }

    /**
     * The definition of every operation, in plain Java.
     *
     * @return the scalar kernels
     */
    public static Gradients scalar() {
        return ScalarGradients.INSTANCE;
    }

    /** Loads the vector class when it is asked for, not before: its module may be absent. */
    private static final class Vectors {
        static final Gradients INSTANCE = new VectorGradients();
    }

    /**
     * What computes: {@code scalar}, or {@code vector} and the width in bits.
     *
     * @return a short description
     */
    public abstract String description();

    /**
     * Gradient of a linear layer by its weights: {@code dw[c][k] += sum_r dy[r][c] * x[r][k]}, a
     * chain of fused multiply-adds over r in ascending order.
     *
     * @param gradient {@code [columns][inputs]}, updated
     * @param rows number of rows
     * @param x row-major {@code [rows][>= padded inputs]}
     * @param dy row-major {@code [rows][>= columns]}
     */
    public final void accumulateWeights(WeightGradient gradient, int rows, Rows x, Rows dy) {
        check("x", x, rows, gradient.stride);
        check("dy", dy, rows, gradient.columns);
        weights(gradient, rows, x, dy);
    }

    abstract void weights(WeightGradient gradient, int rows, Rows x, Rows dy);

    /**
     * Gradient by a bias: {@code sums[c] += sum_r dy[r][c]}, a chain over r in ascending order.
     *
     * @param rows number of rows
     * @param dy row-major {@code [rows][width]}
     * @param sums {@code [>= width]}, updated
     */
    public final void accumulateColumns(int rows, Rows dy, float[] sums) {
        check("dy", dy, rows, 0);
        checkLength("sums", sums, dy.width);
        columns(rows, dy, sums);
    }

    abstract void columns(int rows, Rows dy, float[] sums);

    /**
     * Gradient of a normalisation.
     *
     * <p>With {@code s = 1 / sqrt(mean(c^2) + epsilon)}, {@code c = x} (RMS) or {@code x - mean(x)}
     * (layer), {@code n = c * s} and {@code g = dy * w}: {@code dx += s * (g - n * mean(g * n))},
     * for layer normalisation {@code s * ((g - mean(g)) - n * mean(g * n))}; {@code dw += dy * n},
     * {@code db += dy}. Sums over columns are in 16 partial sums as in {@link Kernels#normalize}.
     *
     * @param normalization weights, bias and epsilon
     * @param rows number of rows
     * @param x row-major {@code [rows][>= padded columns]}: what was normalised
     * @param dy row-major {@code [rows][>= padded columns]}
     * @param dWeight {@code [padded columns]}, updated
     * @param dBias {@code [padded columns]}, updated; not touched for RMS
     * @param dx row-major {@code [rows][>= padded columns]}, updated
     */
    public final void normalize(
            Normalization normalization,
            int rows,
            Rows x,
            Rows dy,
            float[] dWeight,
            float[] dBias,
            Rows dx) {
        check("x", x, rows, normalization.width);
        check("dy", dy, rows, normalization.width);
        check("dx", dx, rows, normalization.width);
        checkLength("dWeight", dWeight, normalization.width);
        if (normalization.bias != null) {
            checkLength("dBias", dBias, normalization.width);
        }
        normalizeRows(normalization, rows, x, dy, dWeight, dBias, dx);
    }

    abstract void normalizeRows(
            Normalization normalization,
            int rows,
            Rows x,
            Rows dy,
            float[] dWeight,
            float[] dBias,
            Rows dx);

    /**
     * Gradient of {@link Kernels#convolveSilu}.
     *
     * <p>With v the convolution before SiLU, computed again, {@code dv[t] = dy[t] * silu'(v[t])};
     * {@code dx[t] = sum_k w[k] * dv[t + taps - 1 - k]} over the rows that there are (k
     * descending); {@code dw[k] += sum_t dv[t] * x[t + k]}, {@code db += sum_t dv[t]} (t
     * ascending). What the rows before the first would get is dropped: truncated back-propagation.
     *
     * @param convolution weights and bias
     * @param rows number of rows of y
     * @param x row-major {@code [taps - 1 + rows][>= width]}, as in the forward operation
     * @param dy row-major {@code [rows][>= width]}
     * @param dv scratch, row-major {@code [rows + taps - 1][>= width]}
     * @param dWeight {@code [taps][width]}, updated
     * @param dBias {@code [width]}, updated
     * @param dx row-major {@code [rows][>= width]}, overwritten
     */
    public final void convolveSilu(
            Convolution convolution,
            int rows,
            Rows x,
            Rows dy,
            Rows dv,
            float[] dWeight,
            float[] dBias,
            Rows dx) {
        int history = convolution.taps - 1;
        check("x", x, rows + history, convolution.width);
        check("dy", dy, rows, convolution.width);
        check("dv", dv, rows + history, convolution.width);
        check("dx", dx, rows, convolution.width);
        checkLength("dWeight", dWeight, convolution.taps * convolution.width);
        checkLength("dBias", dBias, convolution.width);
        convolveSiluRows(convolution, rows, x, dy, dv, dWeight, dBias, dx);
    }

    abstract void convolveSiluRows(
            Convolution convolution,
            int rows,
            Rows x,
            Rows dy,
            Rows dv,
            float[] dWeight,
            float[] dBias,
            Rows dx);

    /**
     * Gradient of {@link Kernels#timeSteps}: {@code dRaw = (dDelta + dInput * x) * sigmoid(raw)}
     * and {@code dx += dInput * delta}, products fused with the additions.
     *
     * @param rows number of rows
     * @param raw row-major {@code [rows][width]}: what softplus was applied to
     * @param delta row-major {@code [rows][>= width]}: softplus of it
     * @param x row-major {@code [rows][>= width]}
     * @param dInput row-major {@code [rows][>= width]}
     * @param dDelta row-major {@code [rows][>= width]}; becomes dRaw
     * @param dx row-major {@code [rows][>= width]}, updated
     */
    public final void timeSteps(
            int rows, Rows raw, Rows delta, Rows x, Rows dInput, Rows dDelta, Rows dx) {
        check("raw", raw, rows, 0);
        check("delta", delta, rows, raw.width);
        check("x", x, rows, raw.width);
        check("dInput", dInput, rows, raw.width);
        check("dDelta", dDelta, rows, raw.width);
        check("dx", dx, rows, raw.width);
        timeStepsRows(rows, raw, delta, x, dInput, dDelta, dx);
    }

    abstract void timeStepsRows(
            int rows, Rows raw, Rows delta, Rows x, Rows dInput, Rows dDelta, Rows dx);

    /**
     * Gradient of {@link Kernels#scan}, from the last row to the first, with no gradient coming
     * into the state after the last row: truncated back-propagation.
     *
     * <p>The states are computed again from a checkpoint every {@value #CHECKPOINT_STEPS} rows.
     * With {@code a = exp(delta * A)}, {@code s = dy * silu(z)} and {@code g} the gradient by the
     * state, per row and state n in ascending order:
     *
     * <pre>{@code
     * g      += C[n] * s             dC[n] += s * h        dInput += g * B[n]
     * dB[n]  += g * input            q = g * a * h[before]  g = g * a
     * dDelta += q * decay[n]         dDecay[n] += q * delta
     * }</pre>
     *
     * <p>each a fused multiply-add; then {@code dDelta *= ln 2}, {@code dx = D * s}, {@code dD += s
     * * x} and {@code dz = dy * y * silu'(z)}, y being the output before the gate. The sums over
     * channels (dB, dC) are 16 partial sums as in {@link Kernels#normalize}. dDecay is the gradient
     * by A; that by {@code A_log} is {@code dDecay * A}.
     *
     * @param parameters A and D
     * @param rows number of rows
     * @param delta row-major {@code [rows][>= width]}
     * @param x row-major {@code [rows][>= width]}
     * @param input row-major {@code [rows][>= width]}: {@code delta * x}
     * @param projection row-major {@code [rows][...]}: B from bColumn on, then C
     * @param bColumn the first column of B
     * @param z row-major {@code [rows][>= width]}
     * @param checkpoints row-major {@code [ceil(rows / 16) * states][width]}: the state before rows
     *     0, 16, 32, ...
     * @param dy row-major {@code [rows][>= width]}
     * @param scratch memory of a thread
     * @param dDecay {@code [states][width]}, updated
     * @param dSkip {@code [width]}, updated
     * @param dDelta row-major {@code [rows][>= width]}, overwritten
     * @param dInput row-major {@code [rows][>= width]}, overwritten
     * @param dx row-major {@code [rows][>= width]}, overwritten
     * @param dProjection row-major {@code [rows][...]}: the columns of B and C are overwritten
     * @param dz row-major {@code [rows][>= width]}, overwritten
     */
    public final void scan(
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
        int chunks = (rows + CHECKPOINT_STEPS - 1) / CHECKPOINT_STEPS;
        if (bColumn < 0) {
            throw new IllegalArgumentException("B starts at column " + bColumn);
        }
        check("delta", delta, rows, width);
        check("x", x, rows, width);
        check("input", input, rows, width);
        check("projection", projection, rows, bColumn + 2 * parameters.states);
        check("z", z, rows, width);
        check("checkpoints", checkpoints, chunks * parameters.states, width);
        check("dy", dy, rows, width);
        check("dDelta", dDelta, rows, width);
        check("dInput", dInput, rows, width);
        check("dx", dx, rows, width);
        check("dProjection", dProjection, rows, bColumn + 2 * parameters.states);
        check("dz", dz, rows, width);
        checkLength("dDecay", dDecay, parameters.states * width);
        checkLength("dSkip", dSkip, width);
        checkLength("scratch", scratch.carry, parameters.states * width);
        checkLength("scratch", scratch.partials, scratch.length(parameters.states));
        scanRows(
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
                scratch,
                dDecay,
                dSkip,
                dDelta,
                dInput,
                dx,
                dProjection,
                dz);
    }

    abstract void scanRows(
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
            Rows dz);

    /**
     * Cross-entropy of the softmax of a row of logits against what came, and its gradient.
     *
     * <p>With {@code e = exp(logit - max)} and S their sum in 16 partial sums: {@code nats = log(S)
     * - (logit - max)[target]}, {@code dLogits = e * (scale / S)}, less {@code scale} at the
     * target.
     *
     * @param rows number of rows
     * @param logits row-major {@code [rows][width]}, every column counts
     * @param targets the column of what came in row r is {@code targets[targetOffset + r]}
     * @param targetOffset where the targets start
     * @param scale weight of a row in the loss
     * @param dLogits row-major {@code [rows][>= width]}, overwritten; may be the logits
     * @param nats {@code nats[r]} is overwritten
     */
    public final void crossEntropy(
            int rows,
            Rows logits,
            int[] targets,
            int targetOffset,
            float scale,
            Rows dLogits,
            float[] nats) {
        check("logits", logits, rows, 1);
        check("dLogits", dLogits, rows, logits.width);
        Objects.checkFromIndexSize(targetOffset, rows, targets.length);
        checkLength("nats", nats, rows);
        for (int row = 0; row < rows; row++) {
            Objects.checkIndex(targets[targetOffset + row], logits.width);
        }
        crossEntropyRows(rows, logits, targets, targetOffset, scale, dLogits, nats);
    }

    abstract void crossEntropyRows(
            int rows,
            Rows logits,
            int[] targets,
            int targetOffset,
            float scale,
            Rows dLogits,
            float[] nats);

    /** The last step of dB and dC. */
    static void projectionSums(
            float[] partials, int first, int count, int states, int bColumn, Rows dProjection) {
        for (int t = 0; t < count; t++) {
            int to = dProjection.start(first + t) + bColumn;
            for (int n = 0; n < 2 * states; n++) {
                dProjection.values[to + n] =
                        combine(partials, (n * CHECKPOINT_STEPS + t) * Rows.LANES);
            }
        }
    }

    /** Adds the 16 partial sums up, i + 8 to i, then i + 4, i + 2, i + 1; destroys them. */
    static float combine(float[] partials, int from) {
        for (int distance = Rows.LANES / 2; distance > 0; distance /= 2) {
            for (int i = 0; i < distance; i++) {
                partials[from + i] += partials[from + i + distance];
            }
        }
        return partials[from];
    }

    private static void check(String name, Rows rows, int count, int width) {
        if (count < 0) {
            throw new IllegalArgumentException("rows: " + count);
        }
        if (rows.count < count || rows.width < width) {
            throw new IllegalArgumentException(
                    name
                            + " is "
                            + rows.count
                            + " x "
                            + rows.width
                            + ", expected at least "
                            + count
                            + " x "
                            + width);
        }
    }

    private static void checkLength(String name, float[] values, int length) {
        if (values.length < length) {
            throw new IllegalArgumentException(
                    name + " has " + values.length + " floats, expected at least " + length);
        }
    }
}
