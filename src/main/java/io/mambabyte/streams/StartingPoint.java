package io.mambabyte.streams;

import io.mambabyte.model.RecurrentState;

import org.jspecify.annotations.Nullable;

/** Where a continuation of a key's stream begins. */
final class StartingPoint {
    /** Gives the state of a key. */
    @FunctionalInterface
    interface OfKey {
        /**
         * Reads only.
         *
         * @param key the key
         * @return a starting point of the caller's own, or null where nothing is known of the key
         * @throws StoredStateException if what is stored of the key cannot be used
         */
        @Nullable StartingPoint of(byte[] key);
    }

    private final RecurrentState state;
    private final byte[] lastBytes;

    /**
     * A starting point.
     *
     * @param state after the last byte of the stream, which is pending; not used by anyone else
     * @param lastBytes of the stream, as many as are at hand: for the drafter and the UTF-8 filter
     */
    StartingPoint(RecurrentState state, byte[] lastBytes) {
        this.state = state;
        this.lastBytes = lastBytes;
    }

    RecurrentState state() {
        return state;
    }

    byte[] lastBytes() {
        return lastBytes;
    }
}
