package io.mambabyte.app;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Bytes as a user types them: text in UTF-8, with {@code \n \r \t \\} and {@code \xHH}. */
final class EscapedBytes {
    private EscapedBytes() {}

    /**
     * Reads them.
     *
     * @throws IllegalArgumentException if a backslash is followed by anything else
     */
    static byte[] parse(String typed) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = 0; i < typed.length(); ) {
            int codePoint = typed.codePointAt(i);
            i += Character.charCount(codePoint);
            if (codePoint != '\\') {
                bytes.writeBytes(Character.toString(codePoint).getBytes(StandardCharsets.UTF_8));
                continue;
            }
            char escape = i < typed.length() ? typed.charAt(i) : ' ';
            i++;
            switch (escape) {
                case 'n' -> bytes.write('\n');
                case 'r' -> bytes.write('\r');
                case 't' -> bytes.write('\t');
                case '\\' -> bytes.write('\\');
                case 'x' -> {
                    bytes.write(hexadecimal(typed, i));
                    i += 2;
                }
                default ->
                        throw new IllegalArgumentException(
                                "a backslash is followed by n, r, t, x and two digits, or another"
                                        + " backslash: "
                                        + typed);
            }
        }
        return bytes.toByteArray();
    }

    private static int hexadecimal(String typed, int index) {
        if (index + 2 > typed.length()
                || Character.digit(typed.charAt(index), 16) < 0
                || Character.digit(typed.charAt(index + 1), 16) < 0) {
            throw new IllegalArgumentException("\\x needs two hexadecimal digits: " + typed);
        }
        return Integer.parseInt(typed, index, index + 2, 16);
    }
}
