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
        CheckpointFiles files = CheckpointFiles.of(source);
        BytePairEncoding encoding = BytePairEncoding.read(files);
        Checkpoint checkpoint = Checkpoint.read(source, files, encoding.size());
        return new SubwordModel(
                MambaModel.overTokens(checkpoint.config(), checkpoint.weights(), encoding.size()),
                encoding);
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
