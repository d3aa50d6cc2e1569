package io.mambabyte.kernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

import org.jspecify.annotations.Nullable;

/**
 * The kernels with the Vector API, at the width that the machine prefers. Lanes are columns, so an
 * operation on a vector is the scalar operation on each of them; only sums over columns cross
 * lanes, and for those 16 columns are one virtual vector whatever the width.
 */
final class VectorKernels extends Kernels {
    static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    static final int LANES = SPECIES.length();

    /**
     * Rows that the convolution passes for one vector of channels before it goes to the next: few
     * enough for the lines that it brings close to be there still for the next.
     */
    private static final int CONVOLUTION_ROWS = 32;

    private static final VectorShuffle<Float> BY_8 = rotation(8);
    private static final VectorShuffle<Float> BY_4 = rotation(4);
    private static final VectorShuffle<Float> BY_2 = rotation(2);
    private static final VectorShuffle<Float> BY_1 = rotation(1);

    private VectorKernels() {
        if (LANES < 4 || LANES > Rows.LANES) {
            throw new IllegalStateException(
                    "vectors of 128, 256 or 512 bits are needed, this machine prefers "
                            + SPECIES.vectorBitSize());
        }
    }

    private static VectorShuffle<Float> rotation(int distance) {
        return VectorShuffle.iota(SPECIES, distance % LANES, 1, true);
    }

    /** Typed as its parent so that nothing has to load this class before its module is known. */
    static Kernels create() {
        return new VectorKernels();
    }

    @Override
    public String description() {
        return "vector " + SPECIES.vectorBitSize();
    }

    @Override
    void multiplyRows(PackedMatrix w, int rows, Rows x, Rows y) {
        VectorProduct.multiply(w, rows, x, y);
    }

    @Override
    void addRows(int rows, Rows residual, Rows addend) {
        for (int row = 0; row < rows; row++) {
            int to = residual.start(row);
            int from = addend.start(row);
            for (int c = 0; c < residual.width; c += LANES) {
                FloatVector.fromArray(SPECIES, residual.values, to + c)
                        .add(FloatVector.fromArray(SPECIES, addend.values, from + c))
                        .intoArray(residual.values, to + c);
            }
        }
    }

    @Override
    void normalizeRows(Normalization normalization, int rows, Rows x, Rows y) {
        float[] bias = normalization.bias;
        for (int row = 0; row < rows; row++) {
            int from = x.start(row);
            int to = y.start(row);
            if (bias == null) {
                float scale =
                        ScalarKernels.reciprocalRoot(
                                sumOfSquares(x.values, from, normalization.columns, 0f),
                                normalization);
                scaleRow(x.values, from, scale, normalization.weight, y.values, to);
            } else {
                float mean = sum(x.values, from, normalization.columns) / normalization.columns;
                float scale =
                        ScalarKernels.reciprocalRoot(
                                sumOfSquares(x.values, from, normalization.columns, mean),
                                normalization);
                scaleRow(x.values, from, mean, scale, normalization.weight, bias, y.values, to);
            }
        }
    }

    private static void scaleRow(
            float[] x, int from, float scale, float[] weight, float[] y, int to) {
        FloatVector s = FloatVector.broadcast(SPECIES, scale);
        for (int c = 0; c < weight.length; c += LANES) {
            FloatVector.fromArray(SPECIES, x, from + c)
                    .mul(s)
                    .mul(FloatVector.fromArray(SPECIES, weight, c))
                    .intoArray(y, to + c);
        }
    }

    private static void scaleRow(
            float[] x,
            int from,
            float mean,
            float scale,
            float[] weight,
            float[] bias,
            float[] y,
            int to) {
        FloatVector m = FloatVector.broadcast(SPECIES, mean);
        FloatVector s = FloatVector.broadcast(SPECIES, scale);
        for (int c = 0; c < weight.length; c += LANES) {
            FloatVector.fromArray(SPECIES, x, from + c)
                    .sub(m)
                    .mul(s)
                    .fma(
                            FloatVector.fromArray(SPECIES, weight, c),
                            FloatVector.fromArray(SPECIES, bias, c))
                    .intoArray(y, to + c);
        }
    }

    private static float sum(float[] x, int from, int columns) {
        FloatVector total = partialSum(x, from, columns, 0);
        if (LANES == 8) {
            total = total.add(partialSum(x, from, columns, 8));
        } else if (LANES == 4) {
            total = total.add(partialSum(x, from, columns, 8));
            total =
                    total.add(
                            partialSum(x, from, columns, 4).add(partialSum(x, from, columns, 12)));
        }
        return combine(total);
    }

    /** The partial sums of {@code LANES} of the 16 virtual lanes, from a given one on. */
    private static FloatVector partialSum(float[] x, int from, int columns, int lane) {
        FloatVector total = FloatVector.zero(SPECIES);
        int c = lane;
        for (; c + LANES <= columns; c += Rows.LANES) {
            total = total.add(FloatVector.fromArray(SPECIES, x, from + c));
        }
        if (c < columns) {
            VectorMask<Float> rest = SPECIES.indexInRange(c, columns);
            total = total.add(FloatVector.fromArray(SPECIES, x, from + c, rest));
        }
        return total;
    }

    private static float sumOfSquares(float[] x, int from, int columns, float mean) {
        FloatVector total = partialSumOfSquares(x, from, columns, mean, 0);
        if (LANES == 8) {
            total = total.add(partialSumOfSquares(x, from, columns, mean, 8));
        } else if (LANES == 4) {
            total = total.add(partialSumOfSquares(x, from, columns, mean, 8));
            total =
                    total.add(
                            partialSumOfSquares(x, from, columns, mean, 4)
                                    .add(partialSumOfSquares(x, from, columns, mean, 12)));
        }
        return combine(total);
    }

    private static FloatVector partialSumOfSquares(
            float[] x, int from, int columns, float mean, int lane) {
        FloatVector m = FloatVector.broadcast(SPECIES, mean);
        FloatVector total = FloatVector.zero(SPECIES);
        int c = lane;
        for (; c + LANES <= columns; c += Rows.LANES) {
            FloatVector v = FloatVector.fromArray(SPECIES, x, from + c).sub(m);
            total = v.fma(v, total);
        }
        if (c < columns) {
            VectorMask<Float> rest = SPECIES.indexInRange(c, columns);
            FloatVector v = FloatVector.fromArray(SPECIES, x, from + c, rest).sub(m);
            v = FloatVector.zero(SPECIES).blend(v, rest);
            total = v.fma(v, total);
        }
        return total;
    }

    /** Adds lane i + d to lane i for d = half the lanes, and so on down to 1. */
    private static float combine(FloatVector partial) {
        FloatVector total = partial;
        if (LANES >= 16) {
            total = total.add(total.rearrange(BY_8));
        }
        if (LANES >= 8) {
            total = total.add(total.rearrange(BY_4));
        }
        total = total.add(total.rearrange(BY_2));
        total = total.add(total.rearrange(BY_1));
        return total.lane(0);
    }

    @Override
    void convolveSiluRows(Convolution convolution, int rows, Rows x, Rows y) {
        for (int first = 0; first < rows; first += CONVOLUTION_ROWS) {
            int last = Math.min(first + CONVOLUTION_ROWS, rows);
            for (int e = 0; e < convolution.width; e += LANES) {
                if (convolution.taps == 4) {
                    convolveSilu4(convolution, first, last, x, y, e);
                } else {
                    convolveSilu(convolution, first, last, x, y, e);
                }
            }
        }
    }

    /** Four taps, the usual number: weights and the last inputs stay in registers. */
    private static void convolveSilu4(
            Convolution convolution, int first, int last, Rows x, Rows y, int e) {
        int width = convolution.width;
        FloatVector w0 = FloatVector.fromArray(SPECIES, convolution.weight, e);
        FloatVector w1 = FloatVector.fromArray(SPECIES, convolution.weight, width + e);
        FloatVector w2 = FloatVector.fromArray(SPECIES, convolution.weight, 2 * width + e);
        FloatVector w3 = FloatVector.fromArray(SPECIES, convolution.weight, 3 * width + e);
        FloatVector bias = FloatVector.fromArray(SPECIES, convolution.bias, e);
        FloatVector x0 = FloatVector.fromArray(SPECIES, x.values, x.start(first) + e);
        FloatVector x1 = FloatVector.fromArray(SPECIES, x.values, x.start(first + 1) + e);
        FloatVector x2 = FloatVector.fromArray(SPECIES, x.values, x.start(first + 2) + e);
        int from = x.start(first + 3) + e;
        int to = y.start(first) + e;
        for (int row = first; row < last; row++, from += x.stride, to += y.stride) {
            FloatVector x3 = FloatVector.fromArray(SPECIES, x.values, from);
            FloatVector v = w3.fma(x3, w2.fma(x2, w1.fma(x1, w0.fma(x0, bias))));
            VectorElementary.silu(v).intoArray(y.values, to);
            x0 = x1;
            x1 = x2;
            x2 = x3;
        }
    }

    private static void convolveSilu(
            Convolution convolution, int first, int last, Rows x, Rows y, int e) {
        FloatVector bias = FloatVector.fromArray(SPECIES, convolution.bias, e);
        for (int row = first; row < last; row++) {
            FloatVector v = bias;
            for (int k = 0; k < convolution.taps; k++) {
                v =
                        FloatVector.fromArray(
                                        SPECIES, convolution.weight, k * convolution.width + e)
                                .fma(
                                        FloatVector.fromArray(
                                                SPECIES, x.values, x.start(row + k) + e),
                                        v);
            }
            VectorElementary.silu(v).intoArray(y.values, y.start(row) + e);
        }
    }

    @Override
    void timeStepsRows(int rows, Rows delta, Rows x, Rows input) {
        for (int row = 0; row < rows; row++) {
            int d = delta.start(row);
            int from = x.start(row);
            int to = input.start(row);
            for (int e = 0; e < delta.width; e += LANES) {
                FloatVector step =
                        VectorElementary.softplus(
                                FloatVector.fromArray(SPECIES, delta.values, d + e));
                step.intoArray(delta.values, d + e);
                step.mul(FloatVector.fromArray(SPECIES, x.values, from + e))
                        .intoArray(input.values, to + e);
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
        VectorScan.scan(parameters, rows, delta, x, input, projection, bColumn, z, state, y, block);
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
        for (int row = 0; row < rows; row++) {
            // The maximum is found out here because C2's inlining budget ends inside of
            // surprisalRow otherwise, and its last vectors become objects.
            surprisalRow(
                    logits.values,
                    logits.start(row),
                    logits.width,
                    max(logits.values, logits.start(row), logits.width),
                    targets[targetOffset + row] & 0xff,
                    surprisal,
                    entropy,
                    variance,
                    offset + row);
        }
    }

    private static void surprisalRow(
            float[] logits,
            int from,
            int width,
            float max,
            int target,
            float[] surprisal,
            float[] entropy,
            float[] variance,
            int index) {
        FloatVector m = FloatVector.broadcast(SPECIES, max);
        FloatVector s = FloatVector.zero(SPECIES);
        FloatVector t = s;
        FloatVector q = s;
        if (LANES == 16) {
            for (int c = 0; c < width; c += 16) {
                FloatVector d = FloatVector.fromArray(SPECIES, logits, from + c).sub(m);
                FloatVector e = VectorElementary.expOfMinus(VectorElementary.clampedAbs(d));
                FloatVector ed = e.mul(d);
                s = s.add(e);
                t = t.add(ed);
                q = ed.fma(d, q);
            }
        } else {
            // Which sums are added first, and to which, is the same as between lanes of 16.
            for (int lane = 0; lane < 8; lane += LANES) {
                FloatVector sl = FloatVector.zero(SPECIES);
                FloatVector tl = sl;
                FloatVector ql = sl;
                FloatVector sh = sl;
                FloatVector th = sl;
                FloatVector qh = sl;
                for (int c = lane; c < width; c += 16) {
                    FloatVector d = FloatVector.fromArray(SPECIES, logits, from + c).sub(m);
                    FloatVector e = VectorElementary.expOfMinus(VectorElementary.clampedAbs(d));
                    FloatVector ed = e.mul(d);
                    sl = sl.add(e);
                    tl = tl.add(ed);
                    ql = ed.fma(d, ql);
                    d = FloatVector.fromArray(SPECIES, logits, from + c + 8).sub(m);
                    e = VectorElementary.expOfMinus(VectorElementary.clampedAbs(d));
                    ed = e.mul(d);
                    sh = sh.add(e);
                    th = th.add(ed);
                    qh = ed.fma(d, qh);
                }
                s = lane == 0 ? sl.add(sh) : s.add(sl.add(sh));
                t = lane == 0 ? tl.add(th) : t.add(tl.add(th));
                q = lane == 0 ? ql.add(qh) : q.add(ql.add(qh));
            }
        }
        ScalarKernels.store(
                combine(s),
                combine(t),
                combine(q),
                logits[from + target] - max,
                surprisal,
                entropy,
                variance,
                index);
    }

    @Override
    void softmaxWeightsOfRow(Rows logits, int row, float scale, float[] weights) {
        int from = logits.start(row);
        exponentials(
                logits.values,
                from,
                logits.width,
                max(logits.values, from, logits.width),
                scale,
                weights);
    }

    private static void exponentials(
            float[] logits, int from, int width, float max, float scale, float[] weights) {
        FloatVector m = FloatVector.broadcast(SPECIES, max);
        FloatVector s = FloatVector.broadcast(SPECIES, scale);
        for (int c = 0; c < width; c += LANES) {
            FloatVector v = FloatVector.fromArray(SPECIES, logits, from + c).sub(m).mul(s);
            VectorElementary.expOfMinus(VectorElementary.clampedAbs(v)).intoArray(weights, c);
        }
    }

    /** The largest that is not NaN. */
    private static float max(float[] logits, int from, int width) {
        FloatVector largest = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
        for (int c = 0; c < width; c += LANES) {
            FloatVector v = FloatVector.fromArray(SPECIES, logits, from + c);
            largest = largest.blend(v, v.compare(VectorOperators.GT, largest));
        }
        if (LANES >= 16) {
            largest = larger(largest, largest.rearrange(BY_8));
        }
        if (LANES >= 8) {
            largest = larger(largest, largest.rearrange(BY_4));
        }
        largest = larger(largest, largest.rearrange(BY_2));
        largest = larger(largest, largest.rearrange(BY_1));
        return largest.lane(0);
    }

    private static FloatVector larger(FloatVector a, FloatVector b) {
        return a.blend(b, b.compare(VectorOperators.GT, a));
    }
}
