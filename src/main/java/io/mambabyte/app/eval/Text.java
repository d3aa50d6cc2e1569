package io.mambabyte.app.eval;

import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/** Lines as the simple detectors see them. */
final class Text {
    private static final Pattern UUID =
            Pattern.compile(
                    "\\b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\\b");
    private static final Pattern HEX =
            Pattern.compile("\\b(?:0x[0-9A-Fa-f]+|(?=[0-9A-Fa-f]*[0-9])[0-9A-Fa-f]{6,})\\b");
    private static final Pattern DIGITS = Pattern.compile("[0-9]+");

    private Text() {}

    /** One character a byte, so that nothing is lost and lengths are bytes. */
    static String raw(byte[] line) {
        return new String(line, StandardCharsets.ISO_8859_1);
    }

    /** UUIDs, hexadecimal and decimal numbers (so addresses too) replaced by marks. */
    static String masked(byte[] line) {
        String text = UUID.matcher(raw(line)).replaceAll("<U>");
        text = HEX.matcher(text).replaceAll("<X>");
        return DIGITS.matcher(text).replaceAll("#");
    }
}
