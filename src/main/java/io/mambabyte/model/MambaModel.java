package io.mambabyte.model;

import io.mambabyte.kernels.Convolution;
import io.mambabyte.kernels.Kernels;
import io.mambabyte.kernels.Normalization;
import io.mambabyte.kernels.PackedMatrix;
import io.mambabyte.kernels.Rows;
import io.mambabyte.kernels.ScanParameters;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * A model that is ready to compute: its weights packed once for the kernels.
 *
 * <p>Immutable and shared by threads; each thread computes with its own {@link Forward}.
 */
public final class MambaModel {
    /** What a block computes with. */
    static final class Layer {
        final Normalization norm;
        final PackedMatrix inProj;
        final Convolution conv;
        final PackedMatrix xProj;
        final PackedMatrix dtProj;
        final ScanParameters scan;
        final PackedMatrix outProj;

        Layer(MambaConfig config, MambaWeights.Layer w) {
            int dInner = config.dInner();
            norm = normalization(config, w.normWeight, w.normBias);
            inProj = PackedMatrix.of(w.inProj, w.inProjBias, 2 * dInner, config.dModel(), dInner);
            conv = Convolution.of(w.conv, w.convBias, dInner, config.dConv());
            xProj = PackedMatrix.of(w.xProj, null, config.dtRank() + 2 * config.dState(), dInner);
            dtProj = PackedMatrix.of(w.dtProj, w.dtProjBias, dInner, config.dtRank());
            scan = ScanParameters.of(w.aLog, w.skip, dInner, config.dState());
            outProj = PackedMatrix.of(w.outProj, w.outProjBias, config.dModel(), dInner);
        }
    }

    private final MambaConfig config;
    private final Kernels kernels;
    private final String fingerprint;
    private final int vocabulary;
    final Rows embedding;
    final List<Layer> layers;
    final Normalization normF;
    final PackedMatrix lmHead;

    private MambaModel(MambaConfig config, MambaWeights weights, Kernels kernels, int vocabulary) {
        this.config = config;
        this.kernels = kernels;
        this.vocabulary = vocabulary;
        this.fingerprint = fingerprint(config, weights);
        embedding = Rows.allocate(config.dModel(), vocabulary);
        for (int value = 0; value < vocabulary; value++) {
            System.arraycopy(
                    weights.embedding,
                    value * config.dModel(),
                    embedding.values(),
                    embedding.start(value),
                    config.dModel());
        }
        layers = weights.layers.stream().map(layer -> new Layer(config, layer)).toList();
        normF = normalization(config, weights.normF, weights.normFBias);
        lmHead = PackedMatrix.of(weights.lmHead, null, vocabulary, config.dModel());
    }

    /**
     * Reads and packs the model of a folder; {@link Checkpoint} says which folders it takes.
     *
     * @param folder holds config.json and the weights
     * @return the model
     * @throws CheckpointException if a file is missing, cannot be read or is not what it claims
     */
    public static MambaModel load(Path folder) throws CheckpointException {
        return load(new ModelSource.Folder(folder));
    }

    /**
     * Reads and packs a model, from a folder or by the name of a shipped one.
     *
     * @param source where the files are
     * @return the model
     * @throws CheckpointException if a file is missing, cannot be read or is not what it claims
     */
    public static MambaModel load(ModelSource source) throws CheckpointException {
        Checkpoint checkpoint = Checkpoint.read(source);
        return of(checkpoint.config(), checkpoint.weights());
    }

    /**
     * Packs a model for the kernels of this process.
     *
     * @param config shape of the model
     * @param weights its parameters, not kept
     * @return the model
     * @throws IllegalArgumentException if a tensor does not have the shape that the configuration
     *     gives it
     */
    public static MambaModel of(MambaConfig config, MambaWeights weights) {
        return of(config, weights, Kernels.selected());
    }

    /**
     * Packs a model for given kernels.
     *
     * @param config shape of the model
     * @param weights its parameters, not kept
     * @param kernels what computes
     * @return the model
     * @throws IllegalArgumentException if a tensor does not have the shape that the configuration
     *     gives it
     */
    public static MambaModel of(MambaConfig config, MambaWeights weights, Kernels kernels) {
        return of(config, weights, kernels, MambaConfig.VOCABULARY);
    }

    /** A model whose vocabulary is not the bytes but tokens. */
    static MambaModel overTokens(MambaConfig config, MambaWeights weights, int vocabulary) {
        return of(config, weights, Kernels.selected(), vocabulary);
    }

    private static MambaModel of(
            MambaConfig config, MambaWeights weights, Kernels kernels, int vocabulary) {
        if (weights.layers.size() != config.nLayer()) {
            throw new IllegalArgumentException(
                    "weights of " + weights.layers.size() + " layers, expected " + config.nLayer());
        }
        long embedding = (long) vocabulary * config.dModel();
        if (weights.embedding.length != embedding) {
            throw new IllegalArgumentException(
                    "embedding has " + weights.embedding.length + " floats, expected " + embedding);
        }
        return new MambaModel(config, weights, kernels, vocabulary);
    }

    private static Normalization normalization(
            MambaConfig config, float[] weight, float @Nullable [] bias) {
        if (weight.length != config.dModel()) {
            throw new IllegalArgumentException(
                    "normalisation has " + weight.length + " weights, expected " + config.dModel());
        }
        return switch (config.norm()) {
            case RMS -> Normalization.rms(weight, config.normEpsilon());
            case LAYER ->
                    Normalization.layer(
                            weight,
                            bias == null ? new float[weight.length] : bias,
                            config.normEpsilon());
        };
    }

    /**
     * The shape of this model.
     *
     * @return the configuration
     */
    public MambaConfig config() {
        return config;
    }

    /**
     * Number of values of a row of logits: the 256 bytes, or the tokens of a {@link SubwordModel}.
     *
     * @return how many
     */
    public int vocabulary() {
        return vocabulary;
    }

    /**
     * Names this model by its content: SHA-256 over the configuration and the float32 weights, in
     * hexadecimal. Files of different precision that hold the same values agree.
     *
     * @return 64 hexadecimal digits
     */
    public String fingerprint() {
        return fingerprint;
    }

    /**
     * The state before the first byte.
     *
     * @return a new state
     */
    public RecurrentState newState() {
        return new RecurrentState(config);
    }

    /**
     * What computes this model.
     *
     * @return the kernels
     */
    public Kernels kernels() {
        return kernels;
    }

    private static String fingerprint(MambaConfig config, MambaWeights weights) {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
        String shape =
                "mambabyte-1 d_model=%d n_layer=%d d_inner=%d d_state=%d d_conv=%d dt_rank=%d norm=%s eps=%08x\n"
                        .formatted(
                                config.dModel(),
                                config.nLayer(),
                                config.dInner(),
                                config.dState(),
                                config.dConv(),
                                config.dtRank(),
                                config.norm(),
                                Float.floatToRawIntBits(config.normEpsilon()));
        digest.update(shape.getBytes(StandardCharsets.US_ASCII));
        ByteBuffer buffer = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
        update(digest, buffer, weights.embedding);
        for (MambaWeights.Layer layer : weights.layers) {
            update(digest, buffer, layer.normWeight);
            update(digest, buffer, layer.normBias);
            update(digest, buffer, layer.inProj);
            update(digest, buffer, layer.inProjBias);
            update(digest, buffer, layer.conv);
            update(digest, buffer, layer.convBias);
            update(digest, buffer, layer.xProj);
            update(digest, buffer, layer.dtProj);
            update(digest, buffer, layer.dtProjBias);
            update(digest, buffer, layer.aLog);
            update(digest, buffer, layer.skip);
            update(digest, buffer, layer.outProj);
            update(digest, buffer, layer.outProjBias);
        }
        update(digest, buffer, weights.normF);
        update(digest, buffer, weights.normFBias);
        update(digest, buffer, weights.lmHead);
        return HexFormat.of().formatHex(digest.digest());
    }

    /** The length first, so that a tensor that is absent differs from its neighbours' split. */
    private static void update(MessageDigest digest, ByteBuffer buffer, float @Nullable [] tensor) {
        buffer.clear().putInt(tensor == null ? -1 : tensor.length);
        if (tensor != null) {
            for (float value : tensor) {
                if (buffer.remaining() < Float.BYTES) {
                    digest.update(buffer.flip());
                    buffer.clear();
                }
                buffer.putFloat(value);
            }
        }
        digest.update(buffer.flip());
    }
}
