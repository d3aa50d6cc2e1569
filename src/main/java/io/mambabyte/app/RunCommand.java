package io.mambabyte.app;

import io.mambabyte.app.ui.IncidentTopics;
import io.mambabyte.app.ui.LineFeed;
import io.mambabyte.app.ui.PageServer;
import io.mambabyte.app.ui.PageSources;
import io.mambabyte.avro.Likelihood;
import io.mambabyte.model.MambaModel;
import io.mambabyte.streams.AlertSerde;
import io.mambabyte.streams.AnomalyConfig;
import io.mambabyte.streams.AnomalyTotals;
import io.mambabyte.streams.LikelihoodProcessorSupplier;
import io.mambabyte.streams.LikelihoodSerde;
import io.mambabyte.streams.LikelihoodTopology;
import io.mambabyte.streams.MambaByteConfig;
import io.mambabyte.streams.ScoringListener;
import io.mambabyte.streams.ScoringTotals;
import io.mambabyte.streams.registry.ConfluentAvroConfig;
import io.mambabyte.streams.registry.SchemaRegistryException;

import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** {@code mambabyte run}: scores topics of somebody's cluster until it is told to stop. */
@Command(
        name = "run",
        description = {
            "Reads raw records, keeps one state per key, writes how likely each record was.",
            ""
        },
        mixinStandardHelpOptions = true,
        sortOptions = false,
        footer = {
            "",
            "Settings come from the file, the environment, -D and the options above, the later"
                    + " winning; Kafka's own names (bootstrap.servers, security.protocol,"
                    + " num.stream.threads, processing.guarantee, consumer. and producer. prefixes"
                    + " ...) are passed through. In the environment mambabyte.input.topics is"
                    + " MAMBABYTE_INPUT_TOPICS and bootstrap.servers KAFKA_BOOTSTRAP_SERVERS. The"
                    + " settings in force are printed at the start, secrets hidden.",
            "",
            "Ctrl-C or SIGTERM finishes the record in hand, commits, leaves the group and exits.",
            "",
            "Exit codes: 0 ended, 1 failed while running, 2 a setting is missing or wrong,"
                    + " 130 or 143 stopped by a signal.",
            "",
            "Example:",
            "  mambabyte run --bootstrap-server localhost:9092 --schema-registry"
                    + " http://localhost:8081 \\",
            "      --input logs --output likelihoods --create-topics"
        })
final class RunCommand implements Callable<Integer> {
    // Kubernetes gives 30 s between SIGTERM and SIGKILL.
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(25);
    private static final int THREAD_REPLACEMENTS_MAX = 5;
    private static final Duration THREAD_REPLACEMENTS_PERIOD = Duration.ofMinutes(10);
    private static final Duration WAIT_PAUSE = Duration.ofSeconds(1);
    private static final String DEFAULT_ANOMALIES_TOPIC = "anomalies";
    private static final Duration PROGRESS_INTERVAL = Duration.ofSeconds(5);

    @Spec private CommandSpec spec = CommandSpec.create();

    @Option(names = "--config", paramLabel = "FILE", description = "Properties file.")
    private @Nullable Path config;

    @Option(
            names = "--bootstrap-server",
            paramLabel = "HOST:PORT",
            description = "The cluster; bootstrap.servers.")
    private @Nullable String bootstrapServer;

    @Option(
            names = "--schema-registry",
            paramLabel = "URL",
            description = "The Schema Registry; schema.registry.url.")
    private @Nullable String schemaRegistry;

    @Option(
            names = "--input",
            split = ",",
            paramLabel = "TOPIC",
            description = "Topics of raw records; mambabyte.input.topics.")
    private @Nullable List<String> input;

    @Option(
            names = "--output",
            paramLabel = "TOPIC",
            description = "Topic of likelihoods; mambabyte.output.topic.")
    private @Nullable String output;

    @Option(
            names = "--model",
            paramLabel = "NAME|DIR",
            description = "A shipped model or a folder; mambabyte.model.")
    private @Nullable String model;

    @Option(
            names = "--alerts-per-million",
            paramLabel = "N",
            description =
                    "Look for anomalies, and expect so many alerts in a million normal lines;"
                            + " mambabyte.anomalies.per.million, and mambabyte.anomalies.topic="
                            + DEFAULT_ANOMALIES_TOPIC
                            + " where no topic is set. Incidents go to mambabyte.incidents.topic.")
    private @Nullable Double alertsPerMillion;

    @Option(
            names = "-D",
            paramLabel = "NAME=VALUE",
            description = "Any setting, over those of the file and the environment.")
    private Map<String, String> overrides = Map.of();

    @Option(
            names = "--create-topics",
            description = "Create topics that are missing, the dead letter topic too.")
    private boolean createTopics;

    @Option(
            names = "--partitions",
            paramLabel = "N",
            description = "Partitions of an input topic that is created (the broker's default).")
    private @Nullable Integer partitions;

    @Option(
            names = "--metrics",
            paramLabel = "[HOST:]PORT",
            description =
                    "Answer /metrics (Prometheus), /health/live and /health/ready over HTTP there;"
                            + " on the loopback address unless a host is given.")
    private @Nullable String metrics;

    @Option(
            names = "--ui",
            paramLabel = "[HOST:]PORT",
            description =
                    "Serve the page that shows what the model sees; on the loopback address unless a"
                            + " host is given, and then for those who know the secret in"
                            + " MAMBABYTE_UI_TOKEN or in the file MAMBABYTE_UI_TOKEN_FILE.")
    private @Nullable String ui;

    @Option(
            names = {"--print-config", "--show-config"},
            description = "Print the settings in force and where each is from, and exit.")
    private boolean printConfig;

    @Option(
            names = "--allow-unknown",
            description = "Pass settings on that nothing here knows, for a plug-in.")
    private boolean allowUnknown;

    @Option(
            names = "--wait",
            paramLabel = "SECONDS",
            description =
                    "How long to wait at the start until cluster and registry answer (0): where all"
                            + " are started together.")
    private int waitSeconds;

    @Option(
            names = "--log-format",
            defaultValue = "${env:MAMBABYTE_LOG_FORMAT:-text}",
            paramLabel = "text|json",
            description =
                    "What goes to standard error: lines for people, or JSON in the Elastic Common"
                            + " Schema (also MAMBABYTE_LOG_FORMAT). Default: text.")
    private Logging.Format logFormat = Logging.Format.TEXT;

    @Override
    public Integer call() throws Exception {
        Logging.toConsole(logFormat);
        // The first logger, so only now.
        PrintWriter err =
                logFormat == Logging.Format.JSON
                        ? new PrintWriter(
                                new LoggedLines(LoggerFactory.getLogger(RunCommand.class)))
                        : spec.commandLine().getErr();
        try {
            return run(err);
        } catch (ConfigException | SchemaRegistryException e) {
            err.println("mambabyte run: " + e.getMessage());
            err.flush();
            return CommandLine.ExitCode.USAGE;
        }
    }

    private int run(PrintWriter err) throws IOException, InterruptedException {
        RunSettings settings = settings();
        List<String> unknown = settings.validate(allowUnknown);
        MambaByteConfig component = settings.component();
        if (printConfig) {
            PrintWriter out = spec.commandLine().getOut();
            settings.printable().forEach(out::println);
            out.flush();
            unknown.forEach(line -> err.println("warning: " + line));
            err.flush();
            return CommandLine.ExitCode.OK;
        }
        PageAddress page = pageAddress();
        LineFeed feed = page == null ? null : new LineFeed();
        MambaModel loaded = component.loadModel();
        TopicCheck topics = new TopicCheck(settings);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(waitSeconds);
        long inputMaxBytes =
                patiently(
                        () -> topics.check(createTopics, Optional.ofNullable(partitions)),
                        deadline,
                        err);
        settings.addSizes(
                new LikelihoodProcessorSupplier<byte[]>(component, loaded, Function.identity()),
                inputMaxBytes);
        settings.printable().forEach(err::println);
        unknown.forEach(line -> err.println("warning: " + line));
        topics.advice().forEach(line -> err.println("note: " + line));
        err.flush();
        Serde<Likelihood> serde = component.outputSerde();
        if (serde instanceof LikelihoodSerde own) {
            patiently(() -> own.register(component.outputTopic()), deadline, err);
        }
        if (component.anomalies().enabled()) {
            AlertSerde alerts = new AlertSerde(serde, component);
            patiently(
                    () -> {
                        alerts.register(component.anomalies());
                        return alerts;
                    },
                    deadline,
                    err);
        }
        StreamsConfig streamsConfig = new StreamsConfig(settings.properties());
        KafkaStreams streams =
                new KafkaStreams(
                        LikelihoodTopology.build(
                                component,
                                streamsConfig,
                                loaded,
                                serde,
                                feed == null ? ScoringListener.NONE : feed),
                        streamsConfig);
        try (MetricsServer server = metricsServer(streams);
                PageServer pageServer =
                        page == null || feed == null
                                ? null
                                : pageServer(
                                        page, feed, streams, streamsConfig, component, loaded)) {
            if (server != null) {
                err.println("note: metrics at " + server.url());
            }
            if (pageServer != null) {
                err.println("note: the page is at " + pageServer.address());
            }
            err.flush();
            return run(streams, err);
        }
    }

    /** Something that needs the cluster or the registry. */
    private interface Asked<T> {
        T ask() throws InterruptedException;
    }

    private static <T> T patiently(Asked<T> asked, long deadline, PrintWriter err)
            throws InterruptedException {
        boolean said = false;
        while (true) {
            try {
                return asked.ask();
            } catch (NoAnswerException | SchemaRegistryException e) {
                boolean temporary =
                        !(e instanceof SchemaRegistryException refusal) || refusal.isTemporary();
                if (!temporary || System.nanoTime() >= deadline) {
                    throw e;
                }
                if (!said) {
                    err.println("note: waiting: " + e.getMessage());
                    err.flush();
                    said = true;
                }
                Thread.sleep(WAIT_PAUSE);
            }
        }
    }

    private @Nullable PageAddress pageAddress() throws IOException {
        if (ui == null) {
            return null;
        }
        try {
            return PageAddress.of(ui, System.getenv());
        } catch (IllegalArgumentException e) {
            throw new ConfigException("--ui " + ui + ": " + e.getMessage());
        }
    }

    private PageServer pageServer(
            PageAddress page,
            LineFeed feed,
            KafkaStreams streams,
            StreamsConfig streamsConfig,
            MambaByteConfig component,
            MambaModel loaded) {
        try {
            return page.start(
                    new PageSources(
                            feed,
                            () -> streams,
                            component,
                            component.model(),
                            loaded,
                            IncidentTopics.of(component, streamsConfig)));
        } catch (IOException e) {
            streams.close();
            throw new ConfigException("--ui " + ui + ": " + e.getMessage());
        }
    }

    private @Nullable MetricsServer metricsServer(KafkaStreams streams) {
        if (metrics == null) {
            return null;
        }
        try {
            return MetricsServer.start(MetricsServer.address(metrics), streams);
        } catch (IllegalArgumentException | IOException e) {
            streams.close();
            throw new ConfigException("--metrics " + metrics + ": " + e.getMessage());
        }
    }

    private int run(KafkaStreams streams, PrintWriter err) throws InterruptedException {
        streams.setUncaughtExceptionHandler(
                new ReplaceThreadHandler(
                        THREAD_REPLACEMENTS_MAX,
                        THREAD_REPLACEMENTS_PERIOD,
                        InstantSource.system()));
        CountDownLatch ended = new CountDownLatch(1);
        streams.setStateListener(
                (now, _) -> {
                    if (now == KafkaStreams.State.NOT_RUNNING || now == KafkaStreams.State.ERROR) {
                        ended.countDown();
                    }
                });
        Runtime.getRuntime()
                .addShutdownHook(new Thread(() -> close(streams, err), "mambabyte-shutdown"));
        try {
            streams.start();
        } catch (KafkaException e) {
            // A configuration that only the start finds wrong, such as a state store's folder.
            throw new ConfigException(String.valueOf(e.getMessage()));
        }
        boolean terminal = logFormat == Logging.Format.TEXT && Terminal.system().errIsTerminal();
        ScoringTotals before = ScoringTotals.of(streams.metrics());
        while (!ended.await(PROGRESS_INTERVAL.toSeconds(), TimeUnit.SECONDS)) {
            ScoringTotals now = ScoringTotals.of(streams.metrics());
            if (terminal) {
                err.println(
                        progress(streams.state(), before, now)
                                + anomalies(AnomalyTotals.of(streams.metrics())));
                err.flush();
            }
            before = now;
        }
        // ERROR: every thread is gone. NOT_RUNNING: closed, by the hook or by the handler.
        return streams.state() == KafkaStreams.State.NOT_RUNNING
                ? CommandLine.ExitCode.OK
                : CommandLine.ExitCode.SOFTWARE;
    }

    private static String progress(
            KafkaStreams.State state, ScoringTotals before, ScoringTotals now) {
        double seconds = PROGRESS_INTERVAL.toSeconds();
        long bytes = now.bytes() - before.bytes();
        return String.format(
                Locale.ROOT,
                "%-11s %,12d records  %,8.0f records/s  %,9.0f bytes/s  %.3f bits/byte",
                state,
                now.records(),
                Math.max(0, now.records() - before.records()) / seconds,
                Math.max(0, bytes) / seconds,
                bytes <= 0 ? 0.0 : (now.bits() - before.bits()) / bytes);
    }

    private static String anomalies(AnomalyTotals found) {
        return found.nanos() == 0
                ? ""
                : String.format(
                        Locale.ROOT,
                        "  %,d anomalies  %,d incidents, %,d open  %,d keys learning",
                        found.anomalies(),
                        found.incidents(),
                        found.openIncidents(),
                        found.learningKeys());
    }

    private static void close(KafkaStreams streams, PrintWriter err) {
        boolean closed =
                streams.close(
                        CloseOptions.timeout(CLOSE_TIMEOUT)
                                .withGroupMembershipOperation(
                                        CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
        err.println(
                closed
                        ? "mambabyte: stopped"
                        : "mambabyte: still busy after "
                                + CLOSE_TIMEOUT.toSeconds()
                                + " s; what was not committed is scored again after the restart");
        err.flush();
    }

    private RunSettings settings() throws IOException {
        RunSettings settings = new RunSettings();
        if (config != null) {
            try {
                settings.addFile(config);
            } catch (NoSuchFileException e) {
                throw new ConfigException("No file " + config);
            }
        }
        settings.addEnvironment(System.getenv());
        overrides.forEach(settings::put);
        put(settings, StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServer);
        put(settings, ConfluentAvroConfig.SCHEMA_REGISTRY_URL_CONFIG, schemaRegistry);
        put(
                settings,
                MambaByteConfig.INPUT_TOPICS_CONFIG,
                input == null ? null : String.join(",", input));
        put(settings, MambaByteConfig.OUTPUT_TOPIC_CONFIG, output);
        put(settings, MambaByteConfig.MODEL_CONFIG, model);
        if (alertsPerMillion != null) {
            settings.put(AnomalyConfig.PER_MILLION_CONFIG, alertsPerMillion.toString());
            if (settings.get(AnomalyConfig.TOPIC_CONFIG).isEmpty()) {
                settings.put(AnomalyConfig.TOPIC_CONFIG, DEFAULT_ANOMALIES_TOPIC);
            }
        }
        settings.addDefaults();
        return settings;
    }

    private static void put(RunSettings settings, String name, @Nullable String value) {
        if (value != null) {
            settings.put(name, value);
        }
    }
}
