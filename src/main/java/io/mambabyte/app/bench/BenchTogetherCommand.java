package io.mambabyte.app.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.mambabyte.generate.Continuation;
import io.mambabyte.generate.Decoder;
import io.mambabyte.generate.Drafter;
import io.mambabyte.generate.Prefill;
import io.mambabyte.generate.Sampling;
import io.mambabyte.generate.StopSequences;
import io.mambabyte.model.Forward;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;

/**
 * {@code bench together}: many completions at once, against what a pass over as many rows allows.
 */
@Command(
        name = "together",
        mixinStandardHelpOptions = true,
        description = {
            "Continues many texts together: bytes a second of all of them, against one pass over as"
                    + " many rows of one text and against one after another.",
            "And how long each waits for its first byte, against a lone one that has an equal share of"
                    + " the time."
        })
final class BenchTogetherCommand implements Callable<Integer> {
    /** Passes that are timed at once. */
    private static final int PASSES = 4;

    private static final int SEED = 1;

    @Mixin private final BenchOptions options = new BenchOptions();

    @Option(
            names = "--requests",
            description = "Texts that are continued together. Default: ${DEFAULT-VALUE}.",
            defaultValue = "64")
    private int requests = 64;

    @Option(
            names = "--prompt-bytes",
            description = "Bytes of each prompt. Default: ${DEFAULT-VALUE}.",
            defaultValue = "128")
    private int promptBytes = 128;

    @Option(
            names = "--temperature",
            description = "What bytes are drawn at. Default: ${DEFAULT-VALUE}.",
            defaultValue = "0.7")
    private double temperature = 0.7;

    @Spec private CommandSpec spec = CommandSpec.create();

    /** What a round gave: bytes a second, and seconds to the first byte. */
    private record Round(
            double pass, double together, double alone, double firstTogether, double firstAlone) {}

    @Override
    public Integer call() {
        options.validate(spec);
        BenchOptions.check(spec, "--requests", requests, 1, 1024);
        BenchOptions.check(spec, "--prompt-bytes", promptBytes, 1, 128);
        BenchOptions.check(spec, "--threads", options.threads, 1, 1);
        Side side = new Side();
        long start = System.nanoTime();
        // As long as code may not be compiled yet.
        do {
            side.round();
        } while (System.nanoTime() - start < 6_000_000_000L);
        List<Round> rounds = new ArrayList<>();
        for (int round = 0; round < options.rounds; round++) {
            rounds.add(side.round());
        }
        print(rounds);
        return 0;
    }

    /** Everything that a round works on. */
    private final class Side {
        private final MambaModel model =
                MambaModel.of(
                        options.shape.config(), RandomWeights.of(options.shape.config(), SEED));
        private final Forward forward = new Forward(model, requests);
        private final Prefill prefill = new Prefill(model);
        private final Decoder together = new Decoder(model, requests);
        private final Decoder alone = new Decoder(model, 1);
        private final Sampling sampling = Sampling.of(temperature, SEED);
        private final RecurrentState state = model.newState();
        private final byte[] rows = new byte[requests];

        Round round() {
            long start = System.nanoTime();
            for (int i = 0; i < PASSES; i++) {
                forward.forward(state, rows, 0, requests);
            }
            double pass = (double) PASSES * requests / seconds(start);

            start = System.nanoTime();
            List<Continuation> all = new ArrayList<>();
            for (int i = 0; i < requests; i++) {
                all.add(continuation(i));
            }
            together.advance(all);
            double firstTogether = seconds(start);
            start = System.nanoTime();
            int made = 0;
            for (int i = 0; i < PASSES; i++) {
                made += together.advance(all);
            }
            double rate = made / seconds(start);

            start = System.nanoTime();
            List<Continuation> one = List.of(continuation(requests));
            alone.advance(one);
            double firstAlone = seconds(start);
            start = System.nanoTime();
            made = 0;
            while (made < PASSES * 4) {
                made += alone.advance(one);
            }
            return new Round(pass, rate, made / seconds(start), firstTogether, firstAlone);
        }

        private Continuation continuation(int number) {
            byte[] prompt = new byte[promptBytes];
            for (int i = 0; i < promptBytes; i++) {
                prompt[i] = (byte) (number * 7 + i * 13);
            }
            RecurrentState after = model.newState();
            prefill.feed(after, prompt, 0, promptBytes);
            return new Continuation(
                    after, prompt, sampling, StopSequences.NONE, 1 << 20, Drafter.NONE, 0);
        }
    }

    private static double seconds(long start) {
        return (System.nanoTime() - start) * 1e-9;
    }

    private static double median(
            List<Round> rounds, java.util.function.ToDoubleFunction<Round> of) {
        return Quantiles.median(rounds.stream().mapToDouble(of).toArray());
    }

    private void print(List<Round> rounds) {
        double pass = median(rounds, Round::pass);
        double together = median(rounds, Round::together);
        double alone = median(rounds, Round::alone);
        // Of each round, so that both sides met the same machine.
        double ofPass = median(rounds, r -> r.together / r.pass);
        double ofAlone = median(rounds, r -> r.together / r.alone);
        double waiting = median(rounds, r -> r.firstTogether / (requests * r.firstAlone));
        PrintWriter out = spec.commandLine().getOut();
        if (options.format == BenchOptions.Format.JSON) {
            ObjectNode node = new ObjectMapper().createObjectNode();
            node.put("bench", "together");
            node.put("shape", options.shape.toString());
            node.put("requests", requests);
            node.put("prompt_bytes", promptBytes);
            node.put("rounds", options.rounds);
            node.put("pass_bytes_per_s", pass);
            node.put("together_bytes_per_s", together);
            node.put("alone_bytes_per_s", alone);
            node.put("together_of_pass", ofPass);
            node.put("together_of_alone", ofAlone);
            node.put("first_byte_together_s", median(rounds, Round::firstTogether));
            node.put("first_byte_alone_s", median(rounds, Round::firstAlone));
            node.put("first_byte_of_equal_share", waiting);
            out.println(node);
        } else {
            out.printf("bench          together, %d requests%n", requests);
            out.printf("shape          %s: d_model, blocks, states%n", options.shape);
            out.printf(Locale.ROOT, "one pass       %,.0f bytes/s, %d rows%n", pass, requests);
            out.printf(
                    Locale.ROOT,
                    "together       %,.0f bytes/s, %.1f%% of the pass%n",
                    together,
                    100 * ofPass);
            out.printf(
                    Locale.ROOT,
                    "one by one     %,.0f bytes/s; together %.2f times that%n",
                    alone,
                    ofAlone);
            out.printf(
                    Locale.ROOT,
                    "first byte     %.1f ms together, %.2f ms alone: %.2f of %d times that%n",
                    1e3 * median(rounds, Round::firstTogether),
                    1e3 * median(rounds, Round::firstAlone),
                    waiting,
                    requests);
        }
        out.flush();
    }
}
