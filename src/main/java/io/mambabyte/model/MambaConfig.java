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
}
