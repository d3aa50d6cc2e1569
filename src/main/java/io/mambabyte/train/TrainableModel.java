package io.mambabyte.train;

import io.mambabyte.kernels.Convolution;
import io.mambabyte.kernels.Gradients;
import io.mambabyte.kernels.Kernels;
import io.mambabyte.kernels.Normalization;
import io.mambabyte.kernels.PackedMatrix;
import io.mambabyte.kernels.Rows;
import io.mambabyte.kernels.ScanParameters;
import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.MambaWeights;

import org.jspecify.annotations.Nullable;

/**
 * Weights that change, with what the kernels need of them: packed for the forward pass, and packed
 * transposed for the backward pass. After a change of the weights every {@link #pack part} is
 * packed again; that costs well under a hundredth of a step.
 */
final class TrainableModel {
    /** What a block computes with. */
    static final class Layer {
        final Normalization norm;
        final boolean inProjBias;
        final PackedMatrix inProj;
        final PackedMatrix inProjTransposed;
        final Convolution conv;
        final PackedMatrix xProj;
        final PackedMatrix xProjTransposed;
        final PackedMatrix dtProj;
        final PackedMatrix dtProjTransposed;
        final ScanParameters scan;
        final boolean outProjBias;
        final PackedMatrix outProj;
        final PackedMatrix outProjTransposed;

        Layer(MambaConfig config, MambaWeights.Layer w) {
            int d = config.dModel();
            int e = config.dInner();
            int selection = config.dtRank() + 2 * config.dState();
            norm = normalization(config, w.normWeight, w.normBias);
            inProjBias = w.inProjBias != null;
            inProj = PackedMatrix.of(w.inProj, w.inProjBias, 2 * e, d, e);
            inProjTransposed = transposed(w.inProj, 2 * e, d, e);
            conv = Convolution.of(w.conv, w.convBias, e, config.dConv());
            xProj = PackedMatrix.of(w.xProj, null, selection, e);
            xProjTransposed = transposed(w.xProj, selection, e, selection);
            dtProj = PackedMatrix.of(w.dtProj, w.dtProjBias, e, config.dtRank());
            dtProjTransposed = transposed(w.dtProj, e, config.dtRank(), e);
            scan = ScanParameters.of(w.aLog, w.skip, e, config.dState());
            outProjBias = w.outProjBias != null;
            outProj = PackedMatrix.of(w.outProj, w.outProjBias, d, e);
            outProjTransposed = transposed(w.outProj, d, e, d);
        }
    }

    /** What is before and after the blocks. */
    static final class Ends {
        final Rows embedding;
        final Normalization normF;
        final PackedMatrix lmHead;
        final PackedMatrix lmHeadTransposed;

        Ends(MambaConfig config, MambaWeights w) {
            int d = config.dModel();
            int vocabulary = w.vocabulary();
            embedding = Rows.allocate(d, vocabulary);
            for (int value = 0; value < vocabulary; value++) {
                System.arraycopy(
                        w.embedding, value * d, embedding.values(), embedding.start(value), d);
            }
            normF = normalization(config, w.normF, w.normFBias);
            lmHead = PackedMatrix.of(w.lmHead, null, vocabulary, d);
            lmHeadTransposed = transposed(w.lmHead, vocabulary, d, vocabulary);
        }
    }

    private final MambaConfig config;
    private final MambaWeights weights;
    private final Kernels kernels;
    private final Gradients gradients;
    private final Layer[] layers;
    private Ends ends;

    /**
     * Packs a model.
     *
     * @param config shape of the model
     * @param weights its parameters, kept: the optimizer writes to them
     * @param kernels what computes
     */
    TrainableModel(MambaConfig config, MambaWeights weights, Kernels kernels) {
        this.config = config;
        this.weights = weights;
        this.kernels = kernels;
        this.gradients = Gradients.of(kernels);
        layers =
                weights.layers.stream()
                        .map(layer -> new Layer(config, layer))
                        .toArray(Layer[]::new);
        ends = new Ends(config, weights);
    }

    MambaConfig config() {
        return config;
    }

    MambaWeights weights() {
        return weights;
    }

    Kernels kernels() {
        return kernels;
    }

    Gradients gradients() {
        return gradients;
    }

    Layer layer(int i) {
        return layers[i];
    }

    Ends ends() {
        return ends;
    }

    /** Number of parts that {@link #pack} packs: the blocks and the ends. */
    int parts() {
        return layers.length + 1;
    }

    /** Packs a part again, after its weights changed. Parts may be packed at the same time. */
    void pack(int part) {
        if (part == layers.length) {
            ends = new Ends(config, weights);
        } else {
            layers[part] = new Layer(config, weights.layers.get(part));
        }
    }

    private static Normalization normalization(
            MambaConfig config, float[] weight, float @Nullable [] bias) {
        return bias == null
                ? Normalization.rms(weight, config.normEpsilon())
                : Normalization.layer(weight, bias, config.normEpsilon());
    }

    /**
     * The layer that gives the gradient by the inputs from that by the outputs. Its inputs are the
     * outputs where the forward product puts them, with zero weights for the padding between
     * groups.
     */
    private static PackedMatrix transposed(float[] weight, int outputs, int inputs, int group) {
        int groups = outputs / group;
        int columns = groups == 1 ? outputs : groups * Rows.padded(group);
        float[] transposed = new float[Math.multiplyExact(inputs, columns)];
        for (int output = 0; output < outputs; output++) {
            int column = output / group * Rows.padded(group) + output % group;
            for (int input = 0; input < inputs; input++) {
                transposed[input * columns + column] = weight[output * inputs + input];
            }
        }
        return PackedMatrix.of(transposed, null, inputs, columns);
    }

    /** Weights of the same shapes, all zero, tied where these are. */
    static MambaWeights zerosLike(MambaWeights w) {
        float[] embedding = new float[w.embedding.length];
        return new MambaWeights(
                embedding,
                w.layers.stream().map(TrainableModel::zerosLike).toList(),
                new float[w.normF.length],
                zerosLike(w.normFBias),
                w.tied() ? embedding : new float[w.lmHead.length]);
    }

    private static MambaWeights.Layer zerosLike(MambaWeights.Layer w) {
        return new MambaWeights.Layer(
                new float[w.normWeight.length],
                zerosLike(w.normBias),
                new float[w.inProj.length],
                zerosLike(w.inProjBias),
                new float[w.conv.length],
                zerosLike(w.convBias),
                new float[w.xProj.length],
                new float[w.dtProj.length],
                new float[w.dtProjBias.length],
                new float[w.aLog.length],
                new float[w.skip.length],
                new float[w.outProj.length],
                zerosLike(w.outProjBias));
    }

    private static float @Nullable [] zerosLike(float @Nullable [] values) {
        return values == null ? null : new float[values.length];
    }
}
