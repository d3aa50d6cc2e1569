package io.mambabyte.model;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;

/** Model folders made in memory, for tests: tensors by name, written as safetensors. */
public final class ModelFiles {
    /** A tensor to be written. */
    public static final class Tensor {
        final String name;
        final Dtype dtype;
        final long[] shape;
        final float[] values;

        Tensor(String name, Dtype dtype, long[] shape, float[] values) {
            this.name = name;
            this.dtype = dtype;
            this.shape = shape;
            this.values = values;
        }

        Tensor as(Dtype other) {
            return new Tensor(name, other, shape, values);
        }

        Tensor named(String other) {
            return new Tensor(other, dtype, shape, values);
        }

        Tensor shaped(long... other) {
            int length = 1;
            for (long dimension : other) {
                length = (int) (length * dimension);
            }
            return new Tensor(name, dtype, other, Arrays.copyOf(values, length));
        }

        byte[] bytes() {
            ByteBuffer out =
                    ByteBuffer.allocate(values.length * dtype.bytes())
                            .order(ByteOrder.LITTLE_ENDIAN);
            for (float value : values) {
                switch (dtype) {
                    case F32 -> out.putFloat(value);
                    case F16 -> out.putShort(Float.floatToFloat16(value));
                    case BF16 -> out.putShort((short) (Float.floatToIntBits(value) >>> 16));
                }
            }
            return out.array();
        }

        String header(long begin, long end) {
            return "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
                    .formatted(name, dtype, Arrays.toString(shape), begin, end);
        }
    }

    final Map<String, byte[]> files = new LinkedHashMap<>();
    final Map<String, Tensor> tensors = new LinkedHashMap<>();

    private ModelFiles() {}

    /**
     * A model with random weights that are exact in bfloat16 and in half precision.
     *
     * @param config its shape; layer normalisation gets biases
     * @param layout how the embedding is called
     * @param tied no lm_head of its own
     * @param biases in_proj and out_proj have biases
     * @param seed of the weights
     * @return the tensors, and a config.json in the words of the layout
     */
    public static ModelFiles random(
            MambaConfig config, Checkpoint.Layout layout, boolean tied, boolean biases, long seed) {
        ModelFiles model = new ModelFiles();
        SplittableRandom random = new SplittableRandom(seed);
        int d = config.dModel();
        int e = config.dInner();
        boolean layerNorm = config.norm() == Norm.LAYER;
        String embedding = layout == Checkpoint.Layout.MAMBA_SSM ? "embedding" : "embeddings";
        model.add(random, 1, 0, "backbone." + embedding + ".weight", 256, d);
        for (int i = 0; i < config.nLayer(); i++) {
            String layer = "backbone.layers." + i + ".";
            String mixer = layer + "mixer.";
            model.add(random, 0.25, 1, layer + "norm.weight", d);
            if (layerNorm) {
                model.add(random, 0.25, 0, layer + "norm.bias", d);
            }
            model.add(random, 1 / Math.sqrt(d), 0, mixer + "in_proj.weight", 2L * e, d);
            if (biases) {
                model.add(random, 0.25, 0, mixer + "in_proj.bias", 2L * e);
                model.add(random, 0.25, 0, mixer + "out_proj.bias", d);
            }
            model.add(random, 0.5, 0, mixer + "conv1d.weight", e, 1, config.dConv());
            model.add(random, 0.25, 0, mixer + "conv1d.bias", e);
            model.add(
                    random,
                    1 / Math.sqrt(e),
                    0,
                    mixer + "x_proj.weight",
                    config.dtRank() + 2 * config.dState(),
                    e);
            model.add(random, 0.5, 0, mixer + "dt_proj.weight", e, config.dtRank());
            model.add(random, 0.5, -2, mixer + "dt_proj.bias", e);
            model.add(random, 0.5, 0.5, mixer + "A_log", e, config.dState());
            model.add(random, 0.25, 1, mixer + "D", e);
            model.add(random, 1 / Math.sqrt(e), 0, mixer + "out_proj.weight", d, e);
        }
        model.add(random, 0.25, 1, "backbone.norm_f.weight", d);
        if (layerNorm) {
            model.add(random, 0.25, 0, "backbone.norm_f.bias", d);
        }
        if (!tied) {
            model.add(random, 1 / Math.sqrt(d), 0, "lm_head.weight", 256, d);
        }
        model.put(
                "config.json",
                layout == Checkpoint.Layout.MAMBA_SSM
                        ? """
                        {"d_model": %d, "n_layer": %d, "vocab_size": 256,
                         "ssm_cfg": {"d_state": %d, "d_conv": %d, "dt_rank": %d},
                         "rms_norm": %b, "pad_vocab_size_multiple": 8}
                        """
                                .formatted(
                                        d,
                                        config.nLayer(),
                                        config.dState(),
                                        config.dConv(),
                                        config.dtRank(),
                                        !layerNorm)
                        : """
                        {"model_type": "mamba", "hidden_size": %d, "num_hidden_layers": %d,
                         "intermediate_size": %d, "state_size": %d, "conv_kernel": %d,
                         "time_step_rank": %d, "layer_norm_epsilon": 1e-05, "vocab_size": 256,
                         "use_bias": %b, "use_conv_bias": true}
                        """
                                .formatted(
                                        d,
                                        config.nLayer(),
                                        e,
                                        config.dState(),
                                        config.dConv(),
                                        config.dtRank(),
                                        biases));
        return model.write();
    }

    /** The same files, to be changed apart from these. */
    ModelFiles copy() {
        ModelFiles copy = new ModelFiles();
        copy.files.putAll(files);
        copy.tensors.putAll(tensors);
        return copy;
    }

    private void add(
            SplittableRandom random, double scale, double mean, String name, long... shape) {
        int length = 1;
        for (long dimension : shape) {
            length = (int) (length * dimension);
        }
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            float value = (float) (mean + scale * (2 * random.nextDouble() - 1));
            // 8 significant bits, and nothing below half precision's smallest normal number.
            values[i] =
                    Math.abs(value) < 1e-4f
                            ? 0
                            : Float.intBitsToFloat(Float.floatToIntBits(value) & 0xffff0000);
        }
        tensors.put(name, new Tensor(name, Dtype.F32, shape, values));
    }

    Tensor tensor(String name) {
        return Objects.requireNonNull(tensors.get(name), name);
    }

    byte[] file(String name) {
        return Objects.requireNonNull(files.get(name), name);
    }

    ModelFiles put(String name, String content) {
        files.put(name, content.getBytes(StandardCharsets.UTF_8));
        return this;
    }

    ModelFiles config(String from, String to) {
        String config = new String(file("config.json"), StandardCharsets.UTF_8);
        if (!config.contains(from)) {
            throw new IllegalArgumentException("config.json does not contain " + from);
        }
        return put("config.json", config.replace(from, to));
    }

    ModelFiles change(String name, UnaryOperator<Tensor> change) {
        Tensor tensor = tensors.remove(name);
        if (tensor == null) {
            throw new IllegalArgumentException("no tensor " + name);
        }
        Tensor changed = change.apply(tensor);
        tensors.put(changed.name, changed);
        return write();
    }

    ModelFiles remove(String name) {
        if (tensors.remove(name) == null) {
            throw new IllegalArgumentException("no tensor " + name);
        }
        return write();
    }

    ModelFiles add(Tensor tensor) {
        tensors.put(tensor.name, tensor);
        return write();
    }

    ModelFiles all(UnaryOperator<Tensor> change) {
        tensors.replaceAll((name, tensor) -> change.apply(tensor));
        return write();
    }

    /** Writes model.safetensors anew from the tensors. */
    ModelFiles write() {
        files.put("model.safetensors", safetensors(tensors.values()));
        return this;
    }

    /** Moves the tensors to shards with an index, layer 0 in the first. */
    ModelFiles shard() {
        files.remove("model.safetensors");
        List<Tensor> first =
                tensors.values().stream().filter(t -> t.name.contains("layers.0.")).toList();
        List<Tensor> second =
                tensors.values().stream().filter(t -> !t.name.contains("layers.0.")).toList();
        String one = "model-00001-of-00002.safetensors";
        String two = "model-00002-of-00002.safetensors";
        files.put(one, safetensors(first));
        files.put(two, safetensors(second));
        StringBuilder map = new StringBuilder();
        for (Tensor tensor : tensors.values()) {
            map.append(map.isEmpty() ? "" : ",\n")
                    .append(
                            "\"%s\": \"%s\""
                                    .formatted(tensor.name, first.contains(tensor) ? one : two));
        }
        return put(
                "model.safetensors.index.json",
                "{\"metadata\": {\"total_size\": 1}, \"weight_map\": {\n" + map + "\n}}\n");
    }

    static byte[] safetensors(Collection<Tensor> tensors) {
        StringBuilder header = new StringBuilder("{\"__metadata__\":{\"format\":\"pt\"}");
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        for (Tensor tensor : tensors) {
            long begin = data.size();
            data.writeBytes(tensor.bytes());
            header.append(',').append(tensor.header(begin, data.size()));
        }
        return safetensors(header.append('}').toString(), data.toByteArray());
    }

    static byte[] safetensors(String header, byte[] data) {
        byte[] text = header.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(Long.BYTES + text.length + data.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(text.length)
                .put(text)
                .put(data)
                .array();
    }

    Checkpoint read() throws CheckpointException {
        return Checkpoint.read(new ModelSource.Folder(Path.of("memory")), inMemory());
    }

    /** Writes the files into a folder. */
    public Path into(Path folder) throws IOException {
        Files.createDirectories(folder);
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
            Files.write(folder.resolve(file.getKey()), file.getValue());
        }
        return folder;
    }

    CheckpointFiles inMemory() {
        return new CheckpointFiles() {
            @Override
            public String path(String name) {
                return name;
            }

            @Override
            public boolean has(String name) {
                return files.containsKey(name);
            }

            @Override
            public MemorySegment open(String name, Arena arena) {
                return MemorySegment.ofArray(file(name)).asReadOnly();
            }
        };
    }
}
