package io.mambabyte.app.ui;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The files of the page, read once. They are listed here by name, so that no request can name any
 * other.
 */
final class PageFiles {
    private static final List<String> NAMES =
            List.of(
                    "index.html",
                    "app.css",
                    "app.js",
                    "bytes.js",
                    "complete.js",
                    "embers.js",
                    "feed.js",
                    "incidents.js",
                    "keys.js",
                    "model.js",
                    "spark.js",
                    "stream.js",
                    "icon.svg");

    private static final Map<String, String> TYPES =
            Map.of(
                    "html", "text/html; charset=utf-8",
                    "js", "text/javascript; charset=utf-8",
                    "css", "text/css; charset=utf-8",
                    "svg", "image/svg+xml");

    /** A file and its media type. */
    @SuppressWarnings("ArrayRecordComponent") // only ever written out
    record PageFile(String type, byte[] bytes) {}

    private final Map<String, PageFile> files = new HashMap<>();

    PageFiles() {
        for (String name : NAMES) {
            String type = TYPES.getOrDefault(name.substring(name.lastIndexOf('.') + 1), "");
            files.put("/" + name, new PageFile(type, read(name)));
        }
        files.put("/", files.get("/index.html"));
    }

    /** The file of a path, or null where there is none. */
    @Nullable PageFile at(String path) {
        return files.get(path);
    }

    private static byte[] read(String name) {
        try (InputStream in = PageFiles.class.getResourceAsStream("/ui/" + name)) {
            if (in == null) {
                throw new IllegalStateException("no /ui/" + name + " in the class path");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
