package io.mambabyte.app;

import io.mambabyte.generate.Continuation;
import io.mambabyte.generate.Origin;

import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;

/**
 * Writes a text as it is made: raw bytes to a file or pipe; for a terminal, everything that could
 * steer it but the newline written out, and on demand each byte coloured by how it came about.
 */
final class CompletionText {
    private static final String RESET = "\u001b[0m";
    private static final String GREEN = "\u001b[32m";
    private static final String RED = "\u001b[91m";

    private final Output out;
    private final boolean raw;
    private final boolean origins;
    private int shown;

    /**
     * Begins a text.
     *
     * @param raw whether bytes are written as they are
     * @param origins whether to colour them
     */
    CompletionText(Output out, boolean raw, boolean origins) {
        this.out = out;
        this.raw = raw;
        this.origins = origins;
    }

    /** What the colours mean. */
    static String legend() {
        return GREEN + "accepted" + RESET + " " + RED + "corrected" + RESET + " not drafted";
    }

    /** A text in whose lines nothing can steer a terminal. */
    static String printable(byte[] text) {
        StringBuilder out = new StringBuilder();
        int start = 0;
        for (int i = 0; i <= text.length; i++) {
            if (i == text.length || text[i] == '\n') {
                byte[] line = Arrays.copyOfRange(text, start, i);
                out.append(Heat.escape(line, line.length)).append(i == text.length ? "" : "\n");
                start = i + 1;
            }
        }
        return out.toString();
    }

    /**
     * How much was made how fast, in one line.
     *
     * @param lossy whether drafts were kept that plain decoding would not have made
     */
    static String summary(Continuation made, long nanos, boolean lossy) {
        String drafts =
                made.drafted() == 0
                        ? "nothing drafted"
                        : String.format(
                                Locale.ROOT,
                                "%,d of %,d drafted bytes were %s",
                                made.accepted(),
                                made.drafted(),
                                lossy ? "kept; lossy, another text than without drafts" : "right");
        return String.format(
                Locale.ROOT,
                "» %,d bytes in %.2f s: %,.0f bytes/s, warming up included; %s",
                made.length(),
                nanos * 1e-9,
                made.length() * 1e9 / nanos,
                drafts);
    }

    /** Writes what was made since the last call. */
    void show(Continuation made, boolean atEnd) throws IOException {
        byte[] bytes = made.bytes(shown, made.length());
        int length = atEnd ? bytes.length : wholeCharacters(bytes);
        if (raw && !origins) {
            out.write(bytes, 0, length);
        } else {
            for (int i = 0; i < length; ) {
                int size = Math.max(1, Utf8.printable(bytes, i, length));
                show(made.origin(shown + i), bytes, i, size);
                i += size;
            }
        }
        shown += length;
        out.flush();
    }

    private void show(Origin origin, byte[] bytes, int index, int size) throws IOException {
        byte[] character = new byte[size];
        System.arraycopy(bytes, index, character, 0, size);
        String text = character[0] == '\n' ? "\n" : Heat.escape(character, size);
        String color =
                switch (origin) {
                    case ACCEPTED -> GREEN;
                    case CORRECTED -> RED;
                    case PLAIN -> "";
                };
        out.print(origins && !color.isEmpty() ? color + text + RESET : text);
    }

    /** A character that is cut waits for its end. */
    private static int wholeCharacters(byte[] bytes) {
        for (int back = 1; back <= Math.min(3, bytes.length); back++) {
            int first = bytes[bytes.length - back] & 0xff;
            if (first >= 0xc0) {
                int size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
                return size > back ? bytes.length - back : bytes.length;
            }
            if (first < 0x80) {
                break;
            }
        }
        return bytes.length;
    }
}
