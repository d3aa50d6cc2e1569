package io.mambabyte.train;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Where each sequence of a batch goes on.
 *
 * <p>The training bytes are cut into segments; an epoch visits each once, in a random order. A
 * sequence begins a segment with an empty state and carries its state to the segment's end, so that
 * a model learns both to begin and to go on. Every epoch cuts elsewhere. The order is a function of
 * the seed and of the position alone.
 */
final class Feed {
    /** Steps that a sequence takes through a segment: how far a state is carried. */
    static final int STEPS_MAX = 16;

    private final int length;
    private final int rows;
    private final int steps;
    private final long seed;
    private final int[] starts;
    private final int[] done;
    private long epoch = -1;
    private int[] order = {};
    private int next;

    /**
     * Starts before the first step.
     *
     * @param length bytes to learn from, more than the rows
     * @param rows bytes of a sequence in a step
     * @param sequences sequences of a batch
     * @param seed decides the order
     */
    Feed(int length, int rows, int sequences, long seed) {
        if (length <= rows) {
            throw new IllegalArgumentException(length + " bytes, rows " + rows);
        }
        this.length = length;
        this.rows = rows;
        this.seed = seed;
        steps = Math.min(STEPS_MAX, (length - 1) / rows);
        starts = new int[sequences];
        done = new int[sequences];
        Arrays.fill(done, steps);
    }

    /**
     * Moves every sequence on by a step.
     *
     * @param offsets becomes where each sequence goes on
     * @param fresh becomes whether it begins a segment, so that its state is to be cleared
     */
    void next(int[] offsets, boolean[] fresh) {
        for (int i = 0; i < starts.length; i++) {
            fresh[i] = done[i] == steps;
            if (fresh[i]) {
                starts[i] = segment();
                done[i] = 0;
            }
            offsets[i] = starts[i] + done[i] * rows;
            done[i]++;
        }
    }

    private int segment() {
        if (next == order.length) {
            begin(epoch + 1);
        }
        return order[next++];
    }

    private void begin(long number) {
        epoch = number;
        next = 0;
        SplittableRandom random = new SplittableRandom(seed * 0x9e3779b97f4a7c15L + number);
        int segment = steps * rows;
        // The byte after the last of a segment is its last target.
        int phase = random.nextInt(Math.min(segment, length - segment));
        order = new int[(length - 1 - phase) / segment];
        for (int i = 0; i < order.length; i++) {
            int j = random.nextInt(i + 1);
            order[i] = order[j];
            order[j] = phase + i * segment;
        }
    }

    /** Passes over the data that have begun. */
    long epochs() {
        return epoch + 1;
    }

    /**
     * What {@link #restore} takes: epoch, position in it, then start and steps of each sequence.
     */
    long[] position() {
        long[] position = new long[2 + 2 * starts.length];
        position[0] = epoch;
        position[1] = next;
        for (int i = 0; i < starts.length; i++) {
            position[2 + 2 * i] = starts[i];
            position[3 + 2 * i] = done[i];
        }
        return position;
    }

    void restore(long[] position) {
        if (position[0] >= 0) {
            begin(position[0]);
        }
        next = (int) position[1];
        for (int i = 0; i < starts.length; i++) {
            starts[i] = (int) position[2 + 2 * i];
            done[i] = (int) position[3 + 2 * i];
        }
    }
}
