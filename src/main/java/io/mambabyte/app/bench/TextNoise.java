package io.mambabyte.app.bench;

import java.util.Locale;
import java.util.SplittableRandom;

/**
 * The noises of MambaByte's table, on characters, as Xue et al. (2022, ByT5) describe most of them.
 *
 * @param kind what is done
 * @param share of the characters that it is done to, 0 to 1; 1 where it is done to all
 */
record TextNoise(Kind kind, double share) {
    /** What is done to a text. */
    enum Kind {
        /** Nothing. */
        NONE,
        /** Characters are left out. */
        DROP,
        /** Characters come one to three times more. */
        REPEAT,
        /** All are upper case, with a space after each. */
        ANTSPEAK,
        /** Characters become upper case. */
        UPPERCASE,
        /** Each is upper or lower case. */
        RANDOM_CASE,
        /** Characters change places with the next one. */
        SWAP;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    private static final int REPEATS_MAX = 3;

    /** The text with noise, a function of the text and the seed. */
    String apply(String text, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int[] characters = text.codePoints().toArray();
        StringBuilder out = new StringBuilder(text.length());
        for (int i = 0; i < characters.length; i++) {
            int c = characters[i];
            boolean chosen = share >= 1 || random.nextDouble() < share;
            switch (kind) {
                case NONE -> out.appendCodePoint(c);
                case DROP -> {
                    if (!chosen) {
                        out.appendCodePoint(c);
                    }
                }
                case REPEAT -> {
                    int times = chosen ? 2 + random.nextInt(REPEATS_MAX) : 1;
                    for (int time = 0; time < times; time++) {
                        out.appendCodePoint(c);
                    }
                }
                case ANTSPEAK -> out.append(upper(c)).append(' ');
                case UPPERCASE -> out.append(chosen ? upper(c) : Character.toString(c));
                case RANDOM_CASE -> out.append(random.nextBoolean() ? upper(c) : lower(c));
                case SWAP -> {
                    if (chosen && i + 1 < characters.length) {
                        out.appendCodePoint(characters[++i]);
                    }
                    out.appendCodePoint(c);
                }
            }
        }
        return out.toString();
    }

    private static String upper(int character) {
        return Character.toString(character).toUpperCase(Locale.ROOT);
    }

    private static String lower(int character) {
        return Character.toString(character).toLowerCase(Locale.ROOT);
    }

    @Override
    public String toString() {
        return share >= 1 ? kind.toString() : kind + " " + share;
    }
}
