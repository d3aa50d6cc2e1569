package io.mambabyte.generate;

import io.mambabyte.kernels.Rows;
import io.mambabyte.model.BytePairEncoding;
import io.mambabyte.model.MambaConfig;

import java.util.Arrays;

/**
 * Guesses bytes by a subword model: of a byte's probability, all tokens have a part that go on with
 * it, from any place in the last word where a token may have begun. So a draft need not begin where
 * a token does, and it is drawn with the numbers of the bytes that it foresees, as {@link
 * ByteModelGuesser}'s are. (Phan et al. 2024 and Hayase et al. 2025 derive such probabilities; here
 * they need not be exact, since every byte is verified.)
 */
final class SubwordGuesser implements Guesser {
    /** Below this part of the rest, what follows the last token is not worth a step. */
    private static final double ENDS_LEAST = 0.02;

    /** Least probability of a byte: finite logits. */
    private static final double LEAST = 1e-9;

    private final SubwordText text;
    private final SubwordText.Scratch scratch;
    private final Sampler sampler;
    private final double[] mass = new double[MambaConfig.VOCABULARY];
    private final Rows logits = Rows.allocate(MambaConfig.VOCABULARY, 1);
    private double odds;

    SubwordGuesser(SubwordText.Scratch scratch, Sampler sampler) {
        this.scratch = scratch;
        this.sampler = sampler;
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
    public void rewind() {
        text.rewind();
    }

    @Override
    public void suppose(int value) {
        text.suppose(value);
    }

    @Override
    public int guess(Sampling sampling, long position) {
        text.align();
        masses();
        for (int value = 0; value < mass.length; value++) {
            logits.values()[logits.start(0) + value] = (float) Math.log(mass[value] + LEAST);
        }
        int value = sampler.sample(sampling, position, logits, 0);
        odds = sampler.odds(sampling, logits, value);
        return value;
    }

    /** Probability of each byte, up to a factor. */
    private void masses() {
        Arrays.fill(mass, 0);
        int tokens = text.tokens();
        double reached = 1;
        double longer = 0;
        for (int i = text.lastWord(); i < tokens; i++) {
            SubwordText.Place place = text.before(i);
            longer += reached * addLonger(place, i, reached);
            reached *= place.share(scratch.place[text.token(i)]);
        }
        if (tokens == 0 || reached > ENDS_LEAST * longer) {
            SubwordText.Place place = text.before(tokens);
            BytePairEncoding encoding = scratch.encoding;
            for (int i = 0; i < scratch.order.length; i++) {
                mass[encoding.byteAt(scratch.order[i], 0) & 0xff] += reached * place.share(i);
            }
        }
    }

    /** Adds the tokens that begin with all bytes from a token on and have more. */
    private double addLonger(SubwordText.Place place, int index, double reached) {
        BytePairEncoding encoding = scratch.encoding;
        int length = text.bytesFrom(index);
        int last = text.endFrom(index);
        double sum = 0;
        for (int i = text.firstFrom(index); i < last; i++) {
            if (encoding.length(scratch.order[i]) > length) {
                float share = place.share(i);
                mass[encoding.byteAt(scratch.order[i], length) & 0xff] += reached * share;
                sum += share;
            }
        }
        return sum;
    }

    @Override
    public double odds() {
        return odds;
    }

    @Override
    public int fed() {
        return text.fed();
    }
}
