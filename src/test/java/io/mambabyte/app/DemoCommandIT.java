package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@code mambabyte demo} as a process of its own. */
class DemoCommandIT {
    @TempDir private Path folder;

    @Test
    void shouldShowSurprisingLinesAndLeaveNothingBehind() throws Exception {
        Path said = folder.resolve("said.txt");
        Path temporary = Files.createDirectory(folder.resolve("tmp"));
        Process process =
                new ProcessBuilder(
                                List.of(
                                        Path.of(System.getProperty("java.home"), "bin", "java")
                                                .toString(),
                                        "--add-modules=jdk.incubator.vector",
                                        "-Djava.io.tmpdir=" + temporary,
                                        "-cp",
                                        System.getProperty("java.class.path"),
                                        Main.class.getName(),
                                        "demo",
                                        "--lines",
                                        "200",
                                        "--top",
                                        "3",
                                        "--color",
                                        "always"))
                        .redirectErrorStream(true)
                        .redirectOutput(said.toFile())
                        .start();
        assertTrue(process.waitFor(120, TimeUnit.SECONDS), "ends by itself");
        String text = Files.readString(said);
        assertEquals(0, process.exitValue(), text);
        assertTrue(text.contains("The most surprising of 200 lines"), text);
        assertTrue(text.contains("\u001b["), text);
        assertTrue(text.contains("bytes, topic to topic, in "), text);
        try (var left = Files.list(temporary)) {
            List<String> names = left.map(path -> path.getFileName().toString()).toList();
            assertFalse(
                    names.stream().anyMatch(name -> name.startsWith("mambabyte")), names::toString);
        }
    }
}
