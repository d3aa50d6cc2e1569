package io.mambabyte.train;

import io.mambabyte.model.MambaConfig;

import java.util.Locale;

/** How much memory training takes, so that what does not fit is refused before it begins. */
final class MemoryNeed {
    /** Weights, their gradient and two moments, and weights packed twice. */
    private static final int COPIES = 6;

    /** Padding, views, and what the collector needs to work in. */
    private static final double MARGIN = 1.3;

    private MemoryNeed() {}

    /** Number of parameters, biases that a checkpoint may have besides left out. */
    static long parameters(MambaConfig config, int vocabulary) {
        long d = config.dModel();
        long e = config.dInner();
        long n = config.dState();
        long rank = config.dtRank();
        long layer =
                2 * e * d
                        + e * (config.dConv() + 1L)
                        + (rank + 2 * n) * e
                        + e * rank
                        + e
                        + e * n
                        + e
                        + d * e
                        + d;
        return config.nLayer() * layer + vocabulary * d + d;
    }

    static double bytes(MambaConfig config, int vocabulary, TrainingSettings settings) {
        int slots = Math.min(Step.SLOTS_MAX, settings.sequences());
        int passes = Math.min(settings.threads(), slots);
        double weights = (double) Float.BYTES * parameters(config, vocabulary) * (COPIES + slots);
        double activations =
                passes * (double) BackPropagation.bytes(config, vocabulary, settings.rows());
        return MARGIN * (weights + activations);
    }

    /**
     * Refuses what does not fit.
     *
     * @param config shape of the model
     * @param vocabulary number of values that it is fed
     * @param settings how it is trained
     * @param available bytes that there are
     */
    static void require(
            MambaConfig config, int vocabulary, TrainingSettings settings, long available)
            throws UnusableDataException {
        double need = bytes(config, vocabulary, settings);
        if (need <= available) {
            return;
        }
        int fits = config.dModel();
        while (fits > 16
                && bytes(
                                Initialization.shape(fits, config.nLayer(), config.dState()),
                                vocabulary,
                                settings)
                        > available) {
            fits -= 16;
        }
        throw new UnusableDataException(
                String.format(
                        Locale.ROOT,
                        "training a model of shape %d,%d,%d takes about %.1f GB and there are %.1f"
                                + " GB for Java: %d,%d,%d would fit, or give Java more"
                                + " (MAMBABYTE_JAVA_OPTS=-Xmx%dg)",
                        config.dModel(),
                        config.nLayer(),
                        config.dState(),
                        need / 1e9,
                        available / 1e9,
                        fits,
                        config.nLayer(),
                        config.dState(),
                        (long) Math.ceil(need / (1 << 30))));
    }
}
