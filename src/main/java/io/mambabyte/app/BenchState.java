package io.mambabyte.app;

import io.mambabyte.avro.Likelihood;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.model.StateCodec;
import io.mambabyte.model.StatePrecision;
import io.mambabyte.score.Framing;
import io.mambabyte.score.RecordScore;
import io.mambabyte.score.Scorer;
import io.mambabyte.streams.MambaByteConfig;
import io.mambabyte.streams.ScoringTotals;
import io.mambabyte.streams.StateTotals;

import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.processor.StateRestoreListener;
import org.jspecify.annotations.Nullable;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.ByteArrayOutputStream;
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
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;

/** {@code bench state}: what keeping the keys' states costs, and what losing a disk costs. */
@Command(
        name = "state",
        description = {
            "Measures the state store on a real broker in this process, exactly_once_v2 with its"
                    + " default commit interval.",
            "",
            "Scores records of many keys and reads from the broker how long the changelog topic"
                    + " became. Then loses its disk, restores all keys from that topic, touches some"
                    + " of them with another record each and compares their likelihoods with those"
                    + " of the same bytes scored without Kafka. A few more keys are given up to two"
                    + " checkpoint distances, so that some have the longest tail there is.",
            ""
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class BenchState implements Callable<Integer> {
    private static final Duration POLL = Duration.ofMillis(100);
    private static final int PARTITIONS = 4;
    private static final int DEEP_KEYS = 20;
    private static final String APPLICATION = "bench-state";
    private static final long PROGRESS_NANOS = 5_000_000_000L;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--model",
            paramLabel = "DIR|NAME",
            description = "A model folder or the name of a shipped model (${DEFAULT-VALUE}).")
    private String model = ModelSource.DEFAULT;

    @Option(names = "--keys", paramLabel = "N", description = "Keys (${DEFAULT-VALUE}).")
    private int keys = 1000;

    @Option(
            names = "--record-bytes",
            paramLabel = "N",
            description = "Bytes of a value (${DEFAULT-VALUE}).")
    private int recordBytes = 128;

    @Option(
            names = "--records-per-key",
            paramLabel = "N",
            description =
                    "Records of a key (${DEFAULT-VALUE}). Keys begin their checkpoints at different"
                            + " positions, so that a part of the distance shows the rate of all.")
    private int recordsPerKey = 64;

    @Option(
            names = "--touched-keys",
            paramLabel = "N",
            description =
                    "Keys that are touched after the restore, those with the longest tails among"
                            + " them; their likelihoods are compared (${DEFAULT-VALUE}).")
    private int touchedKeys = 100;

    // Boxed, and resolved after the log is: reading the component's defaults logs.
    @Option(
            names = "--checkpoint-bytes",
            paramLabel = "N",
            description = "mambabyte.checkpoint.bytes (the component's default).")
    private @Nullable Integer checkpointBytes;

    @Option(
            names = "--rounding",
            paramLabel = "PRECISION",
            description = "mambabyte.state.rounding (the component's default).")
    private @Nullable StatePrecision rounding;

    @Option(
            names = "--rounding-bytes",
            paramLabel = "N",
            description = "mambabyte.state.rounding.bytes (the component's default).")
    private @Nullable Integer roundingBytes;

    @Option(
            names = "--live-states-mb",
            paramLabel = "N",
            description =
                    "mambabyte.live.states.max.bytes in MiB (the component's default). Keys take"
                            + " turns here, the worst there is: where the states of a task's keys do"
                            + " not fit, every record makes its key's state ready again.")
    private @Nullable Integer liveStatesMegabytes;

    @Option(
            names = "--compression",
            paramLabel = "TYPE",
            description = "producer.compression.type (${DEFAULT-VALUE}).")
    private String compression = "none";

    @Option(names = "--store", description = "rocksDB or in_memory (${DEFAULT-VALUE}).")
    private MambaByteConfig.StoreType store = MambaByteConfig.StoreType.ROCKSDB;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Stream threads (${DEFAULT-VALUE}).")
    private int threads = 1;

    @Mixin private BenchReport report = new BenchReport();

    @Override
    public Integer call() throws Exception {
        if (keys < 1 || recordBytes < 1 || recordsPerKey < 1 || threads < 1) {
            throw new ParameterException(
                    spec.commandLine(),
                    "keys, record bytes, records per key and threads must be positive");
        }
        if (touchedKeys <= DEEP_KEYS) {
            throw new ParameterException(
                    spec.commandLine(), "more than " + DEEP_KEYS + " keys must be touched");
        }
        Path folder = LocalPipeline.temporaryFolder();
        try {
            return bench(folder);
        } finally {
            EmbeddedBroker.deleteRecursively(folder);
        }
    }

    private Map<String, String> settings() {
        Map<String, String> settings = new HashMap<>();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, APPLICATION);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, Integer.toString(threads));
        settings.put(
                StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), compression);
        settings.put(MambaByteConfig.MODEL_CONFIG, model);
        settings.put(MambaByteConfig.STORE_CONFIG, store.toString());
        putIfGiven(settings, MambaByteConfig.CHECKPOINT_BYTES_CONFIG, checkpointBytes);
        putIfGiven(settings, MambaByteConfig.STATE_ROUNDING_CONFIG, rounding);
        putIfGiven(settings, MambaByteConfig.STATE_ROUNDING_BYTES_CONFIG, roundingBytes);
        putIfGiven(
                settings,
                MambaByteConfig.LIVE_STATES_MAX_BYTES_CONFIG,
                liveStatesMegabytes == null ? null : (long) liveStatesMegabytes << 20);
        return settings;
    }

    private static void putIfGiven(
            Map<String, String> settings, String name, @Nullable Object value) {
        if (value != null) {
            settings.put(name, value.toString());
        }
    }

    private int bench(Path folder) throws IOException, InterruptedException, ExecutionException {
        Logging.toFile(folder.resolve("bench.log"));
        Map<String, String> settings = settings();
        MambaByteConfig component = new MambaByteConfig(settings);
        MambaModel loaded = component.loadModel();
        Records records = new Records(recordBytes);
        int[] counts = recordCounts(component.checkpointBytes());
        long inputs = Arrays.stream(counts).asLongStream().sum();
        Map<String, Object> result = new LinkedHashMap<>();
        try (LocalPipeline pipeline = LocalPipeline.start(folder, loaded, settings, PARTITIONS);
                RawProducer producer = pipeline.producer();
                KafkaConsumer<byte[], Likelihood> consumer = pipeline.consumer()) {
            Thread hook = new Thread(pipeline::close, "mambabyte-bench-shutdown");
            Runtime.getRuntime().addShutdownHook(hook);
            pipeline.startTopology();
            long start = System.nanoTime();
            for (int record = 0; record < Arrays.stream(counts).max().orElseThrow(); record++) {
                for (int key = 0; key < counts.length; key++) {
                    if (record < counts[key]) {
                        send(producer, records, key, record);
                    }
                }
            }
            producer.flush();
            await(pipeline, consumer, inputs, "scoring");
            double seconds = (System.nanoTime() - start) / 1e9;
            long changelogBytes =
                    changelogBytes(pipeline.bootstrapServers(), component.storeName());
            StateTotals scored = pipeline.stateTotals();
            ScoringTotals totals = pipeline.totals();

            RestoreTime restore = new RestoreTime();
            pipeline.loseDisk(restore);
            pipeline.startTopology();
            int[] touched = touchedKeys();
            for (int key : touched) {
                send(producer, records, key, counts[key]);
            }
            producer.flush();
            Map<String, Likelihood> after =
                    await(pipeline, consumer, touched.length, "touching keys");
            StateTotals restored = pipeline.stateTotals();
            boolean equal =
                    equalOffline(loaded, component, records, touched, counts, after)
                            && restored.setAside() == 0;

            result.put(
                    "changelog_bytes_per_input_byte",
                    (double) changelogBytes / (inputs * recordBytes));
            result.put("restore_keys_per_s", counts.length / restore.seconds());
            result.put("restored_equal", equal);
            result.put("first_touch_s", restored.restoreNanosMax() / 1e9);
            result.put(
                    "mean_touch_s",
                    restored.restoreNanos() / 1e9 / Math.max(1, restored.restored()));
            result.put("restore_s", restore.seconds());
            result.put("restored_records", restore.records());
            result.put("touched_keys", touched.length);
            result.put("keys", counts.length);
            result.put("record_bytes", recordBytes);
            result.put("input_bytes", inputs * recordBytes);
            result.put("changelog_bytes", changelogBytes);
            result.put("checkpoints", scored.checkpoints());
            result.put(
                    "checkpoint_bytes",
                    new StateCodec(loaded, component.stateRounding().precision()).size());
            result.put("checkpoint_distance_bytes", component.checkpointBytes());
            result.put(
                    "rounding",
                    component.stateRounding().precision().toString().toLowerCase(Locale.ROOT));
            result.put("rounding_distance_bytes", component.stateRounding().distanceBytes());
            result.put("restored_while_scoring", scored.restored());
            result.put("score_bytes_per_s", inputs * recordBytes / seconds);
            result.put("score_cpu_bytes_per_s", totals.bytes() / (totals.nanos() / 1e9));
            result.put("compression", compression);
            result.put("store", store.toString().toLowerCase(Locale.ROOT));
            result.put("guarantee", StreamsConfig.EXACTLY_ONCE_V2);
            result.put("model", model);
            Runtime.getRuntime().removeShutdownHook(hook);
        }
        report.print(spec.commandLine().getOut(), result);
        return Boolean.TRUE.equals(result.get("restored_equal"))
                ? CommandLine.ExitCode.OK
                : CommandLine.ExitCode.SOFTWARE;
    }

    // The last keys get between one and two distances.
    private int[] recordCounts(int checkpointBytes) {
        int[] counts = new int[keys + DEEP_KEYS];
        Arrays.fill(counts, recordsPerKey);
        for (int i = 0; i < DEEP_KEYS; i++) {
            long bytes = checkpointBytes + (long) checkpointBytes * i / DEEP_KEYS;
            counts[keys + i] = Math.toIntExact(bytes / (recordBytes + 1)) + 1;
        }
        return counts;
    }

    private int[] touchedKeys() {
        int ordinary = Math.min(keys, touchedKeys - DEEP_KEYS);
        int[] touched = new int[ordinary + DEEP_KEYS];
        for (int i = 0; i < ordinary; i++) {
            touched[i] = (int) ((long) i * keys / ordinary);
        }
        for (int i = 0; i < DEEP_KEYS; i++) {
            touched[ordinary + i] = keys + i;
        }
        return touched;
    }

    /** Text of the recorded log, the same in every run; each key begins elsewhere in it. */
    private static final class Records {
        private final byte[] text;
        private final int recordBytes;

        Records(int recordBytes) throws IOException {
            this.recordBytes = recordBytes;
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            for (DemoRecording.Line line : DemoRecording.load().lines()) {
                all.writeBytes(line.bytes());
                all.write(' ');
            }
            text = all.toByteArray();
        }

        byte[] get(int key, int record) {
            byte[] value = new byte[recordBytes];
            long start = (long) key * 7919 + (long) record * recordBytes;
            for (int i = 0; i < recordBytes; i++) {
                value[i] = text[(int) ((start + i) % text.length)];
            }
            return value;
        }
    }

    private static void send(RawProducer producer, Records records, int key, int record) {
        producer.send(
                new ProducerRecord<>(LocalPipeline.INPUT, key(key), records.get(key, record)));
    }

    private static byte[] key(int key) {
        return "key-%04d".formatted(key).getBytes(StandardCharsets.UTF_8);
    }

    /** Waits for as many likelihoods as there are to be and gives the last one of each key. */
    private Map<String, Likelihood> await(
            LocalPipeline pipeline,
            KafkaConsumer<byte[], Likelihood> consumer,
            long count,
            String what)
            throws IOException {
        Map<String, Likelihood> last = new HashMap<>();
        long told = System.nanoTime();
        for (long received = 0; received < count; ) {
            for (ConsumerRecord<byte[], Likelihood> record : consumer.poll(POLL)) {
                last.put(new String(record.key(), StandardCharsets.UTF_8), record.value());
                received++;
            }
            if (!pipeline.alive()) {
                throw new IOException("the topology stopped");
            }
            if (System.nanoTime() - told > PROGRESS_NANOS) {
                told = System.nanoTime();
                spec.commandLine()
                        .getErr()
                        .printf(
                                Locale.ROOT,
                                "bench state: %s, %,d of %,d%n",
                                what,
                                received,
                                count);
                spec.commandLine().getErr().flush();
            }
        }
        return last;
    }

    private static boolean equalOffline(
            MambaModel model,
            MambaByteConfig component,
            Records records,
            int[] touched,
            int[] counts,
            Map<String, Likelihood> actual) {
        Scorer scorer = new Scorer(model, component.stateRounding());
        RecurrentState state = model.newState();
        boolean equal = actual.size() == touched.length;
        for (int key : touched) {
            state.reset();
            for (int record = 0; record < counts[key]; record++) {
                RecordScore _ = scorer.score(state, records.get(key, record), Framing.LINES, false);
            }
            RecordScore expected =
                    scorer.score(state, records.get(key, counts[key]), Framing.LINES, false);
            Likelihood found = actual.get(new String(key(key), StandardCharsets.UTF_8));
            equal &= found != null && ScoreEquality.equal(found, expected);
        }
        return equal;
    }

    private static long changelogBytes(String bootstrapServers, String storeName)
            throws ExecutionException, InterruptedException {
        String topic = APPLICATION + "-" + storeName + "-changelog";
        try (Admin admin =
                Admin.create(
                        Map.of(
                                CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG,
                                (Object) bootstrapServers))) {
            List<Integer> brokers = new ArrayList<>();
            admin.describeCluster().nodes().get().forEach(node -> brokers.add(node.id()));
            return admin.describeLogDirs(brokers).allDescriptions().get().values().stream()
                    .flatMap(folders -> folders.values().stream())
                    .flatMap(folder -> folder.replicaInfos().entrySet().stream())
                    .filter(replica -> replica.getKey().topic().equals(topic))
                    .mapToLong(replica -> replica.getValue().size())
                    .sum();
        }
    }

    /** From the first task's beginning to the last one's end. */
    private static final class RestoreTime implements StateRestoreListener {
        private long start;
        private long end;
        private long records;

        @Override
        public synchronized void onRestoreStart(
                TopicPartition partition, String store, long from, long to) {
            start = start == 0 ? System.nanoTime() : start;
        }

        @Override
        public void onBatchRestored(
                TopicPartition partition, String store, long lastOffset, long count) {}

        @Override
        public synchronized void onRestoreEnd(TopicPartition partition, String store, long count) {
            end = System.nanoTime();
            records += count;
        }

        synchronized double seconds() {
            return (end - start) / 1e9;
        }

        synchronized long records() {
            return records;
        }
    }
}
