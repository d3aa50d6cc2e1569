package io.mambabyte.app;

import java.nio.charset.StandardCharsets;

/** UTF-8 characters inside of bytes that may be anything. */
final class Utf8 {
    private Utf8() {}

    /**
     * Size of the well-formed character at an index that is safe to print and takes one place of
     * its own: no control, no format character (they can reverse text), no combining mark.
     *
     * @return 1 to 4 bytes; 0 where there is none
     */
    static int printable(byte[] bytes, int index, int end) {
        int first = bytes[index];
        if (first >= 0) {
            return first >= ' ' && first != 0x7f ? 1 : 0;
        }
        int size = (first & 0xe0) == 0xc0 ? 2 : (first & 0xf0) == 0xe0 ? 3 : 4;
        if ((first & 0xff) < 0xc2 || (first & 0xff) > 0xf4 || index + size > end) {
            return 0;
        }
        int codePoint = first & (0x7f >> size);
        for (int i = 1; i < size; i++) {
            int next = bytes[index + i];
            if ((next & 0xc0) != 0x80) {
                return 0;
            }
            codePoint = (codePoint << 6) | (next & 0x3f);
        }
        boolean shortest = size == 2 || codePoint >= (size == 3 ? 0x800 : 0x10000);
        return shortest && Character.isValidCodePoint(codePoint) && prints(codePoint) ? size : 0;
    }

    static String text(byte[] bytes, int index, int size) {
        return new String(bytes, index, size, StandardCharsets.UTF_8);
    }

    private static boolean prints(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.NON_SPACING_MARK,
                    Character.ENCLOSING_MARK,
                    Character.COMBINING_SPACING_MARK ->
                    false;
            default -> true;
        };
    }
}
