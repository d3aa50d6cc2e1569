package io.mambabyte.app;

import picocli.CommandLine;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Standard streams in memory, and a command run on them. */
final class FakeTerminal {
    final ByteArrayOutputStream out = new ByteArrayOutputStream();
    final ByteArrayOutputStream err = new ByteArrayOutputStream();
    byte[] in = new byte[0];
    boolean inIsTerminal;
    boolean outIsTerminal;
    boolean errIsTerminal;
    int columns;
    Map<String, String> environment = Map.of();

    /** What picocli and Failures wrote. */
    String errors = "";

    private Terminal terminal() {
        return new Terminal(
                new ByteArrayInputStream(in),
                out,
                err,
                inIsTerminal,
                outIsTerminal,
                errIsTerminal,
                columns,
                environment);
    }

    int run(Function<Terminal, Object> command, String... args) {
        StringWriter written = new StringWriter();
        int code =
                new CommandLine(command.apply(terminal()))
                        .setCaseInsensitiveEnumValuesAllowed(true)
                        .setExecutionExceptionHandler(new Failures())
                        .setErr(new PrintWriter(written))
                        .setOut(new PrintWriter(written))
                        .execute(args);
        errors = written.toString();
        return code;
    }

    String text() {
        return out.toString(StandardCharsets.UTF_8);
    }

    List<String> lines() {
        return text().lines().toList();
    }
}
