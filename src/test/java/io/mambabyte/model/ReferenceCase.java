package io.mambabyte.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/** A model with the bytes that were fed to it and what a float64 run of transformers answered. */
public final class ReferenceCase {
    /** The folder with the cases that are too large to be committed. */
    private static final String LARGER = "mambabyte.reference";

    private static final Path COMMITTED = Path.of("src/test/resources/reference");

    private final Path folder;
    private final byte[] input;
    private final Tensors expected;

    /** The same file where a case is complete. */
    private final Tensors gradients;

    private ReferenceCase(Path folder) throws Exception {
        this.folder = folder;
        JsonNode json = new ObjectMapper().readTree(folder.resolve("case.json").toFile());
        input = HexFormat.of().parseHex(json.get("input_hex").textValue());
        expected = new Tensors(folder.resolve("expected.safetensors"));
        Path separate = folder.resolve("gradients.safetensors");
        gradients = Files.exists(separate) ? new Tensors(separate) : expected;
    }

    /**
     * The committed cases.
     *
     * @return tiny and odd
     */
    public static List<ReferenceCase> committed() throws Exception {
        return in(COMMITTED);
    }

    /**
     * All cases of the folder with the larger ones.
     *
     * @return none where the folder is not there
     */
    public static List<ReferenceCase> larger() throws Exception {
        return in(Path.of(System.getProperty(LARGER, "../shared/reference")));
    }

    private static List<ReferenceCase> in(Path parent) throws Exception {
        List<ReferenceCase> cases = new ArrayList<>();
        if (Files.isDirectory(parent)) {
            try (Stream<Path> folders = Files.list(parent).sorted()) {
                for (Path folder : folders.toList()) {
                    if (Files.exists(folder.resolve("case.json"))) {
                        cases.add(new ReferenceCase(folder));
                    }
                }
            }
        }
        return cases;
    }

    public Path folder() {
        return folder;
    }

    public byte[] input() {
        return input.clone();
    }

    /** Of every byte but the first. */
    public double[] log2Likelihood() {
        return expected.read("log2_likelihood");
    }

    /** {@code [d_inner][d_state]} after the last byte. */
    public double[] ssmState(int layer) {
        return expected.read("ssm_states." + layer);
    }

    /** {@code [d_inner][d_conv]}: the inputs of the last d_conv steps, the latest last. */
    public double[] convState(int layer) {
        return expected.read("conv_states." + layer);
    }

    /** Mean cross-entropy of all bytes but the first, in nats, differentiated by a parameter. */
    public double[] gradient(String parameter) {
        return gradients.read("grad." + parameter);
    }

    /** A parameter after the optimizer steps that case.json describes. */
    public double[] afterThreeSteps(String parameter) {
        return gradients.read("after3." + parameter);
    }

    /** A safetensors file, read without the reader that is under test. */
    private static final class Tensors {
        private final JsonNode header;
        private final ByteBuffer data;

        Tensors(Path file) throws Exception {
            byte[] content = Files.readAllBytes(file);
            ByteBuffer all = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
            int headerBytes = (int) all.getLong();
            header = new ObjectMapper().readTree(content, Long.BYTES, headerBytes);
            data =
                    all.slice(Long.BYTES + headerBytes, content.length - Long.BYTES - headerBytes)
                            .order(ByteOrder.LITTLE_ENDIAN);
        }

        double[] read(String name) {
            JsonNode tensor = header.get(name);
            int begin = tensor.get("data_offsets").get(0).intValue();
            int end = tensor.get("data_offsets").get(1).intValue();
            boolean f64 = tensor.get("dtype").textValue().equals("F64");
            int size = f64 ? Double.BYTES : Float.BYTES;
            double[] out = new double[(end - begin) / size];
            for (int i = 0; i < out.length; i++) {
                int at = begin + i * size;
                out[i] = f64 ? data.getDouble(at) : data.getFloat(at);
            }
            return out;
        }
    }

    @Override
    public String toString() {
        return folder.getFileName().toString();
    }
}
