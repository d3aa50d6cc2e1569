package io.mambabyte.app.eval;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.mambabyte.train.UnusableDataException;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Samples with labels: normal ones to learn from, in order of time, and later ones of both kinds.
 *
 * @param fit normal, the earlier part: what models and counts learn from
 * @param calibration normal, the later part: what thresholds are taken from
 * @param test of both kinds
 */
record LabelledSet(List<Sample> fit, List<Sample> calibration, List<Sample> test) {
    /** Share of the normal samples that is learnt from; the rest calibrates. */
    private static final double FIT_SHARE = 0.8;

    private static final ObjectMapper JSON = new ObjectMapper();

    /** Fewer normal samples than this leave nothing to calibrate with. */
    private static final int NORMAL_MIN = 10;

    /**
     * Reads {@code train.jsonl} and {@code test.jsonl}.
     *
     * @param folder where they are
     * @throws UnusableDataException if a line is not a sample, or there is too little
     */
    static LabelledSet read(Path folder) throws IOException, UnusableDataException {
        Path trainFile = folder.resolve("train.jsonl");
        Path testFile = folder.resolve("test.jsonl");
        List<Sample> train = samples(trainFile);
        List<Sample> test = samples(testFile);
        long anomalies = train.stream().filter(Sample::anomaly).count();
        if (anomalies > 0) {
            throw new UnusableDataException(
                    trainFile + ": " + anomalies + " samples have label 1; it must be normal only");
        }
        if (train.size() < NORMAL_MIN) {
            throw new UnusableDataException(
                    trainFile
                            + ": "
                            + train.size()
                            + " samples, at least "
                            + NORMAL_MIN
                            + " are needed");
        }
        long positive = test.stream().filter(Sample::anomaly).count();
        if (positive == 0 || positive == test.size()) {
            throw new UnusableDataException(
                    testFile
                            + ": needs samples of both labels, has "
                            + positive
                            + " of "
                            + test.size()
                            + " with label 1");
        }
        int border = (int) (train.size() * FIT_SHARE);
        return new LabelledSet(
                List.copyOf(train.subList(0, border)),
                List.copyOf(train.subList(border, train.size())),
                test);
    }

    private static List<Sample> samples(Path file) throws IOException, UnusableDataException {
        List<Sample> samples = new ArrayList<>();
        try (BufferedReader lines = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            int number = 0;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                number++;
                if (!line.isBlank()) {
                    samples.add(sample(line, file + ":" + number));
                }
            }
        }
        return samples;
    }

    private static Sample sample(String json, String where) throws UnusableDataException {
        JsonNode node;
        try {
            node = JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new UnusableDataException(where + ": not JSON: " + e.getOriginalMessage());
        }
        JsonNode label = node.path("label");
        JsonNode lines = node.path("lines");
        if (!label.isIntegralNumber() || label.intValue() < 0 || label.intValue() > 1) {
            throw new UnusableDataException(where + ": \"label\" must be 0 or 1, is " + label);
        }
        if (!lines.isArray() || lines.isEmpty()) {
            throw new UnusableDataException(
                    where + ": \"lines\" must be a list of at least one line");
        }
        List<byte[]> bytes = new ArrayList<>();
        for (JsonNode line : lines) {
            if (!line.isTextual()) {
                throw new UnusableDataException(where + ": a line must be text, is " + line);
            }
            bytes.add(line.textValue().getBytes(StandardCharsets.UTF_8));
        }
        return new Sample(node.path("id").asText(""), label.intValue() == 1, List.copyOf(bytes));
    }

    double prevalence() {
        return test.stream().filter(Sample::anomaly).count() / (double) test.size();
    }
}
