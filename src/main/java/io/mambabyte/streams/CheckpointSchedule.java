package io.mambabyte.streams;

import io.mambabyte.model.StateRounding;

import org.apache.kafka.common.utils.Bytes;

import java.util.zip.CRC32C;

/**
 * At which positions of its stream a key's state is checkpointed: one distance apart, and where
 * states are rounded, at a position where they are. Keys begin at different positions, so that keys
 * that keep pace do not all write a checkpoint at once.
 */
final class CheckpointSchedule {
    /** Steps that keys begin at, where rounding does not prescribe them. */
    private static final int STEPS = 16;

    private final long step;
    private final long distance;

    CheckpointSchedule(int distanceBytes, StateRounding rounding) {
        step =
                rounding.distanceBytes() > 0
                        ? rounding.distanceBytes()
                        : Math.max(1, distanceBytes / STEPS);
        distance = Math.max(1, (distanceBytes + step - 1) / step) * step;
    }

    /** Most bytes between two checkpoints of a key. */
    long distanceBytes() {
        return distance;
    }

    /**
     * The last position of a checkpoint among those that bytes are about to reach.
     *
     * @param key the key
     * @param from bytes fed so far
     * @param to bytes fed afterwards
     * @return a position above {@code from} and not above {@code to}; 0 where there is none
     */
    long lastAmong(Bytes key, long from, long to) {
        long begin = begin(key);
        if (to < begin) {
            return 0;
        }
        long last = to - (to - begin) % distance;
        return last > from ? last : 0;
    }

    private long begin(Bytes key) {
        CRC32C checksum = new CRC32C();
        checksum.update(key.get());
        return (1 + checksum.getValue() % (distance / step)) * step;
    }
}
