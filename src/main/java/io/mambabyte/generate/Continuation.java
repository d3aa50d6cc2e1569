package io.mambabyte.generate;

import io.mambabyte.kernels.Rows;
import io.mambabyte.model.BatchForward;
import io.mambabyte.model.RecurrentState;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/**
 * A text that is being continued: the state of the model after it, what was made so far and how.
 * {@link Decoder} advances it.
 *
 * <p>What it makes is a function of the model, the text before it, the sampling and the position of
 * each byte from the start of the continuation. A continuation that was lost half-way is therefore
 * taken up again by {@link #resume}: it goes on as if nothing had happened.
 */
public final class Continuation {
    private static final int FIRST_CAPACITY = 256;

    private final RecurrentState state;
    private final Drafter drafter;
    private final Sampling sampling;
    private final StopSequences stops;
    private final int maxBytes;
    private final Draft draft;
    private final Verification verification;

    /** Whether bytes are drawn without drafts until a word ends: only where it is lossy. */
    private boolean correcting;

    private byte[] bytes = new byte[FIRST_CAPACITY];
    private Origin[] origins = new Origin[FIRST_CAPACITY];
    private float[] surprisal = new float[FIRST_CAPACITY];
    private int length;
    private int utf8;
    private long drafted;
    private long accepted;
    private final Acceptance acceptance = new Acceptance();
    private @Nullable FinishReason finished;
    private @Nullable Throwable failure;

    /**
     * Begins.
     *
     * @param state after the text, its last byte pending; advanced in place
     * @param text what came before, the pending byte included, as far as it matters to the UTF-8
     *     filter (three bytes); what the drafter shall know of it, it is told by the caller
     * @param sampling how bytes are drawn
     * @param stops what ends it early
     * @param maxBytes what ends it at the latest, at least 1
     * @param drafter guesses, told of what is made
     * @param maxDraft most bytes that are tried at once
     * @throws IllegalArgumentException if the state has no pending byte: nothing predicts the first
     *     byte of all
     */
    public Continuation(
            RecurrentState state,
            byte[] text,
            Sampling sampling,
            StopSequences stops,
            int maxBytes,
            Drafter drafter,
            int maxDraft) {
        this(state, text, sampling, stops, maxBytes, drafter, maxDraft, Verification.EXACT);
    }

    /**
     * Begins, with a choice of when a drafted byte is kept.
     *
     * @param state after the text, its last byte pending; advanced in place
     * @param text what came before, as far as it matters to the UTF-8 filter
     * @param sampling how bytes are drawn
     * @param stops what ends it early
     * @param maxBytes what ends it at the latest, at least 1
     * @param drafter guesses, told of what is made
     * @param maxDraft most bytes that are tried at once
     * @param verification when a drafted byte is kept
     * @throws IllegalArgumentException if the state has no pending byte: nothing predicts the first
     *     byte of all
     */
    public Continuation(
            RecurrentState state,
            byte[] text,
            Sampling sampling,
            StopSequences stops,
            int maxBytes,
            Drafter drafter,
            int maxDraft,
            Verification verification) {
        if (state.pendingByte() == RecurrentState.NONE) {
            throw new IllegalArgumentException("a state without a pending byte predicts nothing");
        }
        if (maxBytes < 1) {
            throw new IllegalArgumentException("maxBytes: " + maxBytes);
        }
        this.state = state;
        this.sampling = sampling;
        this.stops = stops;
        this.maxBytes = maxBytes;
        this.drafter = drafter;
        this.verification = verification;
        draft = new Draft(maxDraft);
        utf8 = Utf8State.after(text, text.length);
    }

    /**
     * Takes up what an earlier continuation of the same text had made, which this state has seen:
     * all fed but the last byte, which is pending.
     *
     * @param made the bytes, from the first on
     * @throws IllegalStateException if this one has made something already
     */
    public void resume(byte[] made) {
        if (length > 0) {
            throw new IllegalStateException("cannot resume after " + length + " bytes");
        }
        for (byte value : made) {
            append(value & 0xff, Origin.PLAIN);
        }
    }

    /**
     * Whether it has ended.
     *
     * @return why, or null while it has not
     */
    public @Nullable FinishReason finished() {
        return finished;
    }

    /**
     * What its drafter threw. It is not asked any more; what was made is what would have been made
     * without it.
     *
     * @return a {@link RuntimeException} or an {@link Error}; null while it threw nothing
     */
    public @Nullable Throwable failure() {
        return failure;
    }

    /**
     * Bytes made so far.
     *
     * @return how many
     */
    public int length() {
        return length;
    }

    /**
     * Copies bytes out.
     *
     * @param from position of the first
     * @param to position after the last
     * @return a copy
     */
    public byte[] bytes(int from, int to) {
        return Arrays.copyOfRange(bytes, from, to);
    }

    /**
     * How a byte came about.
     *
     * @param position of the byte
     * @return its origin
     */
    public Origin origin(int position) {
        return origins[position];
    }

    /**
     * How surprising a byte is to the model, at temperature 1 and unfiltered.
     *
     * @param position of the byte
     * @return {@code -log2 p}, in bits
     */
    public float surprisal(int position) {
        return surprisal[position];
    }

    /**
     * Bytes that were tried.
     *
     * @return how many
     */
    public long drafted() {
        return drafted;
    }

    /**
     * Bytes that were tried and right.
     *
     * @return how many
     */
    public long accepted() {
        return accepted;
    }

    /**
     * The state after what was made, its last byte pending.
     *
     * @return the state itself
     */
    public RecurrentState state() {
        return state;
    }

    int room() {
        return maxBytes - length;
    }

    /**
     * Asks the drafter.
     *
     * @param byteNanos time in which a byte is made at present
     * @param rowNanos time that checking one more byte takes
     * @param floor probability below which a byte is not worth trying
     * @param room most bytes
     */
    void propose(double byteNanos, double rowNanos, double floor, int room) {
        if (triesAll()) {
            draft.terms(sampling, byteNanos, rowNanos, 1, 1);
            draft.begin(length, 1, 1, 0, correcting ? 0 : Math.min(room, room() - 1));
            if (draft.wantsMore()) {
                ask();
            }
            return;
        }
        double usual = acceptance.rate();
        double trust = acceptance.trust();
        // What is believed of the drafter's next byte at best: one that gives no confidence is
        // believed what was measured.
        double believed = draft.unsure() ? usual : trust;
        boolean probe = believed <= floor && acceptance.probe();
        boolean asked = believed > floor || probe;
        int most = asked ? acceptance.most(Math.min(room, room() - 1)) : 0;
        boolean wasUnsure = draft.unsure();
        draft.terms(sampling, byteNanos, rowNanos, probe ? 1 : trust, trust);
        draft.begin(length, probe ? 1 : usual, usual, floor, most);
        if (draft.wantsMore()) {
            ask();
        } else {
            draft.unsure(wasUnsure);
        }
    }

    /**
     * Whatever a drafter throws is kept until the pass is over: others share it. What it proposed
     * before is dropped.
     */
    private void ask() {
        if (failure == null) {
            try {
                drafter.draft(draft);
            } catch (RuntimeException | Error e) {
                failure = e;
            }
        }
        if (failure != null) {
            draft.begin(length, 0, 0, 1, 0);
        }
    }

    /** Whether a draft is tried whatever it costs. */
    boolean triesAll() {
        return verification instanceof Verification.TopBeta;
    }

    Draft draft() {
        return draft;
    }

    /**
     * Takes over what a pass gave: draws bytes as long as each was drafted.
     *
     * @param tried how many bytes of the draft the pass was fed, after the pending one
     * @param firstRow row of the pending byte
     * @return bytes made: as many rows are to be kept
     */
    int verify(Sampler sampler, BatchForward forward, int tried, int firstRow) {
        Rows logits = forward.logits(firstRow);
        int before = length;
        boolean right = true;
        for (int i = 0; right && finished == null; i++) {
            int value = sampler.sample(sampling, length, logits, i, utf8, room());
            if (i < tried && isGoodEnough(draft.bytes()[i] & 0xff, logits, i)) {
                value = draft.bytes()[i] & 0xff;
            }
            right = i < tried && draft.bytes()[i] == (byte) value;
            correcting =
                    triesAll()
                            && (i < tried ? !right : correcting)
                            && !Verification.TopBeta.isBoundary(value);
            if (i < tried) {
                acceptance.add(right, draft.claim(i));
            }
            append(value, i == tried ? Origin.PLAIN : right ? Origin.ACCEPTED : Origin.CORRECTED);
            accepted += right ? 1 : 0;
        }
        drafted += tried;
        int made = length - before;
        state.pendingByte(bytes[length - 1] & 0xff);
        sampler.surprisal(made, logits, bytes, before, surprisal);
        if (failure == null) {
            try {
                drafter.append(bytes, before, made);
            } catch (RuntimeException | Error e) {
                failure = e;
            }
        }
        return made;
    }

    /** Whether a byte is kept that is not the one that was drawn. */
    private boolean isGoodEnough(int value, Rows logits, int row) {
        return switch (verification) {
            case Verification.Exact() -> false;
            case Verification.TopBeta(int beta) ->
                    Sampler.rank(logits, row, value) < beta
                            && (!sampling.utf8Only() || Utf8State.allows(utf8, value, room()));
        };
    }

    private void append(int value, Origin origin) {
        if (length == bytes.length) {
            int capacity = Math.min(maxBytes, 2 * length);
            bytes = Arrays.copyOf(bytes, capacity);
            origins = Arrays.copyOf(origins, capacity);
            surprisal = Arrays.copyOf(surprisal, capacity);
        }
        bytes[length] = (byte) value;
        origins[length] = origin;
        length++;
        if (sampling.utf8Only()) {
            utf8 = Utf8State.next(utf8, value);
        }
        if (stops.endAt(bytes, length)) {
            finished = FinishReason.STOP;
        } else if (length == maxBytes) {
            finished = FinishReason.LENGTH;
        }
    }
}
