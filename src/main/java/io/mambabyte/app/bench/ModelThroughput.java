package io.mambabyte.app.bench;

import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.MambaModel;

/**
 * How fast one core scores with a model, and how fast it could: its peak of fused multiply-adds,
 * measured by turns with it, so that what else the machine does disturbs both alike.
 *
 * @param bytesPerSecond bytes scored
 * @param gflops of the projections, at that rate
 * @param peakGflops what the core reaches on registers alone
 * @param fractionOfPeak the one over the other, median of the rounds
 */
public record ModelThroughput(
        double bytesPerSecond, double gflops, double peakGflops, double fractionOfPeak) {
    private static final int RECORD_BYTES = 128;
    private static final int WARM_UP_ROUNDS_MAX = 12;
    private static final int ROUNDS = 5;

    /**
     * Measures for two or three seconds.
     *
     * @param model the model
     * @return what one core does
     * @throws InterruptedException if interrupted
     */
    public static ModelThroughput measure(MambaModel model) throws InterruptedException {
        double flopsPerByte = 2.0 * projectionWeights(model.config());
        Measurement measured =
                new ForwardBench(model, 1, RECORD_BYTES, true)
                        .measure(WARM_UP_ROUNDS_MAX, ROUNDS, flopsPerByte, _ -> {});
        return new ModelThroughput(
                measured.bytesPerSecond(),
                measured.bytesPerSecond() * flopsPerByte / 1e9,
                measured.fmaPeak(),
                measured.fractionOfPeak());
    }

    /**
     * Weights of the projections, which every byte is multiplied with.
     *
     * @param config the shape
     * @return their number
     */
    public static long projectionWeights(MambaConfig config) {
        long inner = config.dInner();
        long model = config.dModel();
        long block =
                2 * inner * model
                        + (config.dtRank() + 2L * config.dState()) * inner
                        + config.dtRank() * inner
                        + inner * model;
        return config.nLayer() * block + (long) MambaConfig.VOCABULARY * model;
    }
}
