package io.mambabyte.app.eval;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.mambabyte.train.UnusableDataException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A log of which it is known what its error lines are.
 *
 * @param name its file
 * @param lines each as a sample of its own
 */
record ErrorLog(String name, List<Sample> lines) {
    static final String INDEX = "error_lines.json";

    /**
     * Reads the logs that {@code error_lines.json} names: an object with a list of line numbers,
     * counted from 0, for each file.
     *
     * @param folder where they are
     */
    static List<ErrorLog> read(Path folder) throws IOException, UnusableDataException {
        Path index = folder.resolve(INDEX);
        JsonNode root;
        try {
            root = new ObjectMapper().readTree(Files.readAllBytes(index));
        } catch (JsonProcessingException e) {
            throw new UnusableDataException(index + ": not JSON: " + e.getOriginalMessage());
        }
        List<ErrorLog> logs = new ArrayList<>();
        for (Map.Entry<String, JsonNode> entry : root.properties()) {
            Set<Integer> errors = new HashSet<>();
            entry.getValue().forEach(number -> errors.add(number.asInt(-1)));
            List<byte[]> lines = lines(Files.readAllBytes(folder.resolve(entry.getKey())));
            for (int error : errors) {
                if (error < 0 || error >= lines.size()) {
                    throw new UnusableDataException(
                            index
                                    + ": "
                                    + entry.getKey()
                                    + " has "
                                    + lines.size()
                                    + " lines and none with number "
                                    + error);
                }
            }
            if (errors.isEmpty() || errors.size() == lines.size()) {
                throw new UnusableDataException(
                        index + ": " + entry.getKey() + " needs lines of both kinds");
            }
            List<Sample> samples = new ArrayList<>();
            for (int i = 0; i < lines.size(); i++) {
                samples.add(
                        new Sample(
                                entry.getKey() + ":" + i,
                                errors.contains(i),
                                List.of(lines.get(i))));
            }
            logs.add(new ErrorLog(entry.getKey(), List.copyOf(samples)));
        }
        if (logs.isEmpty()) {
            throw new UnusableDataException(index + ": names no log");
        }
        return logs;
    }

    /**
     * Cuts at LF, CR LF and CR alone, as Python's text files do: error lines are counted that way,
     * and progress bars end in a lone CR.
     */
    static List<byte[]> lines(byte[] content) {
        List<byte[]> lines = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < content.length; i++) {
            if (content[i] != '\n' && content[i] != '\r') {
                continue;
            }
            lines.add(Arrays.copyOfRange(content, start, i));
            if (content[i] == '\r' && i + 1 < content.length && content[i + 1] == '\n') {
                i++;
            }
            start = i + 1;
        }
        if (start < content.length) {
            lines.add(Arrays.copyOfRange(content, start, content.length));
        }
        return lines;
    }

    /** Share of the lines that are error lines. */
    double prevalence() {
        return lines.stream().filter(Sample::anomaly).count() / (double) lines.size();
    }
}
