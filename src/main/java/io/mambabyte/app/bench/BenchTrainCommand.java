package io.mambabyte.app.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.mambabyte.kernels.Kernels;
import io.mambabyte.train.TrainingBenchmark;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;

/** {@code bench train}: steps of training, as {@code train} does them. */
@Command(
        name = "train",
        mixinStandardHelpOptions = true,
        description = {
            "Trains on random bytes: bytes a second, and which share of the cores' peak that is.",
            "",
            "Counted are six operations a projection weight and byte: two for the product, four for the"
                    + " gradients by its input and its weights. All time of the scan and the rest is"
                    + " loss. --threads share the steps; the peak is that of as many cores."
        })
final class BenchTrainCommand implements Callable<Integer> {
    private static final double OPERATIONS_PER_WEIGHT = 6;
    private static final int PEAK_STEPS = 10_000;
    private static final int PEAK_RUNS = 100;

    /** The compiler needs seconds for the kernels, and runs beside them. */
    private static final int WARM_UP_ROUNDS = 20;

    private static final long ROUND_NANOS = 200_000_000;

    @Mixin private final BenchOptions options = new BenchOptions();

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        options.validate(spec);
        Kernels.vector();
        Measurement measured;
        try (TrainingBenchmark bench =
                new TrainingBenchmark(options.shape.config(), options.threads)) {
            VectorFmaPeak[] peaks =
                    IntStream.range(0, options.threads)
                            .mapToObj(i -> new VectorFmaPeak())
                            .toArray(VectorFmaPeak[]::new);
            for (int i = 0; i < WARM_UP_ROUNDS; i++) {
                round(bench, peaks);
            }
            Measurement.Round[] rounds = new Measurement.Round[options.rounds];
            for (int i = 0; i < rounds.length; i++) {
                rounds[i] = round(bench, peaks);
            }
            measured =
                    Measurement.of(
                            rounds, OPERATIONS_PER_WEIGHT * options.shape.projectionWeights(), 0);
        }
        print(measured);
        return 0;
    }

    /** Peak and steps one right after the other: both meet the same machine. */
    private static Measurement.Round round(TrainingBenchmark bench, VectorFmaPeak[] peaks) {
        double[] rates = new double[peaks.length];
        bench.onEveryThread(
                index -> {
                    long start = System.nanoTime();
                    for (int i = 0; i < PEAK_RUNS; i++) {
                        peaks[index].run(PEAK_STEPS);
                    }
                    double operations = (double) PEAK_RUNS * VectorFmaPeak.operations(PEAK_STEPS);
                    rates[index] = operations / (double) (System.nanoTime() - start);
                });
        long start = System.nanoTime();
        long bytes = 0;
        long nanos;
        do {
            bytes += bench.step();
            nanos = System.nanoTime() - start;
        } while (nanos < ROUND_NANOS);
        double peak = 0;
        for (double rate : rates) {
            peak += rate;
        }
        return new Measurement.Round(bytes * 1e9 / (double) nanos, peak);
    }

    private void print(Measurement m) {
        Shape shape = options.shape;
        double gflops =
                OPERATIONS_PER_WEIGHT * 1e-9 * shape.projectionWeights() * m.bytesPerSecond();
        PrintWriter out = spec.commandLine().getOut();
        switch (options.format) {
            case TEXT -> {
                out.printf(
                        Locale.ROOT,
                        "shape        %s: d_model, blocks, states; %,d projection weights%n",
                        shape,
                        shape.projectionWeights());
                out.printf("kernels      %s%n", Kernels.selected().description());
                out.printf("threads      %d%n", options.threads);
                out.printf(
                        Locale.ROOT,
                        "bytes/s      %,.0f (median of %d rounds, quartiles %.1f%% apart)%n",
                        m.bytesPerSecond(),
                        options.rounds,
                        100 * m.spread());
                out.printf(
                        Locale.ROOT,
                        "GFLOP/s      %.1f of a measured peak of %.1f%n",
                        gflops,
                        m.fmaPeak());
                out.printf(Locale.ROOT, "of the peak  %.1f%%%n", 100 * m.fractionOfPeak());
            }
            case JSON -> {
                ObjectNode node = new ObjectMapper().createObjectNode();
                node.put("bench", "train");
                node.put("shape", shape.toString());
                node.put("threads", options.threads);
                node.put("kernels", Kernels.selected().description());
                node.put("projection_weights", shape.projectionWeights());
                node.put("rounds", options.rounds);
                node.put("bytes_per_s", m.bytesPerSecond());
                node.put("bytes_per_s_spread", m.spread());
                node.put("gflops", gflops);
                node.put("fma_peak_gflops", m.fmaPeak());
                node.put("fraction_of_peak", m.fractionOfPeak());
                node.put("java", Runtime.version().toString());
                node.put("arch", System.getProperty("os.arch"));
                node.put("cpus", Runtime.getRuntime().availableProcessors());
                out.println(node);
            }
        }
        out.flush();
    }
}
