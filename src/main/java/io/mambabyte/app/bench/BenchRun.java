package io.mambabyte.app.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.mambabyte.kernels.Kernels;
import io.mambabyte.model.MambaModel;

import picocli.CommandLine.Model.CommandSpec;

import java.io.Console;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Optional;
import java.util.function.IntConsumer;

/** Runs a benchmark of the forward pass and prints what it gave. */
final class BenchRun {
    /** Before this, nobody wonders whether something happens. */
    private static final long SILENT_NANOS = 2_000_000_000L;

    private BenchRun() {}

    static void run(
            String name, CommandSpec spec, BenchOptions options, int recordBytes, boolean surprisal)
            throws InterruptedException {
        options.validate(spec);
        // Whatever computes, its peak is measured with vectors: without them, say so before
        // waiting.
        Kernels.vector();
        Shape shape = options.shape;
        MambaModel model = MambaModel.of(shape.config(), RandomWeights.of(shape.config(), 1));
        ForwardBench bench = new ForwardBench(model, options.threads, recordBytes, surprisal);
        PrintWriter err = spec.commandLine().getErr();
        Measurement measured =
                bench.measure(
                        options.warmUp,
                        options.rounds,
                        2.0 * shape.projectionWeights(),
                        progress(name, options.rounds, err));
        PrintWriter out = spec.commandLine().getOut();
        switch (options.format) {
            case TEXT -> text(out, name, options, recordBytes, measured);
            case JSON -> json(out, name, options, recordBytes, measured);
        }
        out.flush();
    }

    private static IntConsumer progress(String name, int rounds, PrintWriter err) {
        long start = System.nanoTime();
        boolean terminal =
                Optional.ofNullable(System.console()).filter(Console::isTerminal).isPresent();
        return round -> {
            if (terminal && System.nanoTime() - start > SILENT_NANOS) {
                err.print("\rbench " + name + ": round " + round + " of " + rounds);
                err.print(round == rounds ? "\r\033[K" : "");
                err.flush();
            }
        };
    }

    private static void text(
            PrintWriter out, String name, BenchOptions options, int recordBytes, Measurement m) {
        Shape shape = options.shape;
        double gflops = 2e-9 * shape.projectionWeights() * m.bytesPerSecond();
        out.printf("bench        %s, %d bytes a record%n", name, recordBytes);
        out.printf(
                Locale.ROOT,
                "shape        %s: d_model, blocks, states; %,d projection weights%n",
                shape,
                shape.projectionWeights());
        out.printf("weights      random, bfloat16 as the shipped models are stored%n");
        out.printf("kernels      %s%n", Kernels.selected().description());
        out.printf("threads      %d%n", options.threads);
        out.printf(
                Locale.ROOT,
                "bytes/s      %,.0f (median of %d rounds, quartiles %.1f%% apart)%n",
                m.bytesPerSecond(),
                options.rounds,
                100 * m.spread());
        out.printf(
                Locale.ROOT, "GFLOP/s      %.1f of a measured peak of %.1f%n", gflops, m.fmaPeak());
        out.printf(Locale.ROOT, "of the peak  %.1f%%%n", 100 * m.fractionOfPeak());
        out.printf(Locale.ROOT, "allocated    %.3f bytes a byte%n", m.allocatedPerByte());
    }

    private static void json(
            PrintWriter out, String name, BenchOptions options, int recordBytes, Measurement m) {
        Shape shape = options.shape;
        ObjectNode node = new ObjectMapper().createObjectNode();
        node.put("bench", name);
        node.put("shape", shape.toString());
        node.put("threads", options.threads);
        node.put("record_bytes", recordBytes);
        node.put("kernels", Kernels.selected().description());
        node.put("projection_weights", shape.projectionWeights());
        node.put("weights", "bfloat16");
        node.put("rounds", options.rounds);
        node.put("bytes_per_s", m.bytesPerSecond());
        node.put("bytes_per_s_spread", m.spread());
        node.put("gflops", 2e-9 * shape.projectionWeights() * m.bytesPerSecond());
        node.put("fma_peak_gflops", m.fmaPeak());
        node.put("fraction_of_peak", m.fractionOfPeak());
        node.put("allocated_bytes_per_byte", m.allocatedPerByte());
        node.put("java", Runtime.version().toString());
        node.put("arch", System.getProperty("os.arch"));
        node.put("cpus", Runtime.getRuntime().availableProcessors());
        out.println(node);
    }
}
