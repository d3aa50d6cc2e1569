package io.mambabyte.app;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** The known name that a mistyped one was probably meant to be. */
final class NearestName {
    private NearestName() {}

    /**
     * The known name with the fewest edits to the typed one.
     *
     * @param typed what was typed
     * @param known the names to choose from
     * @return the nearest, or empty where even that one differs in more than two letters and in
     *     more than a third of them
     */
    static Optional<String> of(String typed, Collection<String> known) {
        return known.stream()
                .min(
                        Comparator.comparingInt((String name) -> edits(typed, name))
                                .thenComparing(Comparator.naturalOrder()))
                .filter(name -> edits(typed, name) <= Math.max(2, typed.length() / 3))
                .filter(name -> edits(typed, name) < typed.length());
    }

    // Levenshtein's distance, one row at a time.
    private static int edits(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int substituted = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(substituted, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }
}
