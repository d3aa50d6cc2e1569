package io.mambabyte.train;

import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.MambaWeights;
import io.mambabyte.model.Norm;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Weights before training, as mamba-ssm begins. */
final class Initialization {
    private static final double TIME_STEP_MIN = 1e-3;
    private static final double TIME_STEP_MAX = 0.1;
    private static final double TIME_STEP_FLOOR = 1e-4;
    private static final double EMBEDDING_DEVIATION = 0.02;

    private Initialization() {}

    /** The shape that three numbers stand for; everything else as in the MambaByte paper. */
    static MambaConfig shape(int dModel, int layers, int states) {
        return new MambaConfig(
                dModel,
                layers,
                Math.multiplyExact(2, dModel),
                states,
                4,
                (dModel + 15) / 16,
                Norm.RMS,
                1e-5f);
    }

    /**
     * {@code A = -(1..N)}, {@code D = 1}, time steps between a thousandth and a tenth, tied head.
     */
    static MambaWeights weights(MambaConfig config, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int d = config.dModel();
        int e = config.dInner();
        int n = config.dState();
        int rank = config.dtRank();
        float[] embedding = new float[MambaConfig.VOCABULARY * d];
        for (int i = 0; i < embedding.length; i++) {
            embedding[i] = (float) (EMBEDDING_DEVIATION * random.nextGaussian());
        }
        List<MambaWeights.Layer> layers = new ArrayList<>();
        for (int i = 0; i < config.nLayer(); i++) {
            float[] aLog = new float[e * n];
            for (int j = 0; j < aLog.length; j++) {
                aLog[j] = (float) StrictMath.log(j % n + 1);
            }
            layers.add(
                    new MambaWeights.Layer(
                            filled(d, 1f),
                            null,
                            uniform(random, 2 * e * d, 1 / Math.sqrt(d)),
                            null,
                            uniform(random, e * config.dConv(), 1 / Math.sqrt(config.dConv())),
                            uniform(random, e, 1 / Math.sqrt(config.dConv())),
                            uniform(random, (rank + 2 * n) * e, 1 / Math.sqrt(e)),
                            uniform(random, e * rank, 1 / Math.sqrt(rank)),
                            timeStepBias(random, e),
                            aLog,
                            filled(e, 1f),
                            // Blocks add up: each begins smaller the more there are.
                            uniform(random, d * e, 1 / Math.sqrt(e) / Math.sqrt(config.nLayer())),
                            null));
        }
        return new MambaWeights(embedding, layers, filled(d, 1f), null, embedding);
    }

    /** Softplus of it is log-uniform. */
    private static float[] timeStepBias(SplittableRandom random, int length) {
        float[] values = new float[length];
        double low = StrictMath.log(TIME_STEP_MIN);
        double high = StrictMath.log(TIME_STEP_MAX);
        for (int i = 0; i < length; i++) {
            double step =
                    Math.max(
                            StrictMath.exp(low + random.nextDouble() * (high - low)),
                            TIME_STEP_FLOOR);
            values[i] = (float) (step + StrictMath.log(-StrictMath.expm1(-step)));
        }
        return values;
    }

    private static float[] uniform(SplittableRandom random, int length, double bound) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = (float) ((2 * random.nextDouble() - 1) * bound);
        }
        return values;
    }

    private static float[] filled(int length, float value) {
        float[] values = new float[length];
        Arrays.fill(values, value);
        return values;
    }
}
