package io.mambabyte.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/**
 * Writes model folders in Hugging Face's layout: config.json and model.safetensors. Weights are
 * rounded to bfloat16, to the nearest, ties to even; A_log and D stay float32, as an error of A is
 * taken to the power of every step.
 */
public final class CheckpointWriter {
    private static final String WEIGHTS = "model.safetensors";

    private CheckpointWriter() {}

    /**
     * Writes a model. Each file appears complete or not at all, the weights last.
     *
     * @param folder where to, made if it is not there
     * @param config shape of the model
     * @param weights its parameters
     * @throws IOException if a file cannot be written
     */
    public static void write(Path folder, MambaConfig config, MambaWeights weights)
            throws IOException {
        Files.createDirectories(folder);
        replace(
                folder.resolve(ConfigFile.NAME),
                out ->
                        out.write(
                                config(config, weights)
                                        .toPrettyString()
                                        .concat("\n")
                                        .getBytes(StandardCharsets.UTF_8)));
        List<NamedTensor> tensors = NamedTensor.of(config, weights);
        byte[] header = header(tensors);
        replace(
                folder.resolve(WEIGHTS),
                out -> {
                    out.write(header);
                    for (NamedTensor tensor : tensors) {
                        out.write(bytes(tensor));
                    }
                });
    }

    /** What writes the content of a file. */
    @FunctionalInterface
    public interface Content {
        /**
         * Writes it.
         *
         * @param out where to
         * @throws IOException if it cannot be written
         */
        void writeTo(OutputStream out) throws IOException;
    }

    /**
     * Replaces a file: whoever reads it sees the old content or the new.
     *
     * @param file the file
     * @param content what writes the new content
     * @throws IOException if it cannot be written; the old file is then still there
     */
    public static void replace(Path file, Content content) throws IOException {
        Path partial = file.resolveSibling(file.getFileName() + ".partial");
        try (OutputStream out = Files.newOutputStream(partial)) {
            content.writeTo(out);
        }
        Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING);
    }

    private static Dtype dtype(NamedTensor tensor) {
        return tensor.name().endsWith(".A_log") || tensor.name().endsWith(".D")
                ? Dtype.F32
                : Dtype.BF16;
    }

    private static byte[] header(List<NamedTensor> tensors) throws JsonProcessingException {
        return SafetensorsHeader.bytes(
                tensors.stream()
                        .map(
                                tensor ->
                                        new SafetensorsHeader.Entry(
                                                tensor.name(),
                                                dtype(tensor),
                                                tensor.shape(),
                                                tensor.values().length))
                        .toList());
    }

    private static byte[] bytes(NamedTensor tensor) {
        Dtype dtype = dtype(tensor);
        ByteBuffer buffer =
                ByteBuffer.allocate(Math.multiplyExact(tensor.values().length, dtype.bytes()))
                        .order(ByteOrder.LITTLE_ENDIAN);
        for (float value : tensor.values()) {
            if (dtype == Dtype.F32) {
                buffer.putFloat(value);
            } else {
                buffer.putShort(bfloat16(value));
            }
        }
        return buffer.array();
    }

    /** The upper half of a finite float, rounded to nearest, ties to even. */
    static short bfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
    }

    private static ObjectNode config(MambaConfig config, MambaWeights weights) {
        MambaWeights.Layer first = weights.layers.get(0);
        ObjectNode root = ConfigFile.JSON.createObjectNode();
        root.putArray("architectures").add("MambaForCausalLM");
        root.put("model_type", "mamba");
        root.put("vocab_size", weights.vocabulary());
        root.put("hidden_size", config.dModel());
        root.put("num_hidden_layers", config.nLayer());
        root.put("intermediate_size", config.dInner());
        if (config.dInner() % config.dModel() == 0) {
            root.put("expand", config.dInner() / config.dModel());
        }
        root.put("state_size", config.dState());
        root.put("conv_kernel", config.dConv());
        root.put("time_step_rank", config.dtRank());
        root.put("layer_norm_epsilon", Double.parseDouble(Float.toString(config.normEpsilon())));
        if (config.norm() == Norm.LAYER) {
            root.put("rms_norm", false);
        }
        root.put("hidden_act", "silu");
        root.put("use_bias", first.inProjBias != null);
        root.put("use_conv_bias", first.convBias != null);
        root.put("tie_word_embeddings", weights.tied());
        root.put("residual_in_fp32", true);
        root.put("dtype", "bfloat16");
        root.putNull("bos_token_id").putNull("eos_token_id").putNull("pad_token_id");
        return root;
    }
}
