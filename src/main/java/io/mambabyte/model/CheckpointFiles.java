package io.mambabyte.model;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The files of one model, wherever they are. */
interface CheckpointFiles {
    /** Far above any real config.json or index, far below what would hurt. */
    int TEXT_BYTES_MAX = 16 << 20;

    /** What messages call a file. */
    String path(String name);

    boolean has(String name);

    /** All bytes of a file that is there, alive as long as the arena. */
    MemorySegment open(String name, Arena arena) throws IOException;

    static CheckpointFiles of(ModelSource source) throws CheckpointException {
        return switch (source) {
            case ModelSource.Folder(Path path) -> folder(path);
            case ModelSource.Shipped(String name) -> shipped(name);
            case ModelSource.ShippedDrafter(String name) -> resources("drafters/" + name);
        };
    }

    private static CheckpointFiles folder(Path folder) throws CheckpointException {
        if (!Files.isDirectory(folder)) {
            throw new CheckpointException(
                    folder
                            + ": expected a model folder or the name of a shipped model "
                            + ModelSource.shipped()
                            + ", found "
                            + (Files.exists(folder) ? "a file" : "nothing there"));
        }
        return new CheckpointFiles() {
            @Override
            public String path(String name) {
                return folder.resolve(name).toString();
            }

            @Override
            public boolean has(String name) {
                return Files.isRegularFile(folder.resolve(name));
            }

            @Override
            public MemorySegment open(String name, Arena arena) throws IOException {
                try (FileChannel channel =
                        FileChannel.open(folder.resolve(name), StandardOpenOption.READ)) {
                    long size = channel.size();
                    return size == 0
                            ? MemorySegment.NULL
                            : channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
                }
            }
        };
    }

    private static CheckpointFiles shipped(String model) throws CheckpointException {
        if (!ModelSource.shipped().contains(model)) {
            throw new CheckpointException(
                    "model "
                            + CheckpointException.printable(model)
                            + ": expected one of the shipped models "
                            + ModelSource.shipped());
        }
        return resources("models/" + model);
    }

    /** On the class path. */
    private static CheckpointFiles resources(String folder) {
        return new CheckpointFiles() {
            @Override
            public String path(String name) {
                return folder + "/" + name;
            }

            @Override
            public boolean has(String name) {
                return CheckpointFiles.class.getResource("/" + path(name)) != null;
            }

            @Override
            public MemorySegment open(String name, Arena arena) throws IOException {
                try (@Nullable InputStream in =
                        CheckpointFiles.class.getResourceAsStream("/" + path(name))) {
                    if (in == null) {
                        throw new IOException("not on the class path");
                    }
                    return MemorySegment.ofArray(in.readAllBytes());
                }
            }
        };
    }

    /** A file that must be there. */
    default MemorySegment require(String name, Arena arena) throws CheckpointException {
        if (!has(name)) {
            throw new CheckpointException(path(name) + ": missing");
        }
        try {
            return open(name, arena);
        } catch (IOException e) {
            throw new CheckpointException(path(name) + ": cannot be read: " + e.getMessage(), e);
        }
    }

    /** A text file that must be there. */
    default String text(String name) throws CheckpointException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment content = require(name, arena);
            if (content.byteSize() > TEXT_BYTES_MAX) {
                throw CheckpointException.file(
                        path(name),
                        "at most " + TEXT_BYTES_MAX + " bytes",
                        content.byteSize() + " bytes");
            }
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(content.toArray(ValueLayout.JAVA_BYTE)))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new CheckpointException(path(name) + ": is not UTF-8", e);
        }
    }
}
