package io.mambabyte.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.kernels.Kernels;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

@Tag("kernels")
class ForwardTest {
    static List<MambaConfig> configs() {
        return List.of(
                RandomModels.config(16, 2, 4),
                RandomModels.config(64, 2, 16),
                RandomModels.odd(Norm.RMS),
                RandomModels.odd(Norm.LAYER),
                new MambaConfig(8, 1, 24, 1, 1, 1, Norm.RMS, 1e-5f));
    }

    @ParameterizedTest
    @MethodSource("configs")
    void shouldGiveTheSameBitsHoweverBytesAreCut(MambaConfig config) {
        MambaModel model = MambaModel.of(config, RandomModels.weights(config, 1));
        byte[] bytes = new byte[701];
        Random random = new Random(2);
        random.nextBytes(bytes);
        RecurrentState whole = model.newState();
        Forward forward = new Forward(model, bytes.length);
        forward.forward(whole, bytes, 0, bytes.length);
        float[] expected = forward.logits().clone();

        for (int size : new int[] {1, 2, 3, 5, 12, 13, 63, 64, 65, 128, 700}) {
            RecurrentState state = model.newState();
            for (int done = 0; done < bytes.length; done += size) {
                int length = Math.min(size, bytes.length - done);
                forward.forward(state, bytes, done, length);
                assertLogits(expected, done, forward.logits(), length);
            }
            assertTrue(state.bitsEqual(whole), () -> "state after calls of " + size + " bytes");
        }
    }

    @ParameterizedTest
    @MethodSource("configs")
    void shouldGiveTheBitsOfTheScalarKernels(MambaConfig config) {
        MambaWeights weights = RandomModels.weights(config, 3);
        byte[] bytes = new byte[200];
        new Random(4).nextBytes(bytes);
        MambaModel scalar = MambaModel.of(config, weights, Kernels.scalar());
        RecurrentState scalarState = scalar.newState();
        Forward scalarForward = new Forward(scalar, bytes.length);
        scalarForward.forward(scalarState, bytes, 0, bytes.length);
        MambaModel vector = MambaModel.of(config, weights, Kernels.vector());
        RecurrentState vectorState = vector.newState();
        Forward vectorForward = new Forward(vector, bytes.length);
        vectorForward.forward(vectorState, bytes, 0, bytes.length);

        assertLogits(scalarForward.logits(), 0, vectorForward.logits(), bytes.length);
        assertTrue(vectorState.bitsEqual(scalarState));
    }

    private static void assertLogits(float[] expected, int first, float[] actual, int rows) {
        for (int i = 0; i < rows * 256; i++) {
            int index = i;
            assertEquals(
                    Float.floatToRawIntBits(expected[first * 256 + i]),
                    Float.floatToRawIntBits(actual[i]),
                    () -> "row " + (first + index / 256) + ", byte " + index % 256);
        }
    }

    @Test
    void shouldGiveTheSameBitsInSeveralThreadsAndRandomCuts() throws Exception {
        MambaConfig config = RandomModels.config(32, 2, 16);
        MambaModel model = MambaModel.of(config, RandomModels.weights(config, 5));
        byte[] bytes = new byte[3000];
        new Random(6).nextBytes(bytes);
        RecurrentState whole = model.newState();
        new Forward(model, bytes.length).forward(whole, bytes, 0, bytes.length);
        try (ExecutorService executor = Executors.newFixedThreadPool(2)) {
            List<Future<RecurrentState>> states =
                    IntStream.range(0, 8)
                            .mapToObj(seed -> executor.submit(() -> cut(model, bytes, seed)))
                            .toList();
            for (Future<RecurrentState> state : states) {
                assertTrue(state.get().bitsEqual(whole));
            }
        }
    }

    private static RecurrentState cut(MambaModel model, byte[] bytes, long seed) {
        Random random = new Random(seed);
        Forward forward = new Forward(model, 700);
        RecurrentState state = model.newState();
        int done = 0;
        while (done < bytes.length) {
            int length = Math.min(random.nextInt(701), bytes.length - done);
            forward.forward(state, bytes, done, length);
            done += length;
        }
        return state;
    }

    @Test
    void shouldRestoreAStateFromItsFloats() {
        MambaConfig config = RandomModels.odd(Norm.RMS);
        MambaModel model = MambaModel.of(config, RandomModels.weights(config, 1));
        RecurrentState state = model.newState();
        new Forward(model, 9)
                .forward(
                        state,
                        "some text".getBytes(java.nio.charset.StandardCharsets.US_ASCII),
                        0,
                        9);
        state.pendingByte('x');
        float[] floats = new float[state.floats() + 3];
        state.read(floats, 3);

        RecurrentState restored = model.newState();
        restored.write(floats, 3);
        restored.position(9);
        restored.pendingByte('x');

        assertEquals(2 * (5 + 2) * 120, state.floats());
        assertTrue(restored.bitsEqual(state));
        assertTrue(state.copy().bitsEqual(state));
        state.reset();
        assertTrue(state.bitsEqual(model.newState()));
        assertArrayEquals(new float[state.floats()], floatsOf(state));
    }

    private static float[] floatsOf(RecurrentState state) {
        float[] floats = new float[state.floats()];
        state.read(floats, 0);
        return floats;
    }

    @Test
    void shouldRejectMoreBytesThanItWasMadeFor() {
        MambaConfig config = RandomModels.config(16, 1, 4);
        MambaModel model = MambaModel.of(config, RandomModels.weights(config, 1));
        Forward forward = new Forward(model, 4);
        var thrown =
                assertThrows(
                        IllegalArgumentException.class,
                        () -> forward.forward(model.newState(), new byte[5], 0, 5));
        assertEquals("length is more than maxRows: 5 > 4", thrown.getMessage());
    }
}
