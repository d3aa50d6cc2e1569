package io.mambabyte.app;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.function.LongSupplier;

/** How far a long run is, on one line of a terminal that is rewritten. */
final class Progress {
    private static final long QUIET_NS = 2_000_000_000L;
    private static final long EVERY_NS = 250_000_000L;
    private static final String CLEAR = "\r\u001b[K";

    private final OutputStream err;
    private final boolean shown;
    private final long totalBytes;
    private final LongSupplier clockNs;
    private final long startedNs;
    private long nextNs;
    private boolean visible;

    /**
     * Starts the clock.
     *
     * @param err where it is written
     * @param shown false to write nothing
     * @param totalBytes what there is to do
     * @param clockNs a monotonic clock
     */
    Progress(OutputStream err, boolean shown, long totalBytes, LongSupplier clockNs) {
        this.err = err;
        this.shown = shown;
        this.totalBytes = totalBytes;
        this.clockNs = clockNs;
        startedNs = clockNs.getAsLong();
        nextNs = startedNs + QUIET_NS;
    }

    /** Says how many bytes are done; cheap, so call it often. */
    synchronized void at(long doneBytes) {
        if (!shown) {
            return;
        }
        long now = clockNs.getAsLong();
        if (now - nextNs < 0) {
            return;
        }
        nextNs = now + EVERY_NS;
        visible = true;
        write(CLEAR + line(doneBytes, totalBytes, (now - startedNs) * 1e-9));
    }

    /** Leaves the terminal as it was. */
    synchronized void clear() {
        if (visible) {
            visible = false;
            write(CLEAR);
        }
    }

    static String line(long doneBytes, long totalBytes, double seconds) {
        double rate = doneBytes / seconds;
        long left = Math.round((totalBytes - doneBytes) / Math.max(rate, 1e-9));
        return String.format(
                Locale.ROOT,
                "%3d%%  %s of %s  %s/s  %s left",
                totalBytes == 0 ? 100 : doneBytes * 100 / totalBytes,
                bytes(doneBytes),
                bytes(totalBytes),
                bytes(Math.round(rate)),
                duration(left));
    }

    static String bytes(long count) {
        if (count < 10_000) {
            return count + " B";
        }
        if (count < 10_000_000) {
            return String.format(Locale.ROOT, "%.1f KB", count / 1e3);
        }
        return count < 10_000_000_000L
                ? String.format(Locale.ROOT, "%.1f MB", count / 1e6)
                : String.format(Locale.ROOT, "%.1f GB", count / 1e9);
    }

    private static String duration(long seconds) {
        return seconds >= 3600
                ? String.format(
                        Locale.ROOT,
                        "%d:%02d:%02d",
                        seconds / 3600,
                        seconds / 60 % 60,
                        seconds % 60)
                : String.format(Locale.ROOT, "%d:%02d", seconds / 60, seconds % 60);
    }

    private void write(String text) {
        try {
            err.write(text.getBytes(StandardCharsets.UTF_8));
            err.flush();
        } catch (IOException e) {
            // Nobody looks at the progress any more: that must not end the run.
            visible = false;
        }
    }
}
