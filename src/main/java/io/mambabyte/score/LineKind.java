package io.mambabyte.score;

/**
 * What lines that say the same thing of different things have in common: the line without its words
 * that have a digit in them, which are numbers, addresses, times and identifiers. No parser and no
 * training, so that a kind is the same wherever it is computed.
 */
public final class LineKind {
    private static final long FNV_OFFSET = 0xcbf29ce484222325L;
    private static final long FNV_PRIME = 0x100000001b3L;

    private LineKind() {}

    /**
     * The kind of a line.
     *
     * @param line bytes of the line
     * @return a 64-bit hash (FNV-1a, mixed) of its words, those with a digit replaced by {@code #}
     */
    public static long of(byte[] line) {
        long hash = FNV_OFFSET;
        int at = 0;
        while (at < line.length) {
            if (isSpace(line[at])) {
                at++;
                continue;
            }
            int end = wordEnd(line, at);
            if (hasDigit(line, at, end)) {
                hash = (hash ^ '#') * FNV_PRIME;
            } else {
                for (int i = at; i < end; i++) {
                    hash = (hash ^ (line[i] & 0xff)) * FNV_PRIME;
                }
            }
            hash = (hash ^ ' ') * FNV_PRIME;
            at = end;
        }
        return mixed(hash);
    }

    /** Where the word that begins at an index ends. */
    static int wordEnd(byte[] line, int at) {
        int end = at;
        while (end < line.length && !isSpace(line[end])) {
            end++;
        }
        return end;
    }

    static boolean hasDigit(byte[] line, int from, int to) {
        for (int i = from; i < to; i++) {
            if (line[i] >= '0' && line[i] <= '9') {
                return true;
            }
        }
        return false;
    }

    static boolean isSpace(byte value) {
        return value == ' ' || (value >= '\t' && value <= '\r');
    }

    /** The finalizer of MurmurHash3: FNV's low bits alone would make poor buckets. */
    private static long mixed(long hash) {
        long h = hash;
        h = (h ^ (h >>> 33)) * 0xff51afd7ed558ccdL;
        h = (h ^ (h >>> 33)) * 0xc4ceb9fe1a85ec53L;
        return h ^ (h >>> 33);
    }
}
