package io.mambabyte.generate;

import io.mambabyte.model.BatchForward;
import io.mambabyte.model.MambaModel;

import java.util.List;

/**
 * Advances continuations, all of them by one pass of the model: of each the pending byte is fed and
 * as much of its draft as is worth it, and each keeps the bytes that were right and the one after
 * them. So every pass makes at least one byte of each, and what it makes is what one byte at a time
 * would have made.
 *
 * <p>How much of a draft is worth it: of all lengths the one that promises the most bytes a second,
 * by the confidences of the drafts and by what passes took so far. Where no draft pays, none is
 * tried. Times decide nothing else.
 *
 * <p>Holds all scratch memory; one instance a thread.
 */
public final class Decoder {
    /** Most bytes of one draft. */
    public static final int DRAFT_MAX = 24;

    /** How fast the measured rate follows. */
    private static final double RATE_SHARE = 0.1;

    private final BatchForward forward;
    private final Sampler sampler;
    private final PassTimes times;
    private final int maxTogether;
    private final byte[] fed = new byte[DRAFT_MAX + 1];
    private final int[] tried;
    private final int[] firstRow;

    /** Bytes made per nanosecond, lately; 0 before the first pass. */
    private double rate;

    /**
     * Makes a decoder.
     *
     * @param model what continues
     * @param maxTogether most continuations of one pass
     */
    public Decoder(MambaModel model, int maxTogether) {
        this(model, maxTogether, new PassTimes(maxRows(maxTogether)));
    }

    /** With times that are given. */
    Decoder(MambaModel model, int maxTogether, PassTimes times) {
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
        long passEnd = System.nanoTime();
        int made = 0;
        for (int i = 0; i < count; i++) {
            int kept = continuations.get(i).verify(sampler, forward, tried[i], firstRow[i]);
            forward.keep(i, kept);
            made += kept;
        }
        times.add(forward.rows(), passEnd - passStart);
        double now = (double) made / Math.max(1, System.nanoTime() - start);
        rate += (now - rate) * (rate == 0 ? 1 : RATE_SHARE);
        return made;
    }

    /** Decides how many bytes of which draft are tried. */
    private void plan(List<Continuation> continuations) {
        int rows = continuations.size();
        double expected = rows;
        for (int i = 0; i < continuations.size(); i++) {
            Continuation continuation = continuations.get(i);
            int room = Math.min(DRAFT_MAX, forward.maxRows() - rows);
            continuation.propose(floor(rows), room);
            Draft draft = continuation.draft();
            double best = expected / times.of(rows);
            double bytes = expected;
            double bytesAtBest = expected;
            tried[i] = 0;
            for (int length = 1; length <= draft.length(); length++) {
                bytes += draft.survival(length - 1);
                double promised = bytes / times.of(rows + length);
                if (promised > best) {
                    best = promised;
                    bytesAtBest = bytes;
                    tried[i] = length;
                }
            }
            rows += tried[i];
            expected = bytesAtBest;
        }
    }

    /**
     * A byte that is less likely to be right than this cannot be worth its row: half of what its
     * row costs in bytes that could be made in the time.
     */
    private double floor(int rows) {
        double slope = (times.of(rows + 4) - times.of(rows)) / 4;
        return 0.5 * slope * rate;
    }
}
