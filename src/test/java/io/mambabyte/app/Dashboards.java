package io.mambabyte.app;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The dashboards under docker/grafana. */
final class Dashboards {
    static final Path FOLDER = Path.of("docker/grafana/dashboards");

    private Dashboards() {}

    static List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(FOLDER)) {
            return files.filter(file -> file.toString().endsWith(".json")).sorted().toList();
        }
    }

    static JsonNode read(Path file) throws IOException {
        return new ObjectMapper().readTree(file.toFile());
    }

    /** Every PromQL expression, with an interval in place of Grafana's variable. */
    static List<String> expressions(String rateInterval) throws IOException {
        Stream.Builder<String> expressions = Stream.builder();
        for (Path file : files()) {
            for (JsonNode expression : read(file).findValues("expr")) {
                expressions.add(expression.textValue().replace("$__rate_interval", rateInterval));
            }
        }
        return expressions.build().distinct().toList();
    }
}
