package io.mambabyte.model;

import com.fasterxml.jackson.databind.JsonNode;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What is said about a model beside its weights: card.json as the trainers here write it (data,
 * licences, steps, held-out bits per byte), else the head of a README.md. Nothing in it is required
 * and nothing in it is believed: it is shown.
 */
public final class ModelCard {
    private static final String CARD = "card.json";
    private static final String README = "README.md";

    /** Lines of a README that stand for a card. */
    private static final int README_LINES_MAX = 20;

    /** A longer object is shown field by field. */
    private static final int LINE_CHARACTERS_MAX = 300;

    private static final int FRACTION_DIGITS = 5;
    private static final Pattern CHECKSUM = Pattern.compile("[0-9a-f]{40,128}");
    private static final int CHECKSUM_DIGITS = 12;

    /** Longer lists and values are cut, so that a card stays readable. */
    private static final int VALUE_CHARACTERS_MAX = 400;

    private final String file;
    private final String text;
    private final List<Entry> entries;

    /**
     * One fact.
     *
     * @param name path of field names, joined by dots; empty for a line of a README
     * @param value as text
     */
    public record Entry(String name, String value) {}

    private ModelCard(String file, String text, List<Entry> entries) {
        this.file = file;
        this.text = text;
        this.entries = List.copyOf(entries);
    }

    /**
     * Reads the card of a model.
     *
     * @param source where the files are
     * @return the card, empty where the model has neither file
     * @throws CheckpointException if there is no such folder, or its card is not JSON or not UTF-8
     */
    public static Optional<ModelCard> read(ModelSource source) throws CheckpointException {
        CheckpointFiles files = CheckpointFiles.of(source);
        List<Entry> entries = new ArrayList<>();
        if (files.has(CARD)) {
            JsonNode card = ConfigFile.object(files, CARD);
            flatten("", card, entries);
            return Optional.of(new ModelCard(CARD, card.toString(), entries));
        }
        if (files.has(README)) {
            String text = files.text(README);
            text.lines()
                    .dropWhile(ModelCard::isFrontMatterOrBlank)
                    .limit(README_LINES_MAX)
                    .forEach(line -> entries.add(new Entry("", cut(line))));
            return Optional.of(new ModelCard(README, text, entries));
        }
        return Optional.empty();
    }

    /**
     * The file it was read from.
     *
     * @return its name
     */
    public String file() {
        return file;
    }

    /**
     * All of it.
     *
     * @return JSON where the file is card.json, Markdown where it is README.md
     */
    public String text() {
        return text;
    }

    /**
     * Whether {@link #text()} is a JSON object.
     *
     * @return false where it is Markdown
     */
    public boolean isJson() {
        return file.equals(CARD);
    }

    /**
     * What it says, in lines for a person.
     *
     * @return in the order of the file
     */
    public List<Entry> entries() {
        return entries;
    }

    private static boolean isFrontMatterOrBlank(String line) {
        return line.isBlank() || line.strip().equals("---");
    }

    /** One entry for each value, and for each object or array that holds nothing but values. */
    private static void flatten(String name, JsonNode node, List<Entry> out) {
        String line = line(node);
        boolean fits = line.length() <= LINE_CHARACTERS_MAX || !node.isObject();
        if (node.isValueNode() || (!name.isEmpty() && holdsValuesOnly(node) && fits)) {
            out.add(new Entry(CheckpointException.printable(name), cut(line)));
        } else if (node.isObject()) {
            for (Map.Entry<String, JsonNode> field : node.properties()) {
                flatten(
                        name.isEmpty() ? field.getKey() : name + "." + field.getKey(),
                        field.getValue(),
                        out);
            }
        } else {
            for (int i = 0; i < node.size(); i++) {
                flatten(name + "[" + i + "]", node.get(i), out);
            }
        }
    }

    private static boolean holdsValuesOnly(JsonNode container) {
        for (JsonNode element : container) {
            if (element.isContainerNode()) {
                return false;
            }
        }
        return true;
    }

    private static String line(JsonNode node) {
        if (node.isValueNode()) {
            return value(node);
        }
        List<String> parts = new ArrayList<>();
        if (node.isObject()) {
            for (Map.Entry<String, JsonNode> field : node.properties()) {
                parts.add(field.getKey() + " " + value(field.getValue()));
            }
        } else {
            node.forEach(element -> parts.add(value(element)));
        }
        return String.join(", ", parts);
    }

    /** Fractions and checksums to as many digits as a person compares. */
    private static String value(JsonNode value) {
        if (value.isDouble()) {
            return new BigDecimal(value.asText())
                    .round(new MathContext(FRACTION_DIGITS))
                    .toString();
        }
        String text = value.asText();
        return CHECKSUM.matcher(text).matches() ? text.substring(0, CHECKSUM_DIGITS) + "..." : text;
    }

    /** One line without control characters: a card is data and must not steer a terminal. */
    private static String cut(String text) {
        String line = text.replaceAll("\\p{Cntrl}+", " ").strip();
        return line.length() <= VALUE_CHARACTERS_MAX
                ? line
                : line.substring(0, VALUE_CHARACTERS_MAX) + "...";
    }
}
