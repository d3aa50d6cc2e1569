package io.mambabyte.app.bench;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.util.concurrent.Callable;

/** {@code bench score}: records at once, with the surprisal of every byte. */
@Command(
        name = "score",
        mixinStandardHelpOptions = true,
        description = {
            "Scores records: bytes a second, and which share of the cores' peak that is.",
            "The peak is measured in the same run, by turns with the work. Counted are the"
                    + " multiplications and additions of the projections, two a weight and byte."
        })
final class BenchScoreCommand implements Callable<Integer> {
    private static final int MOST_RECORD_BYTES = 1 << 14;

    @Mixin private final BenchOptions options = new BenchOptions();

    @Option(
            names = "--record-bytes",
            description = "Bytes of a record. Default: ${DEFAULT-VALUE}.",
            defaultValue = "128")
    private int recordBytes = 128;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws InterruptedException {
        BenchOptions.check(spec, "--record-bytes", recordBytes, 1, MOST_RECORD_BYTES);
        BenchRun.run("score", spec, options, recordBytes, true);
        return 0;
    }
}
