package io.mambabyte.streams;

import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.Norm;
import io.mambabyte.model.RandomModels;

/** Models that are fast enough for tests of what is around them. */
public final class StreamsModels {
    private StreamsModels() {}

    /**
     * A small model with random weights.
     *
     * @param seed of the weights
     * @return the model
     */
    public static MambaModel random(long seed) {
        MambaConfig config = new MambaConfig(16, 2, 32, 4, 4, 2, Norm.RMS, 1e-5f);
        return MambaModel.of(config, RandomModels.weights(config, seed));
    }
}
