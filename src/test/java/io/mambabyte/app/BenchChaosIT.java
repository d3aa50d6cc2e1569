package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.PrintWriter;
import java.io.StringWriter;

/**
 * The short chaos run. Its processes need a machine that gives them time, so it is not a part of
 * every build: {@code mvn verify -Dexcluded.its= -Dit.test=BenchChaosIT}.
 */
@Tag("soak")
class BenchChaosIT {
    @Test
    void shouldGiveEveryRecordItsLikelihoodOnce() throws Exception {
        StringWriter out = new StringWriter();
        int code =
                Main.commandLine()
                        .setOut(new PrintWriter(out))
                        .execute(
                                "bench",
                                "chaos",
                                "--minutes",
                                "2",
                                "--seed",
                                "11",
                                "--keys",
                                "100",
                                "--rate",
                                "100",
                                "--format",
                                "json");
        assertEquals(0, code, out::toString);
        JsonNode result = new ObjectMapper().readTree(out.toString());
        assertTrue(result.path("records").asLong() > 1_000, out::toString);
        assertTrue(result.path("faults").asLong() > 5, out::toString);
        for (String wrong : new String[] {"missing", "duplicated", "mismatched"}) {
            assertEquals(0, result.path(wrong).asLong(-1), out::toString);
        }
    }
}
