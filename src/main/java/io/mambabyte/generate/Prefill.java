package io.mambabyte.generate;

import io.mambabyte.model.Forward;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.model.StateCodec;
import io.mambabyte.model.StateRounding;

/**
 * Feeds a state the text that a continuation follows. Holds scratch memory; one instance a thread.
 */
public final class Prefill {
    /** Bytes that are fed together; memory for their logits is 1 KB each. */
    private static final int ROWS_MAX = 128;

    private final Forward forward;
    private final byte[] chunk = new byte[ROWS_MAX];
    private final StateRounding rounding;
    private final StateCodec codec;

    /**
     * Allocates the scratch memory.
     *
     * @param model the model
     */
    public Prefill(MambaModel model) {
        this(model, StateRounding.NONE);
    }

    /**
     * Allocates the scratch memory.
     *
     * @param model the model
     * @param rounding where and how far states are rounded
     */
    public Prefill(MambaModel model, StateRounding rounding) {
        this.rounding = rounding;
        codec = new StateCodec(model, rounding.precision());
        forward = new Forward(model, ROWS_MAX);
    }

    /**
     * Feeds the pending byte and the text but for its last byte, which becomes pending. The work of
     * a call is bounded by its bytes: cut a long text where you like.
     *
     * @param state advanced
     * @param text where the text is
     * @param offset index of its first byte
     * @param length how many, possibly none
     */
    public void feed(RecurrentState state, byte[] text, int offset, int length) {
        int pending = state.pendingByte();
        int done = 0;
        if (pending == RecurrentState.NONE && length > 0) {
            pending = text[offset] & 0xff;
            done = 1;
        }
        while (done < length) {
            int rows =
                    Math.min(
                            Math.min(ROWS_MAX, length - done),
                            rounding.bytesToNext(state.position()));
            chunk[0] = (byte) pending;
            System.arraycopy(text, offset + done, chunk, 1, rows - 1);
            forward.forward(state, chunk, 0, rows);
            if (rounding.at(state.position())) {
                codec.round(state);
            }
            done += rows;
            pending = text[offset + done - 1] & 0xff;
        }
        state.pendingByte(pending);
    }
}
