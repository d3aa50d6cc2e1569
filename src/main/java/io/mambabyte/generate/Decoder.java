package io.mambabyte.generate;

import io.mambabyte.model.BatchForward;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.model.StateCodec;
import io.mambabyte.model.StateRounding;

import java.util.List;

/**
 * Advances continuations, all of them by one pass of the model: of each the pending byte is fed and
 * as much of its draft as is worth it, and each keeps the bytes that were right and the one after
 * them. So every pass makes at least one byte of each, and what it makes is what one byte at a time
 * would have made.
 *
 * <p>How much of a draft is worth it: of all lengths the one that promises most, by the confidences
 * of the drafts and by what passes took so far, where time is worth the bytes that were made in it
 * lately. (The length with the most bytes a second is not it: a pass that is taken for a poor draft
 * is one that could have been shorter.) Where no draft pays, none is tried. Times decide nothing
 * else.
 *
 * <p>Holds all scratch memory; one instance a thread.
 */
public final class Decoder {
    /** Most bytes of one draft. */
    public static final int DRAFT_MAX = 24;

    /** Rows over which the time of one more is taken. */
    private static final int SLOPE_ROWS = 5;

    /** Drafts go on a little longer than pays: some rows cost less than others. */
    private static final double SLACK = 0.8;

    private final BatchForward forward;
    private final Sampler sampler;
    private final PassTimes times;
    private final StateRounding rounding;
    private final StateCodec codec;
    private final int maxTogether;
    private final byte[] fed = new byte[DRAFT_MAX + 1];
    private final int[] tried;
    private final int[] firstRow;

    /**
     * Makes a decoder.
     *
     * @param model what continues
     * @param maxTogether most continuations of one pass
     */
    public Decoder(MambaModel model, int maxTogether) {
        this(model, maxTogether, StateRounding.NONE);
    }

    /**
     * Makes a decoder that rounds states at fixed positions, so that what it makes is what scoring
     * that rounds there finds.
     *
     * @param model what continues
     * @param maxTogether most continuations of one pass
     * @param rounding where and how far
     */
    public Decoder(MambaModel model, int maxTogether, StateRounding rounding) {
        this(model, maxTogether, rounding, new PassTimes(maxRows(maxTogether)));
    }

    /** With times that are given. */
    Decoder(MambaModel model, int maxTogether, StateRounding rounding, PassTimes times) {
        this.rounding = rounding;
        codec = new StateCodec(model, rounding.precision());
        this.maxTogether = maxTogether;
        this.times = times;
        forward = new BatchForward(model, maxTogether, maxRows(maxTogether));
        sampler = new Sampler(model.kernels());
        tried = new int[maxTogether];
        firstRow = new int[maxTogether];
    }

    /** Room for one whole draft, and for some of everybody's. */
    static int maxRows(int together) {
        return Math.max(DRAFT_MAX + 1, 2 * together);
    }

    /**
     * Most continuations of one pass.
     *
     * @return how many
     */
    public int maxTogether() {
        return maxTogether;
    }

    /**
     * Makes one pass.
     *
     * @param continuations none finished, each once, at most {@link #maxTogether()}
     * @return bytes made, of all together
     * @throws DrafterException if a drafter threw something. The pass was made all the same: every
     *     continuation is what it would be without drafts, and says by {@link Continuation#failure}
     *     whether it was its drafter. After anything else that is thrown their states are lost
     */
    public int advance(List<Continuation> continuations) {
        int count = continuations.size();
        if (count == 0) {
            return 0;
        }
        long start = System.nanoTime();
        forward.clear();
        plan(continuations);
        for (int i = 0; i < count; i++) {
            Continuation continuation = continuations.get(i);
            fed[0] = (byte) continuation.state().pendingByte();
            System.arraycopy(continuation.draft().bytes(), 0, fed, 1, tried[i]);
            firstRow[i] = forward.add(continuation.state(), fed, 0, 1 + tried[i]);
        }
        long passStart = System.nanoTime();
        forward.forward();
        int made = 0;
        for (int i = 0; i < count; i++) {
            int kept = continuations.get(i).verify(sampler, forward, tried[i], firstRow[i]);
            forward.keep(i, kept);
            RecurrentState state = continuations.get(i).state();
            if (rounding.at(state.position())) {
                codec.round(state);
            }
            made += kept;
        }
        long end = System.nanoTime();
        times.add(forward.rows(), end - passStart);
        times.made(made, end - start);
        for (int i = 0; i < count; i++) {
            Throwable failure = continuations.get(i).failure();
            if (failure != null) {
                throw new DrafterException(failure);
            }
        }
        return made;
    }

    /** Decides how many bytes of which draft are tried. */
    private void plan(List<Continuation> continuations) {
        int count = continuations.size();
        double byteNanos = times.byteNanos(count);
        int rows = count;
        for (int i = 0; i < count; i++) {
            double rowNanos = (times.of(rows + SLOPE_ROWS) - times.of(rows)) / SLOPE_ROWS;
            double floor = SLACK * rowNanos / byteNanos;
            Continuation continuation = continuations.get(i);
            // No pass goes beyond a position where the state is rounded.
            int toRounding = rounding.bytesToNext(continuation.state().position()) - 1;
            int room = Math.min(toRounding, Math.min(DRAFT_MAX, forward.maxRows() - rows));
            // Once so many share a pass that a row costs what a byte does, no draft can pay.
            boolean pays = floor < SLACK || continuation.triesAll();
            continuation.propose(byteNanos, rowNanos, floor, pays ? room : 0);
            Draft draft = continuation.draft();
            double best = 0;
            double bytes = 0;
            tried[i] = 0;
            for (int length = 1; length <= draft.length(); length++) {
                bytes += draft.survival(length - 1);
                double gain = bytes * byteNanos - (times.of(rows + length) - times.of(rows));
                if (gain > best) {
                    best = gain;
                    tried[i] = length;
                }
            }
            if (continuation.triesAll()) {
                tried[i] = draft.length();
            }
            rows += tried[i];
        }
    }
}
