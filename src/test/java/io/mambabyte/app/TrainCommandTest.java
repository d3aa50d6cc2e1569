package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;

class TrainCommandTest {
    @TempDir private Path folder;
    private FakeTerminal terminal;

    @BeforeEach
    void connect() {
        terminal = new FakeTerminal();
    }

    private int train(String... args) {
        return terminal.run(TrainCommand::new, args);
    }

    private Path data() throws Exception {
        Path logs = Files.createDirectories(folder.resolve("logs"));
        byte[] lines = "INFO one request took 17 ms\n".repeat(400).getBytes(StandardCharsets.UTF_8);
        Files.write(logs.resolve("a.log"), lines);
        Files.write(logs.resolve(".hidden"), new byte[1 << 20]);
        try (OutputStream out =
                new GZIPOutputStream(Files.newOutputStream(logs.resolve("b.log.gz")))) {
            out.write(lines);
        }
        return logs;
    }

    private String[] fromNothing(String... more) throws Exception {
        List<String> args =
                new ArrayList<>(
                        List.of(
                                "--data",
                                data().toString(),
                                "--shape",
                                "16,1,4",
                                "--out",
                                folder.resolve("model").toString(),
                                "--train-bytes",
                                "20000",
                                "--format",
                                "json"));
        args.addAll(List.of(more));
        return args.toArray(String[]::new);
    }

    @Test
    void shouldTellTheResultOnTheLastLine() throws Exception {
        assertEquals(0, train(fromNothing()), terminal.errors);
        JsonNode result = new ObjectMapper().readTree(terminal.lines().getLast());
        assertEquals(20_480, result.get("bytes_seen").intValue());
        assertTrue(result.get("bytes_per_s").intValue() > 0);
        assertTrue(result.get("train_bits_per_byte").doubleValue() < 8.2);
        assertTrue(
                result.get("heldout_bits_per_byte").doubleValue()
                        < result.get("base_heldout_bits_per_byte").doubleValue());
        JsonNode card = new ObjectMapper().readTree(folder.resolve("model/card.json").toFile());
        assertEquals(2, card.get("texts").intValue(), "the hidden file is left out");
        assertEquals(
                2 * 400 * 28,
                card.get("training_bytes").intValue() + card.get("heldout_bytes").intValue());
    }

    @Test
    void shouldTuneTheModelThatItWroteAndGoOnWhereItIsAskedTo() throws Exception {
        assertEquals(0, train(fromNothing()), terminal.errors);
        Path tuned = folder.resolve("tuned");
        String model = folder.resolve("model").toString();
        String logs = folder.resolve("logs").toString();
        String[] args = {
            "--base", model, "--data", logs, "--out", tuned.toString(), "--train-bytes", "8000"
        };
        assertEquals(0, train(args), terminal.errors);
        assertTrue(terminal.lines().getLast().contains("held-out"), terminal.text());
        assertEquals(2, train(args));
        assertTrue(terminal.errors.contains("--resume goes on with it, --overwrite begins anew"));
        args[7] = "16000";
        List<String> resumed = new ArrayList<>(List.of(args));
        resumed.add("--resume");
        assertEquals(0, train(resumed.toArray(String[]::new)), terminal.errors);
    }

    @Test
    void shouldReadStandardInput() throws Exception {
        terminal.in = "a line of a log\n".repeat(1000).getBytes(StandardCharsets.UTF_8);
        String out = folder.resolve("model").toString();
        assertEquals(
                0,
                train("--data", "-", "--shape", "16,1,2", "--out", out, "--train-bytes", "4096"),
                terminal.errors);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "--out model | there is nothing to learn from: give --data FILE, or a --topic",
                "--out model --topic logs | --topic and --bootstrap-server go together",
                "--out model --data x --base a --shape 16,1,2 | begins with a model and --shape"
                        + " without: give one of them",
                "--out model --data x --shape 16,1 | --shape is three whole numbers",
                "--out model --data x --shape 16,0,2 | --shape is three whole numbers",
                "--out model --data x --threads 0 | --threads must be at least 1, not 0",
                "--out model --data x --rate 2 | --rate must be between 0 and 1, not 2.0",
                "--out model --data x --max-time 5 | '5' is not a time: a number and s, m or h",
                "--out model --data x --max-time 0s | a time must be more than nothing",
                "--out model --data x --resume | --resume: model has no run that could go on",
                "--data x | Missing required option: '--out=DIR'"
            })
    void shouldRefuseNonsense(String args, String message) {
        assertEquals(2, train(args.split(" ", -1)));
        assertTrue(terminal.errors.contains(message), terminal.errors);
    }

    @Test
    void shouldSayWhatWouldDoWhereThereIsTooLittleData() throws Exception {
        Path file = Files.write(folder.resolve("short.log"), new byte[100]);
        Path empty = Files.createDirectories(folder.resolve("empty"));
        String out = folder.resolve("model").toString();
        assertEquals(1, train("--data", file.toString(), "--shape", "16,1,2", "--out", out));
        assertTrue(
                terminal.errors.startsWith(
                        "mambabyte: only 11 bytes would be held out, and without them"),
                terminal.errors);
        assertEquals(1, train("--data", empty.toString(), "--shape", "16,1,2", "--out", out));
        assertEquals(
                "mambabyte: there is no data: all of [] is empty",
                terminal.errors.lines().findFirst().orElse(""));
    }
}
