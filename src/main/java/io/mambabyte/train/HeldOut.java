package io.mambabyte.train;

import io.mambabyte.model.Forward;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;

/** Bits per byte of a model on held-out bytes, each piece of them from an empty state. */
final class HeldOut {
    /**
     * Long enough that beginning with an empty state matters little, short enough for all threads.
     */
    private static final int PIECE_BYTES = 1 << 14;

    private static final int ROWS = 512;

    private HeldOut() {}

    /**
     * Scores all pieces.
     *
     * @param model the model
     * @param bytes at least two
     * @param workers who computes
     * @return mean surprisal of a byte, in bits; the first byte of a piece is not counted
     */
    static double bitsPerByte(MambaModel model, byte[] bytes, Workers workers) {
        // A last piece of a byte or so would only be noise: it goes with the one before.
        int pieces = Math.max(1, bytes.length / PIECE_BYTES);
        double[] bits = new double[pieces];
        workers.run(
                pieces,
                (worker, piece) -> {
                    int end = piece == pieces - 1 ? bytes.length : (piece + 1) * PIECE_BYTES;
                    bits[piece] = bits(model, bytes, piece * PIECE_BYTES, end);
                });
        double sum = 0;
        for (double b : bits) {
            sum += b;
        }
        return sum / (bytes.length - pieces);
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
