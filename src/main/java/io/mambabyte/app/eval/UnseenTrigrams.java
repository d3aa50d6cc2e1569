package io.mambabyte.app.eval;

import java.util.HashSet;
import java.util.Set;

/** Number of trigrams of a line that were never seen; lines as they are and masked. */
final class UnseenTrigrams extends LineDetector {
    private static final int N = 3;

    private final Set<String> raw = new HashSet<>();
    private final Set<String> masked = new HashSet<>();

    UnseenTrigrams() {
        super("unseen-trigrams", "unseen-trigrams-masked");
    }

    @Override
    void learnLine(byte[] line) {
        add(raw, Text.raw(line));
        add(masked, Text.masked(line));
    }

    private static void add(Set<String> seen, String line) {
        String framed = "\n" + line + "\n";
        for (int i = 0; i + N <= framed.length(); i++) {
            seen.add(framed.substring(i, i + N));
        }
    }

    @Override
    double[] scoreLine(byte[] line) {
        return new double[] {unseen(raw, Text.raw(line)), unseen(masked, Text.masked(line))};
    }

    private static double unseen(Set<String> seen, String line) {
        String framed = "\n" + line + "\n";
        int unseen = 0;
        for (int i = 0; i + N <= framed.length(); i++) {
            unseen += seen.contains(framed.substring(i, i + N)) ? 0 : 1;
        }
        return unseen;
    }
}
