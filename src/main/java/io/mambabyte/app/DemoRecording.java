package io.mambabyte.app;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import java.io.BufferedReader;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.GZIPInputStream;

/**
 * The log that the demo scores: what the brokers of a real cluster wrote under load and through
 * real faults, and when those faults were. {@code demo/README.md} says how it was recorded.
 *
 * @param lines in the order of the recording
 * @param faults in order of time
 */
record DemoRecording(List<Line> lines, List<Fault> faults) {
    private static final String LOG = "/demo/kafka-cluster.log.gz";
    private static final String FAULTS = "/demo/faults.json";

    // The time that a broker's line begins with: [2026-11-24 06:41:50,038]
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss,SSS");
    private static final int TIME_LENGTH = "2026-11-24 06:41:50,038".length();

    DemoRecording {
        lines = List.copyOf(lines);
        faults = List.copyOf(faults);
    }

    /**
     * One line.
     *
     * @param key the broker that wrote it
     * @param text the line without its end
     * @param timeMs when it was written; a line that does not say so is of the time of the line
     *     before it
     */
    record Line(String key, String text, long timeMs) {
        byte[] bytes() {
            return text.getBytes(StandardCharsets.UTF_8);
        }
    }

    /**
     * What was done to the cluster.
     *
     * @param id name of the fault
     * @param brokers to which brokers
     * @param start when it began
     * @param end when the cluster was healthy again
     * @param what it was, in words
     */
    record Fault(String id, List<String> brokers, Instant start, Instant end, String what) {
        Fault {
            brokers = List.copyOf(brokers);
        }

        boolean contains(long timeMs) {
            return timeMs >= start.toEpochMilli() && timeMs <= end.toEpochMilli();
        }
    }

    /**
     * Reads the recording of this build.
     *
     * @return all of it
     * @throws IOException if it is missing or not readable
     */
    static DemoRecording load() throws IOException {
        return new DemoRecording(readLines(), readFaults());
    }

    /**
     * The first lines.
     *
     * @param count how many at most
     * @return a recording of those
     */
    DemoRecording first(int count) {
        return new DemoRecording(lines.subList(0, Math.min(count, lines.size())), faults);
    }

    /**
     * The fault during which something happened.
     *
     * @param timeMs when it happened
     * @return the fault, or empty between the faults
     */
    Optional<Fault> faultAt(long timeMs) {
        return faults.stream().filter(fault -> fault.contains(timeMs)).findFirst();
    }

    /** The keys, sorted. */
    List<String> keys() {
        return lines.stream().map(Line::key).distinct().sorted().toList();
    }

    private static List<Line> readLines() throws IOException {
        List<Line> lines = new ArrayList<>();
        Map<String, Long> timeByKey = new HashMap<>();
        try (BufferedReader in =
                new BufferedReader(
                        new InputStreamReader(
                                new GZIPInputStream(open(LOG)), StandardCharsets.UTF_8))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                int tab = line.indexOf('\t');
                if (tab < 0) {
                    throw new IOException(
                            LOG + ": line " + (lines.size() + 1) + " has no key: " + line);
                }
                String key = line.substring(0, tab);
                String text = line.substring(tab + 1);
                long timeMs = timeOf(text).orElseGet(() -> timeByKey.getOrDefault(key, 0L));
                timeByKey.put(key, timeMs);
                lines.add(new Line(key, text, timeMs));
            }
        }
        return lines;
    }

    /**
     * When a line was written, as Kafka's logs say it.
     *
     * @param text the line
     * @return milliseconds since 1970, or empty where it does not begin with a time
     */
    static Optional<Long> timeOf(String text) {
        if (text.length() <= TIME_LENGTH || text.charAt(0) != '[') {
            return Optional.empty();
        }
        try {
            return Optional.of(
                    LocalDateTime.parse(text.substring(1, 1 + TIME_LENGTH), TIME)
                            .toInstant(ZoneOffset.UTC)
                            .toEpochMilli());
        } catch (DateTimeParseException e) {
            return Optional.empty(); // a line that only looks as if it began with a time
        }
    }

    private static List<Fault> readFaults() throws IOException {
        List<Fault> faults = new ArrayList<>();
        try (InputStream in = open(FAULTS)) {
            for (JsonNode fault : new ObjectMapper().readTree(in).path("faults")) {
                faults.add(
                        new Fault(
                                fault.path("id").asText(),
                                brokers(fault.path("brokers")),
                                Instant.parse(fault.path("start").asText()),
                                Instant.parse(fault.path("end").asText()),
                                fault.path("what").asText()));
            }
        }
        Collections.sort(faults, (a, b) -> a.start().compareTo(b.start()));
        return faults;
    }

    private static List<String> brokers(JsonNode names) {
        List<String> brokers = new ArrayList<>();
        names.forEach(name -> brokers.add(name.asText()));
        return brokers;
    }

    private static InputStream open(String resource) throws IOException {
        InputStream in = DemoRecording.class.getResourceAsStream(resource);
        if (in == null) {
            throw new FileNotFoundException("this build has no recorded log: " + resource);
        }
        return in;
    }
}
