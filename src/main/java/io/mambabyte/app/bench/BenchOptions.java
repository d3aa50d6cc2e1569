package io.mambabyte.app.bench;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** Options that the benchmarks share. */
final class BenchOptions {
    /** How the result is printed. */
    enum Format {
        TEXT,
        JSON
    }

    @Option(
            names = "--shape",
            paramLabel = "D,LAYERS,STATE",
            converter = Shape.Converter.class,
            description =
                    "d_model, number of blocks and states of a channel. Default: ${DEFAULT-VALUE}.",
            defaultValue = "128,4,16")
    Shape shape = new Shape(128, 4, 16);

    @Option(
            names = "--threads",
            description = "Threads, each with a state of its own. Default: ${DEFAULT-VALUE}.",
            defaultValue = "1")
    int threads = 1;

    @Option(
            names = "--rounds",
            description =
                    "Rounds of about a tenth of a second; medians of them are printed. Default:"
                            + " ${DEFAULT-VALUE}.",
            defaultValue = "21")
    int rounds = 21;

    @Option(
            names = "--warm-up",
            description =
                    "Rounds before them at most; they end when nothing is allocated any more. Default:"
                            + " ${DEFAULT-VALUE}.",
            defaultValue = "150")
    int warmUp = 150;

    @Option(names = "--format", description = "One of ${COMPLETION-CANDIDATES}. Default: text.")
    Format format = Format.TEXT;

    void validate(CommandSpec spec) {
        check(spec, "--threads", threads, 1, 1024);
        check(spec, "--rounds", rounds, 1, 100_000);
        check(spec, "--warm-up", warmUp, 0, 100_000);
    }

    static void check(CommandSpec spec, String option, int value, int least, int most) {
        if (value < least || value > most) {
            throw new ParameterException(
                    spec.commandLine(),
                    "%s is %d: expected %d to %d".formatted(option, value, least, most));
        }
    }
}
