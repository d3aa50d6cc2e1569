package io.mambabyte.app.bench;

import io.mambabyte.kernels.Rows;
import io.mambabyte.model.BatchForward;
import io.mambabyte.model.BytePairEncoding;
import io.mambabyte.model.Forward;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.model.SubwordModel;

/** What a model makes of a text: the sum of its surprisals, one state from the first byte on. */
interface TextBits {
    /** A model feeds so many bytes or tokens together. */
    int ROWS = 128;

    /** A line before the text: what predicts the first byte, for every model. */
    byte BEFORE = '\n';

    /** Surprisal of a whole text, in bits. */
    double bits(byte[] text);

    /** By a model over bytes. */
    static TextBits of(MambaModel model) {
        Forward forward = new Forward(model, ROWS);
        return text -> {
            RecurrentState state = model.newState();
            byte[] fed = afterLineEnd(text);
            float[] surprisal = new float[ROWS];
            float[] entropy = new float[ROWS];
            float[] variance = new float[ROWS];
            double bits = 0;
            for (int done = 0; done < text.length; done += ROWS) {
                int rows = Math.min(ROWS, text.length - done);
                forward.forward(state, fed, done, rows);
                forward.surprisal(fed, done + 1, rows, surprisal, entropy, variance);
                for (int row = 0; row < rows; row++) {
                    bits += surprisal[row];
                }
            }
            return bits;
        };
    }

    /**
     * By a model over subwords: of the text's own tokens, which is a little less than the text's
     * probability, since other tokens make the same bytes.
     */
    static TextBits of(SubwordModel subwords) {
        MambaModel model = subwords.model();
        BytePairEncoding encoding = subwords.encoding();
        BatchForward forward = new BatchForward(model, 1, ROWS);
        float[] weights = new float[model.vocabulary()];
        return text -> {
            int[] tokens = new int[1 + text.length];
            encoding.encode(new byte[] {BEFORE}, 0, 1, tokens);
            int[] ids = new int[text.length];
            int count = encoding.encode(text, 0, text.length, ids);
            System.arraycopy(ids, 0, tokens, 1, count);
            RecurrentState state = model.newState();
            double bits = 0;
            for (int done = 0; done < count; done += ROWS) {
                int rows = Math.min(ROWS, count - done);
                forward.clear();
                forward.add(state, tokens, done, rows);
                forward.forward();
                forward.keep(0, rows);
                Rows logits = forward.logits(0);
                for (int row = 0; row < rows; row++) {
                    model.kernels().softmaxWeights(logits, row, 1, weights);
                    double total = 0;
                    for (float weight : weights) {
                        total += weight;
                    }
                    bits += Math.log(total / weights[tokens[done + row + 1]]) / Math.log(2);
                }
            }
            return bits;
        };
    }

    private static byte[] afterLineEnd(byte[] text) {
        byte[] fed = new byte[1 + text.length];
        fed[0] = BEFORE;
        System.arraycopy(text, 0, fed, 1, text.length);
        return fed;
    }
}
