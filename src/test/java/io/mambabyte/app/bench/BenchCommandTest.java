package io.mambabyte.app.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import picocli.CommandLine;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;

class BenchCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        return new CommandLine(new BenchCommand())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute(args);
    }

    @ParameterizedTest
    @ValueSource(strings = {"score", "step"})
    void shouldPrintOneObjectThatAddsUp(String bench) throws Exception {
        assertEquals(
                0,
                run(
                        bench,
                        "--shape",
                        "16,1,4",
                        "--rounds",
                        "2",
                        "--warm-up",
                        "1",
                        "--threads",
                        "2",
                        "--format",
                        "json"),
                err::toString);
        JsonNode node = new ObjectMapper().readTree(out.toString());
        assertEquals(2, node.get("threads").asInt());
        assertEquals(bench.equals("step") ? 1 : 128, node.get("record_bytes").asInt());
        // 2 * 32 * 16 + (1 + 8) * 32 + 32 + 32 * 16 a block, 256 * 16 the head.
        assertEquals(1024 + 288 + 32 + 512 + 4096, node.get("projection_weights").asInt());
        assertTrue(node.get("bytes_per_s").asDouble() > 0);
        assertTrue(node.get("fma_peak_gflops").asDouble() > 0);
        double fraction = node.get("fraction_of_peak").asDouble();
        // Not less than 1: after one round of warm-up the peak's own loop may not be compiled.
        assertTrue(fraction > 0, () -> "fraction of peak " + fraction);
    }

    @Test
    void shouldMeasureTraining() throws Exception {
        String[] args = {"train", "--shape", "16,1,4", "--rounds", "1", "--threads", "2"};
        assertEquals(0, run(args), err::toString);
        assertTrue(out.toString().contains("of the peak"), out::toString);
        out.getBuffer().setLength(0);
        args = Arrays.copyOf(args, 9);
        args[7] = "--format";
        args[8] = "json";
        assertEquals(0, run(args), err::toString);
        JsonNode node = new ObjectMapper().readTree(out.toString());
        double operations = 6e-9 * 5952 * node.get("bytes_per_s").asDouble();
        assertEquals(operations, node.get("gflops").asDouble(), 1e-9 * operations);
    }

    @Test
    void shouldPrintATable() {
        assertEquals(
                0,
                run("score", "--shape", "16,1,4", "--rounds", "1", "--warm-up", "1"),
                err::toString);
        assertTrue(out.toString().contains("16,1,4: d_model, blocks, states"), out::toString);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            textBlock =
                    """
                    score --shape 1,2      | '1,2' is not of the form D,LAYERS,STATE, such as 256,8,16
                    score --shape 0,1,1    | '0,1,1': no number may be 0
                    score --shape 99999,99,1 | projection weights, at most 2147483648 are measured
                    score --threads 0      | --threads is 0: expected 1 to 1024
                    score --record-bytes 0 | --record-bytes is 0: expected 1 to 16384
                    step --rounds -1       | --rounds is -1: expected 1 to 100000
                    """)
    void shouldRejectWrongUsage(String arguments, String message) {
        assertEquals(2, run(arguments.split(" ")));
        assertTrue(err.toString().contains(message), err::toString);
    }

    @Test
    void shouldTakeQuantiles() {
        assertEquals(2.5, Quantiles.quantile(new double[] {4, 1, 3, 2}, 0.5));
        assertEquals(1, Quantiles.quantile(new double[] {1}, 0.75));
    }
}
