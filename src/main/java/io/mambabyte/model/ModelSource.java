package io.mambabyte.model;

import org.jspecify.annotations.Nullable;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** Where the files of a model are: a folder, or the models that this library ships. */
public sealed interface ModelSource {
    /** The shipped model that is used when none is named. */
    String DEFAULT = "logs-small";

    /**
     * A folder of the file system, whose weights are memory mapped.
     *
     * @param path the folder
     */
    record Folder(Path path) implements ModelSource {
        @Override
        public String toString() {
            return path.toString();
        }
    }

    /**
     * A model on the class path under {@code models/NAME/}. A jar cannot be mapped, so the weights
     * are read through the heap.
     *
     * @param name one of {@link #shipped()}
     */
    record Shipped(String name) implements ModelSource {
        @Override
        public String toString() {
            return name;
        }
    }

    /**
     * A subword model on the class path under {@code drafters/NAME/}.
     *
     * @param name {@link SubwordModel#DEFAULT}: there is one
     */
    record ShippedDrafter(String name) implements ModelSource {
        /**
         * Checks the name.
         *
         * @throws IllegalArgumentException if there is none of that name
         */
        public ShippedDrafter {
            if (!name.equals(SubwordModel.DEFAULT)) {
                throw new IllegalArgumentException("no subword model is called " + name);
            }
        }

        @Override
        public String toString() {
            return name;
        }
    }

    /**
     * What a user means by a model that drafts: as {@link #of}, or the shipped subword model.
     *
     * @param folderOrName as typed
     * @return the source
     */
    static ModelSource ofDrafter(String folderOrName) {
        return folderOrName.equals(SubwordModel.DEFAULT)
                ? new ShippedDrafter(folderOrName)
                : of(folderOrName);
    }

    /**
     * What a user means by {@code --model}: the name of a shipped model, else a folder. A folder
     * that has the name of a shipped model is written {@code ./NAME}.
     *
     * @param folderOrName as typed
     * @return the source; whether a folder exists is found out when it is read
     */
    static ModelSource of(String folderOrName) {
        return shipped().contains(folderOrName)
                ? new Shipped(folderOrName)
                : new Folder(Path.of(folderOrName));
    }

    /**
     * The models on the class path, as {@code models/index.txt} lists them.
     *
     * @return their names, in the order of the list
     */
    static List<String> shipped() {
        @Nullable InputStream index = ModelSource.class.getResourceAsStream("/models/index.txt");
        if (index == null) {
            return List.of();
        }
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(index, StandardCharsets.UTF_8))) {
            return lines.lines()
                    .map(String::strip)
                    .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException("models/index.txt on the class path", e);
        }
    }
}
