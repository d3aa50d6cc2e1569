package io.mambabyte.train;

import io.mambabyte.kernels.Rows;
import io.mambabyte.kernels.WeightGradient;
import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.MambaWeights;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * Gradients that some sequences of a batch add to, in the layouts of the kernels. A batch has a
 * fixed number of slots, whatever the number of threads: a slot's sequences are added one after
 * another, and the slots one after another, so that the sum is the same to the bit.
 */
final class SlotGradient {
    /** Gradients by the parameters of a block; decay is that by A. */
    static final class Layer {
        final float[] normWeight;
        final float[] normBias;
        final WeightGradient inProj;
        final float[] inProjBias;
        final float[] conv;
        final float[] convBias;
        final WeightGradient xProj;
        final WeightGradient dtProj;
        final float[] dtProjBias;
        final float[] decay;
        final float[] skip;
        final WeightGradient outProj;
        final float[] outProjBias;

        Layer(MambaConfig config) {
            int d = Rows.padded(config.dModel());
            int e = Rows.padded(config.dInner());
            int selection = Rows.padded(config.dtRank() + 2 * config.dState());
            normWeight = new float[d];
            normBias = new float[d];
            inProj = new WeightGradient(2 * e, config.dModel());
            inProjBias = new float[2 * e];
            conv = new float[config.dConv() * e];
            convBias = new float[e];
            xProj = new WeightGradient(selection, config.dInner());
            dtProj = new WeightGradient(e, config.dtRank());
            dtProjBias = new float[e];
            decay = new float[config.dState() * e];
            skip = new float[e];
            outProj = new WeightGradient(d, config.dInner());
            outProjBias = new float[d];
        }

        void clear() {
            Stream.of(
                            normWeight,
                            normBias,
                            inProjBias,
                            conv,
                            convBias,
                            dtProjBias,
                            decay,
                            skip,
                            outProjBias)
                    .forEach(values -> Arrays.fill(values, 0f));
            Stream.of(inProj, xProj, dtProj, outProj).forEach(WeightGradient::clear);
        }
    }

    private final MambaConfig config;
    private final int vocabulary;
    final List<Layer> layers;
    final WeightGradient embedding;
    final float[] normF;
    final float[] normFBias;
    final WeightGradient lmHead;

    SlotGradient(MambaConfig config, int vocabulary) {
        this.config = config;
        this.vocabulary = vocabulary;
        int d = Rows.padded(config.dModel());
        layers = Stream.generate(() -> new Layer(config)).limit(config.nLayer()).toList();
        embedding = new WeightGradient(Rows.padded(vocabulary), config.dModel());
        normF = new float[d];
        normFBias = new float[d];
        lmHead = new WeightGradient(Rows.padded(vocabulary), config.dModel());
    }

    void clear() {
        layers.forEach(Layer::clear);
        embedding.clear();
        Arrays.fill(normF, 0f);
        Arrays.fill(normFBias, 0f);
        lmHead.clear();
    }

    /**
     * Adds the gradients of a part of the model, a block or the ends, to those of a batch. In the
     * place of that by A_log is that by A until {@link #complete}.
     *
     * @param part as in {@link TrainableModel#pack}
     * @param sum in the layouts of the weights, updated
     */
    void addTo(int part, MambaWeights sum) {
        int d = config.dModel();
        if (part == layers.size()) {
            addMatrix(embedding, vocabulary, vocabulary, d, sum.embedding);
            addMatrix(lmHead, vocabulary, vocabulary, d, sum.lmHead);
            addVector(normF, d, d, sum.normF);
            addVector(normFBias, d, d, sum.normFBias);
            return;
        }
        int e = config.dInner();
        Layer from = layers.get(part);
        MambaWeights.Layer to = sum.layers.get(part);
        int selection = config.dtRank() + 2 * config.dState();
        addVector(from.normWeight, d, d, to.normWeight);
        addVector(from.normBias, d, d, to.normBias);
        addMatrix(from.inProj, 2 * e, e, d, to.inProj);
        addVector(from.inProjBias, 2 * e, e, to.inProjBias);
        addTransposed(from.conv, e, config.dConv(), to.conv);
        addVector(from.convBias, e, e, to.convBias);
        addMatrix(from.xProj, selection, selection, e, to.xProj);
        addMatrix(from.dtProj, e, e, config.dtRank(), to.dtProj);
        addVector(from.dtProjBias, e, e, to.dtProjBias);
        addTransposed(from.decay, e, config.dState(), to.aLog);
        addVector(from.skip, e, e, to.skip);
        addMatrix(from.outProj, d, d, e, to.outProj);
        addVector(from.outProjBias, d, d, to.outProjBias);
    }

    /** Outputs are in groups, each padded for itself. */
    private static void addMatrix(
            WeightGradient gradient, int outputs, int group, int inputs, float[] sum) {
        float[] values = gradient.values();
        for (int output = 0; output < outputs; output++) {
            int from = (output / group * Rows.padded(group) + output % group) * gradient.stride();
            int to = output * inputs;
            for (int k = 0; k < inputs; k++) {
                sum[to + k] += values[from + k];
            }
        }
    }

    private static void addVector(float[] values, int outputs, int group, float @Nullable [] sum) {
        if (sum == null) {
            return;
        }
        for (int output = 0; output < outputs; output++) {
            sum[output] += values[output / group * Rows.padded(group) + output % group];
        }
    }

    private static void addTransposed(float[] values, int channels, int taps, float[] sum) {
        int width = Rows.padded(channels);
        for (int channel = 0; channel < channels; channel++) {
            for (int tap = 0; tap < taps; tap++) {
                sum[channel * taps + tap] += values[tap * width + channel];
            }
        }
    }

    /**
     * Completes a part of the sum of all slots: from the gradient by A to that by A_log, {@code dA
     * * A} with {@code A = -exp(A_log)}.
     *
     * @param part as in {@link #addTo}
     * @param weights the parameters
     * @param sum updated
     */
    static void complete(int part, MambaWeights weights, MambaWeights sum) {
        if (part == weights.layers.size()) {
            return;
        }
        float[] aLog = weights.layers.get(part).aLog;
        float[] gradient = sum.layers.get(part).aLog;
        for (int i = 0; i < aLog.length; i++) {
            gradient[i] *= (float) -StrictMath.exp(aLog[i]);
        }
    }
}
