package io.mambabyte.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.mambabyte.model.Checkpoint.Layout;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/**
 * Against other programs: transformers' float64 run of the reference cases, and a plain
 * re-implementation for what transformers cannot load.
 */
class ParityTest {
    /** The project's own claim: a float32 run in another language stays within a tenth of it. */
    private static final double BITS_ABSOLUTE = 2e-4;

    private static final double BITS_RELATIVE = 1e-5;
    private static final double STATE_RELATIVE = 1e-5;

    static List<ReferenceCase> committed() throws Exception {
        return ReferenceCase.committed();
    }

    @ParameterizedTest
    @MethodSource("committed")
    void shouldAgreeWithTransformers(ReferenceCase reference) throws Exception {
        assertParity(reference);
    }

    @Test
    void shouldAgreeWithTransformersOnLargerCases() throws Exception {
        List<ReferenceCase> larger = ReferenceCase.larger();
        assumeFalse(larger.isEmpty(), "the larger reference cases are not here");
        for (ReferenceCase reference : larger) {
            assertParity(reference);
        }
    }

    private static void assertParity(ReferenceCase reference) throws Exception {
        Checkpoint checkpoint = Checkpoint.read(reference.folder());
        MambaConfig config = checkpoint.config();
        MambaModel model = MambaModel.of(config, checkpoint.weights());
        byte[] input = reference.input();
        RecurrentState state = model.newState();
        Forward forward = new Forward(model, input.length);
        forward.forward(state, input, 0, input.length);
        float[] surprisal = surprisal(forward, input);

        double[] wanted = reference.log2Likelihood();
        assertEquals(wanted.length, surprisal.length);
        double worst = 0;
        for (int i = 0; i < wanted.length; i++) {
            double error = Math.abs(-surprisal[i] - wanted[i]);
            worst = Math.max(worst, error);
            assertTrue(
                    error <= BITS_ABSOLUTE + BITS_RELATIVE * Math.abs(wanted[i]),
                    "%s byte %d: expected log2 %s, found %s"
                            .formatted(reference, i + 1, wanted[i], -surprisal[i]));
        }
        State found = new State(config, state);
        double worstSsm = 0;
        double worstConv = 0;
        for (int layer = 0; layer < config.nLayer(); layer++) {
            int width = config.dConv();
            double[] conv = reference.convState(layer);
            double[] history = new double[config.dInner() * (width - 1)];
            for (int c = 0; c < config.dInner(); c++) {
                System.arraycopy(conv, c * width + 1, history, c * (width - 1), width - 1);
            }
            worstSsm =
                    Math.max(worstSsm, relativeNorm(reference.ssmState(layer), found.ssm(layer)));
            worstConv = Math.max(worstConv, relativeNorm(history, found.conv(layer)));
        }
        System.out.printf(
                Locale.ROOT,
                "parity %s: log2 likelihood within %.2e bits of %d, SSM state within %.2e,"
                        + " convolution state within %.2e of its norm%n",
                reference,
                worst,
                wanted.length,
                worstSsm,
                worstConv);
        assertTrue(worstSsm <= STATE_RELATIVE, reference + ": SSM state off by " + worstSsm);
        assertTrue(worstConv <= STATE_RELATIVE, reference + ": conv state off by " + worstConv);
    }

    private static float[] surprisal(Forward forward, byte[] input) {
        int n = input.length - 1;
        float[] surprisal = new float[n];
        forward.surprisal(input, 1, n, surprisal, new float[n], new float[n]);
        return surprisal;
    }

    /** {@code |found - wanted| / |wanted|}. */
    private static double relativeNorm(double[] wanted, double[] found) {
        assertEquals(wanted.length, found.length);
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < wanted.length; i++) {
            difference += (found[i] - wanted[i]) * (found[i] - wanted[i]);
            norm += wanted[i] * wanted[i];
        }
        return Math.sqrt(difference / norm);
    }

    /** The floats of a state by layer and channel, as the checkpoint's layouts have them. */
    private static final class State {
        private final MambaConfig config;
        private final float[] floats;

        State(MambaConfig config, RecurrentState state) {
            this.config = config;
            floats = new float[state.floats()];
            state.read(floats, 0);
        }

        double[] ssm(int layer) {
            return transposed(layer, 0, config.dState());
        }

        double[] conv(int layer) {
            return transposed(layer, config.dState(), config.dConv() - 1);
        }

        private double[] transposed(int layer, int row, int rows) {
            int e = config.dInner();
            int start = (layer * (config.dState() + config.dConv() - 1) + row) * e;
            double[] out = new double[e * rows];
            for (int i = 0; i < rows; i++) {
                for (int c = 0; c < e; c++) {
                    out[c * rows + i] = floats[start + i * e + c];
                }
            }
            return out;
        }
    }

    static Stream<Arguments> variants() {
        MambaConfig rms = new MambaConfig(24, 2, 40, 6, 4, 3, Norm.RMS, 1e-5f);
        MambaConfig layer = new MambaConfig(24, 2, 40, 6, 4, 3, Norm.LAYER, 1e-5f);
        MambaConfig edge = new MambaConfig(5, 1, 3, 1, 2, 1, Norm.LAYER, 1e-3f);
        return Stream.of(
                arguments("mamba-ssm", rms, Layout.MAMBA_SSM, true, false),
                arguments("LayerNorm, untied", layer, Layout.MAMBA_SSM, false, false),
                arguments("biases of the projections", rms, Layout.HUGGING_FACE, false, true),
                arguments("LayerNorm, tied, biases", layer, Layout.HUGGING_FACE, true, true),
                arguments("smaller than a lane", edge, Layout.MAMBA_SSM, false, true));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("variants")
    void shouldAgreeWithFloat64OnVariants(
            String name, MambaConfig shape, Layout layout, boolean tied, boolean biases)
            throws Exception {
        ModelFiles files = ModelFiles.random(shape, layout, tied, biases, 11);
        if (shape.normEpsilon() != 1e-5f) {
            files.config(
                    "\"vocab_size\": 256", "\"vocab_size\": 256, \"layer_norm_epsilon\": 1e-3");
        }
        byte[] input = new byte[200];
        SplittableRandom random = new SplittableRandom(12);
        random.nextBytes(input);
        Checkpoint checkpoint = files.read();
        Float64Model reference = new Float64Model(checkpoint.config(), checkpoint.weights());
        double[] wanted = new double[input.length - 1];
        for (int i = 0; i < wanted.length; i++) {
            wanted[i] = reference.step(input[i] & 0xff)[input[i + 1] & 0xff];
        }
        MambaModel model = MambaModel.of(checkpoint.config(), checkpoint.weights());
        float[] once = run(model, input);
        for (int i = 0; i < wanted.length; i++) {
            assertEquals(
                    wanted[i],
                    -once[i],
                    BITS_ABSOLUTE + BITS_RELATIVE * Math.abs(wanted[i]),
                    "byte " + (i + 1));
        }
        // The weights are exact in all three formats: the same numbers, so the same model.
        for (Dtype dtype : Dtype.values()) {
            Checkpoint same = files.all(tensor -> tensor.as(dtype)).shard().read();
            MambaModel again = MambaModel.of(same.config(), same.weights());
            assertEquals(model.fingerprint(), again.fingerprint());
            float[] found = run(again, input);
            for (int i = 0; i < once.length; i++) {
                assertEquals(Float.floatToRawIntBits(once[i]), Float.floatToRawIntBits(found[i]));
            }
            files.write();
        }
    }

    @Test
    void shouldAgreeWithFloat64AsTransformersDoes() throws Exception {
        // Holds the re-implementation itself to the reference.
        for (ReferenceCase reference : ReferenceCase.committed()) {
            Checkpoint checkpoint = Checkpoint.read(reference.folder());
            Float64Model model = new Float64Model(checkpoint.config(), checkpoint.weights());
            byte[] input = reference.input();
            double[] wanted = reference.log2Likelihood();
            for (int i = 0; i < wanted.length; i++) {
                // The reference's log likelihoods are stored as float32.
                assertEquals(
                        wanted[i],
                        model.step(input[i] & 0xff)[input[i + 1] & 0xff],
                        1e-6 + 1e-6 * Math.abs(wanted[i]));
            }
        }
    }

    @Test
    void shouldTellModelsApart() throws Exception {
        MambaConfig shape = new MambaConfig(4, 1, 8, 2, 4, 1, Norm.RMS, 1e-5f);
        ModelFiles files = ModelFiles.random(shape, Layout.HUGGING_FACE, true, false, 1);
        String one = fingerprint(files);
        assertEquals(64, one.length());
        String renamed =
                fingerprint(
                        files.change(
                                "backbone.embeddings.weight",
                                t -> t.named("backbone.embedding.weight")));
        assertEquals(one, renamed);
        ModelFiles.Tensor norm = files.tensor("backbone.norm_f.weight");
        norm.values[0] = Math.nextUp(norm.values[0]);
        assertTrue(!one.equals(fingerprint(files.write())));
    }

    private static String fingerprint(ModelFiles files) throws Exception {
        Checkpoint checkpoint = files.read();
        return MambaModel.of(checkpoint.config(), checkpoint.weights()).fingerprint();
    }

    private static float[] run(MambaModel model, byte[] input) {
        Forward forward = new Forward(model, input.length);
        forward.forward(model.newState(), input, 0, input.length);
        return surprisal(forward, input);
    }
}
