package io.mambabyte.app;

import io.mambabyte.app.bench.BenchCommand;

import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** The command line: {@code ./mambabyte COMMAND}. */
@Command(
        name = "mambabyte",
        description = "Byte-level language models inside Kafka Streams.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            HelpCommand.class,
            ScoreCommand.class,
            CompleteCommand.class,
            ModelCommand.class,
            TrainCommand.class,
            EvalCommand.class,
            RunCommand.class,
            ReadCommand.class,
            DemoCommand.class,
            GenerateCompletion.class
        })
public final class Main {
    @Option(
            names = "--debug",
            scope = ScopeType.INHERIT,
            description = "Show the stack trace of a failure.")
    private boolean debug;

    private Main() {}

    boolean debug() {
        return debug;
    }

    /**
     * Runs one command and exits with its code: 0 done, 1 failed, 2 wrong usage.
     *
     * @param args the command line
     */
    public static void main(String[] args) {
        int code;
        try {
            code = commandLine().execute(args);
        } catch (OutOfMemoryError e) {
            System.err.println(
                    "mambabyte: out of memory ("
                            + e.getMessage()
                            + "): give it more with MAMBABYTE_JAVA_OPTS=-Xmx8g");
            code = CommandLine.ExitCode.SOFTWARE;
        }
        System.exit(code);
    }

    static CommandLine commandLine() {
        // Beside its siblings for the user; in this package because it needs the broker.
        CommandLine bench =
                new CommandLine(new BenchCommand())
                        .addSubcommand(new BenchTopology())
                        .addSubcommand(new BenchRounding())
                        .addSubcommand(new BenchSoak())
                        .addSubcommand(new BenchState())
                        .addSubcommand(new BenchChaos())
                        .addSubcommand(new BenchAlerts());
        return new CommandLine(new Main())
                .addSubcommand(bench)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler(new Failures());
    }
}
