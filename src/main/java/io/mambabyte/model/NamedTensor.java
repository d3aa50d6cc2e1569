package io.mambabyte.model;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A parameter of a model by its name in Hugging Face's layout. */
public final class NamedTensor {
    private final String name;
    private final List<Integer> shape;
    private final float[] values;

    private NamedTensor(String name, float[] values, Integer... shape) {
        this.name = name;
        this.shape = List.of(shape);
        this.values = values;
        long elements =
                Arrays.stream(shape).mapToLong(Integer::longValue).reduce(1, (a, b) -> a * b);
        if (elements != values.length) {
            throw new IllegalArgumentException(
                    name + " has " + values.length + " floats, expected " + this.shape);
        }
    }

    /**
     * The parameters of a model, each once: a head that is the embedding is left out.
     *
     * @param config shape of the model
     * @param weights its parameters
     * @return embedding, blocks, final normalisation, head
     * @throws IllegalArgumentException if a tensor does not have the shape that the configuration
     *     gives it
     */
    public static List<NamedTensor> of(MambaConfig config, MambaWeights weights) {
        int d = config.dModel();
        int e = config.dInner();
        List<NamedTensor> tensors = new ArrayList<>();
        tensors.add(
                new NamedTensor(
                        "backbone.embeddings.weight", weights.embedding, weights.vocabulary(), d));
        for (int i = 0; i < weights.layers.size(); i++) {
            MambaWeights.Layer w = weights.layers.get(i);
            String layer = "backbone.layers." + i + ".";
            String mixer = layer + "mixer.";
            tensors.add(new NamedTensor(layer + "norm.weight", w.normWeight, d));
            add(tensors, layer + "norm.bias", w.normBias, d);
            tensors.add(new NamedTensor(mixer + "in_proj.weight", w.inProj, 2 * e, d));
            add(tensors, mixer + "in_proj.bias", w.inProjBias, 2 * e);
            tensors.add(new NamedTensor(mixer + "conv1d.weight", w.conv, e, 1, config.dConv()));
            add(tensors, mixer + "conv1d.bias", w.convBias, e);
            tensors.add(
                    new NamedTensor(
                            mixer + "x_proj.weight",
                            w.xProj,
                            config.dtRank() + 2 * config.dState(),
                            e));
            tensors.add(new NamedTensor(mixer + "dt_proj.weight", w.dtProj, e, config.dtRank()));
            tensors.add(new NamedTensor(mixer + "dt_proj.bias", w.dtProjBias, e));
            tensors.add(new NamedTensor(mixer + "A_log", w.aLog, e, config.dState()));
            tensors.add(new NamedTensor(mixer + "D", w.skip, e));
            tensors.add(new NamedTensor(mixer + "out_proj.weight", w.outProj, d, e));
            add(tensors, mixer + "out_proj.bias", w.outProjBias, d);
        }
        tensors.add(new NamedTensor("backbone.norm_f.weight", weights.normF, d));
        add(tensors, "backbone.norm_f.bias", weights.normFBias, d);
        if (!weights.tied()) {
            tensors.add(new NamedTensor("lm_head.weight", weights.lmHead, weights.vocabulary(), d));
        }
        return List.copyOf(tensors);
    }

    private static void add(
            List<NamedTensor> tensors, String name, float @Nullable [] values, int length) {
        if (values != null) {
            tensors.add(new NamedTensor(name, values, length));
        }
    }

    /**
     * Its name.
     *
     * @return as in a checkpoint
     */
    public String name() {
        return name;
    }

    /**
     * Its dimensions.
     *
     * @return row-major, outermost first
     */
    public List<Integer> shape() {
        return shape;
    }

    /**
     * Its numbers.
     *
     * @return the array itself, row-major
     */
    public float[] values() {
        return values;
    }
}
