package io.mambabyte.train;

/**
 * What came of a training run.
 *
 * @param ending why it ended
 * @param steps steps of the optimizer
 * @param epochs passes over the data that were begun
 * @param bytes bytes learnt from, repetitions counted
 * @param seconds how long it took, evaluations included, pauses left out
 * @param bytesPerSecond bytes learnt from in a second, evaluations left out
 * @param trainBits mean surprisal of a byte in training, in bits, before the last evaluation
 * @param heldOutBytes held-out bytes that both of the following are of: all that there are, or,
 *     where a pass over all would have taken too much of the time, some
 * @param heldOutBits that of the held-out bytes under the model that was written
 * @param baseHeldOutBits that of the held-out bytes under the model that training began with
 */
public record TrainingResult(
        Ending ending,
        long steps,
        long epochs,
        long bytes,
        double seconds,
        double bytesPerSecond,
        double trainBits,
        long heldOutBytes,
        double heldOutBits,
        double baseHeldOutBits) {
    /** Why a run ended. */
    public enum Ending {
        /** The limit in bytes was reached. */
        BYTES("all bytes that were asked for are done"),
        /** The limit in seconds was reached. */
        TIME("the time is over"),
        /** Held-out bytes were not told better any more. */
        NO_BETTER("held-out bytes are not told better any more"),
        /** Somebody asked it to end. */
        INTERRUPTED("interrupted; --resume goes on"),
        /** The gradient was not finite. */
        DIVERGED("the gradient is not finite any more: a lower rate may help");

        private final String text;

        Ending(String text) {
            this.text = text;
        }

        /**
         * In words.
         *
         * @return a phrase
         */
        public String text() {
            return text;
        }
    }
}
