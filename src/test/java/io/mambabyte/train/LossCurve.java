package io.mambabyte.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.mambabyte.kernels.Kernels;
import io.mambabyte.model.Checkpoint;
import io.mambabyte.model.ModelSource;

import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * The Java half of kernels/triton/loss_curves.py: trains from the weights in a folder on its text
 * and writes the loss of every step. Not a test.
 *
 * <pre>
 * mvn -q test-compile dependency:build-classpath -Dmdep.outputFile=target/cp
 * java --add-modules jdk.incubator.vector -cp target/test-classes:target/classes:$(cat target/cp) \
 *     io.mambabyte.train.LossCurve FOLDER
 * </pre>
 */
final class LossCurve {
    private static final int SEQUENCES = 8;
    private static final int ROWS = 512;
    private static final int STEPS = 300;
    private static final double RATE = 4e-3;
    private static final int WARMUP = 20;

    private LossCurve() {}

    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        TokenText text = new TokenText.Bytes(Files.readAllBytes(folder.resolve("text")));
        Checkpoint start = Checkpoint.read(ModelSource.of(folder.toString()));
        try (Workers workers = new Workers(Runtime.getRuntime().availableProcessors());
                PrintStream out = new PrintStream(folder.resolve("java.jsonl").toFile(), UTF_8)) {
            Step step =
                    new Step(
                            start.config(),
                            start.weights(),
                            Kernels.selected(),
                            AdamW.Settings.DEFAULT,
                            workers,
                            SEQUENCES,
                            ROWS);
            int[] offsets = new int[SEQUENCES];
            for (int i = 0; i < STEPS; i++) {
                for (int sequence = 0; sequence < SEQUENCES; sequence++) {
                    offsets[sequence] = (sequence * STEPS + i) * ROWS;
                }
                double rate = RATE * Math.min(1, (i + 1) / (double) WARMUP);
                double bits =
                        step.step(text, offsets, rate).nats() / Math.log(2) / (SEQUENCES * ROWS);
                out.printf(Locale.ROOT, "{\"step\": %d, \"bits_per_byte\": %.9f}%n", i, bits);
            }
        }
    }
}
