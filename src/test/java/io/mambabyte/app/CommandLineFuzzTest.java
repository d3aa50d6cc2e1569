package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.fuzz.Fuzz;

import org.apache.kafka.common.config.ConfigException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Command lines and settings that nobody meant. */
class CommandLineFuzzTest {
    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Arguments are lines of the input. Parsed, not run. */
    @Test
    void shouldTakeOrRefuseArguments() {
        // What picocli says of quotes to standard error is not for this log.
        System.setProperty("picocli.trace", "OFF");
        CommandLine commandLine = Main.commandLine();
        Fuzz.Result result =
                new Fuzz("arguments", Set.of(ParameterException.class), 8 << 20, 20_000)
                        .slower(5)
                        .seeds(
                                List.of(
                                        bytes("run\n--config\nf\n-D\na=b\n--partitions\n3"),
                                        bytes("score\n--top\n20\n--heat\n-"),
                                        bytes("complete\n--max-bytes\n5\n--seed\n1\ntext"),
                                        bytes("train\n--data\nf\n--out\nd\n--max-time\n5m"),
                                        bytes("bench\nstate\n--keys\n5\n--format\njson"),
                                        bytes("help\nrun"),
                                        bytes("--version")))
                        .tokens(
                                bytes("\n--"),
                                bytes("\n-D\n"),
                                bytes("\n"),
                                bytes("="),
                                bytes("@"),
                                bytes("\"'"),
                                bytes("99999999999999999999"),
                                bytes("-1"),
                                bytes("NaN"),
                                bytes("${env:HOME}"),
                                bytes("json"),
                                bytes("--help"))
                        .run(
                                input -> {
                                    String[] arguments =
                                            Arrays.stream(
                                                            new String(
                                                                            input,
                                                                            StandardCharsets.UTF_8)
                                                                    .split("\n"))
                                                    // Files of arguments are none of these bytes.
                                                    .filter(line -> !line.startsWith("@"))
                                                    .toArray(String[]::new);
                                    commandLine.parseArgs(arguments);
                                });
        assertTrue(result.taken() > 0 && result.refused() > 0, result::toString);
    }

    /** A settings file and the environment; as far as a run looks at them without a cluster. */
    @Test
    void shouldTakeOrRefuseSettings(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("settings.properties");
        Fuzz.Result result =
                new Fuzz(
                                "settings",
                                Set.of(ConfigException.class, IOException.class),
                                8 << 20,
                                20_000)
                        .slower(20)
                        .seeds(
                                List.of(
                                        bytes(
                                                """
                                                bootstrap.servers=a:1
                                                schema.registry.url=http://b:2
                                                mambabyte.input.topics=logs
                                                num.stream.threads=2
                                                """),
                                        bytes("processing.guarantee=exactly_once_v2\n")))
                        .tokens(
                                bytes("mambabyte."),
                                bytes("\\u00"),
                                bytes("=\n"),
                                bytes("${"),
                                bytes("consumer."),
                                bytes("mambabyte.checkpoint.bytes=-1\n"),
                                bytes("mambabyte.state.rounding=int8\n"))
                        .run(
                                input -> {
                                    Files.write(file, input);
                                    RunSettings settings = new RunSettings();
                                    settings.addFile(file);
                                    settings.addEnvironment(Map.of("KAFKA_CLIENT_ID", "fuzz"));
                                    settings.addDefaults();
                                    settings.validate();
                                    settings.printable();
                                });
        assertTrue(result.refused() > 0, result::toString);
    }
}
