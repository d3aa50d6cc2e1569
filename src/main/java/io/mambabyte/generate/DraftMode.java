package io.mambabyte.generate;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** How bytes are drafted. Changes none of them. */
public enum DraftMode {
    /** Not at all. */
    NONE,
    /** What followed the same bytes before. */
    HISTORY,
    /** What a small model would make. */
    MODEL,
    /** What a subword model would make, as the paper drafts. */
    SUBWORD,
    /** History or small model, by which is surer and by what asking the model takes. */
    BOTH;

    /**
     * Reads a mode.
     *
     * @param name in lower case
     * @return the mode
     * @throws IllegalArgumentException if there is none of that name: says which there are
     */
    public static DraftMode of(String name) {
        for (DraftMode mode : values()) {
            if (mode.toString().equals(name)) {
                return mode;
            }
        }
        String names =
                Arrays.stream(values()).map(DraftMode::toString).collect(Collectors.joining(", "));
        throw new IllegalArgumentException("draft must be one of " + names + ", not " + name);
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
