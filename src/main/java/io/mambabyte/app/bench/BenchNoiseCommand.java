package io.mambabyte.app.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.mambabyte.app.bench.TextNoise.Kind;
import io.mambabyte.model.CheckpointException;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.model.SubwordModel;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;

/** {@code bench noise}: what noise in a text does to models over bytes and over subwords. */
@Command(
        name = "noise",
        mixinStandardHelpOptions = true,
        description = {
            "Adds noise to a text and says what it does to models over bytes and over subwords: bits"
                    + " per byte of the noisy text, and bits per byte of the clean one, which is what"
                    + " grows as the paper's perplexity per word does.",
            "A model is fed the text from its first byte to its end, after a line end."
        })
final class BenchNoiseCommand implements Callable<Integer> {
    private enum Format {
        TEXT,
        JSON
    }

    /** Those of the paper, with its shares; and none, which the others are compared with. */
    private static final List<TextNoise> NOISES =
            List.of(
                    new TextNoise(Kind.NONE, 1),
                    new TextNoise(Kind.DROP, 0.05),
                    new TextNoise(Kind.DROP, 0.3),
                    new TextNoise(Kind.REPEAT, 0.05),
                    new TextNoise(Kind.REPEAT, 0.3),
                    new TextNoise(Kind.ANTSPEAK, 1),
                    new TextNoise(Kind.UPPERCASE, 0.05),
                    new TextNoise(Kind.UPPERCASE, 0.3),
                    new TextNoise(Kind.RANDOM_CASE, 1),
                    new TextNoise(Kind.SWAP, 0.05),
                    new TextNoise(Kind.SWAP, 0.3));

    private static final String STDIN = "-";

    @Option(
            names = "--data",
            required = true,
            paramLabel = "FILE",
            description = "A text in UTF-8; - is standard input.")
    private String data = "";

    @Option(
            names = "--bytes",
            paramLabel = "N",
            description = "Read so many bytes of it. Default: ${DEFAULT-VALUE}.",
            defaultValue = "100000")
    private int bytes = 100_000;

    @Option(
            names = "--model",
            paramLabel = "DIR|NAME",
            description =
                    "A model over bytes, or over subwords where there is a tokenizer.json; may be"
                            + " given more than once. Default: text-base, logs-small and"
                            + " draft-subword.")
    private List<String> models = List.of("text-base", "logs-small", SubwordModel.DEFAULT);

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "The same seed gives the same noise. Default: ${DEFAULT-VALUE}.",
            defaultValue = "1")
    private long seed = 1;

    @Option(names = "--format", paramLabel = "text|json", description = "Default: text.")
    private Format format = Format.TEXT;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException, CheckpointException {
        BenchOptions.check(spec, "--bytes", bytes, 1, 1 << 30);
        String clean = text();
        if (clean.isEmpty()) {
            throw new ParameterException(spec.commandLine(), data + ": no text");
        }
        int cleanBytes = clean.getBytes(StandardCharsets.UTF_8).length;
        Map<String, TextBits> measured = new LinkedHashMap<>();
        for (String name : models) {
            measured.put(name, load(name));
        }
        PrintWriter out = spec.commandLine().getOut();
        ObjectNode json = new ObjectMapper().createObjectNode();
        json.put("bytes", cleanBytes);
        json.put("seed", seed);
        ArrayNode rows = json.putArray("noises");
        if (format == Format.TEXT) {
            out.printf(
                    Locale.ROOT,
                    "%,d bytes; bits per byte of the noisy text, and per byte of the clean one%n%-17s"
                            + "%12s",
                    cleanBytes,
                    "noise",
                    "bytes");
            models.forEach(name -> out.printf(Locale.ROOT, "%22s", name));
            out.println();
            out.flush();
        }
        for (TextNoise noise : NOISES) {
            byte[] noisy = noise.apply(clean, seed).getBytes(StandardCharsets.UTF_8);
            ObjectNode row = rows.addObject();
            row.put("noise", noise.kind().toString());
            row.put("share", noise.share());
            row.put("bytes", noisy.length);
            if (format == Format.TEXT) {
                out.printf(Locale.ROOT, "%-17s%,12d", noise, noisy.length);
            }
            measured.forEach(
                    (name, model) -> {
                        double bits = model.bits(noisy);
                        row.putObject(name)
                                .put("bits_per_byte", bits / noisy.length)
                                .put("bits_per_clean_byte", bits / cleanBytes);
                        if (format == Format.TEXT) {
                            out.printf(
                                    Locale.ROOT,
                                    "%14.3f%8.3f",
                                    bits / noisy.length,
                                    bits / cleanBytes);
                            out.flush();
                        }
                    });
            if (format == Format.TEXT) {
                out.println();
                out.flush();
            }
        }
        if (format == Format.JSON) {
            out.println(json);
        }
        return 0;
    }

    private static TextBits load(String name) throws CheckpointException {
        ModelSource source = ModelSource.ofDrafter(name);
        return SubwordModel.isAt(source)
                ? TextBits.of(SubwordModel.load(source))
                : TextBits.of(MambaModel.load(source));
    }

    /** The first bytes of the file, as far as characters are whole. */
    private String text() throws IOException {
        byte[] content;
        try (InputStream in =
                data.equals(STDIN) ? System.in : Files.newInputStream(Path.of(data))) {
            content = in.readNBytes(bytes);
        }
        int length = content.length;
        // A character that the limit cuts.
        while (length > 0 && content.length - length < 3 && (content[length - 1] & 0xc0) == 0x80) {
            length--;
        }
        if (length > 0 && (content[length - 1] & 0xff) >= 0xc0) {
            length--;
        } else {
            length = content.length;
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(content, 0, length))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new IOException(data + ": is not UTF-8", e);
        }
    }
}
