package io.mambabyte.score;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/**
 * Gathers the score of one record, byte after byte. A record may come in any number of pieces: sums
 * are in double, in the order of the bytes, so that the pieces leave no trace.
 *
 * <p>Reused from record to record by {@link #begin}; not safe for concurrent use.
 */
public final class ScoreAccumulator {
    /** Bytes of the window that {@link RecordScore#worstBits()} is about. */
    public static final int WINDOW = 16;

    private final double[] window = new double[WINDOW];
    private long position;
    private int bytes;
    private int scored;
    private double bits;
    private double expectedBits;
    private double varianceBits;
    private int worstOffset;
    private double worstBits;
    private float @Nullable [] surprisal;
    private ByteDetails.@Nullable Collector details;

    /** Makes an accumulator; {@link #begin} starts it. */
    public ScoreAccumulator() {}

    /**
     * Starts a record, forgetting the one before.
     *
     * @param position bytes of the stream before the record
     * @param perByte whether to keep the surprisal of each byte
     */
    public void begin(long position, boolean perByte) {
        this.position = position;
        bytes = 0;
        scored = 0;
        bits = 0;
        expectedBits = 0;
        varianceBits = 0;
        worstOffset = 0;
        worstBits = 0;
        surprisal = perByte ? (surprisal == null ? new float[256] : surprisal) : null;
    }

    /**
     * Gathers the details of what is scored from now on, until the next call.
     *
     * @param into cleared, then given each byte; null for nothing
     */
    public void collect(ByteDetails.@Nullable Collector into) {
        details = into;
        if (into != null) {
            into.clear();
        }
    }

    ByteDetails.@Nullable Collector details() {
        return details;
    }

    /** A byte that nothing preceded. */
    void addFirst() {
        keep(Float.NaN);
        if (details != null) {
            details.addFirst();
        }
        bytes++;
        worstOffset = bytes;
    }

    /** The next byte. */
    void add(float surprisalBits, float entropyBits, float variance) {
        keep(surprisalBits);
        bits += surprisalBits;
        expectedBits += entropyBits;
        varianceBits += variance;
        window[scored % WINDOW] = surprisalBits;
        scored++;
        bytes++;
        // Summed anew each time, oldest first: a running sum would remember what has left it.
        int length = Math.min(scored, WINDOW);
        double sum = 0;
        for (int i = scored - length; i < scored; i++) {
            sum += window[i % WINDOW];
        }
        if (scored <= WINDOW) {
            worstBits = sum;
        } else if (sum > worstBits) {
            worstBits = sum;
            worstOffset = bytes - WINDOW;
        }
    }

    private void keep(float surprisalBits) {
        float[] kept = surprisal;
        if (kept == null) {
            return;
        }
        if (bytes == kept.length) {
            kept = Arrays.copyOf(kept, Math.max(kept.length + 1, kept.length + kept.length / 2));
            surprisal = kept;
        }
        kept[bytes] = surprisalBits;
    }

    /**
     * The score of what was added since {@link #begin}. More may be added afterwards.
     *
     * @return a value of its own
     */
    public RecordScore score() {
        return new RecordScore(
                position,
                bytes,
                scored,
                bits,
                expectedBits,
                varianceBits,
                scored == 0 ? 0 : worstOffset,
                worstBits,
                surprisal == null ? null : new Surprisals(surprisal, bytes));
    }
}
