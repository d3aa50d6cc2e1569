package io.mambabyte.score;

import io.mambabyte.model.Forward;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.model.StateCodec;
import io.mambabyte.model.StateRounding;

import org.jspecify.annotations.Nullable;

import java.util.Objects;

/**
 * Scores bytes with a model. Each byte is predicted from the bytes before it: the last byte of a
 * record is not fed but kept as the state's pending byte, and fed when more follows.
 *
 * <p>Scores are the same to the bit however the bytes of a record are cut into calls. Holds all
 * scratch memory, so that nothing is allocated per byte; one instance a thread.
 */
public final class Scorer {
    /** Most rows that are computed together; memory for their logits is 1 KB each. */
    private static final int ROWS_MAX = 256;

    private final Forward forward;
    private final RecurrentState alone;
    private final ScoreAccumulator accumulator = new ScoreAccumulator();

    /** The pending byte and the targets after it: row r is fed byte r and predicts byte r + 1. */
    private final byte[] chunk;

    private final float[] surprisal;
    private final float[] entropy;
    private final float[] variance;
    private final int maxRows;
    private final StateRounding rounding;
    private final StateCodec codec;

    /**
     * Makes a scorer.
     *
     * @param model what predicts
     */
    public Scorer(MambaModel model) {
        this(model, ROWS_MAX);
    }

    /**
     * Makes a scorer that computes fewer bytes together, for less memory. Scores do not depend on
     * it.
     *
     * @param model what predicts
     * @param maxRows most bytes that are computed together, at least 1
     */
    public Scorer(MambaModel model, int maxRows) {
        this(model, maxRows, StateRounding.NONE);
    }

    /**
     * Makes a scorer that rounds the states at fixed positions. Scores depend on it.
     *
     * @param model what predicts
     * @param rounding where and how far
     */
    public Scorer(MambaModel model, StateRounding rounding) {
        this(model, ROWS_MAX, rounding);
    }

    private Scorer(MambaModel model, int maxRows, StateRounding rounding) {
        this.rounding = rounding;
        codec = new StateCodec(model, rounding.precision());
        forward = new Forward(model, maxRows);
        alone = model.newState();
        this.maxRows = maxRows;
        chunk = new byte[maxRows + 1];
        surprisal = new float[maxRows];
        entropy = new float[maxRows];
        variance = new float[maxRows];
    }

    /**
     * Scores a record after what its state has seen.
     *
     * @param state advanced over the record, whose last byte becomes its pending byte
     * @param record the bytes, possibly none
     * @param framing whether a newline follows the record
     * @param perByte whether to keep the surprisal of each byte
     * @return the score
     */
    public RecordScore score(
            RecurrentState state, byte[] record, Framing framing, boolean perByte) {
        accumulator.begin(position(state), perByte);
        feed(state, record, 0, record.length, framing == Framing.LINES, accumulator);
        return accumulator.score();
    }

    /**
     * Scores a record as if nothing but a newline came before it (no byte at all, with {@link
     * Framing#NONE}), so that a burst of similar records does not make itself normal.
     *
     * @param record the bytes, possibly none
     * @param framing whether a newline follows the record
     * @param perByte whether to keep the surprisal of each byte
     * @return the score; its position is 0
     */
    public RecordScore scoreAlone(byte[] record, Framing framing, boolean perByte) {
        return scoreAlone(record, framing, perByte, null);
    }

    /**
     * The same, with the details of each byte.
     *
     * @param record the bytes, possibly none
     * @param framing whether a newline follows the record
     * @param perByte whether to keep the surprisal of each byte
     * @param details given each byte; null for nothing
     * @return the score; its position is 0
     */
    public RecordScore scoreAlone(
            byte[] record,
            Framing framing,
            boolean perByte,
            ByteDetails.@Nullable Collector details) {
        beginAlone(alone, framing);
        accumulator.begin(0, perByte);
        accumulator.collect(details);
        feed(alone, record, 0, record.length, framing == Framing.LINES, accumulator);
        accumulator.collect(null);
        return accumulator.score();
    }

    /**
     * Puts a state where {@link #scoreAlone} begins.
     *
     * @param state is reset
     * @param framing with {@link Framing#LINES} a newline becomes its pending byte
     */
    public static void beginAlone(RecurrentState state, Framing framing) {
        state.reset();
        if (framing == Framing.LINES) {
            state.pendingByte('\n');
        }
    }

    /**
     * Bytes that a state has seen: those fed and the pending one.
     *
     * @param state any state
     * @return the position of the next byte in the stream
     */
    public static long position(RecurrentState state) {
        return state.position() + (state.pendingByte() == RecurrentState.NONE ? 0 : 1);
    }

    /**
     * Scores a piece of a record. Call it as often as there are pieces, with the same accumulator:
     * the work of one call is bounded by the length of its piece.
     *
     * @param state advanced over the piece, whose last byte becomes its pending byte
     * @param bytes where the piece is
     * @param offset index of its first byte
     * @param length its bytes, possibly none
     * @param newline whether a newline follows, as part of this piece
     * @param into gathers the score
     */
    public void feed(
            RecurrentState state,
            byte[] bytes,
            int offset,
            int length,
            boolean newline,
            ScoreAccumulator into) {
        advance(state, bytes, offset, length, newline, into);
    }

    /**
     * Takes a piece of a record that was scored before into a state, as {@link #feed} does, without
     * scoring it again.
     *
     * @param state advanced over the piece, whose last byte becomes its pending byte
     * @param bytes where the piece is
     * @param offset index of its first byte
     * @param length its bytes, possibly none
     * @param newline whether a newline follows, as part of this piece
     */
    public void replay(
            RecurrentState state, byte[] bytes, int offset, int length, boolean newline) {
        advance(state, bytes, offset, length, newline, null);
    }

    private void advance(
            RecurrentState state,
            byte[] bytes,
            int offset,
            int length,
            boolean newline,
            @Nullable ScoreAccumulator into) {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        long total = length + (newline ? 1L : 0L);
        long done = 0;
        int pending = state.pendingByte();
        if (pending == RecurrentState.NONE && total > 0) {
            pending = length > 0 ? bytes[offset] & 0xff : '\n';
            done = 1;
            if (into != null) {
                into.addFirst();
            }
            state.pendingByte(pending);
        }
        while (done < total) {
            int rows =
                    (int)
                            Math.min(
                                    Math.min(maxRows, total - done),
                                    rounding.bytesToNext(state.position()));
            int copied = (int) Math.min(rows, length - done);
            chunk[0] = (byte) pending;
            System.arraycopy(bytes, offset + (int) done, chunk, 1, copied);
            if (copied < rows) {
                chunk[rows] = '\n';
            }
            forward.forward(state, chunk, 0, rows);
            if (rounding.at(state.position())) {
                codec.round(state);
            }
            if (into != null) {
                forward.surprisal(chunk, 1, rows, surprisal, entropy, variance);
                for (int i = 0; i < rows; i++) {
                    into.add(surprisal[i], entropy[i], variance[i]);
                }
                ByteDetails.Collector details = into.details();
                if (details != null) {
                    for (int i = 0; i < rows; i++) {
                        details.add(chunk[i + 1] & 0xff, surprisal[i], forward.logits(), i);
                    }
                }
            }
            pending = chunk[rows] & 0xff;
            state.pendingByte(pending);
            done += rows;
        }
    }
}
