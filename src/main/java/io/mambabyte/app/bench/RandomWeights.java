package io.mambabyte.app.bench;

import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.MambaWeights;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The weights that a model starts its training from. Speed does not depend on them as long as
 * nothing overflows or becomes denormal, which they see to, and as long as those of the projections
 * are bfloat16, as the shipped models are stored: kernels read half as much then.
 */
public final class RandomWeights {
    /** The bits of a float that a bfloat16 has. */
    private static final int BFLOAT16 = 0xffff0000;

    private RandomWeights() {}

    /**
     * Draws weights.
     *
     * @param config shape of the model
     * @param seed of the draw: the same one gives the same weights
     * @return the weights
     */
    public static MambaWeights of(MambaConfig config, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int d = config.dModel();
        int e = config.dInner();
        int r = config.dtRank();
        int n = config.dState();
        List<MambaWeights.Layer> layers = new ArrayList<>();
        for (int i = 0; i < config.nLayer(); i++) {
            float[] aLog = new float[e * n];
            for (int k = 0; k < aLog.length; k++) {
                aLog[k] = (float) StrictMath.log(1 + k % n);
            }
            float[] dtBias = new float[e];
            for (int k = 0; k < e; k++) {
                // Time steps from 0.001 to 0.1, through the inverse of softplus.
                double step = 0.001 * StrictMath.pow(100, random.nextDouble());
                dtBias[k] = (float) StrictMath.log(StrictMath.expm1(step));
            }
            layers.add(
                    new MambaWeights.Layer(
                            ones(d),
                            null,
                            uniform(random, 2 * e * d, d),
                            null,
                            uniform(random, e * config.dConv(), config.dConv()),
                            uniform(random, e, config.dConv()),
                            uniform(random, (r + 2 * n) * e, e),
                            uniform(random, e * r, r),
                            dtBias,
                            aLog,
                            ones(e),
                            uniform(random, d * e, e),
                            null));
        }
        float[] embedding = uniform(random, MambaConfig.VOCABULARY * d, 1);
        return new MambaWeights(
                embedding, layers, ones(d), null, uniform(random, MambaConfig.VOCABULARY * d, d));
    }

    private static float[] ones(int length) {
        float[] values = new float[length];
        Arrays.fill(values, 1f);
        return values;
    }

    /** Between plus and minus one over the root of the number of inputs; each a bfloat16. */
    private static float[] uniform(SplittableRandom random, int length, int inputs) {
        double bound = 1 / Math.sqrt(inputs);
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            int bits = Float.floatToRawIntBits((float) random.nextDouble(-bound, bound));
            values[i] = Float.intBitsToFloat(bits & BFLOAT16);
        }
        return values;
    }
}
