package io.mambabyte.train;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.kernels.Kernels;
import io.mambabyte.model.Checkpoint;
import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.MambaWeights;
import io.mambabyte.model.NamedTensor;
import io.mambabyte.model.ReferenceCase;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.ArrayList;
import java.util.List;

/** Gradients and optimizer steps against a float64 run of PyTorch. */
class GradientReferenceTest {
    private static final AdamW.Settings DECAY_ALL =
            new AdamW.Settings(0.9f, 0.95f, 1e-8f, 0.1f, true, 1f);

    static List<ReferenceCase> cases() throws Exception {
        List<ReferenceCase> cases = new ArrayList<>(ReferenceCase.committed());
        ReferenceCase.larger().stream()
                .filter(larger -> larger.toString().equals("small"))
                .forEach(cases::add);
        return cases;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void shouldComputeTheGradientOfEveryParameter(ReferenceCase reference) throws Exception {
        Step step;
        try (Workers workers = new Workers(1)) {
            step = step(reference, Checkpoint.read(reference.folder()).weights(), workers);
            step.gradient(new TokenText.Bytes(reference.input()), new int[] {0});
        }
        for (NamedTensor tensor : step.gradient()) {
            double[] expected = reference.gradient(tensor.name());
            double difference = 0;
            double norm = 0;
            for (int i = 0; i < expected.length; i++) {
                difference += Math.pow(tensor.values()[i] - expected[i], 2);
                norm += Math.pow(expected[i], 2);
            }
            double relative = Math.sqrt(difference / norm);
            // Measured: 1e-6 at most. Float roundings add up over a hundred steps of the scan.
            assertTrue(relative < 1e-5, tensor.name() + ": relative error " + relative);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void shouldTakeTheStepsOfAdamW(ReferenceCase reference) throws Exception {
        MambaConfig config = Checkpoint.read(reference.folder()).config();
        MambaWeights weights = Checkpoint.read(reference.folder()).weights();
        try (Workers workers = new Workers(2)) {
            Step step = step(reference, weights, workers);
            for (int i = 0; i < 3; i++) {
                step.states().get(0).clear();
                step.step(new TokenText.Bytes(reference.input()), new int[] {0}, 1e-3);
            }
        }
        double worst = 0;
        for (NamedTensor tensor : NamedTensor.of(config, weights)) {
            double[] expected = reference.afterThreeSteps(tensor.name());
            for (int i = 0; i < expected.length; i++) {
                worst = Math.max(worst, Math.abs(expected[i] - tensor.values()[i]));
            }
        }
        // Measured: 9e-6. Where a gradient is small, Adam divides noise by noise.
        assertTrue(worst < 2e-5, "largest difference " + worst);
    }

    private static Step step(ReferenceCase reference, MambaWeights weights, Workers workers)
            throws Exception {
        return new Step(
                Checkpoint.read(reference.folder()).config(),
                weights,
                Kernels.selected(),
                DECAY_ALL,
                workers,
                1,
                reference.input().length - 1);
    }
}
