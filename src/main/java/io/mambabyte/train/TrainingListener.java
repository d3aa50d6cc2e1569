package io.mambabyte.train;

/** Is told how training goes, by the thread that trains. */
public interface TrainingListener {
    /**
     * A step was done.
     *
     * @param bytes bytes learnt from
     * @param bytesPerSecond in this session
     * @param progress how much of the run is done, 0 to 1
     * @param seconds since training began
     * @param trainBits mean surprisal of a byte since the last evaluation, in bits
     */
    void stepped(
            long bytes, double bytesPerSecond, double progress, double seconds, double trainBits);

    /**
     * It is known which held-out bytes are used, before the first evaluation.
     *
     * @param used bytes that every evaluation reads
     * @param all bytes that are held out
     */
    default void heldOut(long used, long all) {}

    /**
     * The model was evaluated.
     *
     * @param evaluation where training is
     * @param best whether held-out bytes were never told better; the model was then written
     */
    void evaluated(Evaluation evaluation, boolean best);
}
