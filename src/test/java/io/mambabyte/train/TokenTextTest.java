package io.mambabyte.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.mambabyte.model.BytePairEncoding;
import io.mambabyte.model.ModelSource;
import io.mambabyte.model.SubwordModel;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;

class TokenTextTest {
    @Test
    void shouldCutATextAsTheDrafterWill() throws Exception {
        BytePairEncoding encoding =
                SubwordModel.load(new ModelSource.ShippedDrafter(SubwordModel.DEFAULT)).encoding();
        byte[] text =
                "2026-11-25 12:00:00 ERROR kafka.server: disk of broker-1 \u00e9t\u00e9 is full\n"
                        .repeat(30)
                        .getBytes(StandardCharsets.UTF_8);
        int[] expected = new int[text.length];
        int count = encoding.encode(text, 0, text.length, expected);
        TokenText.Subwords cut = TokenText.Subwords.of(text, encoding);
        assertArrayEquals(Arrays.copyOf(expected, count), cut.ids());
        assertEquals(text.length, cut.bytes(0, count));
        int[] some = new int[5];
        cut.copy(3, 4, some);
        assertArrayEquals(new int[] {expected[3], expected[4], expected[5], expected[6], 0}, some);
    }

    /** Any bytes, and a word that has no end. */
    @Test
    void shouldLoseNoByte() throws Exception {
        BytePairEncoding encoding =
                SubwordModel.load(new ModelSource.ShippedDrafter(SubwordModel.DEFAULT)).encoding();
        byte[] text = new byte[300_000];
        new Random(1).nextBytes(text);
        Arrays.fill(text, 1000, 250_000, (byte) 'x');
        TokenText.Subwords cut = TokenText.Subwords.of(text, encoding);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int id : cut.ids()) {
            for (int i = 0; i < encoding.length(id); i++) {
                bytes.write(encoding.byteAt(id, i));
            }
        }
        assertArrayEquals(text, bytes.toByteArray());
        assertEquals(text.length, cut.bytes(0, cut.length()));
        assertEquals(0, TokenText.Subwords.of(new byte[0], encoding).length());
    }

    @Test
    void shouldTakeBytesAsUnsignedNumbers() {
        TokenText text = new TokenText.Bytes(new byte[] {1, -1, 0, 127});
        int[] copied = new int[3];
        text.copy(1, 3, copied);
        assertArrayEquals(new int[] {255, 0, 127}, copied);
        assertEquals(2, text.bytes(1, 3));
    }
}
