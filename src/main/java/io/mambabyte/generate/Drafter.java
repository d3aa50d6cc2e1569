package io.mambabyte.generate;

/**
 * Guesses what comes next. A guess is checked against the model and can only save time, never
 * change a byte, so a drafter may be anything: a table, another model, a rule. One instance serves
 * one text at a time and one thread.
 */
public interface Drafter {
    /** Proposes nothing. */
    Drafter NONE =
            new Drafter() {
                @Override
                public void begin() {}

                @Override
                public void append(byte[] bytes, int offset, int length) {}

                @Override
                public void draft(Draft draft) {}
            };

    /** A new text begins. What was learnt of others may stay. */
    void begin();

    /**
     * Tells what the text goes on with: the prompt, then whatever is made.
     *
     * @param bytes where the bytes are
     * @param offset index of the first
     * @param length how many
     */
    void append(byte[] bytes, int offset, int length);

    /**
     * Proposes what follows everything appended.
     *
     * @param draft takes the bytes while it {@linkplain Draft#wantsMore wants more}
     */
    void draft(Draft draft);
}
