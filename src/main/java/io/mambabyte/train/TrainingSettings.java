package io.mambabyte.train;

/**
 * How a model is trained.
 *
 * @param seed decides initial weights and the order of the data
 * @param threads threads that compute; results do not depend on it
 * @param sequences sequences of a batch
 * @param rows bytes, or tokens, of a sequence in a step, through which gradients pass
 * @param rate highest learning rate
 * @param warmupSteps steps over which the rate grows to it
 * @param maxBytes bytes after which training ends, or 0
 * @param maxSeconds seconds after which training ends, or 0; with it the rate follows the clock, so
 *     that only a limit in bytes gives the same bits again
 * @param patience evaluations without a better one after which training ends
 */
public record TrainingSettings(
        long seed,
        int threads,
        int sequences,
        int rows,
        double rate,
        int warmupSteps,
        long maxBytes,
        double maxSeconds,
        int patience) {

    /** Batch of eight: as many as there are gradients that threads can work on at the same time. */
    public static final int SEQUENCES = 8;

    /** Long enough for several lines of a log. */
    public static final int ROWS = 512;

    /** About as many bytes: a token stands for two or three. */
    static final int SUBWORD_ROWS = 256;

    /** Where the cosine ends, as a share of the highest rate. */
    private static final double LAST_RATE = 0.05;

    /**
     * Checks the numbers.
     *
     * @throws IllegalArgumentException if one of them makes no sense
     */
    public TrainingSettings {
        if (threads < 1 || sequences < 1 || rows < 2 || warmupSteps < 0 || patience < 1) {
            throw new IllegalArgumentException(
                    "threads %d, sequences %d, rows %d, warm-up %d, patience %d"
                            .formatted(threads, sequences, rows, warmupSteps, patience));
        }
        if (!(rate > 0 && rate < 1)) {
            throw new IllegalArgumentException("rate is not between 0 and 1: " + rate);
        }
        if (maxBytes < 0 || !(maxSeconds >= 0) || (maxBytes == 0 && maxSeconds == 0)) {
            throw new IllegalArgumentException("a limit in bytes or in seconds is needed");
        }
    }

    /**
     * Settings for a start.
     *
     * @param start what training begins with
     * @param threads threads that compute
     * @param seed decides initial weights and the order of the data
     * @param maxBytes bytes after which training ends, or 0
     * @param maxSeconds seconds after which training ends, or 0
     * @return settings that were found to work
     */
    public static TrainingSettings of(
            TrainingStart start, int threads, long seed, long maxBytes, double maxSeconds) {
        return switch (start) {
            case TrainingStart.Base _ ->
                    new TrainingSettings(
                            seed, threads, SEQUENCES, ROWS, 2e-3, 20, maxBytes, maxSeconds, 12);
            case TrainingStart.Subwords _ ->
                    new TrainingSettings(
                            seed,
                            threads,
                            SEQUENCES,
                            SUBWORD_ROWS,
                            2e-3,
                            20,
                            maxBytes,
                            maxSeconds,
                            12);
            case TrainingStart.Shape _ ->
                    new TrainingSettings(
                            seed, threads, SEQUENCES, ROWS, 4e-3, 100, maxBytes, maxSeconds, 24);
        };
    }

    /** How much of the run is done, 0 to 1. */
    double progress(long bytes, double seconds) {
        double byBytes = maxBytes == 0 ? 0 : bytes / (double) maxBytes;
        double bySeconds = maxSeconds == 0 ? 0 : seconds / maxSeconds;
        return Math.min(1, Math.max(byBytes, bySeconds));
    }

    /** Learning rate of a step: linear warm-up, then half a cosine. */
    double rate(long step, double progress) {
        double warm = warmupSteps == 0 ? 1 : Math.min(1, (step + 1) / (double) warmupSteps);
        double cosine = 0.5 * (1 + StrictMath.cos(Math.PI * progress));
        return rate * warm * (LAST_RATE + (1 - LAST_RATE) * cosine);
    }
}
