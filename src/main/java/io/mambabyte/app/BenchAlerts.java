package io.mambabyte.app;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.mambabyte.app.DemoRecording.Fault;
import io.mambabyte.app.DemoRecording.Line;
import io.mambabyte.avro.Anomaly;
import io.mambabyte.avro.Incident;
import io.mambabyte.avro.Likelihood;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.streams.AnomalyConfig;
import io.mambabyte.streams.MambaByteConfig;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.streams.StreamsConfig;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;

/** {@code bench alerts}: which faults are seen, and how often it alerts without one. */
@Command(
        name = "alerts",
        description = {
            "Which of the recorded Kafka cluster's faults open an incident, how long after they"
                    + " began, and how many incidents there are without a fault; and how often"
                    + " normal logs alert beside what is expected.",
            "",
            "Runs the topology of 'mambabyte run' in a real broker on the demo's recording and on"
                    + " the logs given, each a key of its own. Logs joined by '+' follow one another"
                    + " on one key: how it copes with a shift. Lines that do not begin with a time as"
                    + " Kafka's do are taken to be a tenth of a second after the one before, or in a log"
                    + " with such times at the same.",
            "",
            "With --rates no broker runs: the logs are scored once, and what is printed is how many"
                    + " lines alert beside how many are asked for, at 100, 1,000 and 10,000 in a"
                    + " million; and how many do from the middle on where something changes there"
                    + " and stays so. Of a file *.jsonl, the lines of its rows with label 0.",
            ""
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class BenchAlerts implements Callable<Integer> {
    private static final Duration POLL = Duration.ofMillis(50);
    private static final long LINE_MS = 100;
    private static final double HOUR_MS = 3_600_000;

    // Poisson: with 95% confidence no more than this where none was seen.
    private static final double NONE_SEEN_95 = 3.0;

    // With fewer expected, how many there are says nothing of their rate.
    private static final double TELLS = 5;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Parameters(
            arity = "0..*",
            paramLabel = "LOG[+LOG...]",
            description = "Logs of normal running that the model has not seen.")
    private List<String> logs = List.of();

    @Option(
            names = "--model",
            paramLabel = "DIR|NAME",
            description = "A model folder or the name of a shipped model (${DEFAULT-VALUE}).")
    private String model = ModelSource.DEFAULT;

    @Option(
            names = "--alerts-per-million",
            paramLabel = "N",
            description = "Expected alerts in a million normal lines (${DEFAULT-VALUE}).")
    private double perMillion = 1000;

    @Option(
            names = "--rates",
            description = "How often the logs alert beside what is asked for, with level shifts.")
    private boolean rates;

    @Option(names = "--no-recording", description = "Only the logs given.")
    private boolean noRecording;

    @Option(
            names = "-D",
            paramLabel = "NAME=VALUE",
            description = "Any other setting of 'mambabyte run'.")
    private Map<String, String> overrides = Map.of();

    @Mixin private BenchReport report = new BenchReport();

    /** What became of the lines of a key. */
    private static final class Judged {
        private long lines;
        private long judged;
        private long anomalous;
        private long alerts;
        private long incidents;
        private long firstJudgedMs = Long.MAX_VALUE;
        private long lastMs;

        double hours() {
            return judged == 0 ? 0 : (lastMs - firstJudgedMs) / HOUR_MS;
        }
    }

    @Override
    public Integer call() throws Exception {
        if (rates) {
            return rates();
        }
        Path folder = LocalPipeline.temporaryFolder();
        try {
            return bench(folder);
        } finally {
            EmbeddedBroker.deleteRecursively(folder);
        }
    }

    private int rates() throws IOException, InterruptedException {
        if (logs.isEmpty()) {
            throw new CommandLine.ParameterException(spec.commandLine(), "--rates needs a log");
        }
        Map<String, String> settings = new HashMap<>();
        settings.put(MambaByteConfig.MODEL_CONFIG, model);
        settings.putAll(overrides);
        MambaByteConfig config = new MambaByteConfig(settings);
        AlertRates alertRates =
                new AlertRates(
                        config.loadModel(),
                        config.anomalies().learningLines(),
                        config.anomalies().generationLines());
        ObjectNode figures = new ObjectMapper().createObjectNode();
        figures.put("model", model);
        ArrayNode counts = figures.putArray("rates");
        PrintWriter out = spec.commandLine().getOut();
        if (!report.json()) {
            out.printf(Locale.ROOT, "model %s, alerts / expected%n%n", model);
            out.printf(Locale.ROOT, "%-40s %-17s %9s", "log", "shift", "judged");
            AlertRates.PER_MILLION.forEach(
                    rate -> out.printf(Locale.ROOT, " %18s", "%,.0f a million".formatted(rate)));
            out.println();
        }
        for (String log : logs) {
            List<byte[]> lines = new ArrayList<>();
            for (String part : log.split("\\+", -1)) {
                texts(Path.of(part))
                        .forEach(text -> lines.add(text.getBytes(StandardCharsets.ISO_8859_1)));
            }
            Progress progress =
                    new Progress(
                            Terminal.system().err(),
                            Terminal.system().errIsTerminal(),
                            lines.size(),
                            System::nanoTime);
            List<AlertRates.Count> found =
                    alertRates.of(lines, Runtime.getRuntime().availableProcessors(), progress::at);
            progress.clear();
            for (AlertRates.Count count : found) {
                counts.addObject()
                        .put("log", name(log))
                        .put("shift", count.shift().label())
                        .put("alerts_per_million", count.perMillion())
                        .put("judged", count.judged())
                        .put("expected_alerts", rounded(count.expected()))
                        .put("anomalous_lines", count.anomalous())
                        .put("alerts", count.alerts())
                        .put("alerts_over_expected", rounded(count.ratio()));
            }
            if (!report.json()) {
                print(name(log), found);
            }
        }
        if (report.json()) {
            out.println(figures);
        }
        out.flush();
        return CommandLine.ExitCode.OK;
    }

    // A row a shift: its counts follow each other, one a rate.
    private void print(String log, List<AlertRates.Count> counts) {
        PrintWriter out = spec.commandLine().getOut();
        for (int i = 0; i < counts.size(); i++) {
            AlertRates.Count count = counts.get(i);
            if (i % AlertRates.PER_MILLION.size() == 0) {
                out.printf(
                        Locale.ROOT, "%-40s %-17s %9d", log, count.shift().label(), count.judged());
            }
            out.printf(
                    Locale.ROOT,
                    " %18s",
                    "%d / %.1f %s"
                            .formatted(
                                    count.alerts(),
                                    count.expected(),
                                    count.expected() < TELLS
                                            ? "     "
                                            : "%5.2f".formatted(count.ratio())));
            if ((i + 1) % AlertRates.PER_MILLION.size() == 0) {
                out.println();
            }
        }
        out.flush();
    }

    // One character a byte: whatever the log is written in.
    private static List<String> texts(Path log) throws IOException {
        List<String> texts = new ArrayList<>();
        if (log.toString().endsWith(".jsonl")) {
            ObjectMapper json = new ObjectMapper();
            for (String row : Files.readAllLines(log, StandardCharsets.UTF_8)) {
                if (json.readTree(row).path("label").asInt() == 0) {
                    json.readTree(row)
                            .path("lines")
                            .forEach(
                                    line ->
                                            texts.add(
                                                    new String(
                                                            line.asText()
                                                                    .getBytes(
                                                                            StandardCharsets.UTF_8),
                                                            StandardCharsets.ISO_8859_1)));
                }
            }
        } else {
            texts.addAll(
                    List.of(Files.readString(log, StandardCharsets.ISO_8859_1).split("\n", -1)));
        }
        texts.removeIf(String::isEmpty);
        return texts;
    }

    private int bench(Path folder) throws IOException, InterruptedException {
        Logging.toFile(folder.resolve("bench.log"));
        DemoRecording recording = DemoRecording.load();
        Map<String, List<Line>> byKey = lines(recording);
        if (byKey.isEmpty()) {
            throw new CommandLine.ParameterException(
                    spec.commandLine(), "--no-recording needs a log");
        }
        Map<String, String> settings = new HashMap<>();
        settings.put(MambaByteConfig.MODEL_CONFIG, model);
        settings.put(AnomalyConfig.TOPIC_CONFIG, "anomalies");
        settings.put(AnomalyConfig.PER_MILLION_CONFIG, Double.toString(perMillion));
        settings.put(
                StreamsConfig.NUM_STREAM_THREADS_CONFIG,
                Integer.toString(
                        Math.min(byKey.size(), Runtime.getRuntime().availableProcessors())));
        settings.putAll(overrides);
        MambaByteConfig config = new MambaByteConfig(settings);
        MambaModel loaded = config.loadModel();
        try (LocalPipeline pipeline = LocalPipeline.start(folder, loaded, settings, byKey.size())) {
            Thread hook = new Thread(pipeline::close, "mambabyte-bench-shutdown");
            Runtime.getRuntime().addShutdownHook(hook);
            Map<String, Judged> judged = run(pipeline, byKey, config);
            IncidentLog incidents = new IncidentLog();
            try (KafkaConsumer<byte[], Incident> consumer =
                    pipeline.consumer(config.anomalies().incidentsTopic(), Incident.class)) {
                incidents.read(consumer);
            }
            ObjectNode figures = figures(recording, judged, incidents, config);
            figures.put(
                    "calibration_over_scoring",
                    rounded(pipeline.anomalyTotals().nanos() / (double) pipeline.totals().nanos()));
            print(figures);
            Runtime.getRuntime().removeShutdownHook(hook);
        }
        return CommandLine.ExitCode.OK;
    }

    private Map<String, List<Line>> lines(DemoRecording recording) throws IOException {
        Map<String, List<Line>> byKey = new LinkedHashMap<>();
        if (!noRecording) {
            for (Line line : recording.lines()) {
                byKey.computeIfAbsent(line.key(), _ -> new ArrayList<>()).add(line);
            }
        }
        for (String log : logs) {
            List<Line> lines = new ArrayList<>();
            for (String part : log.split("\\+", -1)) {
                boolean timed = false;
                for (String text : texts(Path.of(part))) {
                    Optional<Long> time = DemoRecording.timeOf(text);
                    timed |= time.isPresent();
                    long before = lines.isEmpty() ? 0 : lines.getLast().timeMs();
                    lines.add(new Line(log, text, time.orElse(timed ? before : before + LINE_MS)));
                }
            }
            byKey.put(log, lines);
        }
        return byKey;
    }

    private Map<String, Judged> run(
            LocalPipeline pipeline, Map<String, List<Line>> byKey, MambaByteConfig config)
            throws IOException {
        Map<String, Judged> judged = new LinkedHashMap<>();
        long count = 0;
        try (RawProducer producer = pipeline.producer()) {
            int partition = 0;
            for (Map.Entry<String, List<Line>> key : byKey.entrySet()) {
                judged.put(key.getKey(), new Judged());
                boolean recorded = !logs.contains(key.getKey());
                for (Line line : key.getValue()) {
                    producer.send(
                            new ProducerRecord<>(
                                    LocalPipeline.INPUT,
                                    partition,
                                    line.timeMs(),
                                    key.getKey().getBytes(StandardCharsets.UTF_8),
                                    recorded
                                            ? line.bytes()
                                            : line.text().getBytes(StandardCharsets.ISO_8859_1)));
                    count++;
                }
                partition++;
            }
            producer.flush();
        }
        pipeline.startTopology();
        Progress progress =
                new Progress(
                        Terminal.system().err(),
                        Terminal.system().errIsTerminal(),
                        count,
                        System::nanoTime);
        try (KafkaConsumer<byte[], Likelihood> consumer = pipeline.consumer()) {
            for (long received = 0; received < count; ) {
                for (ConsumerRecord<byte[], Likelihood> record : consumer.poll(POLL)) {
                    count(judged, record, config);
                    received++;
                }
                progress.at(received);
                if (!pipeline.alive()) {
                    throw new IOException("the topology stopped");
                }
            }
        }
        progress.clear();
        try (KafkaConsumer<byte[], Anomaly> consumer =
                pipeline.consumer(config.anomalies().topic(), Anomaly.class)) {
            for (int polled = 1; polled > 0; ) {
                polled = 0;
                for (ConsumerRecord<byte[], Anomaly> record :
                        consumer.poll(Duration.ofSeconds(1))) {
                    of(judged, record.key()).alerts++;
                    polled++;
                }
            }
        }
        return judged;
    }

    private static Judged of(Map<String, Judged> judged, byte[] key) {
        return judged.computeIfAbsent(new String(key, StandardCharsets.UTF_8), _ -> new Judged());
    }

    private static void count(
            Map<String, Judged> judged,
            ConsumerRecord<byte[], Likelihood> record,
            MambaByteConfig config) {
        Judged key = of(judged, record.key());
        key.lines++;
        Double pValue = record.value().getPValue();
        if (pValue != null) {
            key.judged++;
            key.firstJudgedMs = Math.min(key.firstJudgedMs, record.timestamp());
            key.lastMs = Math.max(key.lastMs, record.timestamp());
            if (pValue < config.anomalies().alertsPerLine()) {
                key.anomalous++;
            }
        }
    }

    private ObjectNode figures(
            DemoRecording recording,
            Map<String, Judged> judged,
            IncidentLog incidents,
            MambaByteConfig config) {
        ObjectNode figures = new ObjectMapper().createObjectNode();
        figures.put("model", model);
        figures.put("context", config.context().setting());
        figures.put("alerts_per_million", perMillion);
        if (!noRecording) {
            faults(figures, recording, judged, incidents);
        }
        ArrayNode ofLogs = figures.putArray("incidents_of_logs");
        for (IncidentLog.Entry incident : incidents.entries()) {
            of(judged, bytes(incident.last())).incidents++;
            if (logs.contains(new String(bytes(incident.last()), StandardCharsets.UTF_8))) {
                describe(ofLogs, incident);
            }
        }
        ArrayNode keys = figures.putArray("keys");
        for (Map.Entry<String, Judged> entry : judged.entrySet()) {
            Judged key = entry.getValue();
            double expected = key.judged * config.anomalies().alertsPerLine();
            keys.addObject()
                    .put("key", name(entry.getKey()))
                    .put("lines", key.lines)
                    .put("judged", key.judged)
                    .put("expected_alerts", rounded(expected))
                    .put("anomalous_lines", key.anomalous)
                    .put("alerts", key.alerts)
                    .put("alerts_over_expected", rounded(key.alerts / expected))
                    .put("hours", rounded(key.hours()))
                    .put("incidents", key.incidents);
        }
        return figures;
    }

    // Of a log, its file: where it lies is nobody's business.
    private static String name(String key) {
        return Arrays.stream(key.split("\\+", -1))
                .map(part -> String.valueOf(Path.of(part).getFileName()))
                .reduce((a, b) -> a + "+" + b)
                .orElse(key);
    }

    private static byte[] bytes(Incident incident) {
        byte[] key = new byte[incident.getKey().remaining()];
        incident.getKey().duplicate().get(key);
        return key;
    }

    private void faults(
            ObjectNode figures,
            DemoRecording recording,
            Map<String, Judged> judged,
            IncidentLog incidents) {
        List<String> brokers = recording.keys();
        List<IncidentLog.Entry> recorded =
                incidents.entries().stream()
                        .filter(
                                entry ->
                                        brokers.contains(
                                                new String(
                                                        bytes(entry.last()),
                                                        StandardCharsets.UTF_8)))
                        .toList();
        ArrayNode faults = figures.putArray("faults");
        int seen = 0;
        double inFaultsMs = 0;
        for (Fault fault : recording.faults()) {
            List<IncidentLog.Entry> within =
                    recorded.stream().filter(entry -> fault.contains(entry.openedMs())).toList();
            ObjectNode one = faults.addObject();
            one.put("id", fault.id());
            one.put("seen", !within.isEmpty());
            one.put("incidents", within.size());
            if (!within.isEmpty()) {
                seen++;
                one.put(
                        "seconds_to_first",
                        rounded(
                                (within.getFirst().openedMs() - fault.start().toEpochMilli())
                                        / 1000.0));
            }
            inFaultsMs += fault.end().toEpochMilli() - fault.start().toEpochMilli();
        }
        figures.put("faults_seen", seen);
        long begin =
                brokers.stream()
                        .map(judged::get)
                        .mapToLong(key -> key == null ? Long.MAX_VALUE : key.firstJudgedMs)
                        .max()
                        .orElseThrow();
        double normalHours = (recording.lines().getLast().timeMs() - begin - inFaultsMs) / HOUR_MS;
        List<IncidentLog.Entry> outside =
                recorded.stream()
                        .filter(entry -> recording.faultAt(entry.openedMs()).isEmpty())
                        .toList();
        figures.put("normal_minutes", rounded(60 * normalHours));
        figures.put("incidents_without_fault", outside.size());
        figures.put("incidents_without_fault_per_hour", rounded(outside.size() / normalHours));
        if (outside.isEmpty()) {
            figures.put("at_most_per_hour_95", rounded(NONE_SEEN_95 / normalHours));
        }
        ArrayNode without = figures.putArray("without_fault");
        outside.forEach(entry -> describe(without, entry));
    }

    private static void describe(ArrayNode incidents, IncidentLog.Entry entry) {
        incidents
                .addObject()
                .put("opened", java.time.Instant.ofEpochMilli(entry.openedMs()).toString())
                .put("key", name(new String(bytes(entry.last()), StandardCharsets.UTF_8)))
                .put("kind", entry.last().getKind())
                .put("lines", entry.last().getLines())
                .put(
                        "peak",
                        StandardCharsets.UTF_8
                                .decode(entry.last().getPeakText().duplicate())
                                .toString());
    }

    private void print(JsonNode incidents) {
        incidents.forEach(
                incident ->
                        spec.commandLine()
                                .getOut()
                                .printf(
                                        Locale.ROOT,
                                        "  %s %s, %d lines: %s%n",
                                        incident.get("opened").asText(),
                                        incident.get("key").asText(),
                                        incident.get("lines").asInt(),
                                        incident.get("peak").asText()));
    }

    private static double rounded(double value) {
        return Double.isFinite(value) ? Math.round(value * 1000) / 1000.0 : 0;
    }

    private void print(ObjectNode figures) {
        PrintWriter out = spec.commandLine().getOut();
        if (report.json()) {
            out.println(figures);
            out.flush();
            return;
        }
        out.printf(
                Locale.ROOT,
                "model %s, context %s, %.0f alerts expected per million normal lines%n",
                model,
                figures.get("context").asText(),
                perMillion);
        if (!noRecording) {
            out.printf(
                    Locale.ROOT, "%n%-18s %-5s %12s %10s%n", "fault", "seen", "after", "incidents");
            figures.get("faults")
                    .forEach(
                            fault ->
                                    out.printf(
                                            Locale.ROOT,
                                            "%-18s %-5s %12s %10d%n",
                                            fault.get("id").asText(),
                                            fault.get("seen").asBoolean() ? "yes" : "no",
                                            fault.has("seconds_to_first")
                                                    ? String.format(
                                                            Locale.ROOT,
                                                            "%.1f s",
                                                            fault.get("seconds_to_first")
                                                                    .asDouble())
                                                    : "",
                                            fault.get("incidents").asInt()));
            out.printf(
                    Locale.ROOT,
                    "%nincidents without a fault: %d in %.1f minutes of normal running%n",
                    figures.get("incidents_without_fault").asInt(),
                    figures.get("normal_minutes").asDouble());
            print(figures.get("without_fault"));
        }
        out.printf(
                Locale.ROOT,
                "%n%-44s %8s %9s %9s %8s %7s %7s %9s%n",
                "key",
                "judged",
                "expected",
                "anomalous",
                "alerts",
                "ratio",
                "hours",
                "incidents");
        figures.get("keys")
                .forEach(
                        key ->
                                out.printf(
                                        Locale.ROOT,
                                        "%-44s %8d %9.1f %9d %8d %7.2f %7.2f %9d%n",
                                        key.get("key").asText(),
                                        key.get("judged").asInt(),
                                        key.get("expected_alerts").asDouble(),
                                        key.get("anomalous_lines").asInt(),
                                        key.get("alerts").asInt(),
                                        key.get("alerts_over_expected").asDouble(),
                                        key.get("hours").asDouble(),
                                        key.get("incidents").asInt()));
        print(figures.get("incidents_of_logs"));
        out.printf(
                Locale.ROOT,
                "%ncalibration took %.1f%% of the time of scoring%n",
                100 * figures.get("calibration_over_scoring").asDouble());
        out.flush();
    }
}
