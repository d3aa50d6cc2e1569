package io.mambabyte.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

class HistoryDrafterTest {
    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static Draft draft(Drafter drafter, int room) {
        Draft draft = new Draft(room);
        draft.begin(0, 1, 1, 0, room);
        drafter.draft(draft);
        return draft;
    }

    private static String text(Draft draft) {
        return new String(Arrays.copyOf(draft.bytes(), draft.length()), StandardCharsets.US_ASCII);
    }

    @Test
    void shouldCopyWhatFollowedTheLongestKnownContextLast() {
        HistoryDrafter drafter = new HistoryDrafter(new HistoryIndex(12));
        drafter.begin();
        byte[] text = bytes("error 17 in worker one\nerror 23 in worker two\nerror 23 in w");
        drafter.append(text, 0, text.length);
        // "worker " is followed by "two" where "error 23 in " comes before it.
        assertEquals("orker two\nerror 23 in worker two", text(draft(drafter, 32)));
    }

    @Test
    void shouldDraftNothingOfTextThatNeverRepeats() {
        HistoryDrafter drafter = new HistoryDrafter(new HistoryIndex(12));
        drafter.begin();
        byte[] text = new byte[256];
        for (int i = 0; i < 256; i++) {
            text[i] = (byte) i;
        }
        drafter.append(text, 0, 256);
        assertEquals(0, draft(drafter, 8).length());
    }

    @Test
    void shouldNotTakeOneTextsEndForTheNextOnesBeginning() {
        HistoryIndex index = new HistoryIndex(12);
        HistoryDrafter drafter = new HistoryDrafter(index);
        drafter.begin();
        drafter.append(bytes("abcdefgh"), 0, 8);
        drafter.begin();
        drafter.append(bytes("xyz"), 0, 3);
        assertEquals(0, draft(drafter, 4).length());
        // What the first text taught stays.
        drafter.append(bytes("abcd"), 0, 4);
        assertEquals("efgh", text(draft(drafter, 9)));
    }

    @Test
    void shouldTrustGuessesTheMoreTheMoreOfThemWereRight() {
        HistoryDrafter drafter = new HistoryDrafter(new HistoryIndex(12));
        drafter.begin();
        byte[] line = bytes("the same line again and again\n");
        for (int i = 0; i < 40; i++) {
            drafter.append(line, 0, line.length);
        }
        Draft sure = draft(drafter, 16);
        assertEquals(16, sure.length());
        assertTrue(sure.survival(15) > 0.9, () -> "survival " + sure.survival(15));
    }

    @Test
    void shouldStopWantingWhatIsTooUnlikely() {
        Draft draft = new Draft(8);
        draft.begin(5, 1, 1, 0.2, 8);
        assertEquals(5, draft.position());
        assertTrue(draft.add((byte) 1, 0.5));
        assertTrue(draft.add((byte) 2, 0.5));
        assertFalse(draft.add((byte) 3, 0.5));
        assertFalse(draft.wantsMore());
        assertEquals(8, draft.position());
        assertArrayEquals(new byte[] {1, 2, 3}, Arrays.copyOf(draft.bytes(), draft.length()));
    }
}
