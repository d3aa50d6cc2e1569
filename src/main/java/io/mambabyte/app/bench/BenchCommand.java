package io.mambabyte.app.bench;

import picocli.CommandLine.Command;

/** {@code bench}: what this machine reaches. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description = "Measures this machine, with random weights of a given shape.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            BenchScoreCommand.class,
            BenchStepCommand.class,
            BenchNoiseCommand.class,
            BenchTogetherCommand.class,
            BenchTrainCommand.class
        })
public final class BenchCommand {
    /** For the command line. */
    public BenchCommand() {}
}
