package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;

class HeatTest {
    private static byte[] latin1(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    @ParameterizedTest
    @CsvSource(
            ignoreLeadingAndTrailingWhitespace = false,
            delimiter = '|',
            value = {
                "plain text|plain text",
                "caf\u00c3\u00a9|caf\u00e9",
                "\u00e2\u009c\u0093 \u00f0\u009f\u0099\u0082|\u2713 \ud83d\ude42",
                "\u001b[31m|\\x1b[31m",
                "\u0007\u007f|\\x07\\x7f",
                // C1 controls, alone and as UTF-8
                "\u009b31m|\\x9b31m",
                "\u00c2\u009b31m|\\xc2\\x9b31m",
                // overlong, surrogate, beyond Unicode, cut
                "\u00c0\u00af|\\xc0\\xaf",
                "\u00ed\u00a0\u0080|\\xed\\xa0\\x80",
                "\u00f5\u0080\u0080\u0080|\\xf5\\x80\\x80\\x80",
                "\u00e2\u009c|\\xe2\\x9c",
                // right-to-left override, zero width joiner, combining accent
                "a\u00e2\u0080\u00aeb|a\\xe2\\x80\\xaeb",
                "\u00e2\u0080\u008d|\\xe2\\x80\\x8d",
                "e\u00cc\u0081|e\\xcc\\x81",
            })
    void shouldWriteOutWhatCouldSteerTerminal(String bytes, String shown) {
        byte[] record = latin1(bytes);
        assertEquals(shown, Heat.escape(record, record.length));
    }

    @Test
    void shouldWriteOutTabsAndReturns() {
        assertEquals("a\\tb\\r\\n", Heat.escape(latin1("a\tb\r\n"), 5));
    }

    @Test
    void shouldNeverPassControlsOn() {
        byte[] bytes = new byte[100_000];
        new SplittableRandom(1).nextBytes(bytes);
        String shown = Heat.escape(bytes, bytes.length);
        assertTrue(
                shown.codePoints()
                        .noneMatch(
                                c ->
                                        Character.isISOControl(c)
                                                || Character.getType(c) == Character.FORMAT
                                                || c == 0xfffd));
    }

    @ParameterizedTest
    @CsvSource(
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "abcdef,6,abcdef",
                "abcdefg,6,abcde…",
                "ab\u001bcd,6,ab…",
                "ab\u001b,6,ab\\x1b"
            })
    void shouldCutAtColumn(String text, int columns, String shown) {
        byte[] bytes = latin1(text);
        assertEquals(shown, Heat.render(bytes, bytes.length, null, columns));
    }

    @Test
    void shouldSayWhatColoursMean() {
        assertEquals(
                "surprisal in bits: < 1  1 to 2  2 to 4  4 to 8  8 to 12  from 12 ",
                Heat.legend().replaceAll("\u001b\\[[0-9;]*m", ""));
    }
}
