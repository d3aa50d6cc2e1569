package io.mambabyte.app;

import io.mambabyte.app.DemoRecording.Line;
import io.mambabyte.avro.Likelihood;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The most surprising lines, one of each kind: lines that differ in numbers and identifiers only
 * are of one kind, and the most surprising of them stands for all.
 */
final class SurprisingLines {

    // A word with a digit in it: a number, an address, an identifier.
    private static final Pattern VARIABLE = Pattern.compile("[\\w-]*\\d[\\w-]*");

    /**
     * The most surprising line of a kind.
     *
     * @param line the line
     * @param likelihood what the model thought of it
     * @param alike lines of its kind, itself included
     */
    record Kind(Line line, Likelihood likelihood, int alike) {}

    private final Map<String, Kind> kinds = new HashMap<>();

    /**
     * Takes one line.
     *
     * @param line the line
     * @param likelihood what the model thought of it
     */
    void add(Line line, Likelihood likelihood) {
        kinds.merge(
                VARIABLE.matcher(line.text()).replaceAll("#"),
                new Kind(line, likelihood, 1),
                (known, one) ->
                        score(one.likelihood()) > score(known.likelihood())
                                ? new Kind(one.line(), one.likelihood(), known.alike() + 1)
                                : new Kind(known.line(), known.likelihood(), known.alike() + 1));
    }

    /**
     * The most surprising kinds.
     *
     * @param count how many
     * @return the most surprising first
     */
    List<Kind> top(int count) {
        return kinds.values().stream()
                .sorted(
                        Comparator.comparingDouble((Kind kind) -> score(kind.likelihood()))
                                .reversed())
                .limit(count)
                .toList();
    }

    /** How many kinds of lines there were. */
    int kinds() {
        return kinds.size();
    }

    /**
     * What lines are ranked by.
     *
     * @param likelihood of a line
     * @return the larger, the more surprising
     */
    static double score(Likelihood likelihood) {
        return likelihood.getExcessBits();
    }
}
