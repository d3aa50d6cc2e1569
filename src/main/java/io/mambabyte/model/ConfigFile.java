package io.mambabyte.model;

import static io.mambabyte.model.CheckpointException.printable;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

import org.jspecify.annotations.Nullable;

/**
 * What a config.json says, in the words of Hugging Face's MambaConfig or of mamba-ssm's. The shape
 * of a model is decided by its tensors; the file is asked for what tensors cannot tell and to be
 * checked against them.
 */
final class ConfigFile {
    static final String NAME = "config.json";

    /** mamba-ssm has no field for it. */
    private static final float EPSILON_DEFAULT = 1e-5f;

    static final JsonMapper JSON =
            JsonMapper.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build();

    /**
     * A dimension that the file names.
     *
     * @param field the name it uses
     * @param value what it says
     */
    record Named(String field, long value) {}

    private final String path;
    private final JsonNode root;

    private ConfigFile(String path, JsonNode root) {
        this.path = path;
        this.root = root;
    }

    /**
     * Parses the file and refuses architectures that are not Mamba-1 over a vocabulary of this
     * size: the 256 bytes, or tokens.
     */
    static ConfigFile read(CheckpointFiles files, int vocabulary) throws CheckpointException {
        ConfigFile config = new ConfigFile(files.path(NAME), object(files, NAME));
        config.requireMamba1(vocabulary);
        return config;
    }

    /** A JSON file whose root is an object. */
    static JsonNode object(CheckpointFiles files, String name) throws CheckpointException {
        String path = files.path(name);
        JsonNode root;
        try {
            root = JSON.readTree(files.text(name));
        } catch (JsonProcessingException e) {
            throw SafetensorsFile.notJson(path, e);
        }
        if (!root.isObject()) {
            throw CheckpointException.file(path, "a JSON object", kind(root));
        }
        return root;
    }

    String path() {
        return path;
    }

    private void requireMamba1(int size) throws CheckpointException {
        requireText("model_type", "mamba", "mamba");
        requireText("hidden_act", "silu", "swish");
        JsonNode layer = root.path("ssm_cfg").path("layer");
        if (layer.isValueNode() && !layer.isNull() && !layer.asText().equals("Mamba1")) {
            throw CheckpointException.file(path, "ssm_cfg.layer Mamba1", printable(layer.asText()));
        }
        if (!root.path("attn_layer_idx").isEmpty()) {
            throw CheckpointException.file(
                    path,
                    "no attention layers",
                    "attn_layer_idx " + printable(root.path("attn_layer_idx").toString()));
        }
        @Nullable Named mlp = dimension(0, "d_intermediate");
        if (mlp != null && mlp.value() != 0) {
            throw CheckpointException.file(
                    path, "blocks without an MLP", "d_intermediate " + mlp.value());
        }
        @Nullable Named vocabulary = dimension("vocab_size");
        if (vocabulary != null && vocabulary.value() != size) {
            boolean bytes = size == MambaConfig.VOCABULARY;
            throw CheckpointException.file(
                    path,
                    "vocab_size "
                            + size
                            + (bytes ? " (the byte values)" : " (the tokens of tokenizer.json)"),
                    "vocab_size "
                            + vocabulary.value()
                            + (bytes ? ": this is not a byte-level model" : ""));
        }
    }

    private void requireText(String field, String wanted, String orElse)
            throws CheckpointException {
        JsonNode value = root.path(field);
        if (value.isMissingNode() || value.isNull()) {
            return;
        }
        if (!value.isTextual()
                || !(value.textValue().equals(wanted) || value.textValue().equals(orElse))) {
            throw CheckpointException.file(path, field + " " + wanted, printable(value.toString()));
        }
    }

    @Nullable Named dModel() throws CheckpointException {
        return dimension("hidden_size", "d_model");
    }

    @Nullable Named nLayer() throws CheckpointException {
        return dimension("num_hidden_layers", "n_layer");
    }

    /** From the width itself or from {@code expand}, both where both are named. */
    @Nullable Named dInner(int dModel) throws CheckpointException {
        @Nullable Named width = dimension("intermediate_size");
        @Nullable Named expand = dimension("expand", "ssm_cfg.expand");
        if (expand == null) {
            return width;
        }
        Named product =
                new Named(
                        expand.field() + " " + expand.value() + " * d_model",
                        expand.value() * dModel);
        if (width != null && width.value() != product.value()) {
            throw CheckpointException.file(
                    path,
                    "intermediate_size " + product.value() + " (" + product.field() + ")",
                    "intermediate_size " + width.value());
        }
        return product;
    }

    @Nullable Named dState() throws CheckpointException {
        return dimension("state_size", "ssm_cfg.d_state");
    }

    @Nullable Named dConv() throws CheckpointException {
        return dimension("conv_kernel", "ssm_cfg.d_conv");
    }

    /** Null for {@code "auto"} as well: the tensor decides. */
    @Nullable Named dtRank() throws CheckpointException {
        for (String field : new String[] {"time_step_rank", "ssm_cfg.dt_rank"}) {
            JsonNode value = at(field);
            if (value.isTextual() && value.textValue().equals("auto")) {
                return null;
            }
        }
        return dimension("time_step_rank", "ssm_cfg.dt_rank");
    }

    /** Biases of in_proj and out_proj, null where the file does not say. */
    @Nullable Boolean projectionBias() throws CheckpointException {
        return truth("use_bias", "ssm_cfg.bias");
    }

    /** Bias of the convolution, null where the file does not say. */
    @Nullable Boolean convBias() throws CheckpointException {
        return truth("use_conv_bias", "ssm_cfg.conv_bias");
    }

    /** Whether the head is the embedding, null where the file does not say. */
    @Nullable Boolean tied() throws CheckpointException {
        return truth("tie_word_embeddings", "tie_embeddings");
    }

    /** False for layer normalisation, null where the file does not say. */
    @Nullable Boolean rmsNorm() throws CheckpointException {
        return truth("rms_norm");
    }

    float normEpsilon() throws CheckpointException {
        JsonNode value = root.path("layer_norm_epsilon");
        if (value.isMissingNode() || value.isNull()) {
            return EPSILON_DEFAULT;
        }
        float epsilon = value.isNumber() ? value.floatValue() : Float.NaN;
        if (!(epsilon > 0 && epsilon < 1)) {
            throw CheckpointException.file(
                    path, "layer_norm_epsilon between 0 and 1", printable(value.toString()));
        }
        return epsilon;
    }

    private @Nullable Named dimension(String... fields) throws CheckpointException {
        return dimension(1, fields);
    }

    private @Nullable Named dimension(long min, String... fields) throws CheckpointException {
        @Nullable Named found = null;
        for (String field : fields) {
            JsonNode value = at(field);
            if (value.isMissingNode() || value.isNull()) {
                continue;
            }
            if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < min) {
                throw CheckpointException.file(
                        path,
                        field + " as a whole number from " + min + " to 2^31 - 1",
                        printable(value.toString()));
            }
            Named named = new Named(field, value.intValue());
            if (found != null && found.value() != named.value()) {
                throw CheckpointException.file(
                        path,
                        field + " " + found.value() + " (as " + found.field() + ")",
                        field + " " + named.value());
            }
            found = found == null ? named : found;
        }
        return found;
    }

    private @Nullable Boolean truth(String... fields) throws CheckpointException {
        for (String field : fields) {
            JsonNode value = at(field);
            if (value.isMissingNode() || value.isNull()) {
                continue;
            }
            if (!value.isBoolean()) {
                throw CheckpointException.file(
                        path, field + " true or false", printable(value.toString()));
            }
            return value.booleanValue();
        }
        return null;
    }

    private JsonNode at(String field) {
        JsonNode node = root;
        for (String name : field.split("\\.", -1)) {
            node = node.path(name);
        }
        return node;
    }

    private static String kind(JsonNode node) {
        return switch (node.getNodeType()) {
            case ARRAY -> "an array";
            case STRING -> "text";
            case NUMBER -> "a number";
            case BOOLEAN -> "a truth value";
            case NULL -> "null";
            default -> "nothing";
        };
    }
}
