package io.mambabyte.app;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.mambabyte.app.eval.Context;
import io.mambabyte.app.eval.EvaluationProgress;
import io.mambabyte.app.eval.EvaluationRun;
import io.mambabyte.model.Checkpoint;
import io.mambabyte.model.CheckpointException;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.train.Corpus;
import io.mambabyte.train.Evaluation;
import io.mambabyte.train.Trainer;
import io.mambabyte.train.TrainingListener;
import io.mambabyte.train.TrainingSettings;
import io.mambabyte.train.TrainingStart;
import io.mambabyte.train.UnusableDataException;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import java.util.stream.Stream;

/** {@code eval}: how well anomalies are found, beside the simple detectors. */
@Command(
        name = "eval",
        mixinStandardHelpOptions = true,
        description = {
            "Measures how well anomalies are found, beside simple detectors: keywords, rarity of"
                    + " templates and words, unseen trigrams, 7-gram byte models, length, unseen count"
                    + " vectors.",
            "",
            "FOLDER holds train.jsonl (normal only) and test.jsonl, one object a line: {\"id\":...,"
                    + " \"label\": 0 or 1, \"lines\": [...]}, in order of time. The model is adapted to"
                    + " the first 80% of train.jsonl, as `train` does; the rest gives thresholds. Or"
                    + " FOLDER holds logs and error_lines.json, an object with the numbers of the error"
                    + " lines (from 0) of each file: the model is then taken as it is."
        })
final class EvalCommand implements Callable<Integer> {
    private enum Format {
        TEXT,
        JSON
    }

    /**
     * Times that the model sees the same bytes at most: up to four are almost as good as new ones
     * (Muennighoff et al., NeurIPS 2023), and what is small would be learnt by heart in five
     * minutes.
     */
    private static final long EPOCHS_MAX = 4;

    @Parameters(index = "0", paramLabel = "FOLDER", description = "What to evaluate on.")
    private Path folder = Path.of("");

    @Option(
            names = "--base",
            paramLabel = "NAME|DIR",
            description = "The model to adapt. Default: " + ModelSource.DEFAULT + ".")
    private String base = ModelSource.DEFAULT;

    @Option(
            names = "--model",
            paramLabel = "NAME|DIR",
            description = "Score with this model as it is, adapting nothing.")
    private @Nullable String model;

    @Option(
            names = "--max-time",
            paramLabel = "TIME",
            converter = TimeConverter.class,
            description = "Adapt for at most so long: 90s, 5m. Default: 5m.")
    private Duration maxTime = Duration.ofMinutes(5);

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "Keep the adapted model here, for --model. Default: it is not kept.")
    private @Nullable Path out;

    @Option(
            names = "--contexts",
            paramLabel = "CONTEXT",
            split = ",",
            description = {
                "What the model has seen before a line: any of ${COMPLETION-CANDIDATES}, with commas"
                        + " between. RECORD, nothing, is what the product decides with and always"
                        + " there; SESSION, the lines before it in its sample; KEY, all lines before"
                        + " it. Each is a pass of the model over all lines. Default: RECORD."
            })
    private Set<Context> contexts = EnumSet.of(Context.RECORD);

    @Option(names = "--threads", description = "Threads that compute. Default: one a processor.")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(
            names = "--pictures",
            paramLabel = "DIR",
            description =
                    "Draw ROC, precision and recall, and the score over time, as SVG in this folder.")
    private @Nullable Path pictures;

    @Option(names = "--format", description = "One of ${COMPLETION-CANDIDATES}. Default: text.")
    private Format format = Format.TEXT;

    private final Terminal terminal;

    EvalCommand() {
        this(Terminal.system());
    }

    EvalCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call()
            throws IOException, CheckpointException, UnusableDataException, InterruptedException {
        EvaluationRun run = EvaluationRun.read(folder);
        MambaModel scoring = model(run);
        contexts.add(Context.RECORD);
        ObjectNode figures;
        try (Stages stages = new Stages()) {
            figures = run.run(scoring, contexts, threads, pictures, stages);
        }
        Output output = new Output(terminal.out());
        switch (format) {
            case JSON -> {
                output.print(figures.toString());
                output.endLine();
            }
            case TEXT -> table(output, figures);
        }
        output.flush();
        return 0;
    }

    private MambaModel model(EvaluationRun run)
            throws IOException, CheckpointException, UnusableDataException {
        if (model != null) {
            return MambaModel.load(ModelSource.of(model));
        }
        Corpus corpus;
        try {
            corpus = run.corpus();
        } catch (UnusableDataException e) {
            tell(base + " is taken as it is: " + e.getMessage());
            return MambaModel.load(ModelSource.of(base));
        }
        if (out != null) {
            return adapted(corpus, out);
        }
        Path temporary = Files.createTempDirectory("mambabyte-eval-");
        try {
            return adapted(corpus, temporary);
        } finally {
            delete(temporary);
        }
    }

    private MambaModel adapted(Corpus corpus, Path into)
            throws IOException, CheckpointException, UnusableDataException {
        TrainingStart start = new TrainingStart.Base(Checkpoint.read(ModelSource.of(base)));
        TrainingSettings settings =
                TrainingSettings.of(
                        start,
                        threads,
                        1,
                        EPOCHS_MAX * corpus.training().length,
                        maxTime.toMillis() / 1e3);
        tell(
                "adapting "
                        + base
                        + " to "
                        + Progress.bytes(corpus.training().length)
                        + " for at most "
                        + maxTime.toSeconds()
                        + " s");
        try (Trainer trainer = new Trainer(corpus, start, settings, into, new Listener())) {
            trainer.run(false);
        }
        return MambaModel.load(into);
    }

    private final class Listener implements TrainingListener {
        @Override
        public void stepped(
                long bytes,
                double bytesPerSecond,
                double progress,
                double seconds,
                double trainBits) {}

        @Override
        public void evaluated(Evaluation evaluation, boolean best) {
            tell(
                    String.format(
                            Locale.ROOT,
                            "%6.0f s  %9s  held out %.4f bits per byte%s",
                            evaluation.seconds(),
                            Progress.bytes(evaluation.bytes()),
                            evaluation.heldOutBits(),
                            best ? "  kept" : ""));
        }
    }

    /** Progress of one stage after the other: a line that is rewritten, or one now and then. */
    private final class Stages implements EvaluationProgress, AutoCloseable {
        private static final long EVERY_NS = 10_000_000_000L;

        private @Nullable Progress progress;

        @Override
        public LongConsumer begin(String stage, long bytes) {
            close();
            tell(stage + ": " + Progress.bytes(bytes));
            Progress rewritten =
                    new Progress(terminal.err(), terminal.errIsTerminal(), bytes, System::nanoTime);
            progress = rewritten;
            return terminal.errIsTerminal() ? rewritten::at : nowAndThen(bytes);
        }

        /** For a file or a pipe, where a line cannot be rewritten. */
        private LongConsumer nowAndThen(long bytes) {
            long start = System.nanoTime();
            AtomicLong told = new AtomicLong(start);
            return done -> {
                long now = System.nanoTime();
                long last = told.get();
                if (now - last >= EVERY_NS && told.compareAndSet(last, now)) {
                    tell(Progress.line(done, bytes, (now - start) * 1e-9));
                }
            };
        }

        @Override
        public void close() {
            if (progress != null) {
                progress.clear();
            }
        }
    }

    private void tell(String text) {
        try {
            terminal.err().write((text + "\n").getBytes(StandardCharsets.UTF_8));
            terminal.err().flush();
        } catch (IOException e) {
            // Nobody looks at the progress any more: that must not end the run.
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    private static void table(Output output, ObjectNode figures) throws IOException {
        output.print(
                String.format(
                        Locale.ROOT,
                        "prevalence %.4f; the product's default is %s",
                        figures.get("prevalence").asDouble(),
                        figures.get("default").asText()));
        output.endLine();
        output.endLine();
        boolean logs = figures.has("logs");
        output.print(
                String.format(
                        Locale.ROOT,
                        "%-32s %7s %9s  %s",
                        "detector",
                        "AUROC",
                        "precision",
                        logs
                                ? "first error line among the first 10, 100, 1000 of its log"
                                : "found at 10, 100, 1000, 10000 alerts per million normal"));
        output.endLine();
        for (JsonNode detector : figures.get("detectors")) {
            StringBuilder cells = new StringBuilder();
            JsonNode columns =
                    detector.get(
                            logs ? "logs_with_first_error_in_top" : "recall_at_alerts_per_million");
            for (JsonNode cell : columns) {
                cells.append(String.format(Locale.ROOT, logs ? "%6.0f" : "%6.3f", cell.asDouble()));
            }
            output.print(
                    String.format(
                            Locale.ROOT,
                            "%-32s %7.4f %9.4f %s",
                            detector.get("name").asText(),
                            detector.get("auroc").asDouble(),
                            detector.get("average_precision").asDouble(),
                            cells));
            output.endLine();
        }
    }
}
