package io.mambabyte.generate;

import io.mambabyte.model.BytePairEncoding;
import io.mambabyte.model.SubwordModel;

/**
 * Drafts whole subwords, as many as are wanted, each the most probable one or drawn at the
 * temperature; for {@link Verification.TopBeta}. Where the text ends within a subword, the first
 * one drafted is one that begins as the text ends.
 *
 * <p>(Where drafts are verified exactly, {@link ModelDrafter} draws byte by byte from the same
 * model, with the numbers of the bytes that it foresees, and says how sure it is.)
 */
public final class SubwordDrafter implements Drafter {
    private final SubwordText.Scratch scratch;
    private final SubwordText text;
    private final int subwords;

    /**
     * Makes a drafter.
     *
     * @param model drafts
     * @param subwords how many are drafted at a time
     */
    public SubwordDrafter(SubwordModel model, int subwords) {
        if (subwords < 1) {
            throw new IllegalArgumentException("subwords: " + subwords);
        }
        this.subwords = subwords;
        scratch = new SubwordText.Scratch(model);
        text = new SubwordText(scratch);
    }

    @Override
    public void begin() {
        text.begin();
    }

    @Override
    public void append(byte[] bytes, int offset, int length) {
        text.append(bytes, offset, length);
    }

    @Override
    public void draft(Draft draft) {
        text.rewind();
        BytePairEncoding encoding = scratch.encoding;
        for (int count = 0; count < subwords && draft.wantsMore(); count++) {
            text.align();
            int tokens = text.tokens();
            int token = -1;
            int from = 0;
            if (count == 0 && tokens > 0) {
                from = text.bytesFrom(tokens - 1);
                token =
                        choose(
                                draft,
                                text.before(tokens - 1),
                                text.firstFrom(tokens - 1),
                                text.endFrom(tokens - 1));
            }
            if (token < 0 || encoding.length(token) == from) {
                // The text's last subword is a whole one.
                from = 0;
                token = choose(draft, text.before(tokens), 0, scratch.order.length);
            }
            boolean room = true;
            for (int i = from; room && i < encoding.length(token); i++) {
                byte value = encoding.byteAt(token, i);
                text.suppose(value & 0xff);
                room = draft.add(value, 1);
            }
        }
    }

    /** The most probable of some tokens, or one that is drawn. */
    private int choose(Draft draft, SubwordText.Place place, int first, int end) {
        double temperature = draft.sampling().temperature();
        int best = first;
        double total = 0;
        for (int i = first; i < end; i++) {
            if (place.share(i) > place.share(best)) {
                best = i;
            }
            total += temperature == 0 ? 0 : weight(place, i, temperature);
        }
        if (temperature > 0) {
            double left = CounterRandom.uniform(draft.sampling().seed(), draft.position()) * total;
            for (int i = first; i < end; i++) {
                left -= weight(place, i, temperature);
                if (left < 0) {
                    best = i;
                    break;
                }
            }
        }
        return scratch.order[best];
    }

    private static double weight(SubwordText.Place place, int index, double temperature) {
        double share = place.share(index);
        return temperature == 1 ? share : StrictMath.pow(share, 1 / temperature);
    }
}
