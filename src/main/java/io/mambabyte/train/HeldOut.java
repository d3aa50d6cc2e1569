package io.mambabyte.train;

import io.mambabyte.model.Forward;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;

/**
 * Bits per byte of a model on held-out bytes, each piece of them from an empty state. Where there
 * is little time only some of the pieces are used, always the same ones: {@link #choose}.
 */
final class HeldOut {
    /**
     * Long enough that beginning with an empty state matters little, short enough for all threads.
     */
    private static final int PIECE_BYTES = 1 << 14;

    private static final int ROWS = 512;

    private final byte[] bytes;
    private final int pieces;

    /** The pieces that are used; all if nothing was chosen. */
    private int used;

    /**
     * All of the bytes.
     *
     * @param bytes at least two
     */
    HeldOut(byte[] bytes) {
        this.bytes = bytes;
        // A last piece of a byte or so would only be noise: it goes with the one before.
        pieces = Math.max(1, bytes.length / PIECE_BYTES);
        used = pieces;
    }

    /** Pieces that are used: with the bytes all that there is to know of the choice. */
    int used() {
        return used;
    }

    /** Takes a choice over that was made before; more than there are is all. */
    void use(int count) {
        used = Math.clamp(count, 1, pieces);
    }

    /** Bytes of the pieces that are used. */
    int usedBytes() {
        int sum = 0;
        for (int i = 0; i < used; i++) {
            sum += end(piece(i)) - begin(piece(i));
        }
        return sum;
    }

    /**
     * Chooses as many pieces as can be scored in a given time, at least one: one, then as many more
     * as there are already while that will fit. The figure for a choice depends neither on the
     * threads nor on the clock; which choice is made does.
     *
     * @param model the model that is scored
     * @param workers who computes
     * @param seconds for a pass over what is chosen
     * @return mean surprisal of a byte of what was chosen, in bits
     */
    double choose(MambaModel model, Workers workers, double seconds) {
        long begun = System.nanoTime();
        double[] bits = new double[pieces];
        int scored = 0;
        int next = 1;
        while (scored < pieces) {
            score(model, workers, scored, next, bits);
            scored = next;
            double took = (System.nanoTime() - begun) * 1e-9;
            if (2 * took > seconds) {
                break;
            }
            next = Math.min(pieces, 2 * scored);
        }
        use(scored);
        return mean(bits);
    }

    /**
     * Scores the pieces that are used.
     *
     * @param model the model
     * @param workers who computes
     * @return mean surprisal of a byte, in bits; the first byte of a piece is not counted
     */
    double bitsPerByte(MambaModel model, Workers workers) {
        double[] bits = new double[pieces];
        score(model, workers, 0, used, bits);
        return mean(bits);
    }

    /** Of the pieces that are used; 0 of the others. In the order of the text. */
    private double mean(double[] bits) {
        double sum = 0;
        for (double b : bits) {
            sum += b;
        }
        return sum / (usedBytes() - used);
    }

    /** Writes the bits of each piece from the first to before the last in the order of use. */
    private void score(MambaModel model, Workers workers, int first, int last, double[] bits) {
        workers.run(
                last - first,
                (worker, i) -> {
                    int piece = piece(first + i);
                    bits[piece] = bits(model, bytes, begin(piece), end(piece));
                });
    }

    /**
     * The piece that is used as the i-th: such that however many are used, they lie far apart and
     * so in as many of the texts as can be. Counts upwards with the bits in reverse.
     */
    int piece(int i) {
        int width = Integer.SIZE - Integer.numberOfLeadingZeros(pieces - 1);
        int found = -1;
        for (int count = 0, of = 0; count <= i; of++) {
            found = width == 0 ? 0 : Integer.reverse(of) >>> (Integer.SIZE - width);
            count += found < pieces ? 1 : 0;
        }
        return found;
    }

    private static int begin(int piece) {
        return piece * PIECE_BYTES;
    }

    private int end(int piece) {
        return piece == pieces - 1 ? bytes.length : (piece + 1) * PIECE_BYTES;
    }

    private static double bits(MambaModel model, byte[] bytes, int begin, int end) {
        Forward forward = new Forward(model, ROWS);
        RecurrentState state = model.newState();
        float[] surprisal = new float[ROWS];
        float[] entropy = new float[ROWS];
        float[] variance = new float[ROWS];
        double sum = 0;
        for (int at = begin; at < end - 1; at += ROWS) {
            int count = Math.min(ROWS, end - 1 - at);
            forward.forward(state, bytes, at, count);
            forward.surprisal(bytes, at + 1, count, surprisal, entropy, variance);
            for (int i = 0; i < count; i++) {
                sum += surprisal[i];
            }
        }
        return sum;
    }
}
