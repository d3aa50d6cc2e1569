package io.mambabyte.app;

import io.mambabyte.generate.Continuation;
import io.mambabyte.generate.Decoder;
import io.mambabyte.generate.Drafter;
import io.mambabyte.generate.Prefill;
import io.mambabyte.generate.Sampling;
import io.mambabyte.generate.StopSequences;
import io.mambabyte.generate.Verification;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;

import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * One text and the model that continues it: what is given and what is made follow each other, as
 * often as you like, without anything being fed twice.
 */
final class CompletionSession {
    /** The UTF-8 filter looks back over the longest character less one. */
    private static final int TAIL_BYTES = 3;

    private final Drafter drafter;
    private final Decoder decoder;
    private final Prefill prefill;
    private final RecurrentState state;
    private final Verification verification;
    private byte[] tail = new byte[0];
    private @Nullable Continuation continuation;

    CompletionSession(MambaModel model, Drafter drafter, Verification verification) {
        this.drafter = drafter;
        this.verification = verification;
        decoder = new Decoder(model, 1);
        prefill = new Prefill(model);
        state = model.newState();
    }

    /** Whether drafts are kept that plain decoding would not have made. */
    boolean isLossy() {
        return verification instanceof Verification.TopBeta;
    }

    /** Begins a new text. What drafters learnt of the others stays. */
    void clear() {
        state.reset();
        drafter.begin();
        tail = new byte[0];
        continuation = null;
    }

    /** Whether there is a text to continue: nothing predicts the first byte of all. */
    boolean isEmpty() {
        return state.pendingByte() == RecurrentState.NONE;
    }

    /** Goes on with bytes that are given. */
    void append(byte[] bytes) {
        keepTail();
        prefill.feed(state, bytes, 0, bytes.length);
        drafter.append(bytes, 0, bytes.length);
        extendTail(bytes);
    }

    /**
     * Goes on with bytes that the model makes, by {@link #advance}. One that was not finished is
     * left where it is.
     */
    Continuation begin(Sampling sampling, StopSequences stops, int maxBytes) {
        keepTail();
        continuation =
                new Continuation(
                        state,
                        tail,
                        sampling,
                        stops,
                        maxBytes,
                        drafter,
                        Decoder.DRAFT_MAX,
                        verification);
        return continuation;
    }

    /** Makes some bytes more of a continuation that was begun last and is not finished. */
    void advance(Continuation begun) {
        decoder.advance(List.of(begun));
    }

    private void keepTail() {
        if (continuation != null) {
            int length = continuation.length();
            extendTail(continuation.bytes(Math.max(0, length - TAIL_BYTES), length));
            continuation = null;
        }
    }

    private void extendTail(byte[] bytes) {
        byte[] both = new byte[tail.length + Math.min(TAIL_BYTES, bytes.length)];
        System.arraycopy(tail, 0, both, 0, tail.length);
        int added = both.length - tail.length;
        System.arraycopy(bytes, bytes.length - added, both, tail.length, added);
        int kept = Math.min(TAIL_BYTES, both.length);
        tail = new byte[kept];
        System.arraycopy(both, both.length - kept, tail, 0, kept);
    }
}
