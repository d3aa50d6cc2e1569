package io.mambabyte.app;

import io.mambabyte.score.Surprisals;

import org.jspecify.annotations.Nullable;

/**
 * Bytes for a person to look at: text as it is, everything that could steer a terminal written out
 * ({@code \x1b}, {@code \r}), and on demand each byte coloured by its surprisal.
 *
 * <p>The colours are the dark-to-bright scale of cividis, which grows in lightness and is read the
 * same with any kind of colour vision; they are backgrounds, so that spaces show.
 */
final class Heat {
    /** A step of the scale: from so many bits on. */
    private record Step(float fromBits, int background, int foreground) {}

    private static final Step[] STEPS = {
        new Step(1, 17, 252),
        new Step(2, 60, 255),
        new Step(4, 102, 16),
        new Step(8, 143, 16),
        new Step(12, 220, 16),
    };

    private static final String RESET = "\u001b[0m";
    private static final String DIM = "\u001b[2m";

    private Heat() {}

    /** What the colours mean, in one line. */
    static String legend() {
        StringBuilder out = new StringBuilder("surprisal in bits: < 1 ");
        for (int i = 0; i < STEPS.length; i++) {
            String range =
                    i + 1 < STEPS.length
                            ? (int) STEPS[i].fromBits() + " to " + (int) STEPS[i + 1].fromBits()
                            : "from " + (int) STEPS[i].fromBits();
            out.append(color(i)).append(' ').append(range).append(' ').append(RESET);
        }
        return out.toString();
    }

    /** Text in which nothing can steer a terminal. */
    static String escape(byte[] bytes, int length) {
        return render(bytes, length, null, Integer.MAX_VALUE);
    }

    /**
     * Renders bytes.
     *
     * @param bytes the record
     * @param length how many of them
     * @param surprisal of each byte, null for no colours
     * @param columns where to stop, with an ellipsis
     */
    static String render(byte[] bytes, int length, @Nullable Surprisals surprisal, int columns) {
        StringBuilder out = new StringBuilder(length + 16);
        int used = 0;
        int step = -1;
        for (int i = 0; i < length; ) {
            int size = Utf8.printable(bytes, i, length);
            String cell = size > 0 ? Utf8.text(bytes, i, size) : written(bytes[i]);
            int taken = Math.max(size, 1);
            int width = size > 0 ? 1 : cell.length();
            boolean last = i + taken >= length;
            if (used + width > columns - (last ? 0 : 1)) {
                if (step >= 0) {
                    out.append(RESET);
                }
                return out.append('…').toString();
            }
            int next = surprisal == null ? -1 : step(surprisal, i, taken);
            if (next != step) {
                out.append(step >= 0 ? RESET : "").append(next >= 0 ? color(next) : "");
                step = next;
            }
            out.append(cell);
            used += width;
            i += taken;
        }
        return out.append(step >= 0 ? RESET : "").toString();
    }

    /** The end of a line, which is scored like a byte: shown where it was a surprise. */
    static String end(Surprisals surprisal, int index) {
        int step = step(surprisal, index, 1);
        return step < 0 ? "" : color(step) + "\\n" + RESET;
    }

    static String dim(String text, boolean colors) {
        return colors ? DIM + text + RESET : text;
    }

    /** A character of several bytes is as surprising as its most surprising byte. */
    private static int step(Surprisals surprisal, int index, int size) {
        float bits = 0;
        for (int i = index; i < index + size; i++) {
            float byteBits = surprisal.get(i);
            bits = byteBits > bits ? byteBits : bits;
        }
        int step = STEPS.length - 1;
        while (step >= 0 && bits < STEPS[step].fromBits()) {
            step--;
        }
        return step;
    }

    private static String color(int step) {
        return "\u001b[48;5;"
                + STEPS[step].background()
                + ";38;5;"
                + STEPS[step].foreground()
                + "m";
    }

    private static String written(byte value) {
        return switch (value) {
            case '\t' -> "\\t";
            case '\r' -> "\\r";
            case '\n' -> "\\n";
            default -> String.format("\\x%02x", value & 0xff);
        };
    }
}
