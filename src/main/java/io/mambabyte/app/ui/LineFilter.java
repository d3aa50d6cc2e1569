package io.mambabyte.app.ui;

import org.apache.kafka.common.utils.Bytes;

import java.util.Optional;

/**
 * Which lines somebody wants to see.
 *
 * @param key only this key's
 * @param minBitsPerByte only those at least so surprising; 0 for all
 */
record LineFilter(Optional<Bytes> key, double minBitsPerByte) {
    static final LineFilter ALL = new LineFilter(Optional.empty(), 0);

    /** Whether the lines are a choice, so that more than those shown have to be looked at. */
    boolean bySurprise() {
        return minBitsPerByte > 0;
    }

    boolean matches(ScoredLine line) {
        return (key.isEmpty() || key.get().equals(line.key()))
                && line.score().bitsPerByte() >= minBitsPerByte;
    }
}
