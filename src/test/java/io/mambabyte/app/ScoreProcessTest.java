package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What only a process of its own shows: pipes, signals, exit codes. */
@Timeout(120)
class ScoreProcessTest {
    @TempDir private Path folder;

    private Process start(String... args) throws Exception {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--add-modules=jdk.incubator.vector",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty(
                                        "surefire.test.class.path",
                                        System.getProperty("java.class.path")),
                                Main.class.getName(),
                                "score",
                                "--model",
                                "src/test/resources/reference/tiny",
                                "--format",
                                "jsonl"));
        command.addAll(List.of(args));
        return new ProcessBuilder(command).redirectError(folder.resolve("err").toFile()).start();
    }

    private List<String> errors() throws Exception {
        return Files.readAllLines(folder.resolve("err")).stream()
                .filter(line -> !line.contains("incubator modules"))
                .toList();
    }

    private static BufferedReader reader(Process process) {
        return new BufferedReader(
                new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    private Path manyLines() throws Exception {
        return Files.writeString(folder.resolve("log"), "a line of a log\n".repeat(200_000));
    }

    @Test
    void shouldEndQuietlyWhenReaderLeaves() throws Exception {
        Process process = start(manyLines().toString());
        try (BufferedReader out = reader(process)) {
            assertTrue(out.readLine().startsWith("{\"line\":1,"));
        }
        assertEquals(0, process.waitFor());
        assertEquals(List.of(), errors());
    }

    @Test
    void shouldAnswerLinesAsTheyArrive() throws Exception {
        Process process = start();
        try (OutputStream in = process.getOutputStream();
                BufferedReader out = reader(process)) {
            for (int i = 1; i <= 3; i++) {
                in.write("one more\n".getBytes(StandardCharsets.US_ASCII));
                in.flush();
                assertTrue(out.readLine().startsWith("{\"line\":" + i + ","));
            }
        }
        assertEquals(0, process.waitFor());
        assertEquals(List.of(), errors());
    }

    @Test
    void shouldEndWithWholeLineWhenInterrupted() throws Exception {
        Process process = start(manyLines().toString());
        try (BufferedReader out = reader(process)) {
            assertTrue(out.readLine().startsWith("{\"line\":1,"));
            process.toHandle().destroy();
            String last = "}";
            for (String line = out.readLine(); line != null; line = out.readLine()) {
                last = line;
            }
            assertTrue(last.endsWith("}"), last);
        }
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertEquals(List.of(), errors());
    }

    @Test
    void shouldFailInOneLineUnlessDebugging() throws Exception {
        Process process = start("nowhere");
        assertEquals(1, process.waitFor());
        assertEquals(List.of("mambabyte: nowhere: no such file"), errors());
        process = start("nowhere", "--debug");
        assertEquals(1, process.waitFor());
        assertTrue(errors().size() > 2);
        process = start("--no-such-option");
        assertEquals(2, process.waitFor());
    }
}
