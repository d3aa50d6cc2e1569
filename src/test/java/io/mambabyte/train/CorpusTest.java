package io.mambabyte.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

class CorpusTest {
    @Test
    void shouldHoldOutTheEndOfEveryTextFromTheBeginningOfALine() throws Exception {
        Corpus corpus =
                Corpus.split(List.of(text("a", lines("a ", 2000)), text("b", lines("b ", 1000))));
        String training = string(corpus.training());
        String heldOut = string(corpus.heldOut());
        assertEquals(lines("a ", 2000) + lines("b ", 1000), parts(training, heldOut));
        assertEquals(0.1, heldOut.length() / 30_000.0, 0.002);
        assertTrue(heldOut.startsWith("a "));
    }

    /** Puts the two texts together again. */
    private static String parts(String training, String heldOut) {
        int t = training.indexOf("b ");
        int h = heldOut.indexOf("b ");
        return training.substring(0, t)
                + heldOut.substring(0, h)
                + training.substring(t)
                + heldOut.substring(h);
    }

    @Test
    void shouldEndATextThatDoesNotEndWithALine() throws Exception {
        Corpus corpus =
                Corpus.of(
                        List.of(text("a", "x"), text("b", "y\n"), text("c", "")),
                        List.of(text("h", "h".repeat(2000))));
        assertEquals("x\ny\n", string(corpus.training()));
        assertEquals(2001, corpus.heldOut().length);
    }

    @Test
    void shouldHoldOutNoMoreThanIsWorthEvaluating() throws Exception {
        Corpus corpus = Corpus.split(List.of(text("a", lines("a ", 500_000))));
        assertTrue(corpus.heldOut().length <= Corpus.HELD_OUT_BYTES_MAX);
        assertEquals(5_000_000, corpus.training().length + corpus.heldOut().length);
    }

    /** Lengths of fewer bytes than a segment, of one and of many, of one byte more or less. */
    @ParameterizedTest
    @ValueSource(ints = {9, 16, 17, 100, 128, 129, 130, 1000, 5003})
    void shouldVisitEverySegmentOnceAnEpochAndStayInside(int length) {
        int rows = 8;
        Feed feed = new Feed(length, rows, 3, 7);
        int[] offsets = new int[3];
        boolean[] fresh = new boolean[3];
        Set<Integer> seen = new HashSet<>();
        int[] before = new int[3];
        for (int step = 0; step < 200; step++) {
            feed.next(offsets, fresh);
            for (int i = 0; i < 3; i++) {
                assertTrue(offsets[i] >= 0 && offsets[i] + rows + 1 <= length);
                assertTrue(fresh[i] || offsets[i] == before[i] + rows);
                if (fresh[i] && feed.epochs() == 1) {
                    assertTrue(seen.add(offsets[i]), "twice in an epoch: " + offsets[i]);
                }
            }
            System.arraycopy(offsets, 0, before, 0, 3);
        }
        assertFalse(seen.isEmpty() && length > 3 * rows * Feed.STEPS_MAX);
    }

    @Test
    void shouldGoOnFromAPosition() {
        Feed feed = new Feed(3000, 10, 4, 3);
        int[] offsets = new int[4];
        boolean[] fresh = new boolean[4];
        for (int step = 0; step < 157; step++) {
            feed.next(offsets, fresh);
        }
        Feed other = new Feed(3000, 10, 4, 3);
        other.restore(feed.position());
        int[] otherOffsets = new int[4];
        boolean[] otherFresh = new boolean[4];
        for (int step = 0; step < 157; step++) {
            feed.next(offsets, fresh);
            other.next(otherOffsets, otherFresh);
            assertArrayEquals(offsets, otherOffsets);
            assertArrayEquals(fresh, otherFresh);
        }
    }

    private static String lines(String text, int count) {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < count; i++) {
            lines.append(text).append(String.format("%07d\n", i));
        }
        return lines.toString();
    }

    private static Corpus.Text text(String name, String content) {
        return new Corpus.Text(name, content.getBytes(StandardCharsets.US_ASCII));
    }

    private static String string(byte[] content) {
        return new String(Arrays.copyOf(content, content.length), StandardCharsets.US_ASCII);
    }
}
