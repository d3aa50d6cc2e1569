package io.mambabyte.app;

import com.fasterxml.jackson.databind.ObjectMapper;

import io.mambabyte.app.bench.Quantiles;
import io.mambabyte.avro.Likelihood;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.model.StateCodec;
import io.mambabyte.score.Framing;
import io.mambabyte.score.Scorer;
import io.mambabyte.streams.MambaByteConfig;

import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.streams.StreamsConfig;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;

/** {@code bench topology}: what Kafka costs beside the scoring itself. */
@Command(
        name = "topology",
        description = {
            "Compares the topology, from topic to topic in a real broker, with scoring alone.",
            "",
            "One stream thread and the settings of 'mambabyte run', a state for each key, its"
                    + " changelog on. A round produces records and reads their likelihoods back,"
                    + " timed from the first to the last; scoring alone does as many records of one"
                    + " key without Kafka. Rounds of the two take turns, and the medians are"
                    + " compared.",
            ""
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class BenchTopology implements Callable<Integer> {
    private static final Duration POLL = Duration.ofMillis(20);
    private static final int PARTITIONS = 4;

    // Enough for the compiler to be done: rates of later rounds do not rise any more.
    private static final int WARM_UP_ROUNDS = 2;
    private static final int WARM_UP_RECORDS = 50;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--model",
            paramLabel = "DIR|NAME",
            description = "A model folder or the name of a shipped model (${DEFAULT-VALUE}).")
    private String model = ModelSource.DEFAULT;

    @Option(names = "--keys", paramLabel = "N", description = "Keys (${DEFAULT-VALUE}).")
    private int keys = 100;

    @Option(
            names = "--record-bytes",
            paramLabel = "N",
            description = "Bytes of a value (${DEFAULT-VALUE}).")
    private int recordBytes = 128;

    @Option(
            names = "--rounds",
            paramLabel = "N",
            description = "Rounds of each (${DEFAULT-VALUE}).")
    private int rounds = 5;

    @Option(
            names = "--seconds",
            paramLabel = "S",
            description = "About how long a round takes (${DEFAULT-VALUE}).")
    private double seconds = 5;

    @Option(
            names = "--exactly-once",
            description = "Processing guarantee exactly_once_v2 instead of at_least_once.")
    private boolean exactlyOnce;

    @Mixin private BenchReport report = new BenchReport();

    @Override
    public Integer call() throws Exception {
        if (keys < 1 || recordBytes < 0 || rounds < 1 || seconds <= 0) {
            throw new ParameterException(
                    spec.commandLine(), "keys, rounds and seconds must be positive");
        }
        Path folder = LocalPipeline.temporaryFolder();
        try {
            return bench(folder);
        } finally {
            EmbeddedBroker.deleteRecursively(folder);
        }
    }

    private int bench(Path folder) throws IOException, InterruptedException {
        Logging.toFile(folder.resolve("bench.log"));
        Map<String, String> settings = new HashMap<>();
        settings.put(MambaByteConfig.MODEL_CONFIG, model);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, "1");
        if (exactlyOnce) {
            settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        }
        MambaModel loaded = new MambaByteConfig(settings).loadModel();
        try (LocalPipeline pipeline = LocalPipeline.start(folder, loaded, settings, PARTITIONS);
                RawProducer producer = pipeline.producer();
                KafkaConsumer<byte[], Likelihood> consumer = pipeline.consumer()) {
            Thread hook = new Thread(pipeline::close, "mambabyte-bench-shutdown");
            Runtime.getRuntime().addShutdownHook(hook);
            pipeline.startTopology();
            byte[][] records = records();
            Alone alone = new Alone(loaded);
            // Vector code that is not compiled yet is slower by orders of magnitude: what counts
            // is the last of many short turns.
            double spent = 0;
            for (double all = 0; all < seconds * WARM_UP_ROUNDS; all += spent) {
                spent = alone.secondsFor(records, WARM_UP_RECORDS);
            }
            int count = Math.max(keys, (int) (WARM_UP_RECORDS * seconds / spent));
            for (int round = 0; round < WARM_UP_ROUNDS; round++) {
                double _ = topologyRate(pipeline, producer, consumer, records, count);
            }
            double[] kernel = new double[rounds];
            double[] topology = new double[rounds];
            double[] cpu = new double[rounds];
            long streamThread = streamThread();
            for (int round = 0; round < rounds; round++) {
                long before = cpuNanos(Thread.currentThread().threadId());
                kernel[round] = rate(count, alone.secondsFor(records, count));
                double alonesCpu = cpuNanos(Thread.currentThread().threadId()) - before;
                before = cpuNanos(streamThread);
                topology[round] = topologyRate(pipeline, producer, consumer, records, count);
                cpu[round] = alonesCpu / (cpuNanos(streamThread) - before);
            }
            print(loaded, count, kernel, topology, cpu);
            Runtime.getRuntime().removeShutdownHook(hook);
        }
        return CommandLine.ExitCode.OK;
    }

    private double rate(int count, double elapsed) {
        return (double) count * recordBytes / elapsed;
    }

    /** Text like that of logs, the same in every run. What it says does not change the speed. */
    private byte[][] records() {
        Random random = new Random(1);
        byte[][] records = new byte[1024][recordBytes];
        for (byte[] record : records) {
            for (int i = 0; i < record.length; i++) {
                record[i] = (byte) (' ' + random.nextInt(95));
            }
        }
        return records;
    }

    /** Scoring without Kafka: one key, whose state stays in the processor's caches. */
    private static final class Alone {
        private final Scorer scorer;
        private final RecurrentState state;
        private double bits;

        Alone(MambaModel model) {
            scorer = new Scorer(model);
            state = model.newState();
        }

        double secondsFor(byte[][] records, int count) {
            long start = System.nanoTime();
            for (int i = 0; i < count; i++) {
                bits +=
                        scorer.score(state, records[i % records.length], Framing.LINES, false)
                                .bits();
            }
            double elapsed = (System.nanoTime() - start) / 1e9;
            if (Double.isNaN(bits)) {
                throw new IllegalStateException("the model gives no likelihood");
            }
            return elapsed;
        }
    }

    /** Bytes a second from the first likelihood on, when everything is under way, to the last. */
    private double topologyRate(
            LocalPipeline pipeline,
            RawProducer producer,
            KafkaConsumer<byte[], Likelihood> consumer,
            byte[][] records,
            int count)
            throws IOException {
        for (int i = 0; i < count; i++) {
            producer.send(
                    new ProducerRecord<>(
                            LocalPipeline.INPUT,
                            ("key-" + i % keys).getBytes(StandardCharsets.UTF_8),
                            records[i % records.length]));
        }
        producer.flush();
        int first = 0;
        long start = 0;
        long end = 0;
        for (int received = 0; received < count; ) {
            int polled = consumer.poll(POLL).count();
            if (polled > 0) {
                received += polled;
                end = System.nanoTime();
                if (first == 0) {
                    first = received;
                    start = end;
                }
            }
            if (!pipeline.alive()) {
                throw new IOException("the topology stopped");
            }
        }
        return rate(count - first, (end - start) / 1e9);
    }

    private static long cpuNanos(long thread) {
        return ManagementFactory.getThreadMXBean().getThreadCpuTime(thread);
    }

    private static long streamThread() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().endsWith("-StreamThread-1"))
                .mapToLong(Thread::threadId)
                .findFirst()
                .orElseThrow();
    }

    private void print(
            MambaModel loaded, int count, double[] kernel, double[] topology, double[] cpu)
            throws IOException {
        double kernelMedian = Quantiles.median(kernel);
        double topologyMedian = Quantiles.median(topology);
        PrintWriter out = spec.commandLine().getOut();
        if (report.json()) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("topology_bytes_per_s", Math.round(topologyMedian));
            result.put("kernel_bytes_per_s", Math.round(kernelMedian));
            result.put("ratio", Math.round(1000 * topologyMedian / kernelMedian) / 1000.0);
            // What the machine's other work does to the rates it does less to the processor time.
            result.put("cpu_ratio", Math.round(1000 * Quantiles.median(cpu)) / 1000.0);
            result.put("records", count);
            result.put("record_bytes", recordBytes);
            result.put("keys", keys);
            result.put("state_bytes", new StateCodec(loaded).size());
            result.put("guarantee", exactlyOnce ? "exactly_once_v2" : "at_least_once");
            result.put("model", model);
            result.put("topology_rounds", rounded(topology));
            result.put("kernel_rounds", rounded(kernel));
            out.println(new ObjectMapper().writeValueAsString(result));
        } else {
            out.printf(
                    Locale.ROOT,
                    "topology  %,9.0f bytes/s, topic to topic, one stream thread%n"
                            + "scoring   %,9.0f bytes/s, without Kafka, one thread%n"
                            + "ratio     %9.3f   (of processor time %.3f; medians of %d rounds, %,d records of %d bytes, %d"
                            + " keys)%n",
                    topologyMedian,
                    kernelMedian,
                    topologyMedian / kernelMedian,
                    Quantiles.median(cpu),
                    rounds,
                    count,
                    recordBytes,
                    keys);
        }
        out.flush();
    }

    private static long[] rounded(double[] values) {
        return Arrays.stream(values).mapToLong(Math::round).toArray();
    }
}
