package io.mambabyte.generate;

import io.mambabyte.kernels.Kernels;
import io.mambabyte.kernels.Rows;
import io.mambabyte.model.BatchForward;
import io.mambabyte.model.BytePairEncoding;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.model.SubwordModel;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * A text of bytes as a subword model sees it, re-aligned whenever it goes on: its tokens are those
 * that the whole text has, wherever the bytes came from and wherever a draft was wrong.
 *
 * <p>Words that no byte to come can change are fed to the model for good. The words at the end are
 * cut into tokens anew each time; a state is kept after each of these, so that only tokens that are
 * others than the last time are fed again.
 */
final class SubwordText {
    /** What a model is told of a text that it has not followed. */
    static final int CONTEXT_BYTES = 384;

    /** A text that it has not followed for so long is not caught up with. */
    private static final int LAG_MAX = 2 * CONTEXT_BYTES;

    private static final int BUFFER_BYTES = 2 * LAG_MAX;

    private static final int PASS_ROWS = 64;

    /** A byte may still change how the last words are cut: {@code 're} is one, {@code 'r} two. */
    private static final int OPEN_WORDS = 2;

    private static final byte[] LINE_END = {'\n'};

    /** What the texts of a thread share. */
    static final class Scratch {
        final BytePairEncoding encoding;
        final SubwordModel model;
        final BatchForward forward;
        final Kernels kernels;

        /** Tokens by their bytes, so that those with a common beginning are neighbours. */
        final int[] order;

        /** Place of a token in {@link #order}. */
        final int[] place;

        final float[] weights;

        Scratch(SubwordModel model) {
            this.model = model;
            encoding = model.encoding();
            kernels = model.model().kernels();
            forward = new BatchForward(model.model(), 1, PASS_ROWS);
            List<Integer> sorted = new ArrayList<>();
            for (int token = 0; token < encoding.size(); token++) {
                sorted.add(token);
            }
            sorted.sort(encoding::compare);
            order = sorted.stream().mapToInt(Integer::intValue).toArray();
            place = new int[order.length];
            for (int i = 0; i < order.length; i++) {
                place[order[i]] = i;
            }
            weights = new float[order.length];
        }
    }

    /** What follows some tokens. */
    static final class Place {
        private final RecurrentState state;

        /** Probability of each token, in the order of their bytes. */
        private final float[] share;

        private Place(Scratch scratch) {
            state = scratch.model.model().newState();
            share = new float[scratch.order.length];
        }

        /**
         * Probability of a token.
         *
         * @param index in the order of the tokens' bytes
         */
        float share(int index) {
            return share[index];
        }
    }

    private final Scratch scratch;

    /** {@code [i]} is after the text before {@link #at} and the first i tokens of the tail. */
    private final List<Place> places = new ArrayList<>();

    /** Tokens that led to the places: {@code [i]} from place i to place i + 1. */
    private final int[] chain = new int[BUFFER_BYTES];

    private int chained;

    /** The text from {@link #bufferStart} on: told up to {@link #known}, supposed to the end. */
    private final byte[] buffer = new byte[BUFFER_BYTES];

    private long bufferStart;
    private long known;
    private long end;

    /** Where the tail begins: all before it was fed for good, or left out. */
    private long at;

    private final int[] tail = new int[BUFFER_BYTES];
    private final int[] words = new int[BUFFER_BYTES];
    private int tailTokens;
    private int lastWord;
    private int fed;

    SubwordText(Scratch scratch) {
        this.scratch = scratch;
        places.add(new Place(scratch));
    }

    /** A new text begins. */
    void begin() {
        bufferStart = 0;
        known = 0;
        end = 0;
        forget(0);
    }

    /** The model knows nothing of the text before a position; it begins a line. */
    private void forget(long position) {
        at = position;
        chained = 0;
        places.getFirst().state.reset();
        int count = scratch.encoding.encode(LINE_END, 0, 1, tail);
        feed(places.getFirst(), tail, 0, count);
    }

    /** Tells what the text goes on with; what was supposed is forgotten. */
    void append(byte[] bytes, int offset, int length) {
        end = known;
        int from = offset;
        int left = length;
        if (left > CONTEXT_BYTES && known + left - at > LAG_MAX) {
            from += left - CONTEXT_BYTES;
            known += left - CONTEXT_BYTES;
            left = CONTEXT_BYTES;
            bufferStart = known;
            end = known;
            forget(known);
        }
        if (known + left - bufferStart > buffer.length) {
            makeRoom();
        }
        System.arraycopy(bytes, from, buffer, (int) (known - bufferStart), left);
        known += left;
        end = known;
    }

    /** Forgets all that was supposed. */
    void rewind() {
        end = known;
    }

    /** Supposes the next byte. */
    void suppose(int value) {
        if (end - bufferStart == buffer.length) {
            makeRoom();
        }
        buffer[(int) (end - bufferStart)] = (byte) value;
        end++;
    }

    private void makeRoom() {
        if (known - at > LAG_MAX) {
            leaveOut();
        } else {
            int drop = (int) (at - bufferStart);
            System.arraycopy(buffer, drop, buffer, 0, (int) (end - at));
            bufferStart = at;
        }
    }

    /** Forgets all that was told but the last of it. What is supposed stays so. */
    private void leaveOut() {
        int from = (int) (known - CONTEXT_BYTES - bufferStart);
        System.arraycopy(buffer, from, buffer, 0, (int) (end - bufferStart) - from);
        bufferStart = known - CONTEXT_BYTES;
        forget(bufferStart);
    }

    /**
     * Cuts all that was told and supposed into tokens and brings the model up to them, the last one
     * excepted: what comes may make it longer.
     */
    void align() {
        fed = 0;
        if (known - at > LAG_MAX) {
            leaveOut();
        }
        settle();
        cut(end);
        int same = same(Math.max(0, tailTokens - 1));
        chained = Math.min(chained, same);
        while (chained < tailTokens - 1) {
            step();
        }
    }

    /** Feeds for good the words that no byte to come can change. */
    private void settle() {
        int from = (int) (at - bufferStart);
        int to = (int) (known - bufferStart);
        int ends = 0;
        for (int start = from; start < to; ) {
            start = scratch.encoding.wordEnd(buffer, start, to);
            words[ends++] = start;
        }
        if (ends <= OPEN_WORDS) {
            return;
        }
        int settled = words[ends - 1 - OPEN_WORDS];
        int count = 0;
        // Word by word: where the text went on decided where the last of them ends.
        for (int word = 0; word < ends - OPEN_WORDS; word++) {
            int start = word == 0 ? from : words[word - 1];
            count += scratch.encoding.encodeWord(buffer, start, words[word], tail, count);
        }
        tailTokens = count;
        int same = same(count);
        Collections.swap(places, 0, same);
        if (same == count) {
            // The places after it stay what they are.
            Collections.rotate(places.subList(1, chained + 1), -same);
            System.arraycopy(chain, same, chain, 0, chained - same);
            chained -= same;
        } else {
            chained = 0;
            feed(places.getFirst(), tail, same, count - same);
        }
        at = bufferStart + settled;
    }

    /** Tokens at the beginning of the tail that the chain has too. */
    private int same(int most) {
        int same = 0;
        while (same < Math.min(most, chained) && tail[same] == chain[same]) {
            same++;
        }
        return same;
    }

    /** The tail's tokens, and which of them begins the last word. */
    private void cut(long textEnd) {
        int to = (int) (textEnd - bufferStart);
        tailTokens = 0;
        lastWord = 0;
        for (int start = (int) (at - bufferStart); start < to; ) {
            int stop = scratch.encoding.wordEnd(buffer, start, to);
            lastWord = tailTokens;
            tailTokens += scratch.encoding.encodeWord(buffer, start, stop, tail, tailTokens);
            start = stop;
        }
    }

    /** Feeds the next token of the tail to a new place of the chain. */
    private void step() {
        if (places.size() == chained + 1) {
            places.add(new Place(scratch));
        }
        Place next = places.get(chained + 1);
        next.state.copyFrom(places.get(chained).state);
        feed(next, tail, chained, 1);
        chain[chained] = tail[chained];
        chained++;
    }

    private void feed(Place place, int[] tokens, int from, int count) {
        BatchForward forward = scratch.forward;
        for (int done = 0; done < count; ) {
            int rows = Math.min(PASS_ROWS, count - done);
            forward.clear();
            forward.add(place.state, tokens, from + done, rows);
            forward.forward();
            forward.keep(0, rows);
            done += rows;
            if (done == count) {
                Rows logits = forward.logits(rows - 1);
                scratch.kernels.softmaxWeights(logits, 0, 1, scratch.weights);
                double total = 0;
                for (float weight : scratch.weights) {
                    total += weight;
                }
                for (int i = 0; i < scratch.order.length; i++) {
                    place.share[i] = (float) (scratch.weights[scratch.order[i]] / total);
                }
            }
        }
        fed += count;
    }

    /** Tokens that were fed since {@link #align} was called. */
    int fed() {
        return fed;
    }

    /** Tokens at the end of the text that are not settled; the last is not fed. */
    int tokens() {
        return tailTokens;
    }

    /** Which of the tokens begins the last word. */
    int lastWord() {
        return lastWord;
    }

    /** A token at the end of the text. */
    int token(int index) {
        return tail[index];
    }

    /**
     * The place before a token at the end of the text, or after the last one, which is fed then.
     */
    Place before(int index) {
        while (chained < index) {
            step();
        }
        return places.get(index);
    }

    /** First of the tokens, in their order, that begin with the bytes from a token on. */
    int firstFrom(int index) {
        return bound(start(index), false);
    }

    /** After the last of the tokens that begin with the bytes from a token on. */
    int endFrom(int index) {
        return bound(start(index), true);
    }

    /** Bytes from a token to the end of the text. */
    int bytesFrom(int index) {
        return (int) (end - bufferStart) - start(index);
    }

    private int start(int index) {
        int start = (int) (at - bufferStart);
        for (int i = 0; i < index; i++) {
            start += scratch.encoding.length(tail[i]);
        }
        return start;
    }

    private int bound(int from, boolean after) {
        int to = (int) (end - bufferStart);
        int low = 0;
        int high = scratch.order.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            int compared = compare(scratch.order[middle], from, to);
            if (compared < 0 || (compared == 0 && after)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** A token against bytes of the buffer; 0 where it begins with them. */
    private int compare(int token, int from, int to) {
        BytePairEncoding encoding = scratch.encoding;
        int length = Math.min(to - from, encoding.length(token));
        for (int i = 0; i < length; i++) {
            int difference = (encoding.byteAt(token, i) & 0xff) - (buffer[from + i] & 0xff);
            if (difference != 0) {
                return difference;
            }
        }
        return length == to - from ? 0 : -1;
    }

    @Override
    public String toString() {
        return Arrays.toString(Arrays.copyOf(tail, tailTokens));
    }
}
