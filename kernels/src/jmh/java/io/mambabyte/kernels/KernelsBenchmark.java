package io.mambabyte.kernels;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * Each kernel at the shapes of a block of d_model 128 or 256 with 16 states, nanoseconds a row
 * (byte). With {@code -prof gc} every vector kernel allocates 0 bytes.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
@Warmup(iterations = 5, time = 400, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 8, time = 400, timeUnit = TimeUnit.MILLISECONDS)
public class KernelsBenchmark {
    private static final int ROWS = 128;
    private static final int STATES = 16;
    private static final int TAPS = 4;

    /** Width of the residual stream. */
    @Param({"128", "256"})
    public int dModel;

    /** What computes. */
    @Param({"vector", "scalar"})
    public String kernels;

    private Kernels k;
    private PackedMatrix inProj;
    private PackedMatrix xProj;
    private PackedMatrix dtProj;
    private PackedMatrix outProj;
    private Convolution convolution;
    private ScanParameters parameters;
    private Normalization normalization;
    private Rows residual;
    private Rows mixed;
    private Rows xz;
    private Rows projected;
    private Rows x;
    private Rows z;
    private Rows convolved;
    private Rows selection;
    private Rows delta;
    private Rows raw;
    private Rows input;
    private Rows scanned;
    private ScanBlock block;
    private Rows state;
    private Rows logits;
    private int dtRank;
    private final byte[] targets = new byte[ROWS];
    private final float[] surprisal = new float[ROWS];
    private final float[] entropy = new float[ROWS];
    private final float[] variance = new float[ROWS];

    /** Random inputs; refuses to measure kernels that disagree. */
    @Setup(Level.Trial)
    public void setUp() {
        k = kernels.equals("vector") ? Kernels.vector() : Kernels.scalar();
        Random random = new Random(1);
        int inner = 2 * dModel;
        dtRank = (dModel + 15) / 16;
        inProj = matrix(random, 2 * inner, dModel);
        xProj = matrix(random, dtRank + 2 * STATES, inner);
        dtProj = matrix(random, inner, dtRank);
        outProj = matrix(random, dModel, inner);
        convolution = Convolution.of(normal(random, inner * TAPS), null, inner, TAPS);
        parameters =
                ScanParameters.of(
                        normal(random, inner * STATES), normal(random, inner), inner, STATES);
        normalization = Normalization.rms(normal(random, dModel), 1e-5f);
        residual = rows(random, dModel, ROWS);
        mixed = rows(random, dModel, ROWS);
        xz = rows(random, 2 * inner, ROWS + TAPS - 1);
        projected = xz.from(TAPS - 1);
        x = xz.columns(0, inner);
        z = projected.columns(inner, inner);
        convolved = rows(random, inner, ROWS);
        selection = rows(random, dtRank + 2 * STATES, ROWS);
        raw = rows(random, inner, ROWS);
        delta = rows(random, inner, ROWS);
        for (int i = 0; i < delta.values.length; i++) {
            delta.values[i] = Math.abs(delta.values[i]) / 16;
        }
        input = rows(random, inner, ROWS);
        scanned = rows(random, inner, ROWS);
        block = new ScanBlock(parameters.width(), STATES);
        state = rows(random, inner, STATES);
        logits = rows(random, 256, ROWS);
        random.nextBytes(targets);
        checkKernelsAgree();
    }

    private void checkKernelsAgree() {
        Rows first = Rows.allocate(4 * dModel, ROWS);
        Rows second = Rows.allocate(4 * dModel, ROWS);
        Kernels.scalar().multiply(inProj, ROWS, residual, first);
        Kernels.vector().multiply(inProj, ROWS, residual, second);
        for (int i = 0; i < first.values.length; i++) {
            if (Float.floatToIntBits(first.values[i]) != Float.floatToIntBits(second.values[i])) {
                throw new IllegalStateException("scalar and vector kernels disagree");
            }
        }
    }

    private static float[] normal(Random random, int length) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static PackedMatrix matrix(Random random, int outputs, int inputs) {
        return PackedMatrix.of(normal(random, outputs * inputs), null, outputs, inputs);
    }

    private static Rows rows(Random random, int width, int count) {
        Rows rows = Rows.allocate(width, count);
        for (int i = 0; i < rows.values.length; i++) {
            rows.values[i] = (float) random.nextGaussian();
        }
        return rows;
    }

    /** {@code d_model -> 2 * d_inner}. */
    @Benchmark
    @OperationsPerInvocation(ROWS)
    public void inProj() {
        k.multiply(inProj, ROWS, residual, projected);
    }

    /** {@code d_model -> 2 * d_inner}, one row: memory decides. */
    @Benchmark
    public void inProjOneRow() {
        k.multiply(inProj, 1, residual, projected);
    }

    /** {@code d_inner -> dt_rank + 2 * states}. */
    @Benchmark
    @OperationsPerInvocation(ROWS)
    public void xProj() {
        k.multiply(xProj, ROWS, convolved, selection);
    }

    /** {@code dt_rank -> d_inner}. */
    @Benchmark
    @OperationsPerInvocation(ROWS)
    public void dtProj() {
        k.multiply(dtProj, ROWS, selection, scanned);
    }

    /** {@code d_inner -> d_model}. */
    @Benchmark
    @OperationsPerInvocation(ROWS)
    public void outProj() {
        k.multiply(outProj, ROWS, convolved, mixed);
    }

    /** Convolution and SiLU. */
    @Benchmark
    @OperationsPerInvocation(ROWS)
    public void convolveSilu() {
        k.convolveSilu(convolution, ROWS, x, convolved);
    }

    /**
     * Softplus and delta * x, in place: the argument becomes larger by and by, the work does not.
     */
    @Benchmark
    @OperationsPerInvocation(ROWS)
    public void timeSteps() {
        k.timeSteps(ROWS, raw, convolved, input);
    }

    /**
     * Nanoseconds a row of {@code d_inner x 16} states: divide by d_inner for those of 16 states.
     */
    @Benchmark
    @OperationsPerInvocation(ROWS)
    public void scan() {
        k.scan(
                parameters,
                ROWS,
                delta,
                convolved,
                input,
                selection,
                dtRank,
                z,
                state,
                scanned,
                block);
    }

    /** The same with softplus and delta * x. */
    @Benchmark
    @OperationsPerInvocation(ROWS)
    public void selectiveScan() {
        k.selectiveScan(
                parameters, ROWS, raw, convolved, selection, dtRank, z, state, scanned, block);
    }

    /** RMS normalisation. */
    @Benchmark
    @OperationsPerInvocation(ROWS)
    public void normalize() {
        k.normalize(normalization, ROWS, residual, mixed);
    }

    /** Surprisal, entropy and variance of 256 logits. */
    @Benchmark
    @OperationsPerInvocation(ROWS)
    public void surprisal() {
        k.surprisal(ROWS, logits, targets, 0, surprisal, entropy, variance, 0);
    }
}
