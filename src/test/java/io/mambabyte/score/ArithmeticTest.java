package io.mambabyte.score;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.mambabyte.kernels.Kernels;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.model.StateCodec;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;

/**
 * The bits of likelihoods and states, as they were when {@link Kernels#ARITHMETIC} got its number:
 * on any machine, and until it gets another one.
 */
@Tag("kernels")
class ArithmeticTest {
    private static final int LINES = 40;

    @ParameterizedTest
    @CsvSource({"logs-nano, 2bf6a316", "logs-small, 15bd858b"})
    void shouldGiveTheBitsOfThisArithmetic(String name, String expected) throws Exception {
        MambaModel model = MambaModel.load(ModelSource.of(name));
        Scorer scorer = new Scorer(model);
        RecurrentState state = model.newState();
        CRC32C bits = new CRC32C();
        SplittableRandom random = new SplittableRandom(41);
        for (int i = 0; i < LINES; i++) {
            RecordScore score = scorer.score(state, line(random), Framing.LINES, true);
            Surprisals surprisal = score.surprisal();
            assertNotNull(surprisal);
            for (float one : surprisal.toArray()) {
                update(bits, Float.floatToIntBits(one));
            }
            long expectedBits = Double.doubleToLongBits(score.expectedBits());
            update(bits, (int) (expectedBits >>> 32));
            update(bits, (int) expectedBits);
        }
        bits.update(new StateCodec(model).encode(state));
        assertEquals(
                expected,
                Integer.toHexString((int) bits.getValue()),
                "other bits than arithmetic "
                        + Kernels.ARITHMETIC
                        + " gave. If that was meant, give it the next number, so that no key's state"
                        + " goes on with other bits than it began with, and put the new sums here");
    }

    @Test
    void shouldBeTheArithmeticWhoseBitsAreHere() {
        assertEquals(2, Kernels.ARITHMETIC, "the sums above are those of another one");
    }

    private static byte[] line(SplittableRandom random) {
        byte[] noise = new byte[random.nextInt(40)];
        random.nextBytes(noise);
        byte[] text =
                "%d WARN [worker-%d] request %x took %d ms "
                        .formatted(
                                random.nextLong(1L << 40),
                                random.nextInt(9),
                                random.nextLong(),
                                random.nextInt(5000))
                        .getBytes(StandardCharsets.US_ASCII);
        return ByteBuffer.allocate(text.length + noise.length).put(text).put(noise).array();
    }

    private static void update(CRC32C bits, int value) {
        for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
            bits.update(value >>> shift);
        }
    }
}
