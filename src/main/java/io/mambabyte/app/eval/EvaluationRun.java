package io.mambabyte.app.eval;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.mambabyte.model.MambaModel;
import io.mambabyte.train.Corpus;
import io.mambabyte.train.UnusableDataException;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * The evaluation of a folder: {@code train.jsonl} and {@code test.jsonl}, or logs and {@code
 * error_lines.json}.
 */
public final class EvaluationRun {
    /** What is in a folder. */
    private sealed interface Content {
        /** Samples in order of time. */
        record Samples(LabelledSet set) implements Content {}

        /** Whole logs, nothing to learn from. */
        record Logs(List<ErrorLog> logs) implements Content {}
    }

    private static final String SIMPLE = "ranking, with the simple detectors";

    /** More curves than this beside the product's make a picture hard to read. */
    private static final int SIMPLE_DRAWN = 4;

    private final Content content;

    private EvaluationRun(Content content) {
        this.content = content;
    }

    /**
     * Reads a folder.
     *
     * @param folder where the files are
     * @return what there is to evaluate
     * @throws IOException if a file cannot be read
     * @throws UnusableDataException if there is neither, or it is not what it should be
     */
    public static EvaluationRun read(Path folder) throws IOException, UnusableDataException {
        if (Files.exists(folder.resolve("train.jsonl"))) {
            return new EvaluationRun(new Content.Samples(LabelledSet.read(folder)));
        }
        if (Files.exists(folder.resolve(ErrorLog.INDEX))) {
            return new EvaluationRun(new Content.Logs(ErrorLog.read(folder)));
        }
        throw new UnusableDataException(
                folder + ": has neither train.jsonl and test.jsonl nor " + ErrorLog.INDEX);
    }

    /**
     * What the model is to be adapted to.
     *
     * @return the earlier normal samples as text, later ones held out
     * @throws UnusableDataException if there is nothing normal to learn from, or too little
     */
    public Corpus corpus() throws UnusableDataException {
        return switch (content) {
            case Content.Samples(LabelledSet set) ->
                    Corpus.of(
                            List.of(new Corpus.Text("train.jsonl", text(set.fit()))),
                            List.of(new Corpus.Text("train.jsonl", text(set.calibration()))));
            case Content.Logs _ ->
                    throw new UnusableDataException("logs come without normal ones to learn from");
        };
    }

    private static byte[] text(List<Sample> samples) {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        for (Sample sample : samples) {
            for (byte[] line : sample.lines()) {
                text.writeBytes(line);
                text.write('\n');
            }
        }
        return text.toByteArray();
    }

    /** Samples that the model scores, in order of time, a list for each stream. */
    private List<List<Sample>> streams() {
        return switch (content) {
            case Content.Samples(LabelledSet set) ->
                    List.of(
                            Stream.concat(set.calibration().stream(), set.test().stream())
                                    .toList());
            case Content.Logs(List<ErrorLog> logs) -> logs.stream().map(ErrorLog::lines).toList();
        };
    }

    /**
     * Evaluates the product and every simple detector.
     *
     * @param model the model
     * @param contexts what the model shall have seen before a line, the product's default among
     *     them
     * @param threads how many compute
     * @param pictures folder for pictures of how scores rank, or null for none
     * @param progress is told how far it is
     * @return the figures: {@code prevalence}, {@code default}, {@code detectors}
     * @throws IOException if a picture cannot be written
     * @throws InterruptedException if the thread is told to end
     */
    public ObjectNode run(
            MambaModel model,
            Set<Context> contexts,
            int threads,
            @Nullable Path pictures,
            EvaluationProgress progress)
            throws IOException, InterruptedException {
        List<List<Sample>> streams = streams();
        List<Lines> lines = new ArrayList<>();
        for (Context context : contexts) {
            LongConsumer done =
                    progress.begin("scoring with the model" + context.suffix(), bytes(streams));
            lines.add(Lines.score(model, streams, context, threads, done));
        }
        List<Supplier<Detector>> detectors = detectors(lines);
        ObjectNode root = new ObjectMapper().createObjectNode();
        switch (content) {
            case Content.Samples(LabelledSet set) ->
                    samples(set, detectors, threads, pictures, progress, root);
            case Content.Logs(List<ErrorLog> logs) ->
                    logs(logs, detectors, threads, pictures, progress, root);
        }
        return root;
    }

    /**
     * All detectors, the product first, then those that take longest: threads that are done early
     * have the short ones left.
     */
    private static List<Supplier<Detector>> detectors(List<Lines> lines) {
        List<Supplier<Detector>> detectors = new ArrayList<>();
        lines.forEach(one -> detectors.add(() -> new MambaByte(one)));
        detectors.addAll(
                List.of(
                        () -> new Ngrams(false, false),
                        () -> new Ngrams(true, false),
                        () -> new Ngrams(false, true),
                        () -> new Ngrams(true, true),
                        TemplateRarity::new,
                        UnseenTrigrams::new,
                        WordRarity::new,
                        CountVectors::new,
                        Keywords::new,
                        Length::new));
        return detectors;
    }

    private static void samples(
            LabelledSet set,
            List<Supplier<Detector>> detectors,
            int threads,
            @Nullable Path pictures,
            EvaluationProgress progress,
            ObjectNode root)
            throws IOException, InterruptedException {
        boolean[] labels = Evaluation.labels(set.test());
        long bytes = bytes(List.of(set.fit(), set.calibration(), set.test()));
        Consumer<Sample> done = counting(progress.begin(SIMPLE, bytes * detectors.size()));
        List<Callable<List<Ranked<Figures>>>> tasks = new ArrayList<>();
        for (Supplier<Detector> detector : detectors) {
            tasks.add(
                    () ->
                            Evaluation.of(detector.get(), set, done).stream()
                                    .map(one -> new Ranked<>(one, Figures.of(one, labels)))
                                    .toList());
        }
        List<Ranked<Figures>> ranked =
                Parallel.run(threads, tasks).stream().flatMap(List::stream).toList();
        root.put("prevalence", set.prevalence());
        root.put("default", MambaByte.DEFAULT);
        root.put("samples", set.test().size());
        root.put("normal_fit", set.fit().size());
        root.put("normal_calibration", set.calibration().size());
        ArrayNode array = root.putArray("detectors");
        ranked.forEach(one -> one.figures().into(array.addObject()));
        if (pictures != null) {
            draw(pictures, ranked, labels);
        }
    }

    /** The product's default beside the best of the simple detectors. */
    private static void draw(Path folder, List<Ranked<Figures>> ranked, boolean[] labels)
            throws IOException {
        List<Pictures.Series> series =
                Stream.concat(
                                ranked.stream().filter(Ranked::isDefault),
                                ranked.stream()
                                        .filter(one -> !MambaByte.isName(one.scores().name()))
                                        .sorted(
                                                Comparator.comparingDouble(
                                                        one -> -one.figures().auroc()))
                                        .limit(SIMPLE_DRAWN))
                        .map(one -> one.scores().series(one.scores().name(), labels))
                        .toList();
        Pictures.curves(folder, "samples", series);
        Pictures.overTime(folder.resolve("score-over-time.svg"), "samples", series.getFirst());
    }

    /** Scores and what they are worth. */
    private record Ranked<F>(Evaluation.Scores scores, F figures) {
        boolean isDefault() {
            return scores.name().equals(MambaByte.DEFAULT);
        }
    }

    private static void logs(
            List<ErrorLog> logs,
            List<Supplier<Detector>> detectors,
            int threads,
            @Nullable Path pictures,
            EvaluationProgress progress,
            ObjectNode root)
            throws IOException, InterruptedException {
        long bytes = bytes(logs.stream().map(ErrorLog::lines).toList());
        Consumer<Sample> done = counting(progress.begin(SIMPLE, bytes * detectors.size()));
        List<Callable<List<Ranked<LogFigures>>>> tasks = new ArrayList<>();
        for (Supplier<Detector> detector : detectors) {
            for (ErrorLog log : logs) {
                tasks.add(
                        () ->
                                Evaluation.of(detector.get(), log, done).stream()
                                        .map(one -> new Ranked<>(one, LogFigures.of(log, one)))
                                        .toList());
            }
        }
        List<List<Ranked<LogFigures>>> figures = Parallel.run(threads, tasks);
        root.put("prevalence", logs.stream().mapToDouble(ErrorLog::prevalence).average().orElse(0));
        root.put("default", MambaByte.DEFAULT);
        root.put("logs", logs.size());
        ArrayNode array = root.putArray("detectors");
        for (int first = 0; first < figures.size(); first += logs.size()) {
            List<List<Ranked<LogFigures>>> perLog = figures.subList(first, first + logs.size());
            for (int i = 0; i < perLog.getFirst().size(); i++) {
                int score = i;
                LogFigures.into(
                        array.addObject(),
                        perLog.stream().map(log -> log.get(score).figures()).toList());
            }
        }
        if (pictures != null) {
            draw(pictures, logs, figures);
        }
    }

    /** The product's default, a curve for each log. */
    private static void draw(
            Path folder, List<ErrorLog> logs, List<List<Ranked<LogFigures>>> figures)
            throws IOException {
        List<Pictures.Series> series = new ArrayList<>();
        for (int i = 0; i < logs.size(); i++) {
            ErrorLog log = logs.get(i);
            // The product comes first, and its default is the first of its scores.
            Evaluation.Scores scores = figures.get(i).getFirst().scores();
            Pictures.Series one = scores.series(log.name(), Evaluation.labels(log.lines()));
            series.add(one);
            Pictures.overTime(folder.resolve(log.name() + "-score-over-time.svg"), log.name(), one);
        }
        Pictures.curves(folder, MambaByte.DEFAULT, series);
    }

    private static long bytes(List<List<Sample>> streams) {
        return streams.stream().flatMap(List::stream).mapToLong(Sample::bytes).sum();
    }

    private static Consumer<Sample> counting(LongConsumer progress) {
        AtomicLong bytes = new AtomicLong();
        return sample -> progress.accept(bytes.addAndGet(sample.bytes()));
    }
}
