package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.PrintWriter;
import java.io.StringWriter;

/**
 * The short chaos run: real processes, every kind of fault once. It ends when that is done and all
 * likelihoods are there, so that a slow machine makes it longer, not wrong. With {@code --guarantee
 * at_least_once} the same run finds duplicates.
 */
class BenchChaosIT {
    @Test
    @Timeout(900)
    void shouldGiveEveryRecordItsLikelihoodOnce() throws Exception {
        StringWriter out = new StringWriter();
        int code =
                Main.commandLine()
                        .setOut(new PrintWriter(out))
                        .execute(
                                "bench",
                                "chaos",
                                "--minutes",
                                "5",
                                "--rounds",
                                "1",
                                "--seed",
                                "1",
                                "--instances",
                                "2",
                                "--partitions",
                                "4",
                                "--keys",
                                "50",
                                "--rate",
                                "50",
                                "--disk-mb",
                                "256",
                                "--format",
                                "json");
        assertEquals(0, code, out::toString);
        JsonNode result = new ObjectMapper().readTree(out.toString());
        assertTrue(result.path("records").asLong() > 500, out::toString);
        assertTrue(result.path("rounds").asInt() == 1, out::toString);
        for (String wrong : new String[] {"missing", "duplicated", "mismatched"}) {
            assertEquals(0, result.path(wrong).asLong(-1), out::toString);
        }
    }
}
