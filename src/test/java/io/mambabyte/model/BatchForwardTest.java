package io.mambabyte.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.kernels.Rows;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

@Tag("kernels")
class BatchForwardTest {
    static List<MambaConfig> configs() {
        return ForwardTest.configs();
    }

    /** A state that has seen something, and the same kept apart. */
    private static RecurrentState seen(MambaModel model, Random random) {
        byte[] bytes = new byte[random.nextInt(20)];
        random.nextBytes(bytes);
        RecurrentState state = model.newState();
        new Forward(model, 20).forward(state, bytes, 0, bytes.length);
        state.pendingByte(random.nextInt(256));
        return state;
    }

    @ParameterizedTest
    @MethodSource("configs")
    void shouldFeedStatesTogetherAsEachAlone(MambaConfig config) {
        MambaModel model = MambaModel.of(config, RandomModels.weights(config, 1));
        Random random = new Random(7);
        BatchForward together = new BatchForward(model, 9, 60);
        Forward alone = new Forward(model, 20);
        for (int turn = 0; turn < 12; turn++) {
            int segments = 1 + random.nextInt(9);
            List<RecurrentState> states = new ArrayList<>();
            List<RecurrentState> expected = new ArrayList<>();
            List<byte[]> fed = new ArrayList<>();
            int[] first = new int[segments];
            together.clear();
            for (int s = 0; s < segments; s++) {
                RecurrentState state = seen(model, random);
                byte[] bytes = new byte[1 + random.nextInt(6)];
                random.nextBytes(bytes);
                states.add(state);
                expected.add(state.copy());
                fed.add(bytes);
                first[s] = together.add(state, bytes, 0, bytes.length);
            }
            together.forward();
            for (int s = 0; s < segments; s++) {
                byte[] bytes = fed.get(s);
                RecurrentState whole = expected.get(s).copy();
                alone.forward(whole, bytes, 0, bytes.length);
                Rows logits = together.logits(first[s]);
                for (int i = 0; i < bytes.length * 256; i++) {
                    assertEquals(
                            Float.floatToRawIntBits(alone.logits()[i]),
                            Float.floatToRawIntBits(
                                    logits.values()[logits.start(i / 256) + i % 256]));
                }
            }
            for (int s = 0; s < segments; s++) {
                int kept = 1 + random.nextInt(fed.get(s).length);
                together.keep(s, kept);
                alone.forward(expected.get(s), fed.get(s), 0, kept);
                assertTrue(
                        states.get(s).bitsEqual(expected.get(s)),
                        "segment " + s + ", kept " + kept + " of " + fed.get(s).length);
            }
        }
    }

    @Test
    void shouldRefuseWhatHasNoRoom() {
        MambaConfig config = RandomModels.config(16, 1, 4);
        MambaModel model = MambaModel.of(config, RandomModels.weights(config, 1));
        BatchForward forward = new BatchForward(model, 2, 4);
        forward.add(model.newState(), new byte[3], 0, 3);
        var thrown =
                assertThrows(
                        IllegalArgumentException.class,
                        () -> forward.add(model.newState(), new byte[2], 0, 2));
        assertEquals("segment 1 of at most 2: 2 bytes after 3 of at most 4", thrown.getMessage());
        forward.forward();
        thrown = assertThrows(IllegalArgumentException.class, () -> forward.keep(0, 4));
        assertEquals("keep 4 bytes of a segment of 3", thrown.getMessage());
    }
}
