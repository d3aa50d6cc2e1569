package io.mambabyte.generate;

/**
 * How often a drafting model's guesses were right, by how sure it was and by what the history said,
 * and whether asking it pays. The texts of a thread share it.
 */
final class ModelAccuracy {
    /** What a guess is based on; each learns apart. */
    enum Basis {
        /** The model's, where the history says nothing. */
        ALONE(0),
        /** Both say the same. */
        AGREED(1),
        /** The model's, where the history says something else. */
        MODEL_AGAINST_HISTORY(2),
        /** The history's, where the model says something else. */
        HISTORY_AGAINST_MODEL(3);

        /** Where its part of the table begins. */
        private final int start;

        Basis(int part) {
            start = part * CELLS;
        }
    }

    private static final int ODDS_LEVELS = 12;
    private static final int HISTORY_LEVELS = 4;
    private static final int CELLS = ODDS_LEVELS * HISTORY_LEVELS;

    /** A guess's share in the measured accuracy, once there were as many as its inverse. */
    private static final float LEAST_SHARE = 1 / 64f;

    /** Guesses after which it is decided whether asking pays. */
    private static final int TRIAL = 256;

    /** Bytes without the model before it is tried again: at first, and at most. */
    private static final long PAUSE_FIRST = 8192;

    private static final long PAUSE_MAX = 1 << 17;

    /** Most bytes that a model is fed for a guess, but for the first one of a text. */
    private static final int USUAL_BYTES = 8;

    private final float[] accuracy = new float[Basis.values().length * CELLS];
    private final float[] share = new float[accuracy.length];

    /** Nanoseconds of a guess, the last few of them. */
    private double guessNanos;

    private double usual = 0.9;
    private double gain;
    private int trial;
    private long pause = PAUSE_FIRST;
    private long paused;

    ModelAccuracy() {
        for (Basis basis : Basis.values()) {
            for (int level = 0; level < ODDS_LEVELS; level++) {
                for (int history = 0; history < HISTORY_LEVELS; history++) {
                    int cell = basis.start + level * HISTORY_LEVELS + history;
                    float sure = (level + 1f) / (ODDS_LEVELS + 1);
                    accuracy[cell] =
                            switch (basis) {
                                case ALONE -> sure;
                                case AGREED -> 0.8f + 0.2f * sure;
                                case MODEL_AGAINST_HISTORY -> 0.5f * sure;
                                case HISTORY_AGAINST_MODEL -> 0.5f * (1 - sure);
                            };
                    share[cell] = 1 / 8f;
                }
            }
        }
    }

    /**
     * A place in the table.
     *
     * @param odds of the model's guess
     * @param history confidence of the history's
     */
    static int cell(Basis basis, double odds, double history) {
        // One level for each doubling, from an eighth on.
        int level = Math.clamp(Math.getExponent(odds) + 3, 0, ODDS_LEVELS - 1);
        int historyLevel = history < 0.5 ? 0 : history < 0.8 ? 1 : history < 0.95 ? 2 : 3;
        return basis.start + level * HISTORY_LEVELS + historyLevel;
    }

    double of(int cell) {
        return accuracy[cell];
    }

    /** How often guesses were right lately, of all kinds. */
    double usual() {
        return usual;
    }

    /** Learns whether the model's guess was right. */
    void learnModel(int cell, boolean right) {
        usual += ((right ? 1 : 0) - usual) * LEAST_SHARE;
        learn(cell, right);
    }

    void learn(int cell, boolean right) {
        accuracy[cell] += ((right ? 1 : 0) - accuracy[cell]) * share[cell];
        share[cell] = Math.max(LEAST_SHARE, share[cell] / (1 + share[cell]));
    }

    /** What a guess takes, as measured lately. */
    double guessNanos() {
        return guessNanos;
    }

    /**
     * Learns what a guess took.
     *
     * @param bytes that the model was fed for it
     */
    void took(long nanos, int bytes) {
        // Catching up with a text is rare, and counted in the gain.
        if (bytes <= USUAL_BYTES) {
            guessNanos += (nanos - guessNanos) / (guessNanos == 0 ? 1 : 16);
        }
    }

    /** Whether the model is to be asked at all. */
    boolean pays() {
        return paused == 0;
    }

    /** What a guess gained over the history's, less what it took. */
    void gained(double nanos) {
        trial++;
        gain += (nanos - gain) / Math.min(trial, 1024);
        if (trial >= TRIAL) {
            if (gain < 0) {
                paused = pause;
                pause = Math.min(PAUSE_MAX, 2 * pause);
                trial = 0;
                gain = 0;
            } else {
                pause = PAUSE_FIRST;
            }
        }
    }

    /** So many bytes were made or told. */
    void passed(int bytes) {
        paused = Math.max(0, paused - bytes);
    }
}
