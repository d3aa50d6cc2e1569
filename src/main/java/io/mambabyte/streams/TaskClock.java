package io.mambabyte.streams;

import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.state.KeyValueStore;

import java.nio.ByteBuffer;

/**
 * The clock that silences are measured with: the records' time, as far as the task's records tell
 * of it. A pause of all keys together counts as a second: whether they fell silent or nobody
 * listened cannot be told apart, and one key is not to blame.
 */
final class TaskClock {
    /** Most that it advances from one record to the next. */
    static final long STEP_MAX_MS = 1_000;

    private static final int BYTES = 5 + 2 * Long.BYTES;

    private final KeyValueStore<Bytes, byte[]> store;
    private long nowMs;
    private long latestMs = Long.MIN_VALUE;

    TaskClock(KeyValueStore<Bytes, byte[]> store) {
        this.store = store;
        byte[] stored = store.get(AnomalyStores.CLOCK);
        if (stored != null) {
            ByteBuffer in = ByteBuffer.wrap(stored);
            in.position(AnomalyKey.open(AnomalyStores.CLOCK, stored));
            nowMs = in.getLong();
            latestMs = in.getLong();
        }
    }

    /** A record came. */
    void advance(long timestampMs) {
        if (timestampMs <= latestMs) {
            return;
        }
        if (latestMs != Long.MIN_VALUE) {
            nowMs += Math.min(STEP_MAX_MS, timestampMs - latestMs);
        }
        latestMs = timestampMs;
        byte[] value = new byte[BYTES];
        ByteBuffer.wrap(value)
                .putLong(BYTES - 2 * Long.BYTES, nowMs)
                .putLong(BYTES - Long.BYTES, latestMs);
        store.put(AnomalyStores.CLOCK, AnomalyKey.sealed(AnomalyStores.CLOCK, value));
    }

    /** Its time: 0 at the task's first record. */
    long nowMs() {
        return nowMs;
    }

    /** Time of the latest record. */
    long latestMs() {
        return latestMs;
    }
}
