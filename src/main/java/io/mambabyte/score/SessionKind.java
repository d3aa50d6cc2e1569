package io.mambabyte.score;

import java.util.Arrays;

/** What sessions have in common in which each kind of line comes equally often: a count vector. */
public final class SessionKind {
    private SessionKind() {}

    /**
     * The count vector of a session.
     *
     * @param kinds {@link LineKind} of its lines, in any order
     * @return a 64-bit hash of how often each kind comes
     */
    public static long of(long[] kinds) {
        long[] sorted = kinds.clone();
        Arrays.sort(sorted);
        long hash = sorted.length;
        for (long kind : sorted) {
            hash = (hash ^ kind) * 0x9e3779b97f4a7c15L;
            hash ^= hash >>> 29;
        }
        return hash;
    }
}
