package io.mambabyte.app.bench;

import io.mambabyte.model.Forward;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;

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
 * the peak of the cores that they run on, in slices of milliseconds by turns: what disturbs one
 * disturbs the other, and their ratio stays.
 */
final class ForwardBench {
    private static final int SLICES = 8;
    private static final long SLICE_NANOS = 12_000_000;
    private static final int PEAK_STEPS = 20_000;
    private static final int PEAK_RUNS = 40;

    /** Until the compiler is done; a round is about a tenth of a second. */
    private static final int WARM_UP_ROUNDS = 8;

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

    Measurement measure(int rounds, double flopsPerByte, IntConsumer progress)
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
                                                            rounds,
                                                            i == 0 ? progress : _ -> {})))
                            .toList();
            Measurement.Round[] total = new Measurement.Round[rounds];
            long bytes = 0;
            long allocated = 0;
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
                bytes += result.bytes;
                allocated += result.allocated;
            }
            return Measurement.of(total, flopsPerByte, (double) allocated / bytes);
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
        long bytes;
        long allocated;

        Result(int count) {
            rounds = new Measurement.Round[count];
        }
    }

    private final class Worker implements Callable<Result> {
        private final CyclicBarrier barrier;
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

        /** Of the last round. */
        private long bytes;

        private long workNanos;
        private long peakNanos;

        Worker(CyclicBarrier barrier, int count, IntConsumer progress) {
            this.barrier = barrier;
            this.count = count;
            this.progress = progress;
            SplittableRandom random = new SplittableRandom(7);
            for (int i = 0; i < text.length; i++) {
                text[i] = (byte) random.nextInt(' ', 127);
            }
        }

        @Override
        public Result call() throws InterruptedException, BrokenBarrierException {
            var threadMemory =
                    ManagementFactory.getThreadMXBean()
                                    instanceof com.sun.management.ThreadMXBean counting
                            ? counting
                            : null;
            for (int i = 0; i < WARM_UP_ROUNDS; i++) {
                barrier.await();
                round();
            }
            Result result = new Result(count);
            for (int i = 0; i < count; i++) {
                barrier.await();
                long before =
                        threadMemory == null ? 0 : threadMemory.getCurrentThreadAllocatedBytes();
                round();
                long after =
                        threadMemory == null ? 0 : threadMemory.getCurrentThreadAllocatedBytes();
                result.allocated += after - before;
                result.bytes += bytes;
                double flops = (double) SLICES * PEAK_RUNS * VectorFmaPeak.operations(PEAK_STEPS);
                result.rounds[i] =
                        new Measurement.Round(bytes * 1e9 / workNanos, flops / peakNanos);
                progress.accept(i + 1);
            }
            return result;
        }

        private void round() {
            bytes = 0;
            workNanos = 0;
            peakNanos = 0;
            for (int slice = 0; slice < SLICES; slice++) {
                long start = System.nanoTime();
                for (int i = 0; i < PEAK_RUNS; i++) {
                    peak.run(PEAK_STEPS);
                }
                long middle = System.nanoTime();
                peakNanos += middle - start;
                long now;
                do {
                    record();
                    bytes += recordBytes;
                    now = System.nanoTime();
                } while (now - middle < SLICE_NANOS);
                workNanos += now - middle;
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
