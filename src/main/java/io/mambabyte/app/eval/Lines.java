package io.mambabyte.app.eval;

import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.score.Framing;
import io.mambabyte.score.LineStatistics;
import io.mambabyte.score.RecordScore;
import io.mambabyte.score.Scorer;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;

/** What a model thinks of the lines of samples, in one context; all threads compute. */
final class Lines {
    /** Samples that a thread takes at a time, where one does not depend on another. */
    private static final int BATCH = 64;

    private final Context context;
    private final IdentityHashMap<Sample, List<LineStatistics>> statistics;

    private Lines(Context context, IdentityHashMap<Sample, List<LineStatistics>> statistics) {
        this.context = context;
        this.statistics = statistics;
    }

    /**
     * Scores all lines.
     *
     * @param model the model
     * @param streams samples in order of time, a list for each stream
     * @param context what the model shall have seen before a line
     * @param threads how many compute; with {@link Context#KEY} one a stream
     * @param progress is told the bytes that are done
     */
    static Lines score(
            MambaModel model,
            List<List<Sample>> streams,
            Context context,
            int threads,
            LongConsumer progress)
            throws InterruptedException {
        ThreadLocal<Scorer> scorers = ThreadLocal.withInitial(() -> new Scorer(model));
        AtomicLong done = new AtomicLong();
        // Without context the same line has the same statistics wherever it comes.
        Map<ByteBuffer, LineStatistics> known = new ConcurrentHashMap<>();
        List<Callable<IdentityHashMap<Sample, List<LineStatistics>>>> tasks = new ArrayList<>();
        for (List<Sample> part : parts(streams, context)) {
            tasks.add(
                    () -> {
                        IdentityHashMap<Sample, List<LineStatistics>> found =
                                new IdentityHashMap<>();
                        Scorer scorer = scorers.get();
                        RecurrentState state = model.newState();
                        Scorer.beginAlone(state, Framing.LINES);
                        for (Sample sample : part) {
                            if (context == Context.SESSION) {
                                Scorer.beginAlone(state, Framing.LINES);
                            }
                            List<LineStatistics> lines = new ArrayList<>(sample.lines().size());
                            for (byte[] line : sample.lines()) {
                                lines.add(
                                        context == Context.RECORD
                                                ? alone(scorer, line, known)
                                                : after(scorer, state, line));
                            }
                            found.put(sample, List.copyOf(lines));
                            progress.accept(done.addAndGet(sample.bytes()));
                        }
                        return found;
                    });
        }
        IdentityHashMap<Sample, List<LineStatistics>> statistics = new IdentityHashMap<>();
        Parallel.run(threads, tasks).forEach(statistics::putAll);
        return new Lines(context, statistics);
    }

    private static LineStatistics alone(
            Scorer scorer, byte[] line, Map<ByteBuffer, LineStatistics> known) {
        ByteBuffer key = ByteBuffer.wrap(line);
        LineStatistics statistics = known.get(key);
        if (statistics == null) {
            // Not computeIfAbsent, which would make other threads wait for this line.
            statistics = LineStatistics.of(line, scorer.scoreAlone(line, Framing.LINES, true));
            known.put(key, statistics);
        }
        return statistics;
    }

    private static LineStatistics after(Scorer scorer, RecurrentState state, byte[] line) {
        RecordScore score = scorer.score(state, line, Framing.LINES, true);
        return LineStatistics.of(line, score);
    }

    /** What can be scored independently, large pieces first. */
    private static List<List<Sample>> parts(List<List<Sample>> streams, Context context) {
        List<List<Sample>> parts = new ArrayList<>();
        for (List<Sample> stream : streams) {
            int size = context == Context.KEY ? stream.size() : BATCH;
            for (int from = 0; from < stream.size(); from += size) {
                parts.add(stream.subList(from, Math.min(from + size, stream.size())));
            }
        }
        if (context == Context.KEY) {
            parts.sort((a, b) -> Integer.compare(b.size(), a.size()));
        }
        return parts;
    }

    /** What the model had seen before each line. */
    Context context() {
        return context;
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
