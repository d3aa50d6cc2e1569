package io.mambabyte.model;

/**
 * The shape of a model. The vocabulary is always the 256 byte values.
 *
 * @param dModel width of the residual stream, {@code d_model}
 * @param nLayer number of blocks
 * @param dInner channels of a block, {@code d_inner = expand * d_model}
 * @param dState states of a channel, {@code d_state}
 * @param dConv width of the causal convolution, {@code d_conv}
 * @param dtRank rank of the time step projection, {@code dt_rank}
 * @param norm kind of normalisation
 * @param normEpsilon epsilon of the normalisation
 */
public record MambaConfig(
        int dModel,
        int nLayer,
        int dInner,
        int dState,
        int dConv,
        int dtRank,
        Norm norm,
        float normEpsilon) {

    /** Number of byte values. */
    public static final int VOCABULARY = 256;

    /**
     * Checks the shape.
     *
     * @throws IllegalArgumentException if a dimension is below 1 or the epsilon is negative or not
     *     finite
     */
    public MambaConfig {
        requirePositive("d_model", dModel);
        requirePositive("n_layer", nLayer);
        requirePositive("d_inner", dInner);
        requirePositive("d_state", dState);
        requirePositive("d_conv", dConv);
        requirePositive("dt_rank", dtRank);
        if (!(normEpsilon >= 0 && Float.isFinite(normEpsilon))) {
            throw new IllegalArgumentException(
                    "epsilon of the normalisation must be finite and not negative, not "
                            + normEpsilon);
        }
    }

    /**
     * Floats of one layer's convolution state: the last {@code d_conv - 1} inputs of each channel.
     *
     * @return {@code d_inner * (d_conv - 1)}
     */
    public long convStateFloats() {
        return (long) dInner * (dConv - 1);
    }

    /**
     * Floats of one layer's state space.
     *
     * @return {@code d_inner * d_state}
     */
    public long ssmStateFloats() {
        return (long) dInner * dState;
    }

    /**
     * Size of a recurrent state as float32, without padding.
     *
     * @return bytes over all layers
     */
    public long stateBytes() {
        return nLayer * (convStateFloats() + ssmStateFloats()) * Float.BYTES;
    }

    private static void requirePositive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " must be at least 1, not " + value);
        }
    }
}
