package io.mambabyte.app;

import io.mambabyte.avro.Likelihood;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * How far the scoring of each key is: redrawn in place on a terminal, a line now and then
 * elsewhere.
 */
final class LiveTable {
    private static final long REDRAW_NANOS = 250_000_000L;
    private static final long LINE_NANOS = 5_000_000_000L;
    private static final String UP_AND_CLEAR = "\u001b[1A\u001b[2K";
    private static final int BAR_WIDTH = 40;

    private static final class Row {
        long lines;
        long bytes;
        long scored;
        double bits;

        void add(Likelihood likelihood) {
            lines++;
            bytes += likelihood.getBytes();
            scored += likelihood.getScoredBytes();
            bits += likelihood.getBits();
        }

        double bitsPerByte() {
            return scored == 0 ? 0 : bits / scored;
        }
    }

    private final PrintWriter out;
    private final boolean inPlace;
    private final int columns;
    private final long total;
    private final long startNanos;
    private final Map<String, Row> rows = new LinkedHashMap<>();
    private final Row all = new Row();
    private String latest = "";
    private int drawn;
    private long drawnNanos;

    LiveTable(PrintWriter out, Terminal terminal, List<String> keys, long total, long startNanos) {
        this.out = out;
        this.inPlace = terminal.outIsTerminal();
        this.columns = inPlace ? terminal.columns() : Integer.MAX_VALUE;
        this.total = total;
        this.startNanos = startNanos;
        drawnNanos = startNanos;
        keys.forEach(key -> rows.put(key, new Row()));
    }

    void add(String key, String text, Likelihood likelihood) {
        rows.computeIfAbsent(key, _ -> new Row()).add(likelihood);
        all.add(likelihood);
        latest = key + "  " + text;
    }

    /** Draws, if it is time to. */
    void refresh(long now) {
        if (now - drawnNanos >= (inPlace ? REDRAW_NANOS : LINE_NANOS)) {
            drawnNanos = now;
            draw(now);
        }
    }

    /** Draws for the last time. */
    void finish(long now) {
        latest = "";
        if (inPlace) {
            draw(now);
        } else {
            table(now).forEach(out::println);
        }
        out.flush();
    }

    private void draw(long now) {
        double seconds = (now - startNanos) / 1e9;
        if (!inPlace) {
            out.printf(
                    Locale.ROOT,
                    "  %,d of %,d lines, %.3f bits/byte, %,.0f bytes/s%n",
                    all.lines,
                    total,
                    all.bitsPerByte(),
                    all.bytes / seconds);
            out.flush();
            return;
        }
        out.print(UP_AND_CLEAR.repeat(drawn));
        List<String> lines = table(now);
        lines.forEach(out::println);
        int filled = (int) (BAR_WIDTH * all.lines / Math.max(1, total));
        out.printf(
                Locale.ROOT,
                "  %s%s %3d%%%n",
                "█".repeat(filled),
                "░".repeat(BAR_WIDTH - filled),
                100 * all.lines / Math.max(1, total));
        out.println(cut("  " + latest));
        drawn = lines.size() + 2;
        out.flush();
    }

    private List<String> table(long now) {
        double seconds = (now - startNanos) / 1e9;
        List<String> lines = new ArrayList<>();
        lines.add(
                String.format(
                        Locale.ROOT,
                        "  %-10s %9s %11s %10s %9s",
                        "key",
                        "lines",
                        "bytes",
                        "bits/byte",
                        "bytes/s"));
        rows.forEach((key, row) -> lines.add(line(key, row, seconds)));
        lines.add(line("all", all, seconds));
        return lines;
    }

    private static String line(String key, Row row, double seconds) {
        return String.format(
                Locale.ROOT,
                "  %-10s %,9d %,11d %10.3f %,9.0f",
                key,
                row.lines,
                row.bytes,
                row.bitsPerByte(),
                row.bytes / seconds);
    }

    private String cut(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return Heat.render(bytes, bytes.length, null, columns);
    }
}
