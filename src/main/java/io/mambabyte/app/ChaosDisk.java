package io.mambabyte.app;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * A file system of its own for the data of one broker, small enough to be filled: tmpfs, which
 * keeps its files when the processes that wrote them are killed, and whose mounting needs root.
 */
final class ChaosDisk implements AutoCloseable {
    private static final String BALLAST = "ballast";
    private static final int MOUNT_TIMEOUT_S = 10;

    private final Path folder;

    private ChaosDisk(Path folder) {
        this.folder = folder;
    }

    /**
     * Mounts a file system.
     *
     * @param folder where; made if it is not there
     * @param megabytes its size
     * @return the file system, to be closed
     * @throws IOException if it cannot be mounted, with what {@code mount} says
     */
    static ChaosDisk mount(Path folder, int megabytes) throws IOException, InterruptedException {
        Files.createDirectories(folder);
        String problem =
                problem(
                        "mount",
                        "-t",
                        "tmpfs",
                        "-o",
                        String.format(Locale.ROOT, "size=%dm,mode=0700", megabytes),
                        "tmpfs",
                        folder.toString());
        if (problem != null) {
            throw new IOException(problem);
        }
        return new ChaosDisk(folder);
    }

    private static @Nullable String problem(String... command)
            throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String said =
                new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        if (!process.waitFor(MOUNT_TIMEOUT_S, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            return command[0] + " did not end within " + MOUNT_TIMEOUT_S + " s";
        }
        return process.exitValue() == 0 ? null : said;
    }

    /** Writes until nothing more can be written. */
    void fill() throws IOException {
        try (OutputStream ballast = Files.newOutputStream(folder.resolve(BALLAST))) {
            // Large pieces for speed, then small ones for the rest.
            for (int bytes : new int[] {1 << 20, 1 << 12}) {
                writeUntilFull(ballast, new byte[bytes]);
            }
        }
    }

    private static void writeUntilFull(OutputStream to, byte[] piece) {
        try {
            while (true) {
                to.write(piece);
            }
        } catch (IOException _) {
            // "No space left on device" is what this is for.
        }
    }

    /** Gives the room back that {@link #fill} took. */
    void free() throws IOException {
        Files.deleteIfExists(folder.resolve(BALLAST));
    }

    /** Unmounts it; what is on it is lost. */
    @Override
    public void close() throws IOException {
        try {
            // Lazily: a process that was just killed may not have left it yet.
            String problem = problem("umount", "--lazy", folder.toString());
            if (problem != null) {
                throw new IOException(problem);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
