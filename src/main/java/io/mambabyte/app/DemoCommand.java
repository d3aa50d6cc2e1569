package io.mambabyte.app;

import io.mambabyte.app.DemoRecording.Fault;
import io.mambabyte.app.DemoRecording.Line;
import io.mambabyte.app.ui.IncidentTopics;
import io.mambabyte.app.ui.LineFeed;
import io.mambabyte.app.ui.PageServer;
import io.mambabyte.app.ui.PageSources;
import io.mambabyte.avro.Likelihood;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.score.Surprisals;
import io.mambabyte.streams.MambaByteConfig;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.streams.StreamsConfig;
import org.jspecify.annotations.Nullable;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;

/** {@code mambabyte demo}: the whole thing on a real log, on this machine, from one command. */
@Command(
        name = "demo",
        description = {
            "Scores a real log in real Kafka, on this machine.",
            "",
            "Starts a broker in this process, puts the recorded log of a three-broker Kafka cluster"
                    + " into a topic, runs the topology on it, and shows the lines that surprised"
                    + " the model most, beside the faults that the cluster was put through."
                    + " Everything is removed at the end.",
            ""
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class DemoCommand implements Callable<Integer> {
    private static final DateTimeFormatter CLOCK =
            DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss.SSS").withZone(ZoneOffset.UTC);
    private static final Duration POLL = Duration.ofMillis(50);
    private static final int INDENT = 5;
    private static final int COLUMNS_ELSEWHERE = 120;

    @Option(names = "--lines", paramLabel = "N", description = "Only the first N lines.")
    private int lines = Integer.MAX_VALUE;

    @Option(names = "--top", paramLabel = "N", description = "Lines to show (${DEFAULT-VALUE}).")
    private int top = 12;

    @Option(
            names = "--model",
            paramLabel = "NAME|DIR",
            description = "A shipped model or a folder (${DEFAULT-VALUE}).")
    private String model = ModelSource.DEFAULT;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Stream threads (one per core, one per broker of the log at most).")
    private int threads;

    @Option(
            names = "--color",
            paramLabel = "WHEN",
            description = "${COMPLETION-CANDIDATES} (auto: on a terminal, unless NO_COLOR is set).")
    private Terminal.Color color = Terminal.Color.AUTO;

    @Option(names = "--no-color", description = "The same as --color never.")
    private boolean noColor;

    @Option(
            names = "--ui",
            paramLabel = "[HOST:]PORT",
            description = {
                "Where the page is that shows what happens (localhost:8686, or a free port where that"
                        + " one is taken)."
            })
    private @Nullable String ui;

    @Option(names = "--keep", description = "Keep broker and topology running until Ctrl-C.")
    private boolean keep;

    @Spec private CommandSpec spec = CommandSpec.create();

    private volatile boolean stopping;

    private record Outcome(SurprisingLines surprising, long bytes, double seconds) {}

    @Override
    public Integer call() throws Exception {
        long started = System.nanoTime();
        PageAddress page = pageAddress();
        Path folder = LocalPipeline.temporaryFolder();
        try {
            return demo(folder, page, started);
        } finally {
            // Whatever failed, and before whatever was started.
            EmbeddedBroker.deleteRecursively(folder);
        }
    }

    private int demo(Path folder, PageAddress address, long started)
            throws IOException, InterruptedException {
        // Before the first logger is made.
        Path log = folder.resolve("demo.log");
        Logging.toFile(log);
        Terminal terminal = Terminal.system();
        boolean colors = !noColor && terminal.colors(color);
        PrintWriter out =
                new PrintWriter(new OutputStreamWriter(terminal.out(), StandardCharsets.UTF_8));
        DemoRecording recording = DemoRecording.load().first(lines);
        Map<String, String> settings = new HashMap<>();
        settings.put(MambaByteConfig.MODEL_CONFIG, model);
        settings.put(MambaByteConfig.PER_BYTE_CONFIG, "true");
        int partitions = recording.keys().size();
        int used =
                threads > 0
                        ? threads
                        : Math.min(partitions, Runtime.getRuntime().availableProcessors());
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, Integer.toString(used));
        MambaModel loaded = new MambaByteConfig(settings).loadModel();
        say(out, "starting a Kafka broker in this process ...");
        LineFeed feed = new LineFeed();
        LocalPipeline pipeline = LocalPipeline.start(folder, loaded, settings, partitions, feed);
        Thread hook =
                new Thread(
                        () -> {
                            stopping = true;
                            pipeline.close();
                        },
                        "mambabyte-demo-shutdown");
        Runtime.getRuntime().addShutdownHook(hook);
        try (pipeline;
                PageServer page = page(address, pipeline, feed, loaded)) {
            say(
                    out,
                    "broker at "
                            + pipeline.bootstrapServers()
                            + ", Schema Registry at "
                            + pipeline.schemaRegistryUrl()
                            + ", log file "
                            + log);
            say(out, "see the bytes burn: " + page.address() + (keep ? "" : " (while this runs)"));
            say(
                    out,
                    String.format(
                            Locale.ROOT,
                            "scoring %,d lines of %d brokers, recorded %s, with model %s on %d"
                                    + " stream threads",
                            recording.lines().size(),
                            partitions,
                            day(recording),
                            model,
                            used));
            out.println();
            out.flush();
            Outcome outcome = score(pipeline, recording, out, terminal);
            report(outcome, recording, out, terminal, colors);
            out.println();
            say(
                    out,
                    String.format(
                            Locale.ROOT,
                            "%,d bytes, topic to topic, in %.1f s: %,.0f bytes/s on %d stream"
                                    + " threads; %.1f s from command to result",
                            outcome.bytes(),
                            outcome.seconds(),
                            outcome.bytes() / outcome.seconds(),
                            used,
                            (System.nanoTime() - started) / 1e9));
            whereToRead(pipeline, out);
            if (keep) {
                say(out, "still running; Ctrl-C ends it and removes everything");
                out.flush();
                new CountDownLatch(1).await();
            }
            out.flush();
        } catch (IllegalStateException e) {
            throw new IOException(e.getMessage() + "; its log is below.\n" + tail(log), e);
        }
        Runtime.getRuntime().removeShutdownHook(hook);
        return CommandLine.ExitCode.OK;
    }

    private PageAddress pageAddress() throws IOException {
        try {
            return PageAddress.of(
                    ui == null ? Integer.toString(PageAddress.USUAL_PORT) : ui, System.getenv());
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), "--ui " + ui + ": " + e.getMessage());
        }
    }

    private PageServer page(
            PageAddress address, LocalPipeline pipeline, LineFeed feed, MambaModel loaded)
            throws IOException {
        PageSources sources =
                new PageSources(
                        feed,
                        pipeline::streams,
                        pipeline.component(),
                        ModelSource.of(model),
                        loaded,
                        IncidentTopics.of(pipeline.component(), pipeline.streamsConfig()));
        return ui == null ? address.startThereOrNear(sources) : address.start(sources);
    }

    private Outcome score(
            LocalPipeline pipeline, DemoRecording recording, PrintWriter out, Terminal terminal)
            throws IOException, InterruptedException {
        produce(pipeline, recording);
        pipeline.startTopology();
        // The n-th likelihood of a key is that of the key's n-th line.
        Map<String, Iterator<Line>> linesByKey = new HashMap<>();
        for (String key : recording.keys()) {
            linesByKey.put(
                    key,
                    recording.lines().stream().filter(line -> line.key().equals(key)).iterator());
        }
        SurprisingLines surprising = new SurprisingLines();
        long start = System.nanoTime();
        LiveTable table =
                new LiveTable(out, terminal, recording.keys(), recording.lines().size(), start);
        long bytes = 0;
        int received = 0;
        try (KafkaConsumer<byte[], Likelihood> consumer = pipeline.consumer()) {
            while (received < recording.lines().size()) {
                for (ConsumerRecord<byte[], Likelihood> record : consumer.poll(POLL)) {
                    String key = new String(record.key(), StandardCharsets.UTF_8);
                    Line line = Objects.requireNonNull(linesByKey.get(key)).next();
                    surprising.add(line, record.value());
                    table.add(key, line.text(), record.value());
                    bytes += record.value().getBytes();
                    received++;
                }
                if (stopping) {
                    // The hook takes everything down; there is nothing to say any more.
                    Thread.currentThread().join();
                }
                if (!pipeline.alive()) {
                    throw new IllegalStateException("the topology stopped");
                }
                table.refresh(System.nanoTime());
            }
        }
        long end = System.nanoTime();
        table.finish(end);
        return new Outcome(surprising, bytes, (end - start) / 1e9);
    }

    private static void produce(LocalPipeline pipeline, DemoRecording recording)
            throws IOException {
        Map<String, Integer> partitionByKey = new HashMap<>();
        recording.keys().forEach(key -> partitionByKey.put(key, partitionByKey.size()));
        try (RawProducer producer = pipeline.producer()) {
            for (Line line : recording.lines()) {
                // Three keys may share a partition by their hashes; here each has its own.
                producer.send(
                        new ProducerRecord<>(
                                LocalPipeline.INPUT,
                                partitionByKey.get(line.key()),
                                line.timeMs(),
                                line.key().getBytes(StandardCharsets.UTF_8),
                                line.bytes()));
            }
            producer.flush();
        }
    }

    private void report(
            Outcome outcome,
            DemoRecording recording,
            PrintWriter out,
            Terminal terminal,
            boolean colors) {
        List<SurprisingLines.Kind> ranked = outcome.surprising().ranked();
        List<SurprisingLines.Kind> shown = ranked.subList(0, Math.min(top, ranked.size()));
        int columns = terminal.outIsTerminal() ? terminal.columns() : COLUMNS_ELSEWHERE;
        out.println();
        out.printf(
                Locale.ROOT,
                "The most surprising of %,d lines, one of each of %,d kinds, by the bits of their"
                        + " words%n(numbers and identifiers do not count):%n",
                recording.lines().size(),
                ranked.size());
        Map<String, Integer> rankByFault = new HashMap<>();
        int inWindows = 0;
        for (int rank = 1; rank <= ranked.size(); rank++) {
            SurprisingLines.Kind kind = ranked.get(rank - 1);
            Optional<Fault> fault = recording.faultAt(kind.line().timeMs());
            if (fault.isPresent()) {
                rankByFault.putIfAbsent(fault.get().id(), rank);
            }
            if (rank <= shown.size()) {
                inWindows += fault.isPresent() ? 1 : 0;
                print(kind, rank, fault, columns, colors, out);
            }
        }
        out.println();
        if (colors) {
            out.println("     " + Heat.legend());
            out.println();
        }
        long linesInWindows =
                recording.lines().stream()
                        .filter(line -> recording.faultAt(line.timeMs()).isPresent())
                        .count();
        out.printf(
                Locale.ROOT,
                "%d of these %d fall into a fault window, and %.0f%% of all lines do. The first"
                        + " line of each fault is number%n",
                inWindows,
                shown.size(),
                100.0 * linesInWindows / recording.lines().size());
        for (Fault fault : recording.faults()) {
            Integer rank = rankByFault.get(fault.id());
            out.printf(
                    Locale.ROOT,
                    "%5s  %-17s %s%n",
                    rank == null ? "none" : rank.toString(),
                    fault.id(),
                    Heat.dim(fault.what(), colors));
        }
    }

    private static void print(
            SurprisingLines.Kind kind,
            int rank,
            Optional<Fault> fault,
            int columns,
            boolean colors,
            PrintWriter out) {
        out.println();
        out.printf(
                Locale.ROOT,
                "%3d  %s  %s  %.0f bits in words, %.0f in all%s%n",
                rank,
                CLOCK.format(Instant.ofEpochMilli(kind.line().timeMs())),
                kind.line().key(),
                kind.wordBits(),
                kind.likelihood().getBits(),
                kind.alike() == 1 ? "" : ", " + (kind.alike() - 1) + " more of this kind");
        out.println(
                Heat.dim(
                        "     "
                                + fault.map(
                                                f ->
                                                        "during "
                                                                + f.id()
                                                                + " of "
                                                                + String.join(", ", f.brokers()))
                                        .orElse("in no fault window"),
                        colors));
        heat(kind, columns - INDENT, colors).forEach(row -> out.println("     " + row));
    }

    /** How a line begins, and below it the part that is most surprising, where that is later. */
    private static List<String> heat(SurprisingLines.Kind kind, int columns, boolean colors) {
        List<String> rows = new ArrayList<>();
        rows.add(heat(kind, 0, columns, colors));
        int later = kind.mostSurprising(columns - 1);
        if (kind.line().bytes().length > columns && later > 0) {
            rows.add("…" + heat(kind, later, columns - 1, colors));
        }
        return rows;
    }

    private static String heat(SurprisingLines.Kind kind, int from, int columns, boolean colors) {
        byte[] bytes = kind.line().bytes();
        byte[] part = Arrays.copyOfRange(bytes, from, bytes.length);
        float[] bits = new float[part.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = kind.likelihood().getSurprisal().get(from + i);
        }
        return Heat.render(part, part.length, colors ? Surprisals.of(bits) : null, columns);
    }

    private static void whereToRead(LocalPipeline pipeline, PrintWriter out) {
        say(
                out,
                "likelihoods are in topic "
                        + LocalPipeline.OUTPUT
                        + " (Avro in Confluent's wire format), raw lines in topic "
                        + LocalPipeline.INPUT
                        + "; while it runs (--keep), read them with");
        out.println(
                "    ./mambabyte read --bootstrap-server "
                        + pipeline.bootstrapServers()
                        + " --schema-registry "
                        + pipeline.schemaRegistryUrl()
                        + " "
                        + LocalPipeline.OUTPUT);
    }

    private static String day(DemoRecording recording) {
        return recording.lines().isEmpty()
                ? "never"
                : CLOCK.format(Instant.ofEpochMilli(recording.lines().getFirst().timeMs()))
                        .substring(0, 10);
    }

    private static String tail(Path log) throws IOException {
        List<String> all = java.nio.file.Files.readAllLines(log);
        return String.join("\n", all.subList(Math.max(0, all.size() - 20), all.size()));
    }

    private static void say(PrintWriter out, String text) {
        out.println("» " + text);
        out.flush();
    }
}
