package io.mambabyte.kernels;

import org.jspecify.annotations.Nullable;

import java.util.Objects;

/**
 * The arithmetic of a Mamba block on rows of floats: one row is one byte.
 *
 * <p>Every operation is defined by its scalar form, to the bit: the order of its additions, where
 * it fuses and how its elementary functions are computed. {@link #scalar()} is that definition,
 * {@link #vector()} the same with the Vector API, at whatever width the machine has. A result
 * depends neither on which of the two computed it, nor on the width, nor on how many rows were
 * computed in one call. Where an input is NaN the result is NaN on both; which NaN is not defined.
 *
 * <p>Methods check shapes and throw {@link IllegalArgumentException}; what they call trusts them.
 * All are safe for use by several threads on different rows. The vector kernels allocate nothing,
 * the scalar ones a few hundred bytes a call in {@link #normalize} and {@link #surprisal}. Unless
 * it says otherwise, an output of a method must not overlap its inputs.
 */
public abstract sealed class Kernels permits ScalarKernels, VectorKernels {
    /**
     * Number of the definition: another one gives other bits for the same bytes. What is kept of
     * one, such as the state of a key, does not go on with another.
     */
    public static final int ARITHMETIC = 2;

    Kernels() {}

    /**
     * The kernels of this process: {@code -Dmambabyte.kernels=auto|scalar|vector}, {@code auto}
     * where nothing is set. Chosen once. {@code auto} takes the vector kernels where the module
     * jdk.incubator.vector is there, else the scalar ones after one warning; a choice that cannot
     * be met fails.
     *
     * @return the kernels
     * @throws IllegalStateException if the choice cannot be met
     */
    public static Kernels selected() {
        return KernelSelection.selected();
    }

    /**
     * The operations with the Vector API at the machine's preferred width.
     *
     * @return the vector kernels
     * @throws IllegalStateException if the module jdk.incubator.vector is not there
     */
    public static Kernels vector() {
        return KernelSelection.vector();
    }

    /**
     * The definition of every operation, in plain Java.
     *
     * @return the scalar kernels
     */
    public static Kernels scalar() {
        return ScalarKernels.INSTANCE;
    }

    /**
     * What computes: {@code scalar}, or {@code vector} and the width in bits.
     *
     * @return a short description
     */
    public abstract String description();

    /**
     * Linear layer: {@code y[r][c] = bias[c] + sum_k x[r][k] * w[k][c]}.
     *
     * <p>One chain of fused multiply-adds an output: it starts from the bias and runs over k in
     * ascending order. Error against exact arithmetic: at most {@code (inputs + 1) * 2^-24 *
     * (|bias| + sum |x * w|)}, to first order.
     *
     * @param w the weights, {@code [inputs][columns]} in panels
     * @param rows number of rows
     * @param x row-major {@code [rows][>= inputs]}
     * @param y row-major {@code [rows][>= columns]}, overwritten
     */
    public final void multiply(PackedMatrix w, int rows, Rows x, Rows y) {
        check("x", x, rows, w.inputs);
        check("y", y, rows, w.columns);
        multiplyRows(w, rows, x, y);
    }

    abstract void multiplyRows(PackedMatrix w, int rows, Rows x, Rows y);

    /**
     * Adds to the residual stream: {@code residual[r][c] += addend[r][c]}.
     *
     * @param rows number of rows
     * @param residual row-major {@code [rows][width]}, updated
     * @param addend row-major {@code [rows][>= width]}
     */
    public final void add(int rows, Rows residual, Rows addend) {
        check("residual", residual, rows, 0);
        check("addend", addend, rows, residual.width);
        addRows(rows, residual, addend);
    }

    abstract void addRows(int rows, Rows residual, Rows addend);

    /**
     * RMS or layer normalisation of each row, see {@link Normalization}.
     *
     * <p>Sums over columns are 16 partial sums, of the columns with the same index modulo 16, each
     * a chain in ascending order; partial sum i is then added to i + 8, i + 4, i + 2 and i + 1 in
     * this order. RMS: {@code (r * (1 / sqrt(sum / n + epsilon))) * w}. Layer: the same on {@code r
     * - mean}, the product with w fused with the addition of the bias.
     *
     * @param normalization weights, bias and epsilon
     * @param rows number of rows
     * @param x row-major {@code [rows][>= padded columns]}
     * @param y row-major {@code [rows][>= padded columns]}, overwritten; may be x
     */
    public final void normalize(Normalization normalization, int rows, Rows x, Rows y) {
        check("x", x, rows, normalization.width);
        check("y", y, rows, normalization.width);
        normalizeRows(normalization, rows, x, y);
    }

    abstract void normalizeRows(Normalization normalization, int rows, Rows x, Rows y);

    /**
     * Causal depthwise convolution and SiLU: {@code y[t] = silu(bias + sum_k w[k] * x[t + k])},
     * where the first {@code taps - 1} rows of x are what came before.
     *
     * <p>One chain of fused multiply-adds from the bias over k in ascending order. {@code silu(v) =
     * v / (1 + exp(-v))} within 6 ulp for {@code v >= -86}, 4 above -20, and below that no further
     * from 0 than at -86 ({@code -4e-36}).
     *
     * @param convolution weights and bias
     * @param rows number of rows of y
     * @param x row-major {@code [taps - 1 + rows][>= width]}
     * @param y row-major {@code [rows][>= width]}, overwritten
     */
    public final void convolveSilu(Convolution convolution, int rows, Rows x, Rows y) {
        check("x", x, rows + convolution.taps - 1, convolution.width);
        check("y", y, rows, convolution.width);
        convolveSiluRows(convolution, rows, x, y);
    }

    abstract void convolveSiluRows(Convolution convolution, int rows, Rows x, Rows y);

    /**
     * Time steps: {@code delta = softplus(delta)} and {@code input = delta * x}.
     *
     * <p>{@code softplus(v) = max(v, 0) + log1p(exp(-|v|))} within 6 ulp for {@code v >= -86}, 4
     * above -20, and below that as at -86 ({@code 4.5e-38}). Above 20 it is v.
     *
     * @param rows number of rows
     * @param delta row-major {@code [rows][width]}, updated
     * @param x row-major {@code [rows][>= width]}
     * @param input row-major {@code [rows][>= width]}, overwritten
     */
    public final void timeSteps(int rows, Rows delta, Rows x, Rows input) {
        check("delta", delta, rows, 0);
        check("x", x, rows, delta.width);
        check("input", input, rows, delta.width);
        timeStepsRows(rows, delta, x, input);
    }

    abstract void timeStepsRows(int rows, Rows delta, Rows x, Rows input);

    /**
     * Selective scan over the rows, skip and gate, for each channel e:
     *
     * <pre>{@code
     * h[n] = exp(delta[t] * A[n]) * h[n] + input[t] * B[t][n]     for every state n
     * y[t] = (D * x[t] + sum_n C[t][n] * h[n]) * silu(z[t])
     * }</pre>
     *
     * <p>{@code exp(delta * A)} is {@code 2^(delta * decay)}, the product rounded, within 2 ulp of
     * that power, and not less than {@code 2^-125}; delta must not be negative (softplus never is).
     * Both sums are chains of fused multiply-adds, the second from {@code D * x} over n in
     * ascending order.
     *
     * @param parameters A and D
     * @param rows number of rows
     * @param delta row-major {@code [rows][>= width]}, not negative
     * @param x row-major {@code [rows][>= width]}
     * @param input row-major {@code [rows][>= width]}: {@code delta * x}
     * @param projection row-major {@code [rows][...]}: B from bColumn on, a column a state, then C
     *     in as many from there on
     * @param bColumn the first column of B
     * @param z row-major {@code [rows][>= width]}
     * @param state row-major {@code [states][width]}, updated
     * @param y row-major {@code [rows][>= width]}, overwritten
     * @param block memory to work in, at least as wide and with as many states
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
            Rows state,
            Rows y,
            ScanBlock block) {
        check("input", input, rows, parameters.width);
        checkScan(parameters, rows, delta, x, projection, bColumn, z, state, y, block);
        scanRows(parameters, rows, delta, x, input, projection, bColumn, z, state, y, block);
    }

    /**
     * {@link #timeSteps} and {@link #scan} in one, to the same bits, for whoever does not need
     * delta and input themselves: they do not pass through memory.
     *
     * @param parameters A and D
     * @param rows number of rows
     * @param raw row-major {@code [rows][>= width]}: delta before softplus
     * @param x row-major {@code [rows][>= width]}
     * @param projection row-major {@code [rows][...]}: B from bColumn on, a column a state, then C
     *     in as many from there on
     * @param bColumn the first column of B
     * @param z row-major {@code [rows][>= width]}
     * @param state row-major {@code [states][width]}, updated
     * @param y row-major {@code [rows][>= width]}, overwritten
     * @param block memory to work in, at least as wide and with as many states
     */
    public final void selectiveScan(
            ScanParameters parameters,
            int rows,
            Rows raw,
            Rows x,
            Rows projection,
            int bColumn,
            Rows z,
            Rows state,
            Rows y,
            ScanBlock block) {
        checkScan(parameters, rows, raw, x, projection, bColumn, z, state, y, block);
        scanRows(parameters, rows, raw, x, null, projection, bColumn, z, state, y, block);
    }

    private static void checkScan(
            ScanParameters parameters,
            int rows,
            Rows delta,
            Rows x,
            Rows projection,
            int bColumn,
            Rows z,
            Rows state,
            Rows y,
            ScanBlock block) {
        check("delta", delta, rows, parameters.width);
        check("x", x, rows, parameters.width);
        check("projection", projection, rows, bColumn + 2 * parameters.states);
        check("z", z, rows, parameters.width);
        check("y", y, rows, parameters.width);
        check("state", state, parameters.states, parameters.width);
        if (bColumn < 0) {
            throw new IllegalArgumentException("B starts at column " + bColumn);
        }
        if (!block.fits(parameters)) {
            throw new IllegalArgumentException(
                    "the block is too small for "
                            + parameters.width
                            + " channels of "
                            + parameters.states
                            + " states");
        }
    }

    /** Where input is null, delta is what softplus is applied to. */
    abstract void scanRows(
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
            ScanBlock block);

    /**
     * How surprising a target is under the softmax of a row of logits, and how surprising the model
     * expected it to be.
     *
     * <p>With {@code d = logit - max}, {@code e = exp(d)} and {@code S, T, Q} the sums of {@code
     * e}, {@code e * d} and {@code e * d * d} in 16 partial sums (see {@link #normalize}), in nats:
     * {@code surprisal = log(S) - d[target]}, {@code entropy = log(S) - T / S}, {@code variance = Q
     * / S - (T / S)^2} (that of the surprisal, not negative). The last steps are in double with
     * {@link StrictMath#log}, which is the same everywhere. Results are in bits and bits squared.
     *
     * @param rows number of rows
     * @param logits row-major {@code [rows][width]}, every column counts
     * @param targets the byte of row r is {@code targets[targetOffset + r]}
     * @param targetOffset where the targets start
     * @param surprisal {@code surprisal[offset + r]} is overwritten
     * @param entropy {@code entropy[offset + r]} is overwritten
     * @param variance {@code variance[offset + r]} is overwritten
     * @param offset where the results start
     */
    public final void surprisal(
            int rows,
            Rows logits,
            byte[] targets,
            int targetOffset,
            float[] surprisal,
            float[] entropy,
            float[] variance,
            int offset) {
        check("logits", logits, rows, 256);
        Objects.checkFromIndexSize(targetOffset, rows, targets.length);
        Objects.checkFromIndexSize(offset, rows, surprisal.length);
        Objects.checkFromIndexSize(offset, rows, entropy.length);
        Objects.checkFromIndexSize(offset, rows, variance.length);
        surprisalRows(rows, logits, targets, targetOffset, surprisal, entropy, variance, offset);
    }

    abstract void surprisalRows(
            int rows,
            Rows logits,
            byte[] targets,
            int targetOffset,
            float[] surprisal,
            float[] entropy,
            float[] variance,
            int offset);

    /**
     * What the softmax of a row is made of, at a temperature: {@code weights[c] = exp(-min(|v|,
     * 86))} with {@code v = (logit[c] - max) * scale}, each step rounded. Their sum is the
     * denominator.
     *
     * @param logits row-major {@code [rows][width]}, every column counts
     * @param row which row
     * @param scale one over the temperature, positive
     * @param weights its first {@code width} floats are overwritten: each from {@code exp(-86)} to
     *     1
     */
    public final void softmaxWeights(Rows logits, int row, float scale, float[] weights) {
        Objects.checkIndex(row, logits.count);
        Objects.checkFromIndexSize(0, logits.width, weights.length);
        softmaxWeightsOfRow(logits, row, scale, weights);
    }

    abstract void softmaxWeightsOfRow(Rows logits, int row, float scale, float[] weights);

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
}
