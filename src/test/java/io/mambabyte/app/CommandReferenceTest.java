package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * {@code docs/cli.md} is what the commands say of themselves. After a change of an option: {@code
 * mvn test -Dtest=CommandReferenceTest -Ddocs=write}.
 */
class CommandReferenceTest {
    private static final Path REFERENCE = Path.of("docs", "cli.md");
    private static final int WIDTH = 100;

    @Test
    void shouldHaveWhatTheCommandsSay() throws IOException {
        StringBuilder text =
                new StringBuilder(
                        """
                        # Commands

                        What `./mambabyte COMMAND --help` prints, of every command. Made of the commands themselves by
                        `mvn test -Dtest=CommandReferenceTest -Ddocs=write`; the same test fails when it is out of date.
                        """);
        append(text, Main.commandLine(), "./mambabyte");
        if ("write".equals(System.getProperty("docs"))) {
            Files.writeString(REFERENCE, text);
        }
        assertEquals(
                Files.readString(REFERENCE),
                text.toString(),
                "run mvn test -Dtest=CommandReferenceTest -Ddocs=write");
    }

    private static void append(StringBuilder text, CommandLine command, String name) {
        command.setUsageHelpWidth(WIDTH);
        text.append("\n## ").append(name).append("\n\n```\n");
        command.getUsageMessage(Ansi.OFF)
                .lines()
                .forEach(line -> text.append(line.stripTrailing()).append('\n'));
        text.append("```\n");
        command.getSubcommands().values().stream()
                .distinct()
                .filter(sub -> !sub.getCommandSpec().usageMessage().hidden())
                .forEach(sub -> append(text, sub, name + " " + sub.getCommandName()));
    }
}
