package io.mambabyte.generate;

import io.mambabyte.kernels.Rows;
import io.mambabyte.model.BatchForward;
import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Guesses what a small byte model would make with the same random numbers: where both models agree
 * about the distribution, the same number gives the same byte, at any temperature.
 *
 * <p>The model is fed only when it is asked, everything since the last time at once. A state is
 * kept for each guess, so that taking back is choosing another one: a copy, a tenth of a step,
 * where repeating the scan of the bytes that stay would take half a step for each of them.
 */
final class ByteModelGuesser implements Guesser {
    /** What a model is told of a text that it has not followed: more changes few guesses. */
    static final int CONTEXT_BYTES = 128;

    /** A text that it has not followed for so long is not caught up with. */
    private static final int LAG_MAX = 2 * CONTEXT_BYTES;

    private static final int BUFFER_BYTES = 2 * LAG_MAX;

    /** Scratch memory, which the texts of a thread share. */
    static final class Scratch {
        final MambaModel model;
        final BatchForward forward;
        final Sampler sampler;

        Scratch(MambaModel model) {
            this.model = model;
            forward = new BatchForward(model, 1, PASS_ROWS);
            sampler = new Sampler(model.kernels());
        }
    }

    private static final int PASS_ROWS = 64;

    private final Scratch scratch;

    /** A place in the text that can be gone back to. */
    private static final class Place {
        final RecurrentState state;

        /** What follows, {@code [1][256]}; nothing before a byte was fed. */
        final Rows logits = Rows.allocate(MambaConfig.VOCABULARY, 1);

        /** Bytes of the text that the state has seen, or left out. */
        long at;

        Place(MambaModel model) {
            state = model.newState();
        }
    }

    /** Each after more bytes than the one before it. */
    private final List<Place> places = new ArrayList<>();

    private int newest;

    /** The text from {@link #bufferStart} on: told up to {@link #known}, supposed to the end. */
    private final byte[] buffer = new byte[BUFFER_BYTES];

    private long bufferStart;
    private long known;
    private long end;
    private double odds;
    private int fed;

    ByteModelGuesser(Scratch scratch) {
        this.scratch = scratch;
        places.add(new Place(scratch.model));
    }

    @Override
    public void begin() {
        known = 0;
        end = 0;
        bufferStart = 0;
        forget(0);
    }

    /** The state is one before a position from which on the buffer holds the text. */
    private void forget(long position) {
        newest = 0;
        places.getFirst().at = position;
        places.getFirst().state.reset();
    }

    @Override
    public void append(byte[] bytes, int offset, int length) {
        int from = offset;
        int left = length;
        if (left > CONTEXT_BYTES && known + left - places.getFirst().at > LAG_MAX) {
            from += left - CONTEXT_BYTES;
            known += left - CONTEXT_BYTES;
            left = CONTEXT_BYTES;
            // Nothing of what the buffer holds is needed.
            bufferStart = known;
            end = known;
            forget(known);
        }
        if (known + left - bufferStart > buffer.length) {
            makeRoom();
        }
        long right = known;
        while (right < end
                && right - known < left
                && buffer[(int) (right - bufferStart)] == bytes[from + (int) (right - known)]) {
            right++;
        }
        choose(right);
        System.arraycopy(bytes, from, buffer, (int) (known - bufferStart), left);
        known += left;
        end = known;
    }

    @Override
    public void rewind() {
        choose(known);
        end = known;
    }

    /** The newest state that has seen nothing after a position becomes the only one. */
    private void choose(long position) {
        int best = newest;
        while (best > 0 && places.get(best).at > position) {
            best--;
        }
        Collections.swap(places, 0, best);
        newest = 0;
    }

    /**
     * Moves what is needed to the front of the buffer, which is twice as long as a text that is
     * caught up with: what was told since the state, or lately, and what is supposed, which is at
     * most a draft.
     */
    private void makeRoom() {
        if (known - places.getFirst().at > LAG_MAX) {
            leaveOut();
        } else {
            int drop = (int) (places.getFirst().at - bufferStart);
            System.arraycopy(buffer, drop, buffer, 0, (int) (end - places.getFirst().at));
            bufferStart = places.getFirst().at;
        }
    }

    /** Forgets all that was told but the last of it. What is supposed stays so. */
    private void leaveOut() {
        long supposedEnd = end;
        int from = (int) (known - CONTEXT_BYTES - bufferStart);
        System.arraycopy(buffer, from, buffer, 0, (int) (supposedEnd - bufferStart) - from);
        bufferStart = known - CONTEXT_BYTES;
        forget(bufferStart);
        end = supposedEnd;
    }

    @Override
    public void suppose(int value) {
        if (end - bufferStart == buffer.length) {
            makeRoom();
        }
        buffer[(int) (end - bufferStart)] = (byte) value;
        end++;
    }

    @Override
    public int guess(Sampling sampling, long position) {
        if (newest == 0 && known - places.getFirst().at > LAG_MAX) {
            leaveOut();
        }
        if (end > known && places.get(newest).at < end) {
            push();
        }
        Place place = places.get(newest);
        fed = (int) (end - place.at);
        feed(place);
        int value = scratch.sampler.sample(sampling, position, place.logits, 0);
        odds = scratch.sampler.odds(sampling, place.logits, value);
        return value;
    }

    /** What was told can be fed to a state for good; what was supposed goes to a copy. */
    private void push() {
        newest++;
        if (places.size() == newest) {
            places.add(new Place(scratch.model));
        }
        Place copy = places.get(newest);
        copy.state.copyFrom(places.get(newest - 1).state);
        copy.at = places.get(newest - 1).at;
    }

    /** Feeds all that was not fed. */
    private void feed(Place place) {
        BatchForward forward = scratch.forward;
        while (place.at < end) {
            int rows = (int) Math.min(PASS_ROWS, end - place.at);
            forward.clear();
            forward.add(place.state, buffer, (int) (place.at - bufferStart), rows);
            forward.forward();
            forward.keep(0, rows);
            place.at += rows;
            if (place.at == end) {
                Rows last = forward.logits(rows - 1);
                System.arraycopy(
                        last.values(),
                        last.start(0),
                        place.logits.values(),
                        0,
                        MambaConfig.VOCABULARY);
            }
        }
    }

    @Override
    public double odds() {
        return odds;
    }

    @Override
    public int fed() {
        return fed;
    }
}
