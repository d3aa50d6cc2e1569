package io.mambabyte.model;

import com.fasterxml.jackson.databind.JsonNode;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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

    /** Longer lists and values are cut, so that a card stays readable. */
    private static final int VALUE_CHARACTERS_MAX = 400;

    private final String file;
    private final List<Entry> entries;

    /**
     * One fact.
     *
     * @param name path of field names, joined by dots; empty for a line of a README
     * @param value as text
     */
    public record Entry(String name, String value) {}

    private ModelCard(String file, List<Entry> entries) {
        this.file = file;
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
            flatten("", ConfigFile.object(files, CARD), entries);
            return Optional.of(new ModelCard(CARD, entries));
        }
        if (files.has(README)) {
            files.text(README)
                    .lines()
                    .dropWhile(ModelCard::isFrontMatterOrBlank)
                    .limit(README_LINES_MAX)
                    .forEach(line -> entries.add(new Entry("", cut(line))));
            return Optional.of(new ModelCard(README, entries));
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
     * What it says.
     *
     * @return in the order of the file
     */
    public List<Entry> entries() {
        return entries;
    }

    private static boolean isFrontMatterOrBlank(String line) {
        return line.isBlank() || line.strip().equals("---");
    }

    private static void flatten(String name, JsonNode node, List<Entry> out) {
        if (node.isObject()) {
            for (Map.Entry<String, JsonNode> field : node.properties()) {
                flatten(
                        name.isEmpty() ? field.getKey() : name + "." + field.getKey(),
                        field.getValue(),
                        out);
            }
        } else if (node.isArray() && holdsContainers(node)) {
            for (int i = 0; i < node.size(); i++) {
                flatten(name + "[" + i + "]", node.get(i), out);
            }
        } else {
            out.add(
                    new Entry(
                            CheckpointException.printable(name),
                            cut(node.isTextual() ? node.textValue() : node.toString())));
        }
    }

    private static boolean holdsContainers(JsonNode array) {
        for (JsonNode element : array) {
            if (element.isContainerNode()) {
                return true;
            }
        }
        return false;
    }

    /** One line without control characters: a card is data and must not steer a terminal. */
    private static String cut(String text) {
        String line = text.replaceAll("\\p{Cntrl}+", " ").strip();
        return line.length() <= VALUE_CHARACTERS_MAX
                ? line
                : line.substring(0, VALUE_CHARACTERS_MAX) + "...";
    }
}
