package io.mambabyte.train;

import io.mambabyte.kernels.Kernels;
import io.mambabyte.model.MambaConfig;

import java.util.SplittableRandom;
import java.util.function.IntConsumer;

/** Steps of training on random bytes, with nothing else around them, to be measured. */
public final class TrainingBenchmark implements AutoCloseable {
    private static final int BYTES = 1 << 20;
    private static final double RATE = 1e-4;

    private final TokenText text;
    private final int[] offsets = new int[TrainingSettings.SEQUENCES];
    private final boolean[] fresh = new boolean[TrainingSettings.SEQUENCES];
    private final Workers workers;
    private final Feed feed;
    private final Step step;

    /**
     * Prepares training.
     *
     * @param config shape of the model, whose weights are random
     * @param threads threads that compute
     */
    public TrainingBenchmark(MambaConfig config, int threads) {
        byte[] bytes = new byte[BYTES];
        new SplittableRandom(1).nextBytes(bytes);
        text = new TokenText.Bytes(bytes);
        workers = new Workers(threads);
        feed = new Feed(BYTES, TrainingSettings.ROWS, TrainingSettings.SEQUENCES, 1);
        step =
                new Step(
                        config,
                        Initialization.weights(config, 1),
                        Kernels.selected(),
                        AdamW.Settings.DEFAULT,
                        workers,
                        TrainingSettings.SEQUENCES,
                        TrainingSettings.ROWS);
    }

    /**
     * Does a step.
     *
     * @return bytes that were learnt from
     */
    public long step() {
        feed.next(offsets, fresh);
        step.step(text, offsets, RATE);
        return (long) TrainingSettings.SEQUENCES * TrainingSettings.ROWS;
    }

    /**
     * Runs something else on the same threads.
     *
     * @param part is given every index below the number of threads, each once
     */
    public void onEveryThread(IntConsumer part) {
        workers.run(workers.count(), (worker, index) -> part.accept(index));
    }

    @Override
    public void close() {
        workers.close();
    }
}
