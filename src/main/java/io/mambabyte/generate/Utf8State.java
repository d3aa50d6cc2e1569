package io.mambabyte.generate;

/**
 * Which bytes may follow in well-formed UTF-8 (Unicode, table 3-7). A state is how many
 * continuation bytes are missing and the range of the next, packed in an int; 0 is between
 * characters.
 */
final class Utf8State {
    static final int BETWEEN = 0;

    private static final int LOW = 0x80;
    private static final int HIGH = 0xbf;

    private Utf8State() {}

    /** The state after text; where it is not well-formed at its end, between characters. */
    static int after(byte[] text, int length) {
        int state = BETWEEN;
        for (int i = Math.max(0, length - 4); i < length; i++) {
            int value = text[i] & 0xff;
            if (!allows(state, value, Integer.MAX_VALUE)) {
                state = BETWEEN;
            }
            if (allows(state, value, Integer.MAX_VALUE)) {
                state = next(state, value);
            }
        }
        return state;
    }

    /**
     * Whether a byte may follow.
     *
     * @param room bytes that there is room for, this one included: no character begins that would
     *     not end
     */
    static boolean allows(int state, int value, int room) {
        if (state != BETWEEN) {
            return value >= low(state) && value <= high(state);
        }
        return size(value) > 0 && size(value) <= room;
    }

    /** The state after a byte that may follow. */
    static int next(int state, int value) {
        int missing = state == BETWEEN ? size(value) - 1 : missing(state) - 1;
        if (missing == 0) {
            return BETWEEN;
        }
        if (state != BETWEEN) {
            return packed(missing, LOW, HIGH);
        }
        return switch (value) {
            case 0xe0 -> packed(missing, 0xa0, HIGH);
            case 0xed -> packed(missing, LOW, 0x9f);
            case 0xf0 -> packed(missing, 0x90, HIGH);
            case 0xf4 -> packed(missing, LOW, 0x8f);
            default -> packed(missing, LOW, HIGH);
        };
    }

    /** Bytes of a character by its first one; 0 where none begins with it. */
    private static int size(int value) {
        if (value < 0x80) {
            return 1;
        }
        if (value < 0xc2 || value > 0xf4) {
            return 0;
        }
        return value < 0xe0 ? 2 : value < 0xf0 ? 3 : 4;
    }

    private static int packed(int missing, int low, int high) {
        return missing << 16 | low << 8 | high;
    }

    private static int missing(int state) {
        return state >>> 16;
    }

    private static int low(int state) {
        return (state >>> 8) & 0xff;
    }

    private static int high(int state) {
        return state & 0xff;
    }
}
