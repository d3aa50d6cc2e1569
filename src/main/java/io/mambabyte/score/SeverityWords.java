package io.mambabyte.score;

import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Words with which software says that something went wrong. That a line has one says little where
 * such lines are common and much where they are not, so it only weighs on top of how rare a line's
 * kind is.
 */
public final class SeverityWords {
    /** Stems, so that "failed" and "failure" are found by "fail"; in lower case. */
    static final List<String> STEMS =
            List.of(
                    "abort",
                    "assert",
                    "cannot",
                    "corrupt",
                    "crash",
                    "critical",
                    "denied",
                    "error",
                    "exception",
                    "fail",
                    "fatal",
                    "invalid",
                    "killed",
                    "panic",
                    "refused",
                    "segfault",
                    "severe",
                    "timed out",
                    "timeout",
                    "traceback",
                    "unable",
                    "unexpected");

    private static final int LETTERS = 26;

    /** The stems by their first letter. */
    private static final byte[][][] BY_LETTER = new byte[LETTERS][][];

    static {
        for (int letter = 0; letter < LETTERS; letter++) {
            char first = (char) ('a' + letter);
            BY_LETTER[letter] =
                    STEMS.stream()
                            .filter(stem -> stem.charAt(0) == first)
                            .map(stem -> stem.getBytes(StandardCharsets.US_ASCII))
                            .toArray(byte[][]::new);
        }
    }

    private SeverityWords() {}

    /**
     * Whether a line has one of the words, in any case, anywhere.
     *
     * @param line bytes of the line
     * @return true where there is one
     */
    public static boolean in(byte[] line) {
        return count(line, 1) > 0;
    }

    /**
     * How many of the words a line has.
     *
     * @param line bytes of the line
     * @return their number, overlapping ones counted each
     */
    public static int count(byte[] line) {
        return count(line, Integer.MAX_VALUE);
    }

    private static int count(byte[] line, int most) {
        int found = 0;
        for (int at = 0; at < line.length; at++) {
            int letter = (line[at] | 0x20) - 'a';
            if (letter < 0 || letter >= LETTERS) {
                continue;
            }
            for (byte[] stem : BY_LETTER[letter]) {
                if (isAt(line, at, stem) && ++found >= most) {
                    return found;
                }
            }
        }
        return found;
    }

    private static boolean isAt(byte[] line, int at, byte[] stem) {
        if (at + stem.length > line.length) {
            return false;
        }
        for (int i = 1; i < stem.length; i++) {
            // A space has the bit already, a letter of either case gets it.
            if ((line[at + i] | 0x20) != stem[i]) {
                return false;
            }
        }
        return true;
    }
}
