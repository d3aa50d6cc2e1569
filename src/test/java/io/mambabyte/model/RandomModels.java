package io.mambabyte.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Models with random weights of a sensible size, for tests that need no trained one. */
public final class RandomModels {
    private RandomModels() {}

    public static MambaConfig config(int dModel, int layers, int states) {
        return new MambaConfig(
                dModel, layers, 2 * dModel, states, 4, (dModel + 15) / 16, Norm.RMS, 1e-5f);
    }

    /** The reference model "odd": nothing is a multiple of a vector. */
    public static MambaConfig odd(Norm norm) {
        return new MambaConfig(40, 2, 120, 5, 3, 7, norm, 1e-5f);
    }

    /** A model over the tokens of the shipped subword model. */
    public static SubwordModel subwords(long seed) throws CheckpointException {
        BytePairEncoding encoding =
                BytePairEncoding.read(
                        CheckpointFiles.of(new ModelSource.ShippedDrafter(SubwordModel.DEFAULT)));
        MambaConfig config = config(8, 1, 2);
        return SubwordModel.of(
                MambaModel.overTokens(
                        config, weights(config, seed, encoding.size()), encoding.size()),
                encoding);
    }

    /** Weights of a sensible size. */
    public static MambaWeights weights(MambaConfig config, long seed) {
        return weights(config, seed, MambaConfig.VOCABULARY);
    }

    /** Of a model that is fed other things than bytes. */
    public static MambaWeights weights(MambaConfig config, long seed, int vocabulary) {
        Random random = new Random(seed);
        int d = config.dModel();
        int e = config.dInner();
        boolean bias = config.norm() == Norm.LAYER;
        List<MambaWeights.Layer> layers = new ArrayList<>();
        for (int i = 0; i < config.nLayer(); i++) {
            layers.add(
                    new MambaWeights.Layer(
                            gaussian(random, d, 1, 0.1),
                            bias ? gaussian(random, d, 0, 0.1) : null,
                            gaussian(random, 2 * e * d, 0, 0.6 / Math.sqrt(d)),
                            bias ? gaussian(random, 2 * e, 0, 0.1) : null,
                            gaussian(random, e * config.dConv(), 0, 0.5),
                            bias ? null : gaussian(random, e, 0, 0.2),
                            gaussian(
                                    random,
                                    (config.dtRank() + 2 * config.dState()) * e,
                                    0,
                                    0.6 / Math.sqrt(e)),
                            gaussian(
                                    random,
                                    e * config.dtRank(),
                                    0,
                                    0.6 / Math.sqrt(config.dtRank())),
                            gaussian(random, e, -3, 1),
                            gaussian(random, e * config.dState(), 1.5, 0.8),
                            gaussian(random, e, 1, 0.3),
                            gaussian(random, d * e, 0, 0.6 / Math.sqrt(e)),
                            bias ? gaussian(random, d, 0, 0.1) : null));
        }
        return new MambaWeights(
                gaussian(random, vocabulary * d, 0, 2 / Math.sqrt(d)),
                layers,
                gaussian(random, d, 1, 0.1),
                bias ? gaussian(random, d, 0, 0.1) : null,
                gaussian(random, vocabulary * d, 0, 0.6 / Math.sqrt(d)));
    }

    private static float[] gaussian(Random random, int length, double mean, double deviation) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = (float) (mean + deviation * random.nextGaussian());
        }
        return values;
    }
}
