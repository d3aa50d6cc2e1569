package io.mambabyte.app;

import io.mambabyte.train.Corpus;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import java.util.zip.GZIPInputStream;

/** Texts from files, folders and standard input, all in memory. */
final class TextSource {
    private static final String STDIN = "-";

    private final InputStream in;
    private long leftBytes;

    /**
     * Bounds what is read.
     *
     * @param in standard input
     * @param maxBytes of all texts together; what is after them is left unread
     */
    TextSource(InputStream in, long maxBytes) {
        this.in = in;
        leftBytes = Math.min(maxBytes, Integer.MAX_VALUE - 64L);
    }

    /** One text a file, folders in the order of their paths. */
    List<Corpus.Text> read(List<String> names) throws IOException {
        List<Corpus.Text> texts = new ArrayList<>();
        for (String name : names) {
            if (name.equals(STDIN)) {
                texts.add(text("standard input", in));
            } else if (Files.isDirectory(Path.of(name))) {
                for (Path file : files(Path.of(name))) {
                    texts.add(file(file));
                }
            } else {
                texts.add(file(Path.of(name)));
            }
        }
        return texts.stream().filter(text -> text.content().length > 0).toList();
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(Files::isRegularFile)
                    .filter(file -> !isHidden(folder.relativize(file)))
                    .sorted()
                    .toList();
        }
    }

    private static boolean isHidden(Path relative) {
        return StreamSupport.stream(relative.spliterator(), false)
                .anyMatch(part -> part.toString().startsWith("."));
    }

    private Corpus.Text file(Path file) throws IOException {
        try (InputStream raw = Files.newInputStream(file)) {
            return text(
                    file.toString(),
                    file.toString().endsWith(".gz") ? new GZIPInputStream(raw, 1 << 16) : raw);
        }
    }

    private Corpus.Text text(String name, InputStream content) throws IOException {
        byte[] bytes = content.readNBytes((int) leftBytes);
        leftBytes -= bytes.length;
        return new Corpus.Text(name, bytes);
    }
}
