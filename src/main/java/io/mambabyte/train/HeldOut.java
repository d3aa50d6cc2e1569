package io.mambabyte.train;

import io.mambabyte.kernels.Gradients;
import io.mambabyte.kernels.Rows;
import io.mambabyte.model.BatchForward;
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

    /** About as many bytes: a token stands for two or three. */
    private static final int PIECE_TOKENS = 6 << 10;

    private static final int ROWS = 512;

    /** Of tokens, whose logits are more. */
    private static final int TOKEN_ROWS = 64;

    private final TokenText text;
    private final int pieceLength;
    private final int pieces;

    /** The pieces that are used; all if nothing was chosen. */
    private int used;

    /**
     * All of the bytes.
     *
     * @param text at least two tokens
     */
    HeldOut(TokenText text) {
        this.text = text;
        pieceLength =
                switch (text) {
                    case TokenText.Bytes _ -> PIECE_BYTES;
                    case TokenText.Subwords _ -> PIECE_TOKENS;
                };
        // A last piece of a byte or so would only be noise: it goes with the one before.
        pieces = Math.max(1, text.length() / pieceLength);
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
    long usedBytes() {
        long sum = 0;
        for (int i = 0; i < used; i++) {
            sum += text.bytes(begin(piece(i)), end(piece(i)));
        }
        return sum;
    }

    /** Tokens of them. */
    long usedTokens() {
        long sum = 0;
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
     * @return mean surprisal of a byte, in bits; the first byte, or token, of a piece is not
     *     counted
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
        long bytes = usedBytes();
        for (int i = 0; i < used; i++) {
            bytes -= text.bytes(begin(piece(i)), begin(piece(i)) + 1);
        }
        return sum / bytes;
    }

    /** Writes the bits of each piece from the first to before the last in the order of use. */
    private void score(MambaModel model, Workers workers, int first, int last, double[] bits) {
        workers.run(
                last - first,
                (worker, i) -> {
                    int piece = piece(first + i);
                    bits[piece] =
                            switch (text) {
                                case TokenText.Bytes(byte[] bytes) ->
                                        bits(model, bytes, begin(piece), end(piece));
                                case TokenText.Subwords(int[] ids, _) ->
                                        bits(model, ids, begin(piece), end(piece));
                            };
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

    private int begin(int piece) {
        return piece * pieceLength;
    }

    private int end(int piece) {
        return piece == pieces - 1 ? text.length() : (piece + 1) * pieceLength;
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

    private static double bits(MambaModel model, int[] ids, int begin, int end) {
        BatchForward forward = new BatchForward(model, 1, TOKEN_ROWS);
        Gradients gradients = Gradients.of(model.kernels());
        RecurrentState state = model.newState();
        int[] targets = new int[TOKEN_ROWS];
        float[] nats = new float[TOKEN_ROWS];
        double sum = 0;
        for (int at = begin; at < end - 1; at += TOKEN_ROWS) {
            int count = Math.min(TOKEN_ROWS, end - 1 - at);
            forward.clear();
            Rows logits = forward.logits(forward.add(state, ids, at, count));
            forward.forward();
            System.arraycopy(ids, at + 1, targets, 0, count);
            // The logits become their gradient, which nobody needs.
            gradients.crossEntropy(count, logits, targets, 0, 1f, logits, nats);
            forward.keep(0, count);
            for (int i = 0; i < count; i++) {
                sum += nats[i];
            }
        }
        return sum / Math.log(2);
    }
}
