package io.mambabyte.app;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.mambabyte.model.Checkpoint;
import io.mambabyte.model.CheckpointException;
import io.mambabyte.model.ModelSource;
import io.mambabyte.model.SubwordCheckpoint;
import io.mambabyte.model.SubwordModel;
import io.mambabyte.train.Corpus;
import io.mambabyte.train.Evaluation;
import io.mambabyte.train.Trainer;
import io.mambabyte.train.TrainingListener;
import io.mambabyte.train.TrainingResult;
import io.mambabyte.train.TrainingSettings;
import io.mambabyte.train.TrainingStart;
import io.mambabyte.train.UnusableDataException;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** {@code train}: makes a model of a user's own bytes. */
@Command(
        name = "train",
        mixinStandardHelpOptions = true,
        description = {
            "Trains a model on files, folders, standard input or a Kafka topic: from a model that is"
                    + " there (--base, the shipped logs-small if nothing is said) or from nothing"
                    + " (--shape).",
            "",
            "The end of each text is held out; the model that told it best is kept in the folder given"
                    + " with --out, which every command takes as --model. Ctrl-C keeps what was learnt,"
                    + " and --resume goes on from there."
        })
final class TrainCommand implements Callable<Integer> {
    private enum Format {
        TEXT,
        JSON
    }

    /** Ctrl-C waits so long for the step to end and the state to be written. */
    private static final long STOP_WAIT_S = 30;

    @Option(
            names = "--data",
            paramLabel = "FILE|DIR|-",
            arity = "1..*",
            description =
                    "Files, folders with files (hidden ones are left out, .gz is unpacked), - for"
                            + " standard input.")
    private List<String> data = List.of();

    @Option(
            names = "--heldout",
            paramLabel = "FILE|DIR",
            arity = "1..*",
            description =
                    "What to hold out. Default: the last tenth of each text, at most 256 KB together.")
    private List<String> heldOut = List.of();

    @Option(
            names = "--bootstrap-server",
            paramLabel = "HOST:PORT",
            description = "Read --topic from these brokers.")
    private @Nullable String bootstrapServer;

    @Option(names = "--topic", paramLabel = "NAME", description = "A topic to learn from.")
    private @Nullable String topic;

    @Option(
            names = "--from",
            description =
                    "earliest: what is in the topic now. latest: what comes from now on. Default:"
                            + " earliest.")
    private TopicBytes.From from = TopicBytes.From.EARLIEST;

    @Option(
            names = "--command-config",
            paramLabel = "FILE",
            description = "Properties for the Kafka consumer (security, for example).")
    private @Nullable Path commandConfig;

    @Option(
            names = "--max-bytes",
            paramLabel = "BYTES",
            description = "Read at most so much. Default: 256 MB.")
    private long maxBytes = 256_000_000;

    @Option(
            names = "--max-read-time",
            paramLabel = "TIME",
            converter = TimeConverter.class,
            description = "Read the topic for at most so long, with --from latest. Default: 1m.")
    private Duration maxReadTime = Duration.ofMinutes(1);

    @Option(
            names = "--base",
            paramLabel = "NAME|DIR",
            description =
                    "The model to begin with. Default: "
                            + ModelSource.DEFAULT
                            + ". One over subwords, the shipped "
                            + SubwordModel.DEFAULT
                            + " or a folder with tokenizer.json, becomes a drafter for complete.")
    private @Nullable String base;

    @Option(
            names = "--shape",
            paramLabel = "D,LAYERS,STATE",
            split = ",",
            hideParamSyntax = true,
            description = "Begin with random weights of this shape, 128,4,16 for example.")
    private @Nullable List<Integer> shape;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            required = true,
            description = "The folder of the model.")
    private Path out = Path.of("");

    @Option(
            names = "--max-time",
            paramLabel = "TIME",
            converter = TimeConverter.class,
            description =
                    "Train for at most so long: 90s, 5m, 2h. Default: 5m, or none with"
                            + " --train-bytes.")
    private @Nullable Duration maxTime;

    @Option(
            names = "--train-bytes",
            paramLabel = "BYTES",
            description =
                    "Learn from at most so many bytes, repetitions counted. With this alone a run gives"
                            + " the same model again, to the bit; with --max-time it depends on how fast"
                            + " the machine is.")
    private long trainBytes;

    @Option(
            names = "--seed",
            description = "Decides initial weights and the order of the data. Default: 1.")
    private long seed = 1;

    @Option(
            names = "--rate",
            description = "Highest learning rate. Default: 0.002, 0.004 from nothing.")
    private @Nullable Double rate;

    @Option(
            names = "--threads",
            description =
                    "Threads that compute, of which no result depends. Default: one a processor.")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(names = "--resume", description = "Go on with the run in --out that was interrupted.")
    private boolean resume;

    @Option(
            names = "--overwrite",
            description = "Write to --out although there is something in it.")
    private boolean overwrite;

    @Option(
            names = "--format",
            description =
                    "One of ${COMPLETION-CANDIDATES}: how the result is told on standard output."
                            + " Default: text.")
    private Format format = Format.TEXT;

    @Spec private @Nullable CommandSpec spec;

    private final Terminal terminal;

    TrainCommand() {
        this(Terminal.system());
    }

    TrainCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call()
            throws IOException, CheckpointException, UnusableDataException, InterruptedException {
        checkOptions();
        checkFolder();
        TrainingStart start = start();
        Corpus corpus = corpus();
        Report report = new Report(start, corpus);
        CountDownLatch done = new CountDownLatch(1);
        TrainingResult result;
        try (Trainer trainer = new Trainer(corpus, start, settings(start), out, report)) {
            Thread interrupted = new Thread(() -> stop(trainer, done));
            Runtime.getRuntime().addShutdownHook(interrupted);
            report.begin();
            result = trainer.run(resume);
            report.end();
            print(result);
            remove(interrupted);
        } finally {
            done.countDown();
        }
        return result.ending() == TrainingResult.Ending.DIVERGED ? 1 : 0;
    }

    private static void stop(Trainer trainer, CountDownLatch done) {
        trainer.stop();
        try {
            if (!done.await(STOP_WAIT_S, TimeUnit.SECONDS)) {
                System.err.println("mambabyte: the run did not end in time and was not saved");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void remove(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The process ends already, and the hook runs.
        }
    }

    private void checkOptions() {
        if (data.isEmpty() && topic == null) {
            throw usage("there is nothing to learn from: give --data FILE, or a --topic");
        }
        if ((topic == null) != (bootstrapServer == null)) {
            throw usage("--topic and --bootstrap-server go together");
        }
        if (base != null && shape != null) {
            throw usage("--base begins with a model and --shape without: give one of them");
        }
        if (shape != null && (shape.size() != 3 || shape.stream().anyMatch(n -> n < 1))) {
            throw usage("--shape is three whole numbers, D,LAYERS,STATE: 128,4,16 for example");
        }
        if (threads < 1) {
            throw usage("--threads must be at least 1, not " + threads);
        }
        if (trainBytes < 0 || maxBytes < 1) {
            throw usage("--train-bytes and --max-bytes must be positive");
        }
        if (rate != null && !(rate > 0 && rate < 1)) {
            throw usage("--rate must be between 0 and 1, not " + rate);
        }
    }

    private void checkFolder() throws IOException {
        boolean state = Files.exists(out.resolve("training.state"));
        if (resume && !state) {
            throw usage("--resume: " + out + " has no run that could go on (training.state)");
        }
        if (resume || overwrite || !Files.exists(out)) {
            return;
        }
        if (!Files.isDirectory(out)) {
            throw usage("--out " + out + " is a file");
        }
        try (Stream<Path> content = Files.list(out)) {
            if (content.findAny().isPresent()) {
                throw usage(
                        state
                                ? "--out "
                                        + out
                                        + " has a run in it: --resume goes on with it, --overwrite"
                                        + " begins anew"
                                : "--out "
                                        + out
                                        + " is not empty: name another folder, or --overwrite");
            }
        }
    }

    private ParameterException usage(String message) {
        if (spec == null) {
            throw new IllegalStateException(message);
        }
        return new ParameterException(spec.commandLine(), message);
    }

    private TrainingStart start() throws CheckpointException {
        if (shape != null) {
            return TrainingStart.Shape.of(shape.get(0), shape.get(1), shape.get(2));
        }
        ModelSource source = ModelSource.ofDrafter(base == null ? ModelSource.DEFAULT : base);
        return SubwordModel.isAt(source)
                ? new TrainingStart.Subwords(SubwordCheckpoint.read(source))
                : new TrainingStart.Base(Checkpoint.read(source));
    }

    private TrainingSettings settings(TrainingStart start) {
        double seconds = maxTime != null ? maxTime.toMillis() / 1e3 : trainBytes > 0 ? 0 : 5 * 60.0;
        TrainingSettings found = TrainingSettings.of(start, threads, seed, trainBytes, seconds);
        return rate == null
                ? found
                : new TrainingSettings(
                        seed,
                        threads,
                        found.sequences(),
                        found.rows(),
                        rate,
                        found.warmupSteps(),
                        trainBytes,
                        seconds,
                        found.patience());
    }

    private Corpus corpus() throws IOException, UnusableDataException, InterruptedException {
        TextSource source = new TextSource(terminal.in(), maxBytes);
        List<Corpus.Text> texts = source.read(data);
        if (topic != null && bootstrapServer != null) {
            TopicBytes bytes = TopicBytes.of(bootstrapServer, commandConfig);
            texts =
                    Stream.concat(
                                    texts.stream(),
                                    bytes.read(topic, from, maxBytes, maxReadTime).stream())
                            .toList();
        }
        return heldOut.isEmpty()
                ? Corpus.split(texts)
                : Corpus.of(texts, new TextSource(terminal.in(), maxBytes).read(heldOut));
    }

    private void print(TrainingResult result) throws IOException {
        ObjectNode json = new ObjectMapper().createObjectNode();
        json.put("bytes_seen", result.bytes());
        json.put("bytes_per_s", Math.round(result.bytesPerSecond()));
        json.put("train_bits_per_byte", number(result.trainBits()));
        json.put("heldout_bytes", result.heldOutBytes());
        json.put("heldout_bits_per_byte", number(result.heldOutBits()));
        json.put("base_heldout_bits_per_byte", number(result.baseHeldOutBits()));
        json.put("steps", result.steps());
        json.put("epochs", result.epochs());
        json.put("seconds", number(result.seconds()));
        json.put("ending", result.ending().name().toLowerCase(Locale.ROOT));
        json.put("model", out.toString());
        String text =
                switch (format) {
                    case JSON -> json.toString();
                    case TEXT ->
                            String.format(
                                    Locale.ROOT,
                                    "%s: held-out %.3f bits per byte, %.3f before (%+.1f %%); %s in"
                                            + " %.0f s, %s/s; %s",
                                    out,
                                    result.heldOutBits(),
                                    result.baseHeldOutBits(),
                                    100 * (result.heldOutBits() / result.baseHeldOutBits() - 1),
                                    Progress.bytes(result.bytes()),
                                    result.seconds(),
                                    Progress.bytes(Math.round(result.bytesPerSecond())),
                                    result.ending().text());
                };
        terminal.out().write((text + "\n").getBytes(StandardCharsets.UTF_8));
        terminal.out().flush();
    }

    /** Five digits are more than a run tells; JSON has no NaN. */
    private static @Nullable Double number(double value) {
        return Double.isFinite(value) ? (Double) (Math.round(value * 1e5) / 1e5) : null;
    }

    /**
     * Tells on standard error how it goes: one line a second on a terminal, evaluations elsewhere.
     */
    private final class Report implements TrainingListener {
        private static final long EVERY_NS = 500_000_000L;
        private static final String CLEAR = "\r\u001b[K";

        private final TrainingStart start;
        private final Corpus corpus;
        private long nextNs = System.nanoTime();
        private double heldOutBits = Double.NaN;

        Report(TrainingStart start, Corpus corpus) {
            this.start = start;
            this.corpus = corpus;
        }

        void begin() {
            write(
                    String.format(
                            Locale.ROOT,
                            "training from %s on %s of %d text%s, %s held out%n",
                            start.description(),
                            Progress.bytes(corpus.training().length),
                            corpus.names().size(),
                            corpus.names().size() == 1 ? "" : "s",
                            Progress.bytes(corpus.heldOut().length)));
        }

        @Override
        public void heldOut(long used, long all) {
            if (used < all) {
                write(
                        String.format(
                                Locale.ROOT,
                                "%s of the held-out bytes are used, the same ones throughout: a pass"
                                        + " over all would take too much of the time%n",
                                Progress.bytes(used)));
            }
        }

        @Override
        public void stepped(
                long bytes,
                double bytesPerSecond,
                double progress,
                double seconds,
                double trainBits) {
            long now = System.nanoTime();
            if (!terminal.errIsTerminal() || now - nextNs < 0) {
                return;
            }
            nextNs = now + EVERY_NS;
            long left = Math.round(seconds * (1 - progress) / Math.max(progress, 1e-9));
            write(
                    String.format(
                            Locale.ROOT,
                            CLEAR
                                    + "%3.0f%%  %s  %s/s  %d:%02d left  train %.3f  held out %.3f"
                                    + " bits per byte",
                            100 * progress,
                            Progress.bytes(bytes),
                            Progress.bytes(Math.round(bytesPerSecond)),
                            left / 60,
                            left % 60,
                            trainBits,
                            heldOutBits));
        }

        @Override
        public void evaluated(Evaluation evaluation, boolean best) {
            heldOutBits = evaluation.heldOutBits();
            write(
                    String.format(
                            Locale.ROOT,
                            "%s%6.0f s  %9s  train %s  held out %.4f%s%n",
                            terminal.errIsTerminal() ? CLEAR : "",
                            evaluation.seconds(),
                            Progress.bytes(evaluation.bytes()),
                            Double.isNaN(evaluation.trainBits())
                                    ? "-     "
                                    : String.format(Locale.ROOT, "%.4f", evaluation.trainBits()),
                            evaluation.heldOutBits(),
                            best ? "  kept" : ""));
        }

        void end() {
            if (terminal.errIsTerminal()) {
                write(CLEAR);
            }
        }

        private void write(String text) {
            try {
                terminal.err().write(text.getBytes(StandardCharsets.UTF_8));
                terminal.err().flush();
            } catch (IOException e) {
                // Nobody looks at the progress any more: that must not end the run.
            }
        }
    }
}
