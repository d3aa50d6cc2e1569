package io.mambabyte.app;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;

import picocli.CommandLine.Option;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;

/** How a benchmark tells its result: {@code --format}, and figures one below the other. */
final class BenchReport {
    private enum Format {
        TEXT,
        JSON
    }

    @Option(names = "--format", description = "One of ${COMPLETION-CANDIDATES} (${DEFAULT-VALUE}).")
    private Format format = Format.TEXT;

    boolean json() {
        return format == Format.JSON;
    }

    /**
     * Prints figures in the order of the map: an object, or names without underscores and values.
     *
     * @param out where to
     * @param figures names as they are in JSON
     * @throws JsonProcessingException if a value has no JSON
     */
    void print(PrintWriter out, Map<String, Object> figures) throws JsonProcessingException {
        if (json()) {
            out.println(new ObjectMapper().writeValueAsString(figures));
        } else {
            figures.forEach(
                    (name, value) ->
                            out.println("%-32s %s".formatted(name.replace('_', ' '), text(value))));
        }
        out.flush();
    }

    private static Object text(Object value) {
        return value instanceof Double number ? String.format(Locale.ROOT, "%,.3f", number) : value;
    }
}
