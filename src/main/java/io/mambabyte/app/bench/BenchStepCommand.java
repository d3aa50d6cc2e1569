package io.mambabyte.app.bench;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.util.concurrent.Callable;

/** {@code bench step}: one byte at a time, as generation does. */
@Command(
        name = "step",
        mixinStandardHelpOptions = true,
        description = {
            "Feeds one byte at a time: bytes a second, and which share of the cores' peak that is.",
            "Every weight is read for every byte, so the memory decides, not the peak."
        })
final class BenchStepCommand implements Callable<Integer> {
    @Mixin private final BenchOptions options = new BenchOptions();

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws InterruptedException {
        BenchRun.run("step", spec, options, 1, false);
        return 0;
    }
}
