package io.mambabyte.app;

import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.score.Framing;
import io.mambabyte.score.ScoreAccumulator;
import io.mambabyte.score.Scorer;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.Callable;

/** {@code score}: how likely the lines of a file are to a model, without Kafka. */
@Command(
        name = "score",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = {
            "Scores the lines of files, or of standard input as they arrive: how surprising each is to"
                    + " a model, given the lines before it.",
            "",
            "bits is the sum of the surprisal -log2 p of a line's bytes, excess what of it the model did"
                    + " not expect, z that excess in standard deviations. The newline that ends a line is"
                    + " predicted and scored too; a last line without one is scored without."
        })
final class ScoreCommand implements Callable<Integer> {
    private enum Format {
        TABLE,
        JSONL,
        CSV
    }

    private enum Context {
        KEY,
        RECORD
    }

    /** Bytes that are read, scored and reported as done at a time. */
    private static final int PIECE_BYTES = 1 << 14;

    /** What a row of a table can show of a line, whatever the terminal's width. */
    private static final int TEXT_BYTES_MAX = 4096;

    private static final String STDIN = "-";

    @Parameters(
            paramLabel = "FILE",
            description = "Files to score, - for standard input. Default: standard input.")
    private List<String> files = List.of(STDIN);

    @Option(
            names = "--model",
            paramLabel = "DIR|NAME",
            description =
                    "A model folder, or the name of a shipped model. Default: ${DEFAULT-VALUE}.",
            defaultValue = ModelSource.DEFAULT)
    private String model = ModelSource.DEFAULT;

    @Option(
            names = "--format",
            paramLabel = "table|jsonl|csv",
            description = "Default: table on a terminal and with --heat," + " jsonl otherwise.")
    private @Nullable Format format;

    @Option(
            names = "--framing",
            paramLabel = "lines|none",
            description =
                    "lines: a record is a line. none: a record is a whole file, taken as it is."
                            + " Default: lines.")
    private Framing framing = Framing.LINES;

    @Option(
            names = "--context",
            paramLabel = "key|record",
            description =
                    "key: each line is scored after all lines before it in its file. record: each line"
                            + " on its own, so that repeating does not make it normal. Default: key.")
    private Context context = Context.KEY;

    @Option(
            names = "--per-byte",
            description =
                    "Add the surprisal of each byte, in bits: surprisal_bits, null where nothing came"
                            + " before (jsonl, csv).")
    private boolean perByte;

    @Option(
            names = "--text",
            description =
                    "Add the text of the line: as it is in jsonl, where what is not UTF-8 becomes U+FFFD,"
                            + " as the table shows it in csv.")
    private boolean text;

    @Option(
            names = "--heat",
            description = "Colour each byte by its surprisal, and show lines in full (table).")
    private boolean heat;

    @Option(
            names = "--color",
            paramLabel = "auto|always|never",
            description = "Default: auto, which colours on a terminal unless" + " NO_COLOR is set.")
    private Terminal.Color color = Terminal.Color.AUTO;

    @Option(
            names = "--top",
            paramLabel = "N",
            description = "Only the N lines of highest z, highest first, at the end of the input.")
    private @Nullable Integer top;

    @Option(names = "--min-z", paramLabel = "Z", description = "Only lines with a z of at least Z.")
    private @Nullable Double minZ;

    @Spec private @Nullable CommandSpec spec;

    private final Terminal terminal;

    ScoreCommand() {
        this(Terminal.system());
    }

    ScoreCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws Exception {
        Format chosen = chooseFormat();
        MambaModel loaded = MambaModel.load(ModelSource.of(model));
        Output out = new Output(terminal.out());
        boolean quiet = terminal.outIsTerminal() && top == null;
        Progress progress =
                new Progress(
                        terminal.err(),
                        terminal.errIsTerminal() && !quiet && totalBytes() >= 0,
                        totalBytes(),
                        System::nanoTime);
        Thread interrupted =
                new Thread(
                        () -> {
                            out.stop();
                            progress.clear();
                        });
        Runtime.getRuntime().addShutdownHook(interrupted);
        try {
            new Run(loaded, out, writer(chosen, out), progress).all();
            out.flush();
        } catch (Output.Closed e) {
            // Whoever read has seen enough.
        } finally {
            progress.clear();
            remove(interrupted);
        }
        return 0;
    }

    private static void remove(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The process ends already, and the hook runs.
        }
    }

    private Format chooseFormat() {
        if (top != null && top < 1) {
            throw usage("--top must be at least 1, not " + top);
        }
        if (minZ != null && minZ.isNaN()) {
            throw usage("--min-z must be a number");
        }
        if (heat && format != null && format != Format.TABLE) {
            throw usage("--heat colours a table: leave --format out or give table");
        }
        if ((perByte || text) && (heat || format == Format.TABLE)) {
            throw usage("--per-byte and --text need --format jsonl or csv");
        }
        if (format != null) {
            return format;
        }
        if (heat) {
            return Format.TABLE;
        }
        return terminal.outIsTerminal() && !perByte && !text ? Format.TABLE : Format.JSONL;
    }

    private ParameterException usage(String message) {
        if (spec == null) {
            throw new IllegalStateException(message);
        }
        return new ParameterException(spec.commandLine(), message);
    }

    private ScoreFormat writer(Format chosen, Output out) throws IOException {
        boolean several = files.size() > 1;
        return switch (chosen) {
            case TABLE ->
                    new ScoreFormat.Table(
                            out, several, heat, terminal.colors(color), terminal.columns());
            case JSONL -> new ScoreFormat.JsonLines(out, several, text);
            case CSV -> new ScoreFormat.Csv(out, several, text, perByte);
        };
    }

    /** Bytes of all files, -1 where one of them is a stream. */
    private long totalBytes() throws IOException {
        long total = 0;
        for (String file : files) {
            if (file.equals(STDIN) || !Files.isRegularFile(Path.of(file))) {
                return -1;
            }
            total += Files.size(Path.of(file));
        }
        return total;
    }

    /** One pass over all files. */
    private final class Run {
        private final Scorer scorer;
        private final RecurrentState state;
        private final ScoreAccumulator accumulator = new ScoreAccumulator();
        private final Output out;
        private final ScoreFormat writer;
        private final Progress progress;
        private final PriorityQueue<ScoredRecord> highest;
        private byte[] kept = new byte[TEXT_BYTES_MAX];
        private int keptBytes;
        private long doneBytes;

        Run(MambaModel model, Output out, ScoreFormat writer, Progress progress) {
            scorer = new Scorer(model);
            state = model.newState();
            this.out = out;
            this.writer = writer;
            this.progress = progress;
            // The one to give up first at the head: lowest z, of equals the one that came last.
            highest = new PriorityQueue<>(RANK.reversed());
        }

        void all() throws IOException {
            writer.begin();
            for (String file : files) {
                if (file.equals(STDIN)) {
                    stream(STDIN, terminal.in());
                } else if (Files.isDirectory(Path.of(file))) {
                    throw new IOException(file + ": is a directory");
                } else {
                    try (InputStream in = Files.newInputStream(Path.of(file))) {
                        stream(file, in);
                    }
                }
            }
            progress.clear();
            List<ScoredRecord> ranked = new ArrayList<>(highest);
            ranked.sort(RANK);
            for (ScoredRecord scored : ranked) {
                writer.write(scored);
            }
        }

        private void stream(String file, InputStream in) throws IOException {
            boolean lines = framing == Framing.LINES;
            LineReader reader = new LineReader(in, PIECE_BYTES, lines, out::flush);
            state.reset();
            long line = 0;
            boolean open = false;
            while (reader.next()) {
                if (!open) {
                    begin();
                    open = true;
                }
                scorer.feed(
                        state,
                        reader.bytes(),
                        reader.offset(),
                        reader.length(),
                        reader.newline(),
                        accumulator);
                keep(reader);
                doneBytes += reader.length() + (reader.newline() ? 1 : 0);
                progress.at(doneBytes);
                if (reader.complete()) {
                    emit(file, ++line, reader.newline());
                    open = false;
                }
            }
            if (!lines && line == 0) {
                begin();
                emit(file, 1, false);
            }
        }

        private void begin() {
            if (context == Context.RECORD) {
                Scorer.beginAlone(state, framing);
                accumulator.begin(0, perByte || heat);
            } else {
                accumulator.begin(Scorer.position(state), perByte || heat);
            }
            keptBytes = 0;
        }

        private void keep(LineReader reader) {
            int limit = text || heat ? Integer.MAX_VALUE - 8 : TEXT_BYTES_MAX;
            int more = Math.min(reader.length(), limit - keptBytes);
            if (keptBytes + more > kept.length) {
                kept =
                        Arrays.copyOf(
                                kept,
                                (int)
                                        Math.min(
                                                limit,
                                                Math.max(keptBytes + more, 2L * kept.length)));
            }
            System.arraycopy(reader.bytes(), reader.offset(), kept, keptBytes, more);
            keptBytes += more;
        }

        private void emit(String file, long line, boolean newline) throws IOException {
            ScoredRecord scored =
                    new ScoredRecord(
                            file,
                            line,
                            accumulator.score(),
                            Arrays.copyOf(kept, keptBytes),
                            newline);
            if (minZ != null && !(scored.score().z() >= minZ)) {
                return;
            }
            if (top == null) {
                writer.write(scored);
                return;
            }
            highest.add(scored);
            if (highest.size() > top) {
                highest.remove();
            }
        }
    }

    /** Highest z first; of equals, the one that came first. */
    private static final Comparator<ScoredRecord> RANK =
            Comparator.comparingDouble((ScoredRecord scored) -> -scored.score().z())
                    .thenComparingLong(scored -> scored.score().position())
                    .thenComparingLong(ScoredRecord::line);
}
