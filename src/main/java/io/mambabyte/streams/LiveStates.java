package io.mambabyte.streams;

import org.apache.kafka.common.utils.Bytes;
import org.jspecify.annotations.Nullable;

import java.util.Iterator;
import java.util.LinkedHashMap;

/** The states of a task that are ready for use, within a number of bytes, the last used first. */
final class LiveStates {
    // Objects, references and the map's node around a state.
    private static final int OVERHEAD_BYTES = 512;

    private final long maxBytes;
    private final long stateBytes;

    // In order of use, the least recently used first.
    private final LinkedHashMap<Bytes, KeyState> states = new LinkedHashMap<>(16, 0.75f, true);
    private long bytes;

    LiveStates(long maxBytes, long stateBytes) {
        this.maxBytes = maxBytes;
        this.stateBytes = stateBytes;
    }

    @Nullable KeyState get(Bytes key) {
        return states.get(key);
    }

    /** Takes a state out, to be put back when the record that it is taken for is done. */
    @Nullable KeyState remove(Bytes key) {
        KeyState state = states.remove(key);
        if (state != null) {
            bytes -= bytes(key);
        }
        return state;
    }

    /** Keeps the state of a key that has none here; the least recently used ones make room. */
    void put(Bytes key, KeyState state) {
        states.put(key, state);
        bytes += bytes(key);
        Iterator<Bytes> eldest = states.keySet().iterator();
        while (bytes > maxBytes) {
            bytes -= bytes(eldest.next());
            eldest.remove();
        }
    }

    long bytes() {
        return bytes;
    }

    int size() {
        return states.size();
    }

    private long bytes(Bytes key) {
        return stateBytes + key.get().length + OVERHEAD_BYTES;
    }
}
