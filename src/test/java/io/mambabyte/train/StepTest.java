package io.mambabyte.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.kernels.Kernels;
import io.mambabyte.model.BytePairEncoding;
import io.mambabyte.model.Float64Model;
import io.mambabyte.model.Forward;
import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.MambaWeights;
import io.mambabyte.model.ModelSource;
import io.mambabyte.model.NamedTensor;
import io.mambabyte.model.Norm;
import io.mambabyte.model.RandomModels;
import io.mambabyte.model.SubwordModel;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;

class StepTest {
    /** LAYER comes with every bias that a checkpoint may have. */
    @ParameterizedTest
    @EnumSource
    void shouldAgreeWithCentralDifferencesOfAFloat64Model(Norm norm) {
        MambaConfig config = new MambaConfig(8, 2, 20, 3, 3, 2, norm, 1e-5f);
        MambaWeights weights = RandomModels.weights(config, 11);
        byte[] bytes = "a log line".getBytes(StandardCharsets.US_ASCII);
        assertCentralDifferences(config, weights, new TokenText.Bytes(bytes));
    }

    /** A number of tokens that leaves no padding, and one that does. */
    @ParameterizedTest
    @ValueSource(ints = {304, 300})
    void shouldAgreeWithCentralDifferencesOverAnyVocabulary(int vocabulary) throws Exception {
        // What the tokens stand for does not matter here.
        BytePairEncoding encoding =
                SubwordModel.load(new ModelSource.ShippedDrafter(SubwordModel.DEFAULT)).encoding();
        MambaConfig config = new MambaConfig(8, 1, 20, 3, 3, 2, Norm.RMS, 1e-5f);
        for (boolean tied : new boolean[] {false, true}) {
            MambaWeights w = RandomModels.weights(config, 12, vocabulary);
            MambaWeights weights =
                    tied
                            ? new MambaWeights(
                                    w.embedding, w.layers, w.normF, w.normFBias, w.embedding)
                            : w;
            assertCentralDifferences(
                    config,
                    weights,
                    new TokenText.Subwords(
                            new int[] {0, 299, 257, 3, 257, 257, vocabulary - 1, 1}, encoding));
        }
    }

    private static void assertCentralDifferences(
            MambaConfig config, MambaWeights weights, TokenText text) {
        int[] tokens = new int[text.length()];
        text.copy(0, tokens.length, tokens);
        try (Workers workers = new Workers(1)) {
            Step step = step(config, weights, Kernels.selected(), workers, 1, tokens.length - 1);
            step.gradient(text, new int[] {0});
            List<NamedTensor> tensors = NamedTensor.of(config, weights);
            for (int i = 0; i < tensors.size(); i++) {
                NamedTensor tensor = tensors.get(i);
                double[] expected = centralDifferences(config, weights, tensor.values(), tokens);
                float[] actual = step.gradient().get(i).values();
                double difference = 0;
                double size = 0;
                for (int j = 0; j < expected.length; j++) {
                    difference += Math.pow(expected[j] - actual[j], 2);
                    size += Math.pow(expected[j], 2);
                }
                double relative = Math.sqrt(difference / size);
                // The error of central differences, third derivative times step^2, is most of it.
                assertTrue(relative < 1e-4, tensor.name() + ": relative error " + relative);
            }
        }
    }

    private static double[] centralDifferences(
            MambaConfig config, MambaWeights weights, float[] values, int[] tokens) {
        double[] gradient = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            float at = values[i];
            values[i] = at + 0x1p-11f;
            double above = values[i];
            double lossAbove = loss(config, weights, tokens);
            values[i] = at - 0x1p-11f;
            gradient[i] = (lossAbove - loss(config, weights, tokens)) / (above - values[i]);
            values[i] = at;
        }
        return gradient;
    }

    /** Mean cross-entropy in nats. */
    private static double loss(MambaConfig config, MambaWeights weights, int[] tokens) {
        Float64Model model = new Float64Model(config, weights);
        double bits = 0;
        for (int i = 0; i + 1 < tokens.length; i++) {
            bits -= model.step(tokens[i])[tokens[i + 1]];
        }
        return bits * Math.log(2) / (tokens.length - 1);
    }

    @ParameterizedTest
    @EnumSource
    void shouldGiveTheSameBitsForEveryNumberOfThreadsAndKernel(Norm norm) {
        MambaConfig config = RandomModels.odd(norm);
        MambaWeights one = threeSteps(config, Kernels.vector(), 1);
        assertSame(config, one, threeSteps(config, Kernels.vector(), 2));
        assertSame(config, one, threeSteps(config, Kernels.vector(), 5));
        assertSame(config, one, threeSteps(config, Kernels.scalar(), 3));
    }

    private static MambaWeights threeSteps(MambaConfig config, Kernels kernels, int threads) {
        MambaWeights weights = RandomModels.weights(config, 3);
        byte[] bytes = new byte[4000];
        new Random(5).nextBytes(bytes);
        int sequences = 11;
        int rows = 37;
        try (Workers workers = new Workers(threads)) {
            Step step = step(config, weights, kernels, workers, sequences, rows);
            int[] offsets = new int[sequences];
            for (int i = 0; i < 3; i++) {
                for (int j = 0; j < sequences; j++) {
                    offsets[j] = j * 300 + i * rows;
                }
                step.step(new TokenText.Bytes(bytes), offsets, 1e-3);
            }
        }
        return weights;
    }

    private static void assertSame(MambaConfig config, MambaWeights expected, MambaWeights actual) {
        List<NamedTensor> tensors = NamedTensor.of(config, expected);
        for (int i = 0; i < tensors.size(); i++) {
            assertArrayEquals(
                    tensors.get(i).values(),
                    NamedTensor.of(config, actual).get(i).values(),
                    tensors.get(i).name());
        }
    }

    @Test
    void shouldComputeTheLossOfTheModelThatIsRun() {
        MambaConfig config = RandomModels.odd(Norm.RMS);
        MambaWeights weights = RandomModels.weights(config, 4);
        byte[] bytes = new byte[130];
        new Random(6).nextBytes(bytes);
        double nats = 0;
        try (Workers workers = new Workers(1)) {
            Step step = step(config, weights, Kernels.selected(), workers, 1, 43);
            for (int i = 0; i < 3; i++) {
                nats += step.gradient(new TokenText.Bytes(bytes), new int[] {i * 43});
            }
        }
        MambaModel model = MambaModel.of(config, weights);
        Forward forward = new Forward(model, 129);
        forward.forward(model.newState(), bytes, 0, 129);
        float[] surprisal = new float[129];
        forward.surprisal(bytes, 1, 129, surprisal, new float[129], new float[129]);
        double bits = 0;
        for (float s : surprisal) {
            bits += s;
        }
        assertEquals(bits, nats / Math.log(2), 1e-5 * bits);
    }

    @Test
    void shouldLeaveTheWeightsWhereAGradientIsNotFinite() {
        MambaConfig config = RandomModels.odd(Norm.RMS);
        MambaWeights weights = RandomModels.weights(config, 4);
        weights.layers.get(0).inProj[5] = Float.NaN;
        float before = weights.embedding[0];
        try (Workers workers = new Workers(1)) {
            Step step = step(config, weights, Kernels.selected(), workers, 1, 20);
            TokenText text = new TokenText.Bytes(new byte[21]);
            assertTrue(Double.isNaN(step.step(text, new int[] {0}, 1e-3).gradientNorm()));
            assertEquals(before, weights.embedding[0]);
            assertEquals(0, step.optimizer().steps());
            assertThrows(IllegalArgumentException.class, () -> step.gradient(text, new int[2]));
        }
    }

    private static Step step(
            MambaConfig config,
            MambaWeights weights,
            Kernels kernels,
            Workers workers,
            int sequences,
            int rows) {
        return new Step(config, weights, kernels, AdamW.Settings.DEFAULT, workers, sequences, rows);
    }
}
