package io.mambabyte.model;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.fuzz.Fuzz;
import io.mambabyte.model.Checkpoint.Layout;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.zip.ZipFile;

/**
 * The parsers of model files, each alone and so in many more executions than with a whole model.
 */
class ModelFuzzTest {
    private static final MambaConfig SHAPE = new MambaConfig(2, 1, 4, 2, 3, 1, Norm.RMS, 1e-5f);

    private static final byte[][] JSON = {
        bytes("\"shape\":["),
        bytes("\"data_offsets\":[0,"),
        bytes("\"dtype\":\"F64\""),
        bytes("\"d_model\":"),
        bytes("\"ssm_cfg\":{"),
        bytes("\"__metadata__\":{"),
        bytes("9223372036854775807"),
        bytes("1e999999999"),
        bytes("-0"),
        bytes("{"),
        bytes("}"),
        bytes("["),
        bytes("]"),
        bytes(","),
        bytes("null"),
        bytes("[[[[[[[[[[[[[[[["),
        bytes("\\ud800"),
    };

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void assertBothSides(Fuzz.Result result) {
        // A fuzz that only ever reaches one side tests little.
        assertTrue(result.taken() > result.executions() / 200, result::toString);
        assertTrue(result.refused() > result.executions() / 100, result::toString);
    }

    /** Files of one tensor or two: what varies is the header. */
    private static byte[] safetensors(String header, int dataBytes) {
        byte[] text = bytes(header);
        return ByteBuffer.allocate(Long.BYTES + text.length + dataBytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(text.length)
                .put(text)
                .array();
    }

    @Test
    void shouldReadOrRefuseSafetensors() {
        List<byte[]> seeds =
                List.of(
                        safetensors(
                                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
                                        + "\"b\":{\"dtype\":\"BF16\",\"shape\":[4],"
                                        + "\"data_offsets\":[24,32]}}",
                                32),
                        safetensors(
                                "{\"__metadata__\":{\"format\":\"pt\"},\"x\":{\"dtype\":\"F16\","
                                        + "\"shape\":[],\"data_offsets\":[0,2]}}   ",
                                2),
                        safetensors("{}", 0));
        assertBothSides(
                new Fuzz("safetensors", Set.of(CheckpointException.class), 1 << 17, 100)
                        .seeds(seeds)
                        .tokens(JSON)
                        .run(
                                input -> {
                                    SafetensorsFile file =
                                            SafetensorsFile.open(
                                                    "fuzzed", MemorySegment.ofArray(input));
                                    for (var tensor : file.tensors().values()) {
                                        file.read(tensor);
                                    }
                                }));
    }

    private static List<byte[]> configs() {
        List<byte[]> configs = new ArrayList<>();
        for (Layout layout : Layout.values()) {
            configs.add(ModelFiles.random(SHAPE, layout, true, false, 1).file(ConfigFile.NAME));
        }
        return configs;
    }

    /** All that is asked of a configuration, without the tensors that it is compared with. */
    @Test
    void shouldReadOrRefuseConfigurations() {
        assertBothSides(
                new Fuzz("config", Set.of(CheckpointException.class), 1 << 17, 100)
                        .seeds(configs())
                        .tokens(JSON)
                        .run(
                                input -> {
                                    ConfigFile config =
                                            ConfigFile.read(
                                                    new OneFile(input), MambaConfig.VOCABULARY);
                                    config.dModel();
                                    config.nLayer();
                                    config.dInner(SHAPE.dModel());
                                    config.dState();
                                    config.dConv();
                                    config.dtRank();
                                    config.projectionBias();
                                    config.convBias();
                                    config.tied();
                                    config.rmsNorm();
                                    config.normEpsilon();
                                }));
    }

    /** A tokenizer of the 256 bytes and two merges, small enough to be damaged everywhere. */
    @Test
    void shouldReadOrRefuseTokenizers() {
        StringBuilder vocabulary = new StringBuilder();
        int id = 0;
        for (int c = '!'; c < 0x180 && id < 256; c++) {
            boolean used = c <= '~' || (c >= 0xa1 && c <= 0xac) || (c >= 0xae && c < 0x144);
            if (used) {
                String written = c == '"' || c == '\\' ? "\\" + (char) c : "" + (char) c;
                vocabulary.append('"').append(written).append("\":").append(id++).append(',');
            }
        }
        String file =
                "{\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},\"model\":{\"type\":\"BPE\",\"vocab\":{"
                        + vocabulary
                        + "\"th\":256,\"the\":257},\"merges\":[[\"t\",\"h\"],\"th e\"]}}";
        Fuzz.Result result =
                new Fuzz("tokenizer", Set.of(CheckpointException.class), 1 << 18, 100)
                        .seeds(List.of(file.getBytes(StandardCharsets.UTF_8)))
                        .tokens(JSON)
                        .run(input -> BytePairEncoding.read(new OneFile(input)));
        // Nearly any damage takes a byte its token.
        assertTrue(result.taken() > 0 && result.refused() > 0, result::toString);
    }

    @Test
    void shouldReadOrRefusePickles() throws IOException {
        List<byte[]> seeds = new ArrayList<>();
        for (String name : List.of("f32", "training", "bfloat16")) {
            Path path = Path.of("src", "test", "resources", "pickles", name + ".bin");
            try (ZipFile zip = new ZipFile(path.toFile())) {
                seeds.add(zip.getInputStream(zip.getEntry(name + "/data.pkl")).readAllBytes());
            }
        }
        assertBothSides(
                new Fuzz("pickle", Set.of(CheckpointException.class), 1 << 17, 100)
                        .seeds(seeds)
                        .tokens(
                                bytes("ctorch._utils\n_rebuild_tensor_v2\n"),
                                bytes("ccollections\nOrderedDict\n"),
                                bytes("cos\nsystem\n"),
                                bytes("("),
                                bytes("t"),
                                bytes("R"),
                                bytes("Q"),
                                bytes("}"),
                                bytes("u"),
                                bytes("."))
                        .run(input -> StateDictPickle.read("fuzzed", input)));
    }

    /** A model folder with one file in it. */
    @SuppressWarnings("ArrayRecordComponent") // only ever read
    private record OneFile(byte[] content) implements CheckpointFiles {
        @Override
        public String path(String name) {
            return name;
        }

        @Override
        public boolean has(String name) {
            return true;
        }

        @Override
        public MemorySegment open(String name, Arena arena) {
            return MemorySegment.ofArray(content);
        }
    }
}
