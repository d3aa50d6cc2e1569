package io.mambabyte.streams;

import io.mambabyte.model.RecurrentState;

/** A key's stream up to now, for whoever wants to go on from there without touching it. */
public final class KeyContext {
    private final RecurrentState state;
    private final byte[] lastBytes;
    private final double bits;
    private final long timestampMs;

    KeyContext(RecurrentState state, byte[] lastBytes, double bits, long timestampMs) {
        this.state = state;
        this.lastBytes = lastBytes;
        this.bits = bits;
        this.timestampMs = timestampMs;
    }

    /**
     * The state after the last byte of the stream, which is its pending byte.
     *
     * @return a copy of the caller's own
     */
    public RecurrentState state() {
        return state;
    }

    /**
     * The last bytes of the stream, framing newlines included: those since the last checkpoint, so
     * between none and about {@code mambabyte.checkpoint.bytes}.
     *
     * @return a copy of the caller's own
     */
    public byte[] lastBytes() {
        return lastBytes;
    }

    /**
     * Surprisal of the stream so far.
     *
     * @return bits
     */
    public double bits() {
        return bits;
    }

    /**
     * Time of the last record.
     *
     * @return milliseconds since 1970
     */
    public long timestampMs() {
        return timestampMs;
    }
}
