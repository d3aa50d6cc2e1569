package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.mambabyte.model.ReferenceCase;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

class ScoreCommandTest {
    private static final String TINY = "src/test/resources/reference/tiny";

    @TempDir private Path folder;
    private FakeTerminal terminal;

    @BeforeEach
    void connect() {
        terminal = new FakeTerminal();
    }

    private String file(String name, String content) throws IOException {
        return Files.write(folder.resolve(name), content.getBytes(StandardCharsets.ISO_8859_1))
                .toString();
    }

    private int score(String... args) {
        List<String> all = new ArrayList<>(List.of("--model", TINY));
        all.addAll(List.of(args));
        return terminal.run(ScoreCommand::new, all.toArray(String[]::new));
    }

    private List<JsonNode> objects() throws IOException {
        List<JsonNode> objects = new ArrayList<>();
        for (String line : terminal.lines()) {
            objects.add(new ObjectMapper().readTree(line));
        }
        return objects;
    }

    @Test
    void shouldPrintSurprisalOfEveryByteOfFile() throws Exception {
        for (ReferenceCase reference : ReferenceCase.committed()) {
            Path file = Files.write(folder.resolve("input"), reference.input());
            terminal = new FakeTerminal();
            assertEquals(
                    0,
                    terminal.run(
                            ScoreCommand::new,
                            "--model",
                            reference.folder().toString(),
                            "--framing",
                            "none",
                            "--per-byte",
                            "--format",
                            "jsonl",
                            file.toString()));
            assertEquals(1, objects().size());
            JsonNode bits = objects().get(0).get("surprisal_bits");
            double[] wanted = reference.log2Likelihood();
            assertEquals(reference.input().length, bits.size());
            assertTrue(bits.get(0).isNull());
            for (int i = 0; i < wanted.length; i++) {
                assertEquals(
                        -wanted[i],
                        bits.get(i + 1).doubleValue(),
                        2e-4 + 1e-5 * Math.abs(wanted[i]));
            }
            assertEquals("", terminal.err.toString(StandardCharsets.UTF_8));
        }
    }

    @Test
    void shouldPrintObjectForEachLine() throws Exception {
        String file = file("log", "first\nsecond line\r\n\n\u0000\u00ff\u001b[31m\nno newline");
        assertEquals(0, score("--format", "jsonl", file));
        List<JsonNode> lines = objects();
        int[] bytes = {6, 13, 1, 8, 10};
        int[] scored = {5, 13, 1, 8, 10};
        int position = 0;
        assertEquals(bytes.length, lines.size());
        for (int i = 0; i < bytes.length; i++) {
            JsonNode line = lines.get(i);
            assertEquals(i + 1, line.get("line").intValue());
            assertEquals(position, line.get("position").intValue());
            assertEquals(bytes[i], line.get("bytes").intValue());
            assertEquals(scored[i], line.get("scored_bytes").intValue());
            double bits = line.get("bits").doubleValue();
            assertEquals(bits / scored[i], line.get("bits_per_byte").doubleValue());
            assertEquals(
                    bits - line.get("expected_bits").doubleValue(),
                    line.get("excess_bits").doubleValue());
            assertTrue(line.has("z") && line.has("worst_offset") && line.has("worst_bits"));
            assertFalse(line.has("text") || line.has("file") || line.has("surprisal_bits"));
            position += bytes[i];
        }
    }

    @Test
    void shouldGiveLinesThatAddUpToFile() throws Exception {
        String file = file("log", "one\ntwo\r\n\nthree\n");
        score("--format", "jsonl", "--per-byte", file);
        List<JsonNode> apart = new ArrayList<>();
        objects().forEach(line -> line.get("surprisal_bits").forEach(apart::add));
        terminal = new FakeTerminal();
        score("--framing", "none", "--per-byte", file);
        List<JsonNode> whole = new ArrayList<>();
        objects().get(0).get("surprisal_bits").forEach(whole::add);
        assertEquals(whole, apart);
    }

    @Test
    void shouldScoreLinesLongerThanItsBuffer() throws Exception {
        String line = "x".repeat(100) + "y".repeat(40_000);
        String file = file("log", line + "\n" + line + "\nend\n");
        assertEquals(0, score("--format", "jsonl", "--text", file));
        List<JsonNode> lines = objects();
        assertEquals(3, lines.size());
        assertEquals(40_101, lines.get(1).get("bytes").intValue());
        assertEquals(line, lines.get(1).get("text").textValue());
        assertEquals("end", lines.get(2).get("text").textValue());
    }

    @ParameterizedTest
    @CsvSource({"lines,0", "none,1"})
    void shouldScoreEmptyFile(String framing, int objects) throws Exception {
        assertEquals(0, score("--format", "jsonl", "--framing", framing, file("log", "")));
        assertEquals(objects, objects().size());
    }

    @Test
    void shouldReadStandardInput() throws Exception {
        terminal.in = "a\nb\n".getBytes(StandardCharsets.US_ASCII);
        assertEquals(0, score("--format", "jsonl"));
        assertEquals(2, objects().size());
    }

    @Test
    void shouldForgetBetweenLinesInContextOfRecord() throws Exception {
        String file = file("log", "same line\nsame line\n");
        score("--format", "jsonl", "--context", "record", file);
        List<JsonNode> lines = objects();
        assertEquals(lines.get(0).get("bits"), lines.get(1).get("bits"));
        assertEquals(10, lines.get(0).get("scored_bytes").intValue());
    }

    @Test
    void shouldNameFilesWhenThereAreSeveral() throws Exception {
        String one = file("one", "a\n");
        String two = file("two", "a\n");
        score("--format", "jsonl", one, two);
        assertEquals(one, objects().get(0).get("file").textValue());
        assertEquals(two, objects().get(1).get("file").textValue());
        assertEquals(objects().get(0).get("bits"), objects().get(1).get("bits"));
        assertEquals(1, objects().get(1).get("line").intValue());
    }

    @Test
    void shouldKeepHighestScores() throws Exception {
        String file = file("log", "a\nbb\nccc\ndddd\neeeee\n");
        score("--format", "jsonl", file);
        List<Double> z =
                objects().stream().map(line -> line.get("z").doubleValue()).sorted().toList();
        terminal = new FakeTerminal();
        score("--format", "jsonl", "--top", "2", file);
        assertEquals(
                List.of(z.get(4), z.get(3)),
                objects().stream().map(line -> line.get("z").doubleValue()).toList());
        terminal = new FakeTerminal();
        score("--format", "jsonl", "--min-z", String.valueOf(z.get(2)), file);
        assertEquals(3, objects().size());
    }

    @Test
    void shouldPrintTableOnTerminal() throws Exception {
        terminal.outIsTerminal = true;
        terminal.columns = 90;
        terminal.environment = Map.of("NO_COLOR", "1");
        score(file("log", "first\n\u001b[2Jerased\u0007 " + "x".repeat(100) + "\n"));
        assertEquals(
                "    line   bytes      bits  bits/B    excess       z    worst 16 at  text",
                terminal.lines().get(0));
        assertTrue(terminal.lines().get(1).endsWith("  first"));
        String long_ = terminal.lines().get(2);
        assertTrue(long_.contains("  \\x1b[2Jerased\\x07 xx"), long_);
        assertTrue(long_.endsWith("x…"), long_);
        assertEquals(90, long_.length());
    }

    @Test
    void shouldPrintJsonWhenNobodyWatches() throws Exception {
        score(file("log", "a\n"));
        assertEquals(1, objects().size());
    }

    @Test
    void shouldColourBytesBySurprisal() throws Exception {
        terminal.outIsTerminal = true;
        score("--heat", file("log", "first\n"));
        assertEquals(Heat.legend(), terminal.lines().get(0));
        assertTrue(terminal.lines().get(2).contains("\u001b[48;5;220;38;5;16m"));
        assertTrue(terminal.text().endsWith("\u001b[0m\n"));
    }

    @ParameterizedTest
    @CsvSource({
        "auto,true,,true",
        "auto,true,1,false",
        "auto,false,,false",
        "always,false,1,true",
        "never,true,,false"
    })
    void shouldColourWhenAsked(String color, boolean isTerminal, String noColor, boolean colours)
            throws Exception {
        terminal.outIsTerminal = isTerminal;
        terminal.environment = noColor == null ? Map.of() : Map.of("NO_COLOR", noColor);
        score("--heat", "--color", color, file("log", "first\n"));
        assertEquals(colours, terminal.text().contains("\u001b["));
        assertTrue(terminal.text().contains("excess"));
    }

    @Test
    void shouldWriteCsv() throws Exception {
        score("--format", "csv", "--text", "--per-byte", file("log", "a,\"b\"\u001b\n"));
        assertEquals(
                "line,position,bytes,scored_bytes,bits,bits_per_byte,expected_bits,excess_bits,z,"
                        + "worst_offset,worst_bits,text,surprisal_bits",
                terminal.lines().get(0));
        String row = terminal.lines().get(1);
        assertTrue(row.startsWith("1,0,7,6,"), row);
        assertTrue(row.contains(",\"a,\"\"b\"\"\\x1b\",null "), row);
        assertTrue(terminal.text().endsWith("\r\n"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--heat --format csv|--heat colours a table: leave --format out or give table",
                "--per-byte --format table|--per-byte and --text need --format jsonl or csv",
                "--text --heat|--per-byte and --text need --format jsonl or csv",
                "--top 0|--top must be at least 1, not 0",
                "--min-z NaN|--min-z must be a number"
            })
    void shouldRefuseContradictions(String args, String message) {
        assertEquals(2, score(args.split(" ", -1)));
        assertTrue(terminal.errors.startsWith(message + "\n"), terminal.errors);
        assertEquals("", terminal.text());
    }

    @Test
    void shouldSayInOneLineWhyItFailed() throws Exception {
        String missing = folder.resolve("none").toString();
        assertEquals(1, score(missing));
        assertEquals("mambabyte: " + missing + ": no such file\n", terminal.errors);
        assertEquals(1, score(folder.toString()));
        assertEquals("mambabyte: " + folder + ": is a directory\n", terminal.errors);
        assertEquals(1, terminal.run(ScoreCommand::new, "--model", missing, file("a", "a")));
        assertEquals(1, terminal.errors.lines().count());
        assertTrue(
                terminal.errors.startsWith("mambabyte: " + missing + ": expected a model folder"));
    }

    @Test
    void shouldEndQuietlyWhenReaderLeaves() throws Exception {
        String file = file("log", "line\n".repeat(20));
        Terminal broken = failing("Broken pipe");
        assertEquals(0, terminal.run(_ -> new ScoreCommand(broken), "--model", TINY, file));
        assertEquals("", terminal.errors);
    }

    @Test
    void shouldFailWhenOutputCannotBeWritten() throws Exception {
        String file = file("log", "line\n");
        Terminal full = failing("No space left on device");
        assertEquals(1, terminal.run(_ -> new ScoreCommand(full), "--model", TINY, file));
        assertEquals("mambabyte: standard output: No space left on device\n", terminal.errors);
    }

    /** A terminal whose standard output fails at the first byte. */
    private Terminal failing(String message) {
        OutputStream out =
                new OutputStream() {
                    @Override
                    public void write(int value) throws IOException {
                        throw new IOException(message);
                    }
                };
        return new Terminal(System.in, out, terminal.err, false, false, false, 0, Map.of());
    }
}
