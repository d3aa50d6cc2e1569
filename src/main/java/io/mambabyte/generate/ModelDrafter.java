package io.mambabyte.generate;

import io.mambabyte.generate.ModelAccuracy.Basis;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.SubwordModel;

import org.jspecify.annotations.Nullable;

import java.util.function.Supplier;

/**
 * Drafts what a small model would make with the same random numbers, and what the history says:
 * where one of them is surer, its guess; where both say the same, it is nearly always right.
 *
 * <p>The model is asked where an answer can be worth its time: not where the history is sure, not
 * where what was drafted so far is too unlikely to be right, and for long not at all where asking
 * was seen to cost more than it gave.
 */
public final class ModelDrafter implements Drafter {
    private static final int NOTHING = -1;

    /**
     * What the texts of a thread share: scratch memory, and what was learnt of the model's worth.
     */
    public static final class Shared {
        private final Supplier<Guesser> guessers;
        private final ModelAccuracy accuracy = new ModelAccuracy();

        /**
         * Allocates it.
         *
         * @param model drafts; small beside the one that is drafted for
         */
        public Shared(MambaModel model) {
            ByteModelGuesser.Scratch scratch = new ByteModelGuesser.Scratch(model);
            guessers = () -> new ByteModelGuesser(scratch);
        }

        /**
         * Allocates it.
         *
         * @param model drafts, over subwords
         */
        public Shared(SubwordModel model) {
            SubwordText.Scratch scratch = new SubwordText.Scratch(model);
            Sampler sampler = new Sampler(model.model().kernels());
            guessers = () -> new SubwordGuesser(scratch, sampler);
        }
    }

    private final Guesser guesser;
    private final ModelAccuracy accuracy;
    private final @Nullable HistoryIndex index;
    private final HistoryIndex.Context context = new HistoryIndex.Context();
    private final HistoryIndex.Context ahead = new HistoryIndex.Context();

    /** What was drafted and not yet judged. */
    private final Note[] notes = new Note[Decoder.DRAFT_MAX];

    private int noted;
    private double byteNanos;
    private double rowNanos;

    private static final class Note {
        int value;
        int history;
        double historyConfidence;
        int model;
        double confidence;
        int cell;
        int otherCell;
        long nanos;
    }

    /**
     * Makes a drafter.
     *
     * @param shared of the thread
     * @param index of the thread, or null to draft by the model alone
     */
    public ModelDrafter(Shared shared, @Nullable HistoryIndex index) {
        this(shared.guessers.get(), shared.accuracy, index);
    }

    ModelDrafter(Guesser guesser, ModelAccuracy accuracy, @Nullable HistoryIndex index) {
        this.guesser = guesser;
        this.accuracy = accuracy;
        this.index = index;
        for (int i = 0; i < notes.length; i++) {
            notes[i] = new Note();
        }
    }

    @Override
    public void begin() {
        context.clear();
        guesser.begin();
        noted = 0;
    }

    @Override
    public void append(byte[] bytes, int offset, int length) {
        judge(bytes, offset, length);
        if (index != null) {
            for (int i = offset; i < offset + length; i++) {
                index.learn(context, bytes[i] & 0xff);
            }
        }
        guesser.append(bytes, offset, length);
        accuracy.passed(length);
    }

    /** Learns of what was drafted as far as the truth is known. */
    private void judge(byte[] bytes, int offset, int length) {
        boolean right = true;
        for (int i = 0; right && i < Math.min(noted, length); i++) {
            Note note = notes[i];
            int truth = bytes[offset + i] & 0xff;
            right = note.value == truth;
            if (note.model != NOTHING) {
                accuracy.learnModel(note.cell, note.model == truth);
                if (note.otherCell != NOTHING) {
                    accuracy.learn(note.otherCell, note.history == truth);
                }
                double withModel = worth(note.confidence, right);
                double without = worth(note.historyConfidence, note.history == truth);
                accuracy.gained(withModel - without - note.nanos);
            }
        }
        noted = 0;
    }

    /** Time that a drafted byte saves: none where it is too unlikely to be tried. */
    private double worth(double confidence, boolean right) {
        if (confidence * byteNanos <= rowNanos) {
            return 0;
        }
        return right ? byteNanos - rowNanos : -rowNanos;
    }

    @Override
    public void draft(Draft draft) {
        guesser.rewind();
        ahead.copyFrom(context);
        byteNanos = draft.byteNanos();
        rowNanos = draft.rowNanos();
        while (draft.wantsMore() && noted < notes.length) {
            Note note = notes[noted];
            note.confidence = guess(draft, note);
            if (note.value == NOTHING) {
                return;
            }
            noted++;
            guesser.suppose(note.value);
            if (note.value == note.history) {
                ahead.hit();
            } else {
                ahead.miss();
            }
            ahead.push(note.value);
            draft.add((byte) note.value, note.confidence);
        }
    }

    /** Fills a note with the next guess. */
    private double guess(Draft draft, Note note) {
        note.history = NOTHING;
        note.historyConfidence = 0;
        if (index != null) {
            int guess = index.guess(ahead);
            if (HistoryIndex.order(guess) != HistoryIndex.NO_GUESS) {
                note.history = HistoryIndex.value(guess);
                note.historyConfidence = index.confidence(guess, ahead);
            }
        }
        note.value = note.history;
        note.model = NOTHING;
        if (!accuracy.pays() || !worthAsking(draft, note)) {
            return note.historyConfidence;
        }
        long start = System.nanoTime();
        note.model = guesser.guess(draft.sampling(), draft.position());
        note.nanos = System.nanoTime() - start;
        accuracy.took(note.nanos, guesser.fed());
        return combine(note, guesser.odds());
    }

    /**
     * Whether an answer can be worth its time: it helps where the history is wrong, and where the
     * history says nothing the byte's row is to be paid too.
     */
    private boolean worthAsking(Draft draft, Note note) {
        double helps = draft.survival() * (1 - note.historyConfidence) * accuracy.usual();
        double row = note.history == NOTHING ? rowNanos : 0;
        return helps * byteNanos - row > accuracy.guessNanos();
    }

    private double combine(Note note, double odds) {
        double history = note.historyConfidence;
        note.otherCell = NOTHING;
        if (note.history == NOTHING || note.history == note.model) {
            note.cell =
                    ModelAccuracy.cell(
                            note.history == NOTHING ? Basis.ALONE : Basis.AGREED, odds, history);
            note.value = note.model;
            return accuracy.of(note.cell);
        }
        note.cell = ModelAccuracy.cell(Basis.MODEL_AGAINST_HISTORY, odds, history);
        note.otherCell = ModelAccuracy.cell(Basis.HISTORY_AGAINST_MODEL, odds, history);
        double model = accuracy.of(note.cell);
        double other = accuracy.of(note.otherCell);
        note.value = model >= other ? note.model : note.history;
        return Math.max(model, other);
    }
}
