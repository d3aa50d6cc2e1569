package io.mambabyte.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.databind.JsonNode;

import io.mambabyte.model.Checkpoint.Layout;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/** The pickles were written by PyTorch: src/test/resources/pickles/make_pickles.py. */
class CheckpointImportTest {
    private static final Path TINY = Path.of("src/test/resources/reference/tiny");
    private static final Path PICKLES = Path.of("src/test/resources/pickles");
    private static final String D = "backbone.layers.0.mixer.D";
    private static final int FUZZ_RUNS = 1_500;
    private static final long FUZZ_SEED = 20261126;

    @TempDir private Path temp;
    private Path source = Path.of("");
    private Path target = Path.of("");

    @BeforeEach
    void makeSource() throws IOException {
        source = Files.createDirectory(temp.resolve("source"));
        target = temp.resolve("target");
        Files.copy(TINY.resolve("config.json"), source.resolve("config.json"));
    }

    private Checkpoint run() throws Exception {
        return CheckpointImport.run(source, target, done -> {});
    }

    private void pickle(String name) throws IOException {
        Files.copy(PICKLES.resolve(name), source.resolve("pytorch_model.bin"));
    }

    private String refusal() {
        CheckpointException refusal =
                assertThrows(
                        CheckpointException.class,
                        () -> CheckpointImport.run(source, target, done -> {}));
        assertFalse(Files.exists(target), "nothing is left of a refused import");
        assertFalse(Files.exists(temp.resolve("target.partial")));
        return String.valueOf(refusal.getMessage());
    }

    @Test
    void shouldImportPickleAsTheSameModel() throws Exception {
        pickle("f32.bin");
        Checkpoint checkpoint = run();
        assertEquals(Set.of(Dtype.F32), checkpoint.dtypes());
        assertEquals(MambaModel.load(TINY).fingerprint(), MambaModel.load(target).fingerprint());
    }

    @ParameterizedTest
    @MethodSource("halves")
    void shouldKeepStoredFormat(String file, Dtype dtype) throws Exception {
        pickle(file);
        Checkpoint checkpoint = run();
        assertEquals(Set.of(dtype), checkpoint.dtypes());
        float[] wanted = Checkpoint.read(TINY).weights().embedding;
        float[] found = checkpoint.weights().embedding;
        for (int i = 0; i < wanted.length; i++) {
            // PyTorch rounds to nearest, ties to even, as these do.
            float rounded =
                    dtype == Dtype.F16
                            ? Float.float16ToFloat(Float.floatToFloat16(wanted[i]))
                            : Float.intBitsToFloat(CheckpointWriter.bfloat16(wanted[i]) << 16);
            assertEquals(rounded, found[i]);
        }
    }

    private static Stream<Arguments> halves() {
        return Stream.of(
                arguments("float16.bin", Dtype.F16), arguments("bfloat16.bin", Dtype.BF16));
    }

    /** Wrapper, prefixes, nn.Parameter, a view into a storage, a head tied by its storage. */
    @Test
    void shouldImportWhatTrainingScriptSaved() throws Exception {
        pickle("training.bin");
        Checkpoint checkpoint = run();
        assertTrue(checkpoint.tied());
        assertEquals(MambaModel.load(TINY).fingerprint(), MambaModel.load(target).fingerprint());
    }

    @Test
    void shouldImportWeightFileWithConfigBesideIt() throws Exception {
        Path file = Files.copy(PICKLES.resolve("f32.bin"), source.resolve("step-80000.pt"));
        assertEquals(6336, CheckpointImport.run(file, target, done -> {}).parameters());
    }

    @Test
    void shouldImportSafetensorsByteForByte() throws Exception {
        source = TINY;
        run();
        assertArrayEquals(
                Files.readAllBytes(TINY.resolve("model.safetensors")),
                Files.readAllBytes(target.resolve("model.safetensors")));
    }

    @Test
    void shouldImportShardsOfBothKinds() throws Exception {
        MambaConfig shape = new MambaConfig(3, 2, 6, 2, 4, 1, Norm.RMS, 1e-5f);
        ModelFiles model = ModelFiles.random(shape, Layout.MAMBA_SSM, true, false, 1);
        Path whole = model.copy().into(temp.resolve("whole"));
        String wanted = MambaModel.load(whole).fingerprint();
        source = model.copy().shard().into(temp.resolve("shards"));
        run();
        assertEquals(wanted, MambaModel.load(target).fingerprint());

        Path split = Files.createDirectory(temp.resolve("split"));
        Files.copy(TINY.resolve("config.json"), split.resolve("config.json"));
        Files.copy(PICKLES.resolve("f32.bin"), split.resolve("pytorch_model-00001-of-00001.bin"));
        Files.writeString(
                split.resolve("pytorch_model.bin.index.json"),
                "{\"weight_map\": {\"x\": \"pytorch_model-00001-of-00001.bin\"}}");
        target = temp.resolve("other");
        source = split;
        assertEquals(6336, run().parameters());
    }

    @Test
    void shouldWriteCardThatSaysWhereWeightsCameFrom() throws Exception {
        pickle("f32.bin");
        Files.writeString(
                source.resolve("README.md"),
                "---\nlicense: apache-2.0\ntags: [x]\n---\n# A model\n");
        run();
        JsonNode card = ConfigFile.JSON.readTree(target.resolve("card.json").toFile());
        assertEquals("apache-2.0", card.get("licence").textValue());
        JsonNode imported = card.get("imported");
        assertEquals("PyTorch pickle", imported.get("format").textValue());
        assertEquals("pytorch_model.bin", imported.at("/files/0/name").textValue());
        assertEquals(
                Files.size(PICKLES.resolve("f32.bin")), imported.at("/files/0/bytes").longValue());
        assertEquals(64, imported.at("/files/0/sha256").textValue().length());
        assertTrue(Files.exists(target.resolve("README.md")));
    }

    @Test
    void shouldKeepCardOfSource() throws Exception {
        pickle("f32.bin");
        Files.writeString(source.resolve("card.json"), "{\"license\": \"mit\", \"steps\": 7}");
        run();
        JsonNode card = ConfigFile.JSON.readTree(target.resolve("card.json").toFile());
        assertEquals(7, card.get("steps").intValue());
        assertFalse(card.has("licence"));
    }

    private static Stream<Arguments> refused() {
        return Stream.of(
                arguments(
                        "before-1.6.bin",
                        "expected the zip archive that torch.save writes, found a bare pickle,"
                                + " which PyTorch wrote before 1.6: load it with PyTorch and save"
                                + " it again"),
                arguments("transposed.bin", "expected a contiguous tensor"),
                arguments(
                        "float64.bin",
                        "tensor a: expected torch.FloatStorage, HalfStorage or BFloat16Storage,"
                                + " found DoubleStorage"),
                arguments("script.bin", "found a TorchScript archive (it holds code)"));
    }

    @ParameterizedTest
    @MethodSource("refused")
    void shouldRefuse(String file, String message) throws Exception {
        pickle(file);
        String found = refusal();
        assertTrue(found.contains(message), found);
    }

    @Test
    void shouldRefuseModelOfAnotherShapeThanConfigSays() throws Exception {
        pickle("f32.bin");
        String config = Files.readString(source.resolve("config.json"));
        Files.writeString(
                source.resolve("config.json"), config.replaceAll("(hidden_size\": )\\d+", "$132"));
        assertEquals(
                source.resolve("pytorch_model.bin")
                        + ": tensor backbone.embeddings.weight: expected shape [256, d_model] ="
                        + " [256, 32] (hidden_size in "
                        + source.resolve("config.json")
                        + "), found [256, 16]",
                refusal());
    }

    private Map<String, byte[]> archive() {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        entries.put(
                "m/data.pkl",
                Pickles.protocol2()
                        .bytes('}')
                        .text(D)
                        .tensor("FloatStorage", 2, 0, new int[] {2}, new int[] {1})
                        .bytes('s')
                        .stop());
        entries.put("m/data/0", new byte[8]);
        return entries;
    }

    private String refusalOf(Map<String, byte[]> entries) throws IOException {
        Files.write(source.resolve("pytorch_model.bin"), Pickles.archive(entries));
        return refusal();
    }

    @Test
    void shouldRefuseDamagedArchives() throws Exception {
        assertTrue(refusalOf(archive()).contains("found neither"), "gets as far as the tensors");

        Map<String, byte[]> entries = archive();
        entries.put("m/data/0", new byte[12]);
        assertTrue(refusalOf(entries).contains("a storage of 2 numbers F32, found 12 bytes"));

        entries = archive();
        entries.remove("m/data/0");
        assertTrue(refusalOf(entries).contains("expected an entry m/data/0 in the archive"));

        entries = archive();
        entries.put("n/data.pkl", new byte[1]);
        assertTrue(refusalOf(entries).contains("expected one entry NAME/data.pkl"));

        entries = archive();
        entries.put("m/byteorder", "big".getBytes(StandardCharsets.US_ASCII));
        assertTrue(refusalOf(entries).contains("expected byteorder little, found big"));

        Path file = source.resolve("pytorch_model.bin");
        Files.writeString(file, "not a model");
        assertTrue(refusal().contains("found neither that nor an older format"));

        byte[] damaged = Files.readAllBytes(PICKLES.resolve("f32.bin"));
        damaged[damaged.length / 2] ^= 1;
        Files.write(file, damaged);
        assertTrue(refusal().contains("the checksum of entry f32/data/"), refusal());
    }

    /** A thousand names for one storage would make a large file out of a small one. */
    @Test
    void shouldRefuseTensorsThatBlowUpTheFile() throws Exception {
        Pickles pickle = Pickles.protocol2().bytes('}');
        for (int i = 0; i < 1000; i++) {
            pickle.text("t" + i)
                    .tensor("FloatStorage", 100_000, 0, new int[] {100_000}, new int[] {1})
                    .bytes('s');
        }
        String message =
                refusalOf(Map.of("m/data.pkl", pickle.stop(), "m/data/0", new byte[400_000]));
        assertTrue(message.contains("100000000 numbers in a file of"), message);
    }

    @Test
    void shouldLeaveWhatIsThereAlone() throws Exception {
        pickle("f32.bin");
        Files.createDirectory(target);
        Files.writeString(target.resolve("mine"), "x");
        assertThrows(CheckpointException.class, this::run);
        assertEquals("x", Files.readString(target.resolve("mine")));
    }

    @Test
    void shouldSayThatConfigIsMissing() throws Exception {
        pickle("f32.bin");
        Files.delete(source.resolve("config.json"));
        assertTrue(refusal().contains("config.json: missing"));
    }

    @Test
    void shouldImportOrRefuseEveryDamagedArchive() throws Exception {
        byte[] whole = Files.readAllBytes(PICKLES.resolve("training.bin"));
        Path file = source.resolve("pytorch_model.bin");
        int refused = 0;
        for (int run = 0; run < FUZZ_RUNS; run++) {
            SplittableRandom random = new SplittableRandom(FUZZ_SEED + run);
            byte[] content = whole.clone();
            // Half of the damage to the directory at the end, where a zip archive is understood.
            int span = random.nextBoolean() ? content.length : 1_500;
            for (int i = random.nextInt(3); i >= 0; i--) {
                content[content.length - 1 - random.nextInt(span)] = (byte) random.nextInt(256);
            }
            Files.write(file, content);
            try (TorchArchive archive = TorchArchive.open(file)) {
                for (SafetensorsHeader.Entry tensor : archive.tensors().values()) {
                    archive.bytes(tensor);
                }
            } catch (CheckpointException e) {
                refused++;
            } catch (IOException | RuntimeException | Error e) {
                fail("seed " + (FUZZ_SEED + run), e);
            }
        }
        assertTrue(refused > FUZZ_RUNS / 4 && refused < FUZZ_RUNS, "refused " + refused);
    }
}
