package io.mambabyte.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.mambabyte.model.Checkpoint.Layout;
import io.mambabyte.model.ModelFiles.Tensor;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

class CheckpointTest {
    private static final MambaConfig SHAPE = new MambaConfig(3, 2, 6, 2, 4, 1, Norm.RMS, 1e-5f);
    private static final MambaConfig LAYER_NORM =
            new MambaConfig(3, 2, 6, 2, 4, 1, Norm.LAYER, 1e-5f);
    private static final String MIXER = "backbone.layers.0.mixer.";
    private static final Path TINY = Path.of("src/test/resources/reference/tiny");

    private static ModelFiles model() {
        return ModelFiles.random(SHAPE, Layout.HUGGING_FACE, true, false, 1);
    }

    @Test
    void shouldReadHuggingFaceFolder() throws Exception {
        Checkpoint checkpoint = Checkpoint.read(TINY);
        assertEquals(new MambaConfig(16, 1, 32, 4, 4, 1, Norm.RMS, 1e-5f), checkpoint.config());
        assertEquals(Layout.HUGGING_FACE, checkpoint.layout());
        assertEquals(Set.of(Dtype.F32), checkpoint.dtypes());
        assertEquals(List.of("model.safetensors"), checkpoint.files());
        assertTrue(checkpoint.tied());
        // 256*16 + 16 + (64*16 + 32*4 + 32 + 9*32 + 32 + 32 + 32*4 + 32 + 16*32 + 16)
        assertEquals(6336, checkpoint.parameters());
        assertEquals((96 + 128) * 4, checkpoint.config().stateBytes());
    }

    @Test
    void shouldReadMambaSsmLayoutWithLayerNormUntied() throws Exception {
        Checkpoint checkpoint =
                ModelFiles.random(LAYER_NORM, Layout.MAMBA_SSM, false, false, 2).read();
        assertEquals(LAYER_NORM, checkpoint.config());
        assertEquals(Layout.MAMBA_SSM, checkpoint.layout());
        assertFalse(checkpoint.tied());
        assertNotNull(checkpoint.weights().normFBias);
        assertNotNull(checkpoint.weights().layers.get(1).normBias);
    }

    @Test
    void shouldTakeBiasForLayerNormWhateverConfigSays() throws Exception {
        Checkpoint checkpoint =
                ModelFiles.random(LAYER_NORM, Layout.MAMBA_SSM, false, false, 2)
                        .config("\"rms_norm\": false", "\"rms_norm\": true")
                        .read();
        assertEquals(Norm.LAYER, checkpoint.config().norm());
    }

    @Test
    void shouldTieHeadEqualToEmbedding() throws Exception {
        ModelFiles model = model();
        Tensor embedding = model.tensor("backbone.embeddings.weight");
        assertTrue(model.add(embedding.named("lm_head.weight")).read().tied());
    }

    @Test
    void shouldReadProjectionBiases() throws Exception {
        Checkpoint with = ModelFiles.random(SHAPE, Layout.HUGGING_FACE, true, true, 3).read();
        assertNotNull(with.weights().layers.get(0).inProjBias);
        assertNotNull(with.weights().layers.get(1).outProjBias);
        assertNull(model().read().weights().layers.get(0).inProjBias);
    }

    @Test
    void shouldDoWithoutConvolutionBias() throws Exception {
        ModelFiles model = model().config("\"use_conv_bias\": true", "\"use_conv_bias\": false");
        model.remove(MIXER + "conv1d.bias").remove("backbone.layers.1.mixer.conv1d.bias");
        assertNull(model.read().weights().layers.get(0).convBias);
    }

    @Test
    void shouldDecideShapeFromTensorsWhenConfigNamesNothing() throws Exception {
        assertEquals(SHAPE, model().put("config.json", "{}").read().config());
    }

    @ParameterizedTest
    @EnumSource(Dtype.class)
    void shouldReadSameNumbersFromEveryDtype(Dtype dtype) throws Exception {
        MambaWeights wanted = model().read().weights();
        Checkpoint checkpoint = model().all(tensor -> tensor.as(dtype)).read();
        assertEquals(Set.of(dtype), checkpoint.dtypes());
        assertSame(wanted, checkpoint.weights());
    }

    @Test
    void shouldReadShards() throws Exception {
        MambaWeights wanted = model().read().weights();
        Checkpoint checkpoint = model().shard().read();
        assertSame(wanted, checkpoint.weights());
        assertEquals(
                List.of("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"),
                checkpoint.files());
    }

    @Test
    void shouldNameMixedDtypes() throws Exception {
        assertEquals(
                EnumSet.of(Dtype.F32, Dtype.BF16),
                model().change(MIXER + "in_proj.weight", t -> t.as(Dtype.BF16)).read().dtypes());
    }

    @Test
    void shouldMapFilesOfFolder(@TempDir Path folder) throws Exception {
        assertSame(
                model().read().weights(), Checkpoint.read(model().shard().into(folder)).weights());
    }

    private static void assertSame(MambaWeights wanted, MambaWeights found) {
        assertArrayEquals(wanted.embedding, found.embedding);
        assertArrayEquals(wanted.normF, found.normF);
        assertArrayEquals(wanted.lmHead, found.lmHead);
        for (int i = 0; i < wanted.layers.size(); i++) {
            MambaWeights.Layer a = wanted.layers.get(i);
            MambaWeights.Layer b = found.layers.get(i);
            assertArrayEquals(a.normWeight, b.normWeight);
            assertArrayEquals(a.inProj, b.inProj);
            assertArrayEquals(a.conv, b.conv);
            assertArrayEquals(a.convBias, b.convBias);
            assertArrayEquals(a.xProj, b.xProj);
            assertArrayEquals(a.dtProj, b.dtProj);
            assertArrayEquals(a.dtProjBias, b.dtProjBias);
            assertArrayEquals(a.aLog, b.aLog);
            assertArrayEquals(a.skip, b.skip);
            assertArrayEquals(a.outProj, b.outProj);
        }
    }

    private static Arguments lie(String name, Consumer<ModelFiles> lie, String message) {
        return arguments(name, lie, message);
    }

    private static Tensor poison(Tensor tensor, int index, float value) {
        float[] values = tensor.values.clone();
        values[index] = value;
        return new Tensor(tensor.name, tensor.dtype, tensor.shape, values);
    }

    private static void bytes(ModelFiles model, UnaryOperator<byte[]> change) {
        byte[] content = model.file("model.safetensors");
        model.files.put("model.safetensors", change.apply(content));
    }

    static Stream<Arguments> lies() {
        return Stream.of(
                lie("no config.json", m -> m.files.remove("config.json"), "config.json: missing"),
                lie(
                        "config.json that is cut",
                        m -> m.put("config.json", "{\"hidden_size\": 3,"),
                        "config.json: expected JSON, found: Unexpected end-of-input within/between"
                                + " Object entries (line 1, column 19)"),
                lie(
                        "config.json that is an array",
                        m -> m.put("config.json", "[]"),
                        "config.json: expected a JSON object, found an array"),
                lie(
                        "config.json with two hidden sizes",
                        m -> m.put("config.json", "{\"hidden_size\": 3, \"hidden_size\": 4}"),
                        "config.json: expected JSON, found: Duplicate field 'hidden_size' (line 1,"
                                + " column 33)"),
                lie(
                        "config.json in Latin-1",
                        m ->
                                m.files.put(
                                        "config.json",
                                        "{\"a\": \"\u00e9\"}"
                                                .getBytes(StandardCharsets.ISO_8859_1)),
                        "config.json: is not UTF-8"),
                lie(
                        "another architecture",
                        m -> m.config("\"mamba\"", "\"mamba2\""),
                        "config.json: expected model_type mamba, found \"mamba2\""),
                lie(
                        "Mamba-2 in mamba-ssm's words",
                        m -> m.put("config.json", "{\"ssm_cfg\": {\"layer\": \"Mamba2\"}}"),
                        "config.json: expected ssm_cfg.layer Mamba1, found Mamba2"),
                lie(
                        "attention layers",
                        m -> m.put("config.json", "{\"attn_layer_idx\": [1]}"),
                        "config.json: expected no attention layers, found attn_layer_idx [1]"),
                lie(
                        "MLP",
                        m -> m.put("config.json", "{\"d_intermediate\": 8}"),
                        "config.json: expected blocks without an MLP, found d_intermediate 8"),
                lie(
                        "another activation",
                        m -> m.put("config.json", "{\"hidden_act\": \"gelu\"}"),
                        "config.json: expected hidden_act silu, found \"gelu\""),
                lie(
                        "vocabulary of subwords",
                        m -> m.config("\"vocab_size\": 256", "\"vocab_size\": 50280"),
                        "config.json: expected vocab_size 256 (the byte values), found vocab_size"
                                + " 50280: this is not a byte-level model"),
                lie(
                        "negative size",
                        m -> m.config("\"state_size\": 2", "\"state_size\": -2"),
                        "config.json: expected state_size as a whole number from 1 to 2^31 - 1,"
                                + " found -2"),
                lie(
                        "size that is no number",
                        m -> m.config("\"state_size\": 2", "\"state_size\": \"two\""),
                        "config.json: expected state_size as a whole number from 1 to 2^31 - 1,"
                                + " found \"two\""),
                lie(
                        "sizes that disagree",
                        m -> m.put("config.json", "{\"hidden_size\": 3, \"d_model\": 4}"),
                        "config.json: expected d_model 3 (as hidden_size), found d_model 4"),
                lie(
                        "expand that disagrees",
                        m ->
                                m.config(
                                        "\"intermediate_size\": 6",
                                        "\"intermediate_size\": 6, \"expand\": 3"),
                        "config.json: expected intermediate_size 9 (expand 3 * d_model), found"
                                + " intermediate_size 6"),
                lie(
                        "epsilon of zero",
                        m -> m.config("1e-05", "0.0"),
                        "config.json: expected layer_norm_epsilon between 0 and 1, found 0.0"),
                lie(
                        "flag that is no truth value",
                        m -> m.config("\"use_bias\": false", "\"use_bias\": 0"),
                        "config.json: expected use_bias true or false, found 0"),
                lie(
                        "no weights",
                        m -> m.files.remove("model.safetensors"),
                        "model.safetensors: missing (and no model.safetensors.index.json beside"
                                + " it)"),
                lie(
                        "a pickle",
                        m -> {
                            m.files.remove("model.safetensors");
                            m.put("pytorch_model.bin", "PK");
                        },
                        "pytorch_model.bin: expected model.safetensors, found a PyTorch pickle."
                                + " Convert it once, without running it: ./mambabyte model import"
                                + " SOURCE --out DIR"),
                lie(
                        "empty weights",
                        m -> m.files.put("model.safetensors", new byte[0]),
                        "model.safetensors: expected at least 8 bytes (the length of the header),"
                                + " found 0 bytes"),
                lie(
                        "neither embedding",
                        m -> m.remove("backbone.embeddings.weight"),
                        "model.safetensors: expected either tensor backbone.embeddings.weight"
                                + " (Hugging Face) or backbone.embedding.weight (mamba-ssm), found"
                                + " neither"),
                lie(
                        "both embeddings",
                        m ->
                                m.add(
                                        m.tensor("backbone.embeddings.weight")
                                                .named("backbone.embedding.weight")),
                        "model.safetensors: expected either tensor backbone.embeddings.weight"
                                + " (Hugging Face) or backbone.embedding.weight (mamba-ssm), found"
                                + " both"),
                lie(
                        "embedding of subwords",
                        m -> m.change("backbone.embeddings.weight", t -> t.shaped(50280, 3)),
                        "model.safetensors: tensor backbone.embeddings.weight: expected shape"
                                + " [256, d_model] (a row for each byte value), found [50280, 3]:"
                                + " this is not a byte-level model"),
                lie(
                        "width other than config.json's",
                        m -> m.config("\"hidden_size\": 3", "\"hidden_size\": 4"),
                        "model.safetensors: tensor backbone.embeddings.weight: expected shape"
                                + " [256, d_model] = [256, 4] (hidden_size in config.json), found"
                                + " [256, 3]"),
                lie(
                        "d_state other than config.json's",
                        m -> m.config("\"state_size\": 2", "\"state_size\": 16"),
                        "model.safetensors: tensor backbone.layers.0.mixer.A_log: expected shape"
                                + " [d_inner, d_state] = [6, 16] (state_size in config.json),"
                                + " found [6, 2]"),
                lie(
                        "d_conv other than config.json's",
                        m -> m.config("\"conv_kernel\": 4", "\"conv_kernel\": 3"),
                        "model.safetensors: tensor backbone.layers.0.mixer.conv1d.weight: expected"
                                + " shape [d_inner, 1, d_conv] = [6, 1, 3] (conv_kernel in"
                                + " config.json), found [6, 1, 4]"),
                lie(
                        "dt_rank other than config.json's",
                        m -> m.config("\"time_step_rank\": 1", "\"time_step_rank\": 2"),
                        "model.safetensors: tensor backbone.layers.0.mixer.dt_proj.weight:"
                                + " expected shape [d_inner, dt_rank] = [6, 2] (time_step_rank in"
                                + " config.json), found [6, 1]"),
                lie(
                        "d_inner other than config.json's",
                        m -> m.config("\"intermediate_size\": 6", "\"expand\": 3"),
                        "model.safetensors: tensor backbone.layers.0.mixer.A_log: expected shape"
                                + " [d_inner, d_state] = [9, 2] (expand 3 * d_model in"
                                + " config.json), found [6, 2]"),
                lie(
                        "layers other than config.json's",
                        m -> m.config("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3"),
                        "model.safetensors: expected tensors of 3 layers (num_hidden_layers in"
                                + " config.json), found tensors of 2"),
                lie(
                        "missing tensor",
                        m -> m.remove("backbone.layers.1.mixer.x_proj.weight"),
                        "model.safetensors: tensor backbone.layers.1.mixer.x_proj.weight: expected"
                                + " shape [5, 6], found no such tensor"),
                lie(
                        "missing tensor that decides the shape",
                        m -> m.remove(MIXER + "A_log"),
                        "model.safetensors: tensor backbone.layers.0.mixer.A_log: expected shape"
                                + " [d_inner, d_state], found no such tensor"),
                lie(
                        "wrong shape",
                        m -> m.change("backbone.norm_f.weight", t -> t.shaped(4)),
                        "model.safetensors: tensor backbone.norm_f.weight: expected shape [3],"
                                + " found [4]"),
                lie(
                        "wrong rank",
                        m -> m.change(MIXER + "conv1d.weight", t -> t.shaped(6, 4)),
                        "model.safetensors: tensor backbone.layers.0.mixer.conv1d.weight: expected"
                                + " shape [d_inner, 1, d_conv], found [6, 4]"),
                lie(
                        "no channels",
                        m -> m.change(MIXER + "A_log", t -> t.shaped(0, 2)),
                        "model.safetensors: tensor backbone.layers.0.mixer.A_log: expected shape"
                                + " [d_inner, d_state], found [0, 2]"),
                lie(
                        "unknown tensors",
                        m -> {
                            Tensor norm = m.tensor("backbone.norm_f.weight");
                            m.add(norm.named("backbone.layers.0.mixer.dt_layernorm.weight"));
                            m.add(norm.named("classifier.\\u001b[31m"));
                        },
                        "model.safetensors: expected only tensors of a Mamba-1 model, found"
                                + " backbone.layers.0.mixer.dt_layernorm.weight,"
                                + " classifier.\\u001b[31m"),
                lie(
                        "many unknown tensors",
                        m -> {
                            for (int i = 0; i < 8; i++) {
                                m.add(m.tensor("backbone.norm_f.weight").named("x" + i));
                            }
                        },
                        "model.safetensors: expected only tensors of a Mamba-1 model, found x0,"
                                + " x1, x2, x3, x4 and 3 more"),
                lie(
                        "normalisation bias of a layer without one at the end",
                        m ->
                                m.add(
                                        m.tensor("backbone.norm_f.weight")
                                                .named("backbone.layers.0.norm.bias")),
                        "model.safetensors: expected only tensors of a Mamba-1 model, found"
                                + " backbone.layers.0.norm.bias"),
                lie(
                        "layer normalisation without a bias",
                        m ->
                                m.config(
                                        "\"vocab_size\": 256",
                                        "\"vocab_size\": 256, \"rms_norm\": false"),
                        "model.safetensors: tensor backbone.norm_f.bias: expected the bias of a"
                                + " layer normalisation (rms_norm false in config.json), found no"
                                + " such tensor"),
                lie(
                        "bias that config.json promises",
                        m -> m.config("\"use_bias\": false", "\"use_bias\": true"),
                        "model.safetensors: tensor backbone.layers.0.mixer.in_proj.bias: expected"
                                + " the bias, as config.json says, found no such tensor"),
                lie(
                        "bias that config.json denies",
                        m -> m.config("\"use_conv_bias\": true", "\"use_conv_bias\": false"),
                        "model.safetensors: tensor backbone.layers.0.mixer.conv1d.bias: expected"
                                + " no bias, as config.json says, found one"),
                lie(
                        "untied head that is missing",
                        m ->
                                m.config(
                                        "\"vocab_size\": 256",
                                        "\"vocab_size\": 256, \"tie_word_embeddings\": false"),
                        "model.safetensors: tensor lm_head.weight: expected shape [256, 3], found"
                                + " no such tensor"),
                lie(
                        "NaN",
                        m -> m.change(MIXER + "D", t -> poison(t, 4, Float.NaN)),
                        "model.safetensors: tensor backbone.layers.0.mixer.D: expected finite"
                                + " numbers, found NaN at index 4 of 6"),
                lie(
                        "infinity in half precision",
                        m ->
                                m.change(
                                        MIXER + "out_proj.weight",
                                        t -> poison(t, 17, Float.NEGATIVE_INFINITY).as(Dtype.F16)),
                        "model.safetensors: tensor backbone.layers.0.mixer.out_proj.weight:"
                                + " expected finite numbers, found -Infinity at index 17 of 18"),
                lie(
                        "A that would be infinite",
                        m -> m.change(MIXER + "A_log", t -> poison(t, 11, 89)),
                        "model.safetensors: tensor backbone.layers.0.mixer.A_log: expected"
                                + " logarithms of at most 88.72283, found 89.0 at index 11 of 12"),
                lie(
                        "cut file",
                        m -> bytes(m, b -> Arrays.copyOf(b, b.length - 1)),
                        "model.safetensors: tensor backbone.norm_f.weight: expected data_offsets"
                                + " within the 4259 bytes of data, found [4248, 4260]"),
                lie(
                        "trailing byte",
                        m -> bytes(m, b -> Arrays.copyOf(b, b.length + 1)),
                        "model.safetensors: expected data of 4260 bytes, found 1 bytes more, which"
                                + " belong to no tensor"),
                lie(
                        "shard outside of the folder",
                        m -> {
                            m.shard();
                            m.put(
                                    "model.safetensors.index.json",
                                    "{\"weight_map\": {\"lm_head.weight\": \"../other.bin\"}}");
                        },
                        "model.safetensors.index.json: tensor lm_head.weight: expected the name of"
                                + " a file in the same folder, found \"../other.bin\""),
                lie(
                        "index without a map",
                        m -> {
                            m.shard();
                            m.put("model.safetensors.index.json", "{}");
                        },
                        "model.safetensors.index.json: expected an object weight_map, found none"),
                lie(
                        "missing shard",
                        m -> m.shard().files.remove("model-00002-of-00002.safetensors"),
                        "model-00002-of-00002.safetensors: missing"),
                lie(
                        "tensor that is not in its shard",
                        m -> {
                            m.shard();
                            m.files.put(
                                    "model-00002-of-00002.safetensors",
                                    ModelFiles.safetensors(List.of()));
                        },
                        "model-00002-of-00002.safetensors: tensor backbone.embeddings.weight:"
                                + " expected it in this file, as model.safetensors.index.json"
                                + " says, found no such tensor"),
                lie(
                        "tensor in two shards",
                        m -> {
                            m.shard();
                            m.files.put(
                                    "model-00002-of-00002.safetensors",
                                    ModelFiles.safetensors(m.tensors.values()));
                        },
                        "model-00002-of-00002.safetensors: tensor backbone.layers.0.norm.weight:"
                                + " expected only tensors that model.safetensors.index.json puts"
                                + " there, found one of model-00001-of-00002.safetensors"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("lies")
    void shouldNameWhatIsWrong(String name, Consumer<ModelFiles> lie, String message) {
        ModelFiles model = model();
        lie.accept(model);
        CheckpointException e = assertThrows(CheckpointException.class, model::read);
        assertEquals(message, e.getMessage());
    }

    @Test
    void shouldNameFolderThatIsMissing(@TempDir Path folder) {
        Path missing = folder.resolve("none");
        CheckpointException e =
                assertThrows(CheckpointException.class, () -> Checkpoint.read(missing));
        assertEquals(
                missing
                        + ": expected a model folder or the name of a shipped model "
                        + ModelSource.shipped()
                        + ", found nothing there",
                e.getMessage());
    }

    @Test
    void shouldNameFileInPlaceOfFolder(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("model.safetensors"), "x");
        CheckpointException e =
                assertThrows(CheckpointException.class, () -> Checkpoint.read(file));
        assertEquals(
                file
                        + ": expected a model folder or the name of a shipped model "
                        + ModelSource.shipped()
                        + ", found a file",
                e.getMessage());
    }

    @Test
    void shouldNamePathOfFile(@TempDir Path folder) throws Exception {
        model().into(folder);
        Files.delete(folder.resolve("config.json"));
        CheckpointException e =
                assertThrows(CheckpointException.class, () -> Checkpoint.read(folder));
        assertEquals(folder.resolve("config.json") + ": missing", e.getMessage());
    }
}
