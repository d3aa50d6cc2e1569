package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import javax.xml.parsers.DocumentBuilderFactory;

class EvalCommandTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir private Path folder;
    private FakeTerminal terminal;

    @BeforeEach
    void connect() {
        terminal = new FakeTerminal();
    }

    private int eval(String... args) {
        return terminal.run(EvalCommand::new, args);
    }

    private void writeSet() throws IOException {
        StringBuilder train = new StringBuilder();
        StringBuilder test = new StringBuilder();
        for (int i = 0; i < 500; i++) {
            train.append(sample(0, "request " + i + " took " + i % 9 + " ms"));
            test.append(
                    i % 20 == 19
                            ? sample(1, "disk gone, FATAL error " + i)
                            : sample(0, "request " + (500 + i) + " took " + i % 7 + " ms"));
        }
        Files.writeString(folder.resolve("train.jsonl"), train);
        Files.writeString(folder.resolve("test.jsonl"), test);
    }

    private static String sample(int label, String line) {
        ObjectNode node = JSON.createObjectNode();
        node.put("id", "x").put("label", label).putArray("lines").add(line);
        return node + "\n";
    }

    @Test
    void shouldPrintOneObjectWithTheDefaultAmongItsDetectors() throws Exception {
        writeSet();

        int code = eval(folder.toString(), "--model", "logs-small", "--format", "json");

        assertEquals(0, code, terminal.errors);
        JsonNode figures = JSON.readTree(terminal.text());
        assertEquals(0.05, figures.get("prevalence").asDouble());
        boolean found = false;
        for (JsonNode detector : figures.get("detectors")) {
            double auroc = detector.get("auroc").asDouble();
            double precision = detector.get("average_precision").asDouble();
            assertTrue(auroc >= 0 && auroc <= 1, detector.toString());
            assertTrue(precision > 0 && precision <= 1, detector.toString());
            assertEquals(4, detector.get("recall_at_alerts_per_million").size());
            if (detector.get("name").asText().equals(figures.get("default").asText())) {
                found = true;
                assertEquals(1, auroc, "lines unlike all others");
            }
        }
        assertTrue(found);
    }

    @Test
    void shouldNameDetectorsOfOtherContextsAfterThem() throws Exception {
        writeSet();
        StringBuilder burst = new StringBuilder();
        for (int i = 0; i < 400; i++) {
            burst.append(
                    i >= 300 && i < 380
                            ? sample(1, "disk sdb gone")
                            : sample(0, "request " + (500 + i * 7919 % 100_000) + " took 5 ms"));
        }
        Files.writeString(folder.resolve("test.jsonl"), burst);

        int code =
                eval(
                        folder.toString(),
                        "--model",
                        "logs-nano",
                        "--contexts",
                        "session,key",
                        "--format",
                        "json");

        assertEquals(0, code, terminal.errors);
        Map<String, Double> precision = new HashMap<>();
        for (JsonNode detector : JSON.readTree(terminal.text()).get("detectors")) {
            precision.put(
                    detector.get("name").asText(), detector.get("average_precision").asDouble());
        }
        for (String name : List.of("mambabyte", "mambabyte-words", "mambabyte-bits")) {
            // Sessions of one line have nothing before them.
            assertEquals(precision.get(name), precision.get(name + "@session"), name);
        }
        // Lines that come again and again are no surprise to a model that has seen them.
        double burstSeen = precision.getOrDefault("mambabyte-bits@key", 1.0);
        double burstEachAnew = precision.getOrDefault("mambabyte-bits", 0.0);
        assertTrue(burstSeen < burstEachAnew, precision.toString());
    }

    @Test
    void shouldAdaptAndKeepTheModel() throws Exception {
        writeSet();
        Path model = folder.resolve("model");

        int code = eval(folder.toString(), "--max-time", "500ms", "--out", model.toString());

        assertEquals(0, code, terminal.errors);
        assertTrue(Files.exists(model.resolve("model.safetensors")));
        assertTrue(terminal.err.toString(StandardCharsets.UTF_8).contains("held out"));
        assertTrue(terminal.text().contains("mambabyte-novelty"), terminal.text());
    }

    @Test
    void shouldRankTheFirstErrorLineOfEachLog() throws Exception {
        StringBuilder log = new StringBuilder();
        for (int i = 0; i < 60; i++) {
            // The lone carriage return ends a line too: error lines are counted that way.
            log.append(
                    i == 40
                            ? "FATAL error: no space left on device sdb1, giving up\n"
                            : "step " + i + " of 60 done\r");
        }
        Files.writeString(folder.resolve("a.log"), log);
        Files.writeString(folder.resolve("error_lines.json"), "{\"a.log\": [40]}");

        int code = eval(folder.toString(), "--format", "json");

        assertEquals(0, code, terminal.errors);
        JsonNode product = JSON.readTree(terminal.text()).get("detectors").get(0);
        assertEquals(1, product.get("first_error_rank").get("a.log").asDouble());
        assertEquals(1, product.get("auroc").asDouble());
    }

    @Test
    void shouldDrawHowScoresRank() throws Exception {
        writeSet();
        Path pictures = folder.resolve("pictures");

        assertEquals(
                0,
                eval(folder.toString(), "--model", "logs-nano", "--pictures", pictures.toString()),
                terminal.errors);

        for (String name : List.of("roc", "precision-recall", "score-over-time")) {
            String svg = Files.readString(pictures.resolve(name + ".svg"));
            var document =
                    DocumentBuilderFactory.newInstance()
                            .newDocumentBuilder()
                            .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
            assertEquals("svg", document.getDocumentElement().getTagName());
            assertFalse(svg.contains("NaN"), name);
            assertTrue(
                    svg.contains(name.equals("score-over-time") ? ">anomalies<" : ">mambabyte<"));
        }
    }

    @Test
    void shouldSayWhatIsWrongWithAFolder() throws Exception {
        assertEquals(1, eval(folder.toString()));
        assertTrue(terminal.errors.contains("neither train.jsonl"), terminal.errors);

        writeSet();
        Files.writeString(
                folder.resolve("train.jsonl"), "{\"id\":1,\"label\":2,\"lines\":[\"a\"]}\n");
        assertEquals(1, eval(folder.toString()));
        assertTrue(terminal.errors.contains("train.jsonl:1: \"label\" must be 0 or 1"));
    }
}
