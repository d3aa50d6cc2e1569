package io.mambabyte.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;

class BytePairEncodingTest {
    private static final ModelSource SOURCE = new ModelSource.ShippedDrafter(SubwordModel.DEFAULT);

    private static BytePairEncoding encoding;

    @TempDir private Path folder;

    @BeforeAll
    static void read() throws Exception {
        encoding = BytePairEncoding.read(CheckpointFiles.of(SOURCE));
    }

    private static byte[] decoded(int[] ids, int count) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = 0; i < count; i++) {
            for (int b = 0; b < encoding.length(ids[i]); b++) {
                bytes.write(encoding.byteAt(ids[i], b));
            }
        }
        return bytes.toByteArray();
    }

    /** The file was written by Hugging Face's tokenizers: tokens.py beside it. */
    @Test
    void shouldEncodeAsTheTokenizersLibraryDoes() throws IOException {
        ObjectMapper json = new ObjectMapper();
        int texts = 0;
        for (String line :
                Files.readAllLines(Path.of("src/test/resources/reference/subword/tokens.jsonl"))) {
            JsonNode example = json.readTree(line);
            byte[] text = example.get("text").textValue().getBytes(StandardCharsets.UTF_8);
            int[] expected = json.convertValue(example.get("ids"), int[].class);
            int[] ids = new int[text.length];
            int count = encoding.encode(text, 0, text.length, ids);
            assertArrayEquals(expected, Arrays.copyOf(ids, count), line);
            texts++;
        }
        assertTrue(texts > 400);
    }

    @Test
    void shouldKeepEveryByteOfAnyText() {
        Random random = new Random(4);
        for (int i = 0; i < 2000; i++) {
            byte[] text = new byte[random.nextInt(60)];
            for (int b = 0; b < text.length; b++) {
                text[b] =
                        (byte)
                                (i % 2 == 0
                                        ? random.nextInt(256)
                                        : "a '\u00e9\n0".charAt(random.nextInt(6)));
            }
            int[] ids = new int[text.length];
            int count = encoding.encode(text, 0, text.length, ids);
            assertArrayEquals(text, decoded(ids, count));
        }
    }

    private JsonNode tokenizer() throws IOException {
        try (InputStream in =
                Objects.requireNonNull(
                        getClass().getResourceAsStream("/drafters/draft-subword/tokenizer.json"))) {
            return new ObjectMapper().readTree(in);
        }
    }

    private void assertRefused(JsonNode file, String message) throws Exception {
        Files.writeString(folder.resolve("tokenizer.json"), file.toString());
        CheckpointException refused =
                assertThrows(
                        CheckpointException.class,
                        () -> SubwordModel.load(new ModelSource.Folder(folder)));
        assertEquals(folder.resolve("tokenizer.json") + ": " + message, refused.getMessage());
    }

    @Test
    void shouldRefuseOtherTokenizers() throws Exception {
        ObjectNode file = (ObjectNode) tokenizer();
        ((ObjectNode) file.get("model")).put("type", "WordPiece");
        assertRefused(file, "expected model.type BPE, found \"WordPiece\"");

        file = (ObjectNode) tokenizer();
        ((ObjectNode) file.get("pre_tokenizer")).put("type", "Whitespace");
        assertRefused(file, "expected pre_tokenizer.type ByteLevel, found \"Whitespace\"");

        file = (ObjectNode) tokenizer();
        ((ObjectNode) file.get("model").get("vocab")).put("!", 1);
        assertRefused(file, "expected each number from 0 to 2047 for one token, found \": 1");

        file = (ObjectNode) tokenizer();
        ((ObjectNode) file.get("model").get("vocab")).remove("!");
        assertRefused(file, "expected each number from 0 to 2046 for one token, found used: 2047");
    }

    @Test
    void shouldReadTheShippedModel() throws Exception {
        SubwordModel model = SubwordModel.load(SOURCE);
        assertEquals(2048, model.encoding().size());
        assertEquals(2048, model.model().vocabulary());
        assertThrows(
                IllegalArgumentException.class, () -> new Forward(model.model(), 1), "no bytes");
    }

    @Test
    void shouldNotTakeASubwordModelForOneOfBytes() {
        CheckpointException refused =
                assertThrows(CheckpointException.class, () -> MambaModel.load(SOURCE));
        assertEquals(
                "drafters/draft-subword/config.json: expected vocab_size 256 (the byte values),"
                        + " found vocab_size 2048: this is not a byte-level model",
                refused.getMessage());
    }
}
