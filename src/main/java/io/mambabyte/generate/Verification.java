package io.mambabyte.generate;

/** When a drafted byte is kept. */
public sealed interface Verification {
    /** The one that changes no byte. */
    Verification EXACT = new Exact();

    /** When it is the byte that would have been made without drafts. */
    record Exact() implements Verification {}

    /**
     * When it is among the most probable bytes, as MambaByte's authors publish it (Wang et al.
     * 2024): the whole draft is tried; the first byte that is not kept is drawn from the model, and
     * so are those after it up to a byte that ends a word; then drafts begin again. What is made
     * depends on the drafter: this is lossy, except at beta 1 and temperature 0.
     *
     * @param beta how many bytes are good enough, 1 to 256
     */
    record TopBeta(int beta) implements Verification {
        /**
         * Checks beta.
         *
         * @throws IllegalArgumentException if it is out of its range
         */
        public TopBeta {
            if (beta < 1 || beta > 256) {
                throw new IllegalArgumentException("top-beta must be from 1 to 256, not " + beta);
            }
        }

        /** Whether a byte ends a word: ASCII that is neither a letter nor a digit. */
        static boolean isBoundary(int value) {
            return value < 0x80 && !Character.isLetterOrDigit(value);
        }
    }
}
