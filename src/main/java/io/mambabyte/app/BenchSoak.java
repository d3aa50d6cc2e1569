package io.mambabyte.app;

import io.mambabyte.avro.Likelihood;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.streams.MambaByteConfig;

import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.streams.StreamsConfig;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;

/** {@code bench soak}: does it stay as it is under load, and how late are likelihoods? */
@Command(
        name = "soak",
        description = {
            "Runs the topology, exactly_once_v2, on a real broker in this process at a part of the"
                    + " load that it can bear, for a long time: latency from the broker's append of"
                    + " a record to its likelihood, read committed, and what the process holds of"
                    + " heap, of RocksDB's native memory and of file handles, per window of time.",
            "",
            "First it measures what the topology can bear. Exits with 1 if a record stays without"
                    + " its likelihood.",
            ""
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class BenchSoak implements Callable<Integer> {
    private static final Duration POLL = Duration.ofMillis(5);
    private static final int PARTITIONS = 4;
    private static final double CALIBRATION_WARM_UP_S = 20;
    private static final double CALIBRATION_S = 20;
    // As many records are on their way while it is measured what can be borne: always enough.
    private static final int CALIBRATION_AHEAD = 1_000;
    // Longer than anything but a topology that stopped.
    private static final double DRAIN_S = 120;
    private static final double SAMPLE_EVERY_S = 1;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--model",
            paramLabel = "DIR|NAME",
            description = "A model folder or the name of a shipped model (${DEFAULT-VALUE}).")
    private String model = ModelSource.DEFAULT;

    @Option(
            names = "--minutes",
            paramLabel = "M",
            description = "How long, after the load was found (${DEFAULT-VALUE}).")
    private double minutes = 120;

    @Option(
            names = "--load",
            paramLabel = "X",
            description = "Part of what the topology can bear (${DEFAULT-VALUE}).")
    private double load = 0.7;

    @Option(names = "--keys", paramLabel = "N", description = "Keys (${DEFAULT-VALUE}).")
    private int keys = 1_000;

    @Option(
            names = "--windows",
            paramLabel = "N",
            description = "Windows of time that are reported (${DEFAULT-VALUE}).")
    private int windows = 12;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Stream threads (${DEFAULT-VALUE}).")
    private int threads = 1;

    @Mixin private BenchReport report = new BenchReport();

    @Override
    public Integer call() throws Exception {
        if (keys < 1 || windows < 1 || threads < 1 || !(minutes > 0)) {
            throw new ParameterException(
                    spec.commandLine(), "minutes, keys, windows and threads must be positive");
        }
        if (!(load > 0 && load <= 1)) {
            throw new ParameterException(spec.commandLine(), "the load is between 0 and 1");
        }
        Path folder = LocalPipeline.temporaryFolder();
        try {
            return bench(folder);
        } finally {
            EmbeddedBroker.deleteRecursively(folder);
        }
    }

    private int bench(Path folder) throws IOException, InterruptedException, ExecutionException {
        Logging.toFile(folder.resolve("bench.log"));
        Map<String, String> settings = new HashMap<>();
        settings.put(MambaByteConfig.MODEL_CONFIG, model);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, Integer.toString(threads));
        MambaModel loaded = new MambaByteConfig(settings).loadModel();
        try (LocalPipeline pipeline = LocalPipeline.start(folder, loaded, settings, PARTITIONS);
                RawProducer producer = pipeline.producer();
                KafkaConsumer<byte[], Likelihood> consumer = pipeline.consumer()) {
            Thread hook = new Thread(pipeline::close, "mambabyte-bench-shutdown");
            Runtime.getRuntime().addShutdownHook(hook);
            stampOnAppend(pipeline.bootstrapServers());
            pipeline.startTopology();
            Run run = new Run(pipeline, producer, consumer);
            double borne = run.calibrate();
            say("it bears %,.0f records a second, %,.0f are sent".formatted(borne, load * borne));
            run.drain();
            List<Window> reported = run.soak(load * borne);
            boolean complete = run.drain();
            Runtime.getRuntime().removeShutdownHook(hook);
            report.print(spec.commandLine().getOut(), result(borne, run, reported));
            return complete ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
        }
    }

    // A likelihood has its record's timestamp: with the broker's of the append, the latency is not
    // the sending's.
    private static void stampOnAppend(String bootstrapServers)
            throws ExecutionException, InterruptedException {
        try (Admin admin =
                Admin.create(
                        Map.of(
                                CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG,
                                (Object) bootstrapServers))) {
            ConfigResource topic =
                    new ConfigResource(ConfigResource.Type.TOPIC, LocalPipeline.INPUT);
            AlterConfigOp append =
                    new AlterConfigOp(
                            new ConfigEntry(
                                    TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG, "LogAppendTime"),
                            AlterConfigOp.OpType.SET);
            admin.incrementalAlterConfigs(Map.of(topic, List.of(append))).all().get();
        }
    }

    /** What was seen in a window of time. */
    private record Window(
            double endSeconds,
            long records,
            long p50Ms,
            long p99Ms,
            long p999Ms,
            long maxMs,
            ProcessFootprint footprint) {}

    /** Sends and receives. */
    private final class Run {
        private final LocalPipeline pipeline;
        private final RawProducer producer;
        private final KafkaConsumer<byte[], Likelihood> consumer;
        private final List<DemoRecording.Line> lines = DemoRecording.load().lines();
        private final Random random = new Random(1);
        private final Latencies window = new Latencies();
        private final Latencies all = new Latencies();
        private long sent;
        private long received;

        Run(
                LocalPipeline pipeline,
                RawProducer producer,
                KafkaConsumer<byte[], Likelihood> consumer)
                throws IOException {
            this.pipeline = pipeline;
            this.producer = producer;
            this.consumer = consumer;
        }

        /** Records a second that the topology scores when there is always one to score. */
        double calibrate() throws IOException {
            say("finding the load, " + (int) (CALIBRATION_WARM_UP_S + CALIBRATION_S) + " s");
            keepAhead(CALIBRATION_WARM_UP_S);
            long before = received;
            long start = System.nanoTime();
            keepAhead(CALIBRATION_S);
            return (received - before) / secondsSince(start);
        }

        private void keepAhead(double seconds) throws IOException {
            long start = System.nanoTime();
            while (secondsSince(start) < seconds) {
                while (sent - received < CALIBRATION_AHEAD) {
                    send();
                }
                receive();
            }
        }

        /** Waits for what is on its way; whether all of it came. */
        boolean drain() throws IOException {
            producer.flush();
            long start = System.nanoTime();
            while (received < sent && secondsSince(start) < DRAIN_S) {
                receive();
            }
            return received == sent;
        }

        List<Window> soak(double recordsPerSecond) throws IOException {
            List<Window> done = new ArrayList<>();
            window.clear();
            all.clear();
            long first = sent;
            long start = System.nanoTime();
            double windowSeconds = 60 * minutes / windows;
            for (int i = 1; i <= windows; i++) {
                ProcessFootprint footprint = ProcessFootprint.none();
                double sampled = 0;
                for (double now = secondsSince(start);
                        now < i * windowSeconds;
                        now = secondsSince(start)) {
                    while (sent - first < now * recordsPerSecond) {
                        send();
                    }
                    receive();
                    if (now - sampled > SAMPLE_EVERY_S) {
                        sampled = now;
                        footprint =
                                footprint.and(ProcessFootprint.now(pipeline.streams().metrics()));
                    }
                }
                done.add(window(secondsSince(start), footprint));
            }
            return done;
        }

        private Window window(double seconds, ProcessFootprint footprint) {
            Window seen =
                    new Window(
                            seconds,
                            window.count(),
                            window.quantile(0.5),
                            window.quantile(0.99),
                            window.quantile(0.999),
                            window.quantile(1),
                            footprint);
            window.clear();
            say(
                    String.format(
                            Locale.ROOT,
                            "%5.1f min: %,d records, p50 %d ms, p99 %d ms, p999 %d ms; heap %d MB,"
                                    + " RocksDB %d MB, resident %d MB, %d file handles",
                            seconds / 60,
                            seen.records(),
                            seen.p50Ms(),
                            seen.p99Ms(),
                            seen.p999Ms(),
                            footprint.heapBytesMin() >> 20,
                            footprint.rocksDbBytesMax() >> 20,
                            footprint.residentBytesMax() >> 20,
                            footprint.fileHandlesMax()));
            return seen;
        }

        private void send() {
            producer.send(
                    new ProducerRecord<>(
                            LocalPipeline.INPUT,
                            ("key-" + random.nextInt(keys)).getBytes(StandardCharsets.UTF_8),
                            lines.get(random.nextInt(lines.size())).bytes()));
            sent++;
        }

        private void receive() throws IOException {
            for (ConsumerRecord<byte[], Likelihood> record : consumer.poll(POLL)) {
                long latency = System.currentTimeMillis() - record.timestamp();
                window.add(latency);
                all.add(latency);
                received++;
            }
            if (!pipeline.alive()) {
                throw new IOException("the topology stopped");
            }
        }
    }

    /** Milliseconds, all of them: a soak has some millions at most. */
    private static final class Latencies {
        private long[] values = new long[1 << 16];
        private int count;

        void add(long value) {
            if (count == values.length) {
                values = Arrays.copyOf(values, 2 * count);
            }
            values[count++] = value;
        }

        int count() {
            return count;
        }

        void clear() {
            count = 0;
        }

        /** The smallest that a part q of all does not exceed; -1 if there is none. */
        long quantile(double q) {
            long[] sorted = Arrays.copyOf(values, count);
            Arrays.sort(sorted);
            return count == 0 ? -1 : sorted[Math.max(0, (int) Math.ceil(q * count) - 1)];
        }
    }

    private static double secondsSince(long startNanos) {
        return (System.nanoTime() - startNanos) / 1e9;
    }

    private Map<String, Object> result(double borne, Run run, List<Window> reported) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("records", run.sent);
        result.put("missing", run.sent - run.received);
        result.put("latency_p50_ms", run.all.quantile(0.5));
        result.put("latency_p99_ms", run.all.quantile(0.99));
        result.put("latency_p999_ms", run.all.quantile(0.999));
        result.put("latency_max_ms", run.all.quantile(1));
        result.put("borne_records_per_s", Math.round(borne));
        result.put("load", load);
        result.put("minutes", minutes);
        result.put("keys", keys);
        result.put("threads", threads);
        result.put("guarantee", StreamsConfig.EXACTLY_ONCE_V2);
        result.put("model", model);
        result.put("windows", reported.stream().map(BenchSoak::row).toList());
        return result;
    }

    private static Map<String, Object> row(Window window) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("end_s", Math.round(window.endSeconds()));
        row.put("records", window.records());
        row.put("p50_ms", window.p50Ms());
        row.put("p99_ms", window.p99Ms());
        row.put("p999_ms", window.p999Ms());
        row.put("max_ms", window.maxMs());
        row.put("heap_bytes_min", window.footprint().heapBytesMin());
        row.put("rocksdb_bytes_max", window.footprint().rocksDbBytesMax());
        row.put("resident_bytes_max", window.footprint().residentBytesMax());
        row.put("file_handles_max", window.footprint().fileHandlesMax());
        return row;
    }

    private void say(String what) {
        spec.commandLine().getErr().println("bench soak: " + what);
        spec.commandLine().getErr().flush();
    }
}
