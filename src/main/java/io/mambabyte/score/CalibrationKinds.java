package io.mambabyte.score;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;

/**
 * {@link KindCounts} of the recent past, in bounded memory: counts are halved with every
 * generation, a kind is forgotten when its count comes to nothing, and the rarest are where there
 * are too many.
 */
final class CalibrationKinds {
    private static final int SLOTS_MIN = 64;

    private final int maxKinds;
    private final int lines;

    // Open addressing; a count of 0 is a free slot.
    private long[] kinds = new long[SLOTS_MIN];
    private int[] counts = new int[SLOTS_MIN];
    private int size;
    private long total;
    private long fresh;

    /**
     * Counts of nothing yet.
     *
     * @param maxKinds most that are remembered
     * @param lines that rarity is told of: once so many were counted, a kind that was never seen is
     *     as rare as it will ever be
     */
    CalibrationKinds(int maxKinds, int lines) {
        this.maxKinds = maxKinds;
        this.lines = lines;
    }

    /** Counts a kind that came once more. */
    void add(long kind) {
        if (counts[slot(kind)] == 0) {
            fresh++;
        }
        add(kind, 1);
    }

    /** Counts a kind, as often as is said. */
    void add(long kind, int times) {
        if (size >= maxKinds && counts[slot(kind)] == 0) {
            int rarest = 1;
            do {
                rebuild(kinds.length, 1, rarest++);
            } while (size > maxKinds - maxKinds / 4);
        }
        int slot = slot(kind);
        if (counts[slot] == 0) {
            kinds[slot] = kind;
            size++;
        }
        counts[slot] = (int) Math.min(Integer.MAX_VALUE, (long) counts[slot] + times);
        total += times;
        if (size > kinds.length / 2) {
            rebuild(2 * kinds.length, 1, 0);
        }
    }

    /** {@link KindCounts#bits} of a kind, its share of all that is counted taken to those lines. */
    double bits(long kind) {
        double of = Math.min(total, lines);
        double count = total == 0 ? 0 : counts[slot(kind)] * of / total;
        return Math.log((of + 1) / (count + 0.5)) / Math.log(2);
    }

    /** All that was counted, halved with the counts. */
    long total() {
        return total;
    }

    /** {@link KindCounts#newKinds}: a kind that was forgotten is new again. */
    double newKinds() {
        return total == 0 ? 0 : fresh / (double) total;
    }

    /** Kinds that are known. */
    int size() {
        return size;
    }

    /** Halves all counts. */
    void halve() {
        rebuild(kinds.length, 2, 0);
        total /= 2;
        fresh /= 2;
    }

    // Counts divided, and without those that are no more than so many.
    private void rebuild(int slots, int divisor, int forgotten) {
        long[] oldKinds = kinds;
        int[] oldCounts = counts;
        kinds = new long[slots];
        counts = new int[slots];
        size = 0;
        for (int i = 0; i < oldKinds.length; i++) {
            int count = oldCounts[i] / divisor;
            if (count > forgotten) {
                int slot = slot(oldKinds[i]);
                kinds[slot] = oldKinds[i];
                counts[slot] = count;
                size++;
            }
        }
    }

    // Where a kind is, or would be. Kinds are hashes already.
    private int slot(long kind) {
        int slot = (int) kind & (kinds.length - 1);
        while (counts[slot] != 0 && kinds[slot] != kind) {
            slot = (slot + 1) & (kinds.length - 1);
        }
        return slot;
    }

    void write(DataOutput out) throws IOException {
        out.writeLong(total);
        out.writeLong(fresh);
        out.writeInt(size);
        for (int i = 0; i < kinds.length; i++) {
            if (counts[i] != 0) {
                out.writeLong(kinds[i]);
                out.writeInt(counts[i]);
            }
        }
    }

    void read(DataInput in) throws IOException {
        long allCounted = in.readLong();
        fresh = in.readLong();
        int entries = in.readInt();
        Arrays.fill(counts, 0);
        size = 0;
        total = 0;
        for (int i = 0; i < entries; i++) {
            long kind = in.readLong();
            add(kind, in.readInt());
        }
        total = allCounted;
    }

    int bytes() {
        return kinds.length * (Long.BYTES + Integer.BYTES);
    }
}
