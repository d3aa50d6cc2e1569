package io.mambabyte.model;

/**
 * A model over the tokens of a byte pair encoding, as the paper drafts with: the weights of a Mamba
 * whose vocabulary is not the bytes, and the tokenizer.json beside them.
 *
 * <p>Immutable and shared by threads. Feed it with {@link BatchForward}.
 */
public final class SubwordModel {
    /** The one that is shipped. */
    public static final String DEFAULT = "draft-subword";

    private final MambaModel model;
    private final BytePairEncoding encoding;

    private SubwordModel(MambaModel model, BytePairEncoding encoding) {
        this.model = model;
        this.encoding = encoding;
    }

    /**
     * Reads a model and its tokens.
     *
     * @param source where the files are
     * @return the model
     * @throws CheckpointException if a file is missing, cannot be read or is not what it claims
     */
    public static SubwordModel load(ModelSource source) throws CheckpointException {
        SubwordCheckpoint read = SubwordCheckpoint.read(source);
        return of(read.checkpoint().config(), read.checkpoint().weights(), read.encoding());
    }

    /**
     * Packs a model for the kernels of this process.
     *
     * @param config shape of the model
     * @param weights its parameters, not kept
     * @param encoding its tokens
     * @return the model
     * @throws IllegalArgumentException if a tensor does not have the shape that the configuration
     *     and the number of tokens give it
     */
    public static SubwordModel of(
            MambaConfig config, MambaWeights weights, BytePairEncoding encoding) {
        return new SubwordModel(MambaModel.overTokens(config, weights, encoding.size()), encoding);
    }

    /**
     * Whether a model is one over subwords: whether there is a tokenizer.json.
     *
     * @param source where its files are
     * @return false also where there is nothing
     * @throws CheckpointException if the source is a folder that does not exist
     */
    public static boolean isAt(ModelSource source) throws CheckpointException {
        return CheckpointFiles.of(source).has(BytePairEncoding.NAME);
    }

    /** Of a model whose vocabulary is as large as the encoding's. */
    static SubwordModel of(MambaModel model, BytePairEncoding encoding) {
        return new SubwordModel(model, encoding);
    }

    /**
     * The model; its vocabulary is the tokens.
     *
     * @return what computes
     */
    public MambaModel model() {
        return model;
    }

    /**
     * The tokens.
     *
     * @return how text is cut
     */
    public BytePairEncoding encoding() {
        return encoding;
    }
}
