package io.mambabyte.app.eval;

import io.mambabyte.model.MambaModel;
import io.mambabyte.score.Framing;
import io.mambabyte.score.LineStatistics;
import io.mambabyte.score.Scorer;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;

/** What a model thinks of the lines of samples, each line on its own; all threads compute. */
final class Lines {
    private static final int BATCH = 64;

    private final IdentityHashMap<Sample, List<LineStatistics>> statistics;

    private Lines(IdentityHashMap<Sample, List<LineStatistics>> statistics) {
        this.statistics = statistics;
    }

    /**
     * Scores all lines.
     *
     * @param model the model
     * @param samples whose lines
     * @param threads how many compute
     * @param progress is told the bytes that are done
     */
    static Lines score(MambaModel model, List<Sample> samples, int threads, LongConsumer progress)
            throws InterruptedException {
        List<List<LineStatistics>> found =
                new ArrayList<>(Collections.nCopies(samples.size(), List.of()));
        AtomicInteger next = new AtomicInteger();
        AtomicLong done = new AtomicLong();
        List<Callable<Void>> parts =
                Collections.nCopies(
                        threads,
                        () -> {
                            Scorer scorer = new Scorer(model);
                            for (int from = next.getAndAdd(BATCH);
                                    from < samples.size();
                                    from = next.getAndAdd(BATCH)) {
                                int to = Math.min(from + BATCH, samples.size());
                                for (int i = from; i < to; i++) {
                                    // A slot of its own for each sample: no two threads share one.
                                    found.set(i, statistics(scorer, samples.get(i)));
                                    progress.accept(done.addAndGet(samples.get(i).bytes()));
                                }
                            }
                            return null;
                        });
        try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            for (Future<Void> part : pool.invokeAll(parts)) {
                part.get();
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException("a line could not be scored", e.getCause());
        }
        IdentityHashMap<Sample, List<LineStatistics>> statistics = new IdentityHashMap<>();
        for (int i = 0; i < samples.size(); i++) {
            statistics.put(samples.get(i), found.get(i));
        }
        return new Lines(statistics);
    }

    private static List<LineStatistics> statistics(Scorer scorer, Sample sample) {
        List<LineStatistics> lines = new ArrayList<>(sample.lines().size());
        for (byte[] line : sample.lines()) {
            lines.add(LineStatistics.of(line, scorer.scoreAlone(line, Framing.LINES, true)));
        }
        return List.copyOf(lines);
    }

    /** Statistics of the lines of a sample. */
    List<LineStatistics> of(Sample sample) {
        List<LineStatistics> lines = statistics.get(sample);
        if (lines == null) {
            throw new IllegalArgumentException("not scored: " + sample.id());
        }
        return lines;
    }
}
