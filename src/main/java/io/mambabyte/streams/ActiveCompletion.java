package io.mambabyte.streams;

import io.mambabyte.avro.CompletionRequest;
import io.mambabyte.generate.Continuation;
import io.mambabyte.generate.Decoder;
import io.mambabyte.generate.DraftMode;
import io.mambabyte.generate.Drafter;
import io.mambabyte.generate.Prefill;
import io.mambabyte.generate.Sampling;
import io.mambabyte.generate.StopSequences;
import io.mambabyte.model.RecurrentState;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** A request that is under way: first its text is fed, a piece at a time, then bytes are made. */
final class ActiveCompletion {
    /** Bytes of a prompt that are fed between two passes, so that no prompt holds others up. */
    private static final int PIECE_BYTES = 128;

    /** Most of what came before that a drafter is told. */
    private static final int HISTORY_BYTES = 16 << 10;

    final long number;
    final byte[] key;
    final long timestampMs;
    final CompletionRequest request;

    private final RecurrentState state;
    private final byte[] before;
    private final byte[] text;
    private final byte[] made;
    private final Drafter drafter;
    private final Sampling sampling;
    private final StopSequences stops;
    private int fed;
    private @Nullable Continuation continuation;

    /** Bytes that were sent, or stored to be sent. */
    int sent;

    /** Chunks of them. */
    int chunks;

    /** Sum over them. */
    double log2Likelihood;

    /**
     * Bytes that have to be made before it shares a pass with others again: a pass that they shared
     * failed, and it is not known whose fault that was.
     */
    int aloneUntil;

    /**
     * A request.
     *
     * @param state to start from, advanced
     * @param before the last bytes that the state has seen
     * @param made what was made of it before this task took it over
     * @throws IllegalArgumentException if a setting of the request is not valid: says which
     */
    ActiveCompletion(
            long number,
            byte[] key,
            long timestampMs,
            CompletionRequest request,
            RecurrentState state,
            byte[] before,
            byte[] made,
            Function<DraftMode, Drafter> drafters) {
        this.number = number;
        this.key = key;
        this.timestampMs = timestampMs;
        this.request = request;
        this.state = state;
        this.before = before;
        this.made = made;
        byte[] prompt = bytes(request.getPrompt());
        text = Arrays.copyOf(prompt, prompt.length + made.length);
        System.arraycopy(made, 0, text, prompt.length, made.length);
        sampling = sampling(request);
        stops = stops(request);
        drafter = drafters.apply(DraftMode.of(request.getDraft()));
    }

    /**
     * The settings of a request.
     *
     * @throws IllegalArgumentException if one is not valid: says which
     */
    static Sampling sampling(CompletionRequest request) {
        return new Sampling(
                request.getTemperature(),
                request.getTopK(),
                request.getTopP(),
                request.getMinP(),
                request.getSeed(),
                request.getUtf8Only());
    }

    private static StopSequences stops(CompletionRequest request) {
        List<byte[]> sequences = request.getStop().stream().map(ActiveCompletion::bytes).toList();
        return new StopSequences(sequences);
    }

    static byte[] bytes(@Nullable ByteBuffer buffer) {
        if (buffer == null) {
            return new byte[0];
        }
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    /**
     * Feeds the next piece of the text.
     *
     * @return the continuation once all is fed
     */
    @Nullable Continuation ready(Prefill prefill) {
        if (continuation == null) {
            int length = Math.min(PIECE_BYTES, text.length - fed);
            prefill.feed(state, text, fed, length);
            fed += length;
            if (fed == text.length) {
                continuation = begin();
            }
        }
        return continuation;
    }

    private Continuation begin() {
        drafter.begin();
        tell(before);
        tell(text);
        Continuation begun =
                new Continuation(
                        state,
                        beforeMade(),
                        sampling,
                        stops,
                        request.getMaxBytes(),
                        drafter,
                        Decoder.DRAFT_MAX);
        begun.resume(made);
        return begun;
    }

    private byte[] beforeMade() {
        int prompt = text.length - made.length;
        byte[] joined = Arrays.copyOf(before, before.length + prompt);
        System.arraycopy(text, 0, joined, before.length, prompt);
        return joined;
    }

    /**
     * Bytes made so far.
     *
     * @param from position of the first
     * @param to position after the last
     */
    byte[] bytes(int from, int to) {
        return continuation == null
                ? Arrays.copyOfRange(made, from, to)
                : continuation.bytes(from, to);
    }

    /** What makes the bytes, once the text is fed. */
    @Nullable Continuation continuation() {
        return continuation;
    }

    private void tell(byte[] bytes) {
        int from = Math.max(0, bytes.length - HISTORY_BYTES);
        drafter.append(bytes, from, bytes.length - from);
    }
}
