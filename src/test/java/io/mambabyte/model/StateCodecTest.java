package io.mambabyte.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.model.Checkpoint.Layout;
import io.mambabyte.model.StateFormatException.Reason;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

class StateCodecTest {
    private static final MambaConfig SHAPE = new MambaConfig(6, 2, 19, 3, 4, 1, Norm.RMS, 1e-5f);

    private MambaModel model;
    private StateCodec codec;
    private RecurrentState state;

    private static MambaModel model(MambaConfig shape, long seed) throws Exception {
        Checkpoint checkpoint =
                ModelFiles.random(shape, Layout.HUGGING_FACE, true, false, seed).read();
        return MambaModel.of(checkpoint.config(), checkpoint.weights());
    }

    @BeforeEach
    void feed() throws Exception {
        model = model(SHAPE, 1);
        codec = new StateCodec(model);
        state = model.newState();
        byte[] bytes = "a line of a log\n".getBytes(StandardCharsets.US_ASCII);
        new Forward(model, bytes.length).forward(state, bytes, 0, bytes.length);
        state.pendingByte(0xfe);
    }

    @Test
    void shouldRestoreSameBits() {
        byte[] bytes = codec.encode(state);
        RecurrentState restored = codec.decode(bytes);
        assertTrue(state.bitsEqual(restored));
        assertEquals(16, restored.position());
        assertEquals(0xfe, restored.pendingByte());
    }

    @Test
    void shouldHaveDocumentedSize() {
        assertEquals(56 + 4 * 2 * 19 * (3 + 3), codec.size());
        assertEquals(codec.size(), codec.encode(state).length);
        assertEquals(codec.size(), codec.encode(model.newState()).length);
    }

    @Test
    void shouldRestoreFreshState() {
        RecurrentState fresh = model.newState();
        assertTrue(fresh.bitsEqual(codec.decode(codec.encode(fresh))));
        assertEquals(RecurrentState.NONE, codec.decode(codec.encode(fresh)).pendingByte());
    }

    @Test
    void shouldContinueAsIfNeverStored() {
        RecurrentState restored = codec.decode(codec.encode(state));
        byte[] bytes = "and another".getBytes(StandardCharsets.US_ASCII);
        Forward forward = new Forward(model, bytes.length);
        forward.forward(state, bytes, 0, bytes.length);
        forward.forward(restored, bytes, 0, bytes.length);
        assertTrue(state.bitsEqual(restored));
    }

    @Test
    void shouldOverwriteStateThatIsThere() {
        RecurrentState into = model.newState();
        codec.decode(codec.encode(state), into);
        assertTrue(state.bitsEqual(into));
    }

    private void refuses(Consumer<byte[]> damage, Reason reason, String message) {
        byte[] bytes = codec.encode(state);
        damage.accept(bytes);
        refuses(bytes, reason, message);
    }

    private void refuses(byte[] bytes, Reason reason, String message) {
        RecurrentState into = model.newState();
        into.pendingByte(7);
        RecurrentState before = into.copy();
        StateFormatException e =
                assertThrows(StateFormatException.class, () -> codec.decode(bytes, into));
        assertEquals(message, e.getMessage());
        assertEquals(reason, e.reason());
        assertTrue(before.bitsEqual(into), "a refused state must leave no trace");
    }

    @Test
    void shouldRefuseWhatIsNoState() {
        refuses(
                new byte[0],
                Reason.NOT_A_STATE,
                "recurrent state: expected to begin with MBST, found no bytes");
        refuses(
                "hello world".getBytes(StandardCharsets.US_ASCII),
                Reason.NOT_A_STATE,
                "recurrent state: expected to begin with MBST, found 68656c6c");
    }

    @Test
    void shouldRefuseUnknownVersion() {
        refuses(
                bytes -> bytes[4] = 2,
                Reason.UNKNOWN_VERSION,
                "recurrent state: expected format version 1, found 2");
    }

    @Test
    void shouldRefuseStateOfOtherModel() throws Exception {
        MambaModel other = model(SHAPE, 2);
        refuses(
                new StateCodec(other).encode(other.newState()),
                Reason.OTHER_MODEL,
                "recurrent state: expected one of model "
                        + model.fingerprint()
                        + ", found one of "
                        + other.fingerprint());
    }

    @ParameterizedTest
    @ValueSource(ints = {6, 30, 55, 967})
    void shouldRefuseCutState(int length) {
        refuses(
                Arrays.copyOf(codec.encode(state), length),
                Reason.WRONG_SIZE,
                "recurrent state: expected 968 bytes, found " + length);
    }

    @Test
    void shouldRefuseStateWithSomethingAfterIt() {
        refuses(
                Arrays.copyOf(codec.encode(state), 969),
                Reason.WRONG_SIZE,
                "recurrent state: expected 968 bytes, found 969");
    }

    @Test
    void shouldRefuseEverySingleDamagedByte() {
        byte[] good = codec.encode(state);
        for (int i = 0; i < good.length; i++) {
            byte[] bytes = good.clone();
            bytes[i] ^= 0x10;
            RecurrentState into = model.newState();
            assertThrows(StateFormatException.class, () -> codec.decode(bytes, into));
            assertTrue(model.newState().bitsEqual(into));
        }
    }

    @Test
    void shouldRefuseFieldsThatNoStateHas() {
        refuses(
                bytes -> {
                    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
                    buffer.putShort(6, (short) 256).putLong(8, -5);
                    CRC32C sum = new CRC32C();
                    sum.update(bytes, 0, bytes.length - 4);
                    buffer.putInt(bytes.length - 4, (int) sum.getValue());
                },
                Reason.CORRUPT,
                "recurrent state: expected 228 floats, position from 0, pending byte from -1 to"
                        + " 255, found 228, -5, 256");
    }

    @Test
    void shouldRefuseStateOfOtherShape() throws Exception {
        MambaConfig wider = new MambaConfig(6, 2, 20, 3, 4, 1, Norm.RMS, 1e-5f);
        RecurrentState foreign = new RecurrentState(wider);
        byte[] bytes = codec.encode(state);
        String message = "state of another shape than " + SHAPE;
        assertEquals(
                message,
                assertThrows(IllegalArgumentException.class, () -> codec.encode(foreign))
                        .getMessage());
        assertEquals(
                message,
                assertThrows(IllegalArgumentException.class, () -> codec.decode(bytes, foreign))
                        .getMessage());
    }
}
