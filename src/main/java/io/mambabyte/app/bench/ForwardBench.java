package io.mambabyte.app.bench;

import io.mambabyte.model.Forward;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;

import org.jspecify.annotations.Nullable;

import java.lang.management.ManagementFactory;
import java.util.SplittableRandom;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * Feeds records to a model on several threads, each with its own state, and measures their rate and
 * the peak of the cores that they run on, in slices of a millisecond or two by turns: what disturbs
 * one disturbs the other, and their ratio stays. A round's rates are the medians of its slices, so
 * that slices in which the thread did not run do not count.
 */
final class ForwardBench {
    private static final int SLICES = 48;
    private static final long SLICE_NANOS = 1_500_000;
    private static final int PEAK_STEPS = 20_000;
    private static final int PEAK_RUNS = 10;

    /**
     * At least, and at most, until the compiler is done; a round is a tenth of a second or more.
     */
    private static final int LEAST_WARM_UP_ROUNDS = 8;

    /**
     * Code that is not yet compiled allocates a vector at every operation. Once a round allocates
     * less than this for a byte, what computes is what stays.
     */
    private static final double COMPILED_ALLOCATION = 0.1;

    /** Looked up once: the look-up allocates. */
    private static final com.sun.management.@Nullable ThreadMXBean THREADS =
            ManagementFactory.getThreadMXBean() instanceof com.sun.management.ThreadMXBean counting
                    ? counting
                    : null;

    private final MambaModel model;
    private final int threads;
    private final int recordBytes;
    private final boolean surprisal;

    /**
     * Prepares a measurement.
     *
     * @param surprisal whether the surprisal of every byte is computed, as scoring does
     */
    ForwardBench(MambaModel model, int threads, int recordBytes, boolean surprisal) {
        this.model = model;
        this.threads = threads;
        this.recordBytes = recordBytes;
        this.surprisal = surprisal;
    }

    /**
     * Measures.
     *
     * @param warmUpRounds rounds at most before the first that counts
     */
    Measurement measure(int warmUpRounds, int rounds, double flopsPerByte, IntConsumer progress)
            throws InterruptedException {
        CyclicBarrier barrier = new CyclicBarrier(threads);
        try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
            var workers =
                    IntStream.range(0, threads)
                            .mapToObj(
                                    i ->
                                            executor.submit(
                                                    new Worker(
                                                            barrier,
                                                            warmUpRounds,
                                                            rounds,
                                                            i == 0 ? progress : _ -> {})))
                            .toList();
            Measurement.Round[] total = new Measurement.Round[rounds];
            double[] allocated = new double[rounds];
            for (Future<Result> worker : workers) {
                Result result = get(worker);
                for (int i = 0; i < rounds; i++) {
                    Measurement.Round own = result.rounds[i];
                    Measurement.Round others = total[i];
                    total[i] =
                            others == null
                                    ? own
                                    : new Measurement.Round(
                                            own.bytesPerSecond() + others.bytesPerSecond(),
                                            own.fmaPeak() + others.fmaPeak());
                }
                for (int i = 0; i < rounds; i++) {
                    allocated[i] += result.allocatedPerByte[i] / threads;
                }
            }
            return Measurement.of(total, flopsPerByte, Quantiles.median(allocated));
        }
    }

    private static Result get(Future<Result> worker) throws InterruptedException {
        try {
            return worker.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("a thread of the benchmark failed", e.getCause());
        }
    }

    /** What a thread measured. */
    private static final class Result {
        final Measurement.Round[] rounds;
        final double[] allocatedPerByte;

        Result(int count) {
            rounds = new Measurement.Round[count];
            allocatedPerByte = new double[count];
        }
    }

    private final class Worker implements Callable<Result> {
        private final CyclicBarrier barrier;
        private final int warmUpRounds;
        private final int count;
        private final IntConsumer progress;
        private final VectorFmaPeak peak = new VectorFmaPeak();
        private final Forward forward = new Forward(model, recordBytes);
        private final RecurrentState state = model.newState();
        private final byte[] text = new byte[1 << 16];
        private final float[] bits = new float[recordBytes];
        private final float[] entropy = new float[recordBytes];
        private final float[] variance = new float[recordBytes];
        private int position;

        /** Bytes of the last round. */
        private long bytes;

        /** Bytes a second of each slice of the last round. */
        private final double[] rates = new double[SLICES];

        /** GFLOP/s of each slice of the last round. */
        private final double[] peaks = new double[SLICES];

        Worker(CyclicBarrier barrier, int warmUpRounds, int count, IntConsumer progress) {
            this.barrier = barrier;
            this.warmUpRounds = warmUpRounds;
            this.count = count;
            this.progress = progress;
            SplittableRandom random = new SplittableRandom(7);
            for (int i = 0; i < text.length; i++) {
                text[i] = (byte) random.nextInt(' ', 127);
            }
        }

        @Override
        public Result call() throws InterruptedException, BrokenBarrierException {
            for (int i = 0; i < warmUpRounds; i++) {
                long before = allocated();
                round();
                boolean compiled = allocated() - before < COMPILED_ALLOCATION * bytes;
                if (compiled && i >= LEAST_WARM_UP_ROUNDS) {
                    break;
                }
            }
            Result result = new Result(count);
            for (int i = 0; i < count; i++) {
                barrier.await();
                long before = allocated();
                round();
                result.allocatedPerByte[i] = (double) (allocated() - before) / bytes;
                result.rounds[i] =
                        new Measurement.Round(Quantiles.median(rates), Quantiles.median(peaks));
                progress.accept(i + 1);
            }
            return result;
        }

        /** Bytes that this thread allocated so far, 0 where the JVM does not count them. */
        private static long allocated() {
            return THREADS == null ? 0 : THREADS.getCurrentThreadAllocatedBytes();
        }

        private void round() {
            bytes = 0;
            for (int slice = 0; slice < SLICES; slice++) {
                long start = System.nanoTime();
                for (int i = 0; i < PEAK_RUNS; i++) {
                    peak.run(PEAK_STEPS);
                }
                long middle = System.nanoTime();
                peaks[slice] =
                        (double) PEAK_RUNS
                                * VectorFmaPeak.operations(PEAK_STEPS)
                                / (middle - start);
                int fed = 0;
                long now;
                do {
                    record();
                    fed += recordBytes;
                    now = System.nanoTime();
                } while (now - middle < SLICE_NANOS);
                rates[slice] = fed * 1e9 / (now - middle);
                bytes += fed;
            }
        }

        private void record() {
            if (position + recordBytes >= text.length) {
                position = 0;
            }
            forward.forward(state, text, position, recordBytes);
            if (surprisal) {
                forward.surprisal(text, position + 1, recordBytes, bits, entropy, variance);
            }
            position += recordBytes;
        }
    }
}
