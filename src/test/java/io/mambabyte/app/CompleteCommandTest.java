package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

class CompleteCommandTest {
    private static final String TINY = "src/test/resources/reference/tiny";

    @TempDir private Path folder;
    private FakeTerminal terminal;

    @BeforeEach
    void connect() {
        terminal = new FakeTerminal();
    }

    private int complete(String... args) {
        List<String> all = new ArrayList<>(List.of("--model", TINY));
        all.addAll(List.of(args));
        return terminal.run(CompleteCommand::new, all.toArray(String[]::new));
    }

    private byte[] made(String... args) {
        terminal = new FakeTerminal();
        assertEquals(0, complete(args), () -> terminal.errors);
        return terminal.out.toByteArray();
    }

    @Test
    void shouldWriteTheSameBytesWhateverIsDrafted() {
        for (String temperature : new String[] {"0", "0.7", "1.3"}) {
            byte[] plain =
                    made("--draft", "none", "--temperature", temperature, "--seed", "7", "abcabc");
            byte[] drafted = made("--temperature", temperature, "--seed", "7", "abcabc");
            assertEquals(256, plain.length);
            assertArrayEquals(plain, drafted);
        }
    }

    @Test
    void shouldEndAtStopSequence() {
        byte[] whole = made("--temperature", "1", "--max-bytes", "40", "prompt");
        String stop = "\\x%02x\\x%02x".formatted(whole[17] & 0xff, whole[18] & 0xff);
        byte[] made = made("--temperature", "1", "--max-bytes", "40", "--stop", stop, "prompt");
        assertTrue(made.length <= 19 && made.length >= 2);
        assertEquals(whole[17], made[made.length - 2]);
        assertEquals(whole[18], made[made.length - 1]);
    }

    @Test
    void shouldCompareOverPromptsOfFile() throws Exception {
        Path prompts = Files.writeString(folder.resolve("prompts"), "one\n\ntwo two two\nthree");
        assertEquals(
                0,
                complete(
                        "--compare",
                        "--prompts",
                        prompts.toString(),
                        "--max-bytes",
                        "20",
                        "--temperature",
                        "0.7",
                        "--format",
                        "json"));
        JsonNode result = new ObjectMapper().readTree(terminal.out.toByteArray());
        assertEquals(3, result.get("prompts").intValue());
        assertEquals(3, result.get("identical").intValue());
        assertEquals(60, result.get("bytes").intValue());
        for (String figure :
                new String[] {
                    "ratio_median", "ratio_min", "plain_bytes_per_s", "speculative_bytes_per_s"
                }) {
            assertTrue(result.get(figure).doubleValue() > 0, figure);
        }
        double acceptance = result.get("acceptance").doubleValue();
        assertTrue(acceptance >= 0 && acceptance <= 1);
        assertTrue(result.get("ceiling").get("8").doubleValue() > 0);
    }

    @Test
    void shouldReadPipeToItsEndWhereOutputIsATerminal() {
        terminal.in = "piped".getBytes(StandardCharsets.US_ASCII);
        terminal.outIsTerminal = true;
        assertEquals(0, complete("--max-bytes", "5", "--temperature", "0"));
        byte[] shown = terminal.out.toByteArray();
        terminal = new FakeTerminal();
        terminal.in = "piped".getBytes(StandardCharsets.US_ASCII);
        assertEquals(0, complete("--max-bytes", "5", "--temperature", "0"));
        assertEquals(5, terminal.out.size());
        assertEquals(
                "\u001b[2mpiped\u001b[0m" + CompletionText.printable(terminal.out.toByteArray()),
                new String(shown, StandardCharsets.UTF_8));
    }

    @Test
    void shouldRefuseInteractiveWithoutATerminal() {
        assertEquals(2, complete("-i"));
        assertTrue(terminal.errors.startsWith("--interactive needs a terminal; without one, give"));
        terminal = new FakeTerminal();
        terminal.inIsTerminal = true;
        terminal.outIsTerminal = true;
        assertEquals(2, complete("-i", "--compare"));
        assertTrue(
                terminal.errors.startsWith("--interactive and --compare exclude each other"),
                terminal.errors);
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "history", "model", "subword", "both"})
    void shouldMakeTheSameByEveryWayOfDrafting(String draft) {
        byte[] expected =
                made("--draft", "none", "--temperature", "0.7", "--seed", "3", "one two one two");
        assertArrayEquals(
                expected,
                made("--draft", draft, "--temperature", "0.7", "--seed", "3", "one two one two"));
    }

    @ParameterizedTest
    @CsvSource({"model,logs-nano", "model,draft-subword", "both,draft-subword", "both," + TINY})
    void shouldDraftWithTheModelThatIsNamed(String draft, String name) {
        byte[] expected = made("--draft", "none", "--temperature", "0", "abab");
        assertArrayEquals(
                expected,
                made("--draft", draft, "--draft-model", name, "--temperature", "0", "abab"));
    }

    @Test
    void shouldRefuseDraftModelThatIsNotThere() {
        assertEquals(1, complete("--draft-model", "nowhere", "prompt"));
        assertTrue(terminal.errors.contains("nowhere: expected a model folder"), terminal.errors);
        terminal = new FakeTerminal();
        assertEquals(1, complete("--draft", "subword", "--draft-model", TINY, "prompt"));
        assertTrue(terminal.errors.contains("tokenizer.json: missing"), terminal.errors);
    }

    @Test
    void shouldUnderstandEscapesOfPrompts() throws Exception {
        Path prompts = Files.writeString(folder.resolve("prompts"), "a\\nb\\x41\n");
        String[] args = {
            "--compare", "--prompts", prompts.toString(), "--max-bytes", "5", "--format", "json"
        };
        List<String> escaped = new ArrayList<>(List.of(args));
        escaped.add("--escapes");
        assertEquals(0, complete(escaped.toArray(String[]::new)));
        assertEquals(
                1,
                new ObjectMapper()
                        .readTree(terminal.out.toByteArray())
                        .get("identical")
                        .intValue());
        Files.writeString(prompts, "a\\q\n");
        terminal = new FakeTerminal();
        assertEquals(1, complete(escaped.toArray(String[]::new)));
        assertTrue(terminal.errors.contains("a backslash is followed by n"), terminal.errors);
    }

    @Test
    void shouldSayThatTopBetaIsLossyAndHowMuch() throws Exception {
        Path prompts = Files.writeString(folder.resolve("prompts"), "one two\nthree four\n");
        assertEquals(
                0,
                complete(
                        "--compare",
                        "--prompts",
                        prompts.toString(),
                        "--max-bytes",
                        "60",
                        "--temperature",
                        "0",
                        "--accept",
                        "top-beta=256",
                        "--draft-subwords",
                        "2",
                        "--format",
                        "json"));
        JsonNode result = new ObjectMapper().readTree(terminal.out.toByteArray());
        assertTrue(result.get("lossy").booleanValue());
        assertEquals("top-beta=256", result.get("accept").textValue());
        assertEquals("subword", result.get("draft").textValue());
        assertEquals(0, result.get("identical").intValue());
        assertTrue(result.get("log_odds_bits_per_byte").doubleValue() < 0);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--temperature|-1|temperature must be 0 or from 0.000001 to 100, not -1.0",
                "--max-bytes|0|--max-bytes must be at least 1, not 0",
                "--stop|a\\q|--stop: a backslash is followed by n, r, t, x and two digits, or another backslash: a\\q",
                "--stop|''|--stop: a stop sequence must not be empty",
                "--prompts|file|--prompts needs --compare",
                "--accept|top-beta=0|--accept: top-beta must be from 1 to 256, not 0",
                "--accept|most|--accept must be exact or top-beta=N, not most",
                "--accept|top-beta=x|--accept must be exact or top-beta=N, not top-beta=x",
                "--draft-subwords|2|--draft-subwords needs --accept top-beta"
            })
    void shouldRefuseInvalidOptions(String option, String value, String message) {
        assertEquals(2, complete(option, value, "prompt"));
        assertEquals(message, terminal.errors.lines().findFirst().orElse(""));
    }

    @Test
    void shouldRefuseTopBetaWithOtherDrafters() {
        assertEquals(2, complete("--accept", "top-beta=3", "--draft", "history", "prompt"));
        assertTrue(terminal.errors.startsWith("--accept top-beta needs --draft subword"));
        terminal = new FakeTerminal();
        assertEquals(2, complete("--accept", "top-beta=3", "--draft-subwords", "0", "prompt"));
        assertTrue(terminal.errors.startsWith("--draft-subwords must be at least 1, not 0"));
    }
}
