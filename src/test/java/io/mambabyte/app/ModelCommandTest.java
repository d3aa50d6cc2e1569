package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.mambabyte.model.Checkpoint;
import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelFiles;
import io.mambabyte.model.ModelSource;
import io.mambabyte.model.Norm;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;

class ModelCommandTest {
    private static final Path TINY = Path.of("src/test/resources/reference/tiny");
    private final FakeTerminal terminal = new FakeTerminal();

    @Test
    void shouldShowModel() throws Exception {
        assertEquals(0, terminal.run(ModelCommand.Show::new, TINY.toString()));
        assertEquals(
                """
                model        src/test/resources/reference/tiny
                fingerprint  %s
                shape        d_model 16, n_layer 1, d_inner 32, d_state 4, d_conv 4, dt_rank 1
                parameters   6,336
                state        896 bytes a key
                norm         RMSNorm, epsilon 1.0E-5
                head         tied to the embedding
                files        model.safetensors (F32, Hugging Face layout)
                card         none
                """
                        .formatted(MambaModel.load(TINY).fingerprint()),
                terminal.text());
    }

    @Test
    void shouldShowModelAsJson(@TempDir Path folder) throws Exception {
        MambaConfig shape = new MambaConfig(4, 2, 8, 2, 4, 1, Norm.LAYER, 1e-5f);
        ModelFiles.random(shape, Checkpoint.Layout.MAMBA_SSM, false, false, 1).into(folder);
        Files.writeString(folder.resolve("card.json"), "{\"steps\": 7}");
        assertEquals(
                0, terminal.run(ModelCommand.Show::new, "--format", "json", folder.toString()));
        JsonNode json = new ObjectMapper().readTree(terminal.text());
        assertEquals(4, json.get("d_model").intValue());
        assertEquals("layer", json.get("norm").textValue());
        assertEquals("mamba_ssm", json.get("layout").textValue());
        assertEquals(2 * 8 * (3 + 2) * 4, json.get("state_bytes").intValue());
        assertEquals(7, json.get("card").get("steps").intValue());
        assertEquals(MambaModel.load(folder).fingerprint(), json.get("fingerprint").textValue());
        assertTrue(!json.get("tied").booleanValue());
    }

    @Test
    void shouldSayWhatIsWrongWithModel(@TempDir Path folder) throws Exception {
        assertEquals(1, terminal.run(ModelCommand.Show::new, folder.toString()));
        assertEquals(
                "mambabyte: " + folder.resolve("config.json") + ": missing\n", terminal.errors);
    }

    @Test
    void shouldListShippedModels() {
        assertEquals(0, terminal.run(ModelCommand.ListShipped::new));
        assertEquals(ModelSource.shipped().size(), terminal.lines().size());
    }

    @Test
    void shouldImportPickle(@TempDir Path folder) throws Exception {
        Path source = Files.createDirectory(folder.resolve("source"));
        Files.copy(TINY.resolve("config.json"), source.resolve("config.json"));
        Files.copy(
                Path.of("src/test/resources/pickles/f32.bin"), source.resolve("pytorch_model.bin"));
        String out = folder.resolve("out").toString();
        assertEquals(0, terminal.run(ModelCommand.Import::new, source.toString(), "--out", out));
        assertEquals(
                """
                %s: 6,336 parameters, d_model 16, n_layer 1
                ./mambabyte model show %s shows it, --model %s uses it
                """
                        .formatted(out, out, out),
                terminal.text());
        assertEquals(
                MambaModel.load(TINY).fingerprint(), MambaModel.load(Path.of(out)).fingerprint());
    }

    @Test
    void shouldSayWhyImportIsRefused(@TempDir Path folder) throws Exception {
        String source = folder.toString();
        assertEquals(1, terminal.run(ModelCommand.Import::new, source, "--out", source + "/out"));
        assertEquals(
                "mambabyte: "
                        + source
                        + ": expected model.safetensors, model.safetensors.index.json,"
                        + " pytorch_model.bin or pytorch_model.bin.index.json, found none of them\n",
                terminal.errors);
    }
}
