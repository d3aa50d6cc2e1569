package io.mambabyte.model;

import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * The parameters of a model as float32, each tensor row-major in the layout of the checkpoint.
 *
 * <p>Nothing is copied: who holds the arrays must not write to them.
 */
public final class MambaWeights {

    /** The parameters of one block. */
    public static final class Layer {
        /** {@code [d_model]}. */
        public final float[] normWeight;

        /** {@code [d_model]}, layer normalisation only. */
        public final float @Nullable [] normBias;

        /** {@code [2 * d_inner][d_model]}: rows of x, then rows of z. */
        public final float[] inProj;

        /** {@code [2 * d_inner]}, where the checkpoint has it. */
        public final float @Nullable [] inProjBias;

        /** {@code [d_inner][d_conv]}; the last column is the current step. */
        public final float[] conv;

        /** {@code [d_inner]}, where the checkpoint has it. */
        public final float @Nullable [] convBias;

        /** {@code [dt_rank + 2 * d_state][d_inner]}: rows of dt, B, C. */
        public final float[] xProj;

        /** {@code [d_inner][dt_rank]}. */
        public final float[] dtProj;

        /** {@code [d_inner]}. */
        public final float[] dtProjBias;

        /** {@code [d_inner][d_state]}. */
        public final float[] aLog;

        /** {@code [d_inner]}: the skip {@code D}. */
        public final float[] skip;

        /** {@code [d_model][d_inner]}. */
        public final float[] outProj;

        /** {@code [d_model]}, where the checkpoint has it. */
        public final float @Nullable [] outProjBias;

        /**
         * Holds the tensors of a block.
         *
         * @param normWeight {@code [d_model]}
         * @param normBias {@code [d_model]} or null
         * @param inProj {@code [2 * d_inner][d_model]}
         * @param inProjBias {@code [2 * d_inner]} or null
         * @param conv {@code [d_inner][d_conv]}
         * @param convBias {@code [d_inner]} or null
         * @param xProj {@code [dt_rank + 2 * d_state][d_inner]}
         * @param dtProj {@code [d_inner][dt_rank]}
         * @param dtProjBias {@code [d_inner]}
         * @param aLog {@code [d_inner][d_state]}
         * @param skip {@code [d_inner]}
         * @param outProj {@code [d_model][d_inner]}
         * @param outProjBias {@code [d_model]} or null
         */
        public Layer(
                float[] normWeight,
                float @Nullable [] normBias,
                float[] inProj,
                float @Nullable [] inProjBias,
                float[] conv,
                float @Nullable [] convBias,
                float[] xProj,
                float[] dtProj,
                float[] dtProjBias,
                float[] aLog,
                float[] skip,
                float[] outProj,
                float @Nullable [] outProjBias) {
            this.normWeight = normWeight;
            this.normBias = normBias;
            this.inProj = inProj;
            this.inProjBias = inProjBias;
            this.conv = conv;
            this.convBias = convBias;
            this.xProj = xProj;
            this.dtProj = dtProj;
            this.dtProjBias = dtProjBias;
            this.aLog = aLog;
            this.skip = skip;
            this.outProj = outProj;
            this.outProjBias = outProjBias;
        }
    }

    /** {@code [vocabulary][d_model]}: of the 256 bytes, or of tokens. */
    public final float[] embedding;

    /** The blocks, first to last. */
    public final List<Layer> layers;

    /** {@code [d_model]}. */
    public final float[] normF;

    /** {@code [d_model]}, layer normalisation only. */
    public final float @Nullable [] normFBias;

    /** {@code [vocabulary][d_model]}; the same array as the embedding where the two are tied. */
    public final float[] lmHead;

    /**
     * Holds the tensors of a model.
     *
     * @param embedding {@code [vocabulary][d_model]}
     * @param layers the blocks, first to last
     * @param normF {@code [d_model]}
     * @param normFBias {@code [d_model]} or null
     * @param lmHead {@code [vocabulary][d_model]}, the embedding itself where tied
     */
    public MambaWeights(
            float[] embedding,
            List<Layer> layers,
            float[] normF,
            float @Nullable [] normFBias,
            float[] lmHead) {
        this.embedding = embedding;
        this.layers = List.copyOf(layers);
        this.normF = normF;
        this.normFBias = normFBias;
        this.lmHead = lmHead;
    }

    /**
     * Number of values that the model is fed: rows of the embedding.
     *
     * @return 256 for bytes
     */
    public int vocabulary() {
        return embedding.length / normF.length;
    }

    /**
     * Whether head and embedding are one matrix.
     *
     * @return true where they are the same array
     */
    @SuppressWarnings("ReferenceEquality") // the contract of lmHead
    public boolean tied() {
        return embedding == lmHead;
    }
}
