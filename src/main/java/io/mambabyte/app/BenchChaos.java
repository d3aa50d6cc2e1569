package io.mambabyte.app;

import io.mambabyte.app.bench.RandomWeights;
import io.mambabyte.model.CheckpointWriter;
import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.model.Norm;
import io.mambabyte.streams.MambaByteConfig;

import org.apache.kafka.streams.StreamsConfig;
import org.jspecify.annotations.Nullable;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;

/** {@code bench chaos}: does every record get its likelihood, once, whatever happens? */
@Command(
        name = "chaos",
        description = {
            "Runs brokers and instances of 'mambabyte run' as processes of their own on the loopback"
                    + " interface, exactly_once_v2, and does things to them at random moments:"
                    + " SIGKILL and SIGSTOP of brokers and instances, instances removed and added,"
                    + " a broker's disk filled. In a round each of these happens once."
                    + " In the end every input record must have exactly one likelihood, read"
                    + " committed, equal to the last bit to that of its key's bytes scored in order"
                    + " without Kafka.",
            "",
            "Exits with 1 unless missing, duplicated and mismatched are 0; the folder with the logs"
                    + " of all processes is kept then.",
            ""
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class BenchChaos implements Callable<Integer> {
    // A state after the last fault that lasts longer than this is not going to end.
    private static final int SILENCE_MAX_S = 180;
    private static final long PROGRESS_NANOS = 10_000_000_000L;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--minutes",
            paramLabel = "M",
            description = "How long things are done (${DEFAULT-VALUE}).")
    private double minutes = 30;

    @Option(
            names = "--rounds",
            paramLabel = "N",
            description = "Ends after as many rounds, if the minutes are not over before.")
    private int rounds = Integer.MAX_VALUE;

    @Option(
            names = "--seed",
            paramLabel = "S",
            description =
                    "Of what is done and what is sent (${DEFAULT-VALUE}). What the processes make of"
                            + " it differs from run to run.")
    private long seed = 1;

    @Option(names = "--brokers", paramLabel = "N", description = "Brokers (${DEFAULT-VALUE}).")
    private int brokers = 3;

    @Option(
            names = "--instances",
            paramLabel = "N",
            description = "Instances at first; one more may be added (${DEFAULT-VALUE}).")
    private int instances = 3;

    @Option(
            names = "--partitions",
            paramLabel = "N",
            description = "Partitions of the topics (${DEFAULT-VALUE}).")
    private int partitions = 12;

    @Option(names = "--keys", paramLabel = "N", description = "Keys (${DEFAULT-VALUE}).")
    private int keys = 500;

    @Option(
            names = "--rate",
            paramLabel = "N",
            description =
                    "Records a second, fewer where they are not scored in time"
                            + " (${DEFAULT-VALUE}).")
    private double rate = 200;

    @Option(
            names = "--disk-mb",
            paramLabel = "N",
            description =
                    "Size of a file system of its own (tmpfs) for each broker's data, which is"
                            + " filled now and then (${DEFAULT-VALUE}). Mounting it needs root;"
                            + " without root, or with 0, no disk is filled.")
    private int diskMegabytes = 1024;

    @Option(
            names = "--guarantee",
            paramLabel = "NAME",
            description =
                    "processing.guarantee (${DEFAULT-VALUE}). With at_least_once the run must find"
                            + " duplicates: a test of the test.")
    private String guarantee = StreamsConfig.EXACTLY_ONCE_V2;

    @Option(
            names = "--model",
            paramLabel = "DIR|NAME",
            description =
                    "A model folder or the name of a shipped model. Default: a small random one, so"
                            + " that the time goes to what is tested.")
    private @Nullable String model;

    @Option(
            names = "--group-protocol",
            paramLabel = "NAME",
            description = "classic or streams (${DEFAULT-VALUE}).")
    private String groupProtocol = "classic";

    @Mixin private BenchReport report = new BenchReport();

    @Override
    public Integer call() throws Exception {
        if (brokers < 1
                || instances < 1
                || partitions < 1
                || keys < 1
                || rounds < 1
                || minutes <= 0) {
            throw new ParameterException(
                    spec.commandLine(),
                    "brokers, instances, partitions, keys, rounds and minutes must be positive");
        }
        if (!(rate > 0)) {
            throw new ParameterException(spec.commandLine(), "the rate must be positive");
        }
        Path folder = LocalPipeline.temporaryFolder();
        boolean good = false;
        try {
            Logging.toFile(folder.resolve("bench.log"));
            good = run(folder);
        } finally {
            if (good) {
                EmbeddedBroker.deleteRecursively(folder);
            } else {
                say("the logs of all processes are in " + folder);
            }
        }
        return good ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }

    private boolean run(Path folder) throws Exception {
        String source = model == null ? randomModel(folder.resolve("model")) : model;
        MambaModel loaded = MambaModel.load(ModelSource.of(source));
        Map<String, String> settings = settings(source);
        MambaByteConfig component = new MambaByteConfig(settings);
        try (EmbeddedSchemaRegistry registry = EmbeddedSchemaRegistry.start();
                ChaosCluster cluster = cluster(folder, registry.url(), settings)) {
            Thread hook = new Thread(cluster::close, "mambabyte-chaos-shutdown");
            Runtime.getRuntime().addShutdownHook(hook);
            say("starting " + brokers + " brokers");
            cluster.startBrokers(partitions);
            try (ChaosLoad load =
                    new ChaosLoad(
                            cluster.bootstrapServers(),
                            registry.url(),
                            partitions,
                            keys,
                            rate,
                            seed)) {
                load.start();
                ChaosFaults faults = new ChaosFaults(cluster, seed, this::say);
                cluster.startInstances(instances);
                awaitFirst(load, faults);
                faults.run((long) (60 * minutes), rounds);
                load.stopProducing();
                say("no more faults; waiting for what is under way");
                awaitAll(load, faults);
                ChaosLoad.Verdict verdict = load.verdict(loaded, component);
                report.print(spec.commandLine().getOut(), result(verdict, load, faults));
                return verdict.missing() == 0
                        && verdict.duplicated() == 0
                        && verdict.mismatched() == 0
                        && verdict.records() == load.sent();
            } finally {
                Runtime.getRuntime().removeShutdownHook(hook);
            }
        }
    }

    private ChaosCluster cluster(Path folder, String registryUrl, Map<String, String> settings)
            throws Exception {
        if (diskMegabytes > 0) {
            try {
                return new ChaosCluster(
                        folder, brokers, instances + 1, registryUrl, settings, diskMegabytes);
            } catch (IOException e) {
                say("no disk will be filled, that needs root (" + e.getMessage() + ")");
            }
        }
        return new ChaosCluster(folder, brokers, instances + 1, registryUrl, settings, 0);
    }

    private Map<String, String> settings(String source) {
        Map<String, String> settings = new HashMap<>();
        settings.put(MambaByteConfig.MODEL_CONFIG, source);
        settings.put(StreamsConfig.GROUP_PROTOCOL_CONFIG, groupProtocol);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, guarantee);
        // A key has few records in a short run: checkpoints are to be among what is interrupted.
        settings.put(MambaByteConfig.CHECKPOINT_BYTES_CONFIG, "2048");
        settings.put(MambaByteConfig.STATE_ROUNDING_BYTES_CONFIG, "512");
        return settings;
    }

    private static String randomModel(Path folder) throws IOException {
        MambaConfig shape = new MambaConfig(32, 2, 64, 8, 4, 2, Norm.RMS, 1e-5f);
        Files.createDirectories(folder);
        CheckpointWriter.write(folder, shape, RandomWeights.of(shape, 1));
        return folder.toString();
    }

    // What is done to instances that have not begun yet shows nothing.
    private void awaitFirst(ChaosLoad load, ChaosFaults faults)
            throws IOException, InterruptedException {
        say("starting " + instances + " instances");
        long start = System.nanoTime();
        while (load.received() == 0) {
            load.requireAlive();
            if (System.nanoTime() - start > SILENCE_MAX_S * 1_000_000_000L) {
                throw new IOException("no likelihood in " + SILENCE_MAX_S + " s");
            }
            faults.tick(System.nanoTime());
        }
    }

    private void awaitAll(ChaosLoad load, ChaosFaults faults)
            throws IOException, InterruptedException {
        long told = System.nanoTime();
        while (load.received() < load.sent() && load.silentSeconds() < SILENCE_MAX_S) {
            load.requireAlive();
            faults.tick(System.nanoTime());
            if (System.nanoTime() - told > PROGRESS_NANOS) {
                told = System.nanoTime();
                say("%,d of %,d likelihoods".formatted(load.received(), load.sent()));
            }
        }
    }

    private Map<String, Object> result(
            ChaosLoad.Verdict verdict, ChaosLoad load, ChaosFaults faults) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("records", verdict.records());
        result.put("faults", faults.done().values().stream().mapToInt(n -> n).sum());
        result.put("missing", verdict.missing());
        result.put("duplicated", verdict.duplicated());
        result.put("mismatched", verdict.mismatched());
        result.put("longest_gap_s", load.longestGapSeconds());
        result.put("rounds", faults.rounds());
        faults.done().forEach((kind, n) -> result.put(kind.name().toLowerCase(Locale.ROOT), n));
        result.put("processes_ended_by_themselves", faults.exits());
        result.put("minutes", minutes);
        result.put("seed", seed);
        result.put("brokers", brokers);
        result.put("instances", instances);
        result.put("partitions", partitions);
        result.put("keys", keys);
        result.put("records_per_s", rate);
        result.put("group_protocol", groupProtocol);
        result.put("guarantee", guarantee);
        result.put("model", model == null ? "random 32,2,8" : model);
        return result;
    }

    private void say(String what) {
        spec.commandLine().getErr().println("bench chaos: " + what);
        spec.commandLine().getErr().flush();
    }
}
