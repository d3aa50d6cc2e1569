package io.mambabyte.app;

import io.mambabyte.model.MambaModel;
import io.mambabyte.score.AlertThreshold;
import io.mambabyte.score.Calibration;
import io.mambabyte.score.Calibration.Judgement;
import io.mambabyte.score.Framing;
import io.mambabyte.score.LineStatistics;
import io.mambabyte.score.Scorer;
import io.mambabyte.score.SeverityWords;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.LongConsumer;

/**
 * How often the lines of one key alert, beside how often they are asked to: what the topology does
 * with them, without Kafka, so that long logs can be judged at several rates after being scored
 * once.
 */
final class AlertRates {
    /** Alerts in a million normal lines that are asked for. */
    static final List<Double> PER_MILLION = List.of(100.0, 1_000.0, 10_000.0);

    // A line of the new kind after every so many others.
    private static final int NEW_KIND_EVERY = 20;
    private static final int BATCH = 64;

    private final MambaModel model;
    private final int learningLines;
    private final int generationLines;
    private final Map<ByteBuffer, LineStatistics> known = new HashMap<>();

    /** What changes in the middle of a log, and stays so. */
    enum Shift {
        /** Nothing. */
        NONE,
        /** A kind of line that there was none of comes in one line of 21. */
        NEW_KIND,
        /** Every line with a word such as error or refused comes twice. */
        TWICE_THE_ERRORS,
        /** Every line is longer by an identifier and a place. */
        LONGER_LINES;

        String label() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        private List<byte[]> of(List<byte[]> lines) {
            if (this == NONE) {
                return lines;
            }
            Random random = new Random(17);
            int half = lines.size() / 2;
            List<byte[]> shifted = new ArrayList<>(lines.subList(0, half));
            for (int i = half; i < lines.size(); i++) {
                byte[] line = lines.get(i);
                switch (this) {
                    case NONE -> {}
                    case NEW_KIND -> {
                        shifted.add(line);
                        if (i % NEW_KIND_EVERY == 0) {
                            shifted.add(newKind(random));
                        }
                    }
                    case TWICE_THE_ERRORS -> {
                        shifted.add(line);
                        if (SeverityWords.count(line) > 0) {
                            shifted.add(line);
                        }
                    }
                    case LONGER_LINES -> shifted.add(longer(line, random));
                }
            }
            return shifted;
        }

        private static byte[] newKind(Random random) {
            return "shard %d was moved to host-%d in %d ms, %d are waiting"
                    .formatted(
                            random.nextInt(64),
                            random.nextInt(12),
                            random.nextInt(900),
                            random.nextInt(30))
                    .getBytes(StandardCharsets.UTF_8);
        }

        private static byte[] longer(byte[] line, Random random) {
            ByteArrayOutputStream out = new ByteArrayOutputStream(line.length + 40);
            out.writeBytes(line);
            out.writeBytes(
                    " request=%016x zone=north-%d"
                            .formatted(random.nextLong(), 1 + random.nextInt(3))
                            .getBytes(StandardCharsets.UTF_8));
            return out.toByteArray();
        }
    }

    /**
     * What was counted of a log.
     *
     * @param shift what changed in its middle
     * @param perMillion alerts asked for in a million lines
     * @param judged lines that were judged; with a shift, of those from it on
     * @param anomalous lines of those whose p-value is below what was asked for
     * @param alerts lines of those that alerted
     */
    record Count(Shift shift, double perMillion, long judged, long anomalous, long alerts) {
        double expected() {
            return judged * perMillion / 1e6;
        }

        /** Alerts over those expected; 0 where nothing was judged. */
        double ratio() {
            return judged == 0 ? 0 : alerts / expected();
        }
    }

    /**
     * Alerts as a configuration asks for them.
     *
     * @param model scores the lines, each on its own
     * @param learningLines lines before any is judged
     * @param generationLines lines of a generation
     */
    AlertRates(MambaModel model, int learningLines, int generationLines) {
        this.model = model;
        this.learningLines = learningLines;
        this.generationLines = generationLines;
    }

    /**
     * Counts the alerts of a log.
     *
     * @param lines in order of time
     * @param threads how many score
     * @param progress is told how many lines are scored
     * @return a count for each shift and rate; none for a shift that leaves the log as it is
     * @throws IOException if scoring fails
     */
    List<Count> of(List<byte[]> lines, int threads, LongConsumer progress)
            throws IOException, InterruptedException {
        List<Count> counts = new ArrayList<>();
        known.clear();
        for (Shift shift : Shift.values()) {
            List<byte[]> shifted = shift.of(lines);
            if (shift != Shift.NONE && shifted.equals(lines)) {
                continue;
            }
            List<LineStatistics> statistics = score(shifted, threads, progress);
            int from = shift == Shift.NONE ? 0 : lines.size() / 2;
            for (double perMillion : PER_MILLION) {
                counts.add(count(shift, perMillion, statistics, from));
            }
        }
        return counts;
    }

    private Count count(Shift shift, double perMillion, List<LineStatistics> lines, int from) {
        double alertsPerLine = perMillion / 1e6;
        Calibration calibration = new Calibration(learningLines, generationLines, alertsPerLine);
        AlertThreshold threshold = new AlertThreshold(alertsPerLine);
        long judged = 0;
        long anomalous = 0;
        long alerts = 0;
        for (int i = 0; i < lines.size(); i++) {
            Judgement judgement = calibration.judge(lines.get(i));
            if (judgement.known()) {
                boolean alert = judgement.bits() > threshold.bits();
                threshold.follow(alert);
                if (i >= from) {
                    judged++;
                    anomalous += judgement.pValue() < alertsPerLine ? 1 : 0;
                    alerts += alert ? 1 : 0;
                }
            }
            boolean _ = calibration.learn(lines.get(i), judgement);
        }
        return new Count(shift, perMillion, judged, anomalous, alerts);
    }

    // The same line has the same statistics wherever it comes.
    private List<LineStatistics> score(List<byte[]> lines, int threads, LongConsumer progress)
            throws IOException, InterruptedException {
        ThreadLocal<Scorer> scorers = ThreadLocal.withInitial(() -> new Scorer(model));
        List<ByteBuffer> unknown =
                lines.stream()
                        .map(ByteBuffer::wrap)
                        .distinct()
                        .filter(line -> !known.containsKey(line))
                        .toList();
        try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            List<Future<List<LineStatistics>>> parts = new ArrayList<>();
            for (int i = 0; i < unknown.size(); i += BATCH) {
                List<ByteBuffer> batch = unknown.subList(i, Math.min(i + BATCH, unknown.size()));
                parts.add(
                        pool.submit(
                                () ->
                                        batch.stream()
                                                .map(line -> statistics(scorers.get(), line))
                                                .toList()));
            }
            int done = 0;
            for (Future<List<LineStatistics>> part : parts) {
                for (LineStatistics one : part.get()) {
                    known.put(unknown.get(done++), one);
                }
                progress.accept(done);
            }
        } catch (ExecutionException e) {
            throw new IOException("lines could not be scored", e.getCause());
        }
        return lines.stream().map(line -> known.get(ByteBuffer.wrap(line))).toList();
    }

    private static LineStatistics statistics(Scorer scorer, ByteBuffer line) {
        byte[] bytes = new byte[line.remaining()];
        line.duplicate().get(bytes);
        return Calibration.rounded(
                LineStatistics.of(bytes, scorer.scoreAlone(bytes, Framing.LINES, true)));
    }
}
