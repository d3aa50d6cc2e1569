package io.mambabyte.streams;

import io.mambabyte.model.RecurrentState;

import org.apache.kafka.common.utils.Bytes;

import java.util.ArrayList;
import java.util.List;

/** The live state of a key, and which entries of the store stand for it. */
final class KeyState {
    /** Where there is no checkpoint. */
    static final long NONE = -1;

    final RecurrentState state;

    /** Bits of all records so far. */
    double bits;

    /** Time of the last record. */
    long timestampMs;

    /** Number of the checkpoint in the store. */
    long checkpoint = NONE;

    /** Segments of it. */
    int segments;

    /** Number of the oldest record of the tail. */
    long firstTail;

    /** Number of the next record. */
    long next;

    /** Entries that stand for nothing any more, left by a crash; deleted with the next record. */
    final List<Bytes> stale = new ArrayList<>(0);

    KeyState(RecurrentState state) {
        this.state = state;
    }
}
