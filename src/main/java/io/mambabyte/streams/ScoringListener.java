package io.mambabyte.streams;

import io.mambabyte.score.ByteDetails;
import io.mambabyte.score.RecordScore;

import org.jspecify.annotations.Nullable;

/**
 * Looks on while records are scored, on the stream threads: whatever it does takes their time, so
 * it must neither wait nor throw. It sees a record once it was scored, which is before its
 * transaction is committed, and again where it is scored again.
 */
public interface ScoringListener {
    /** Looks at nothing. */
    ScoringListener NONE =
            new ScoringListener() {
                @Override
                public boolean wantsDetails(byte @Nullable [] key) {
                    return false;
                }

                @Override
                public void scored(
                        byte @Nullable [] key,
                        byte[] value,
                        long timestampMs,
                        RecordScore score,
                        @Nullable ByteDetails details) {}
            };

    /**
     * Whether to gather the details of each byte of the record that comes next.
     *
     * @param key its key
     * @return true where {@link #scored} shall be given them
     */
    boolean wantsDetails(byte @Nullable [] key);

    /**
     * A record was scored.
     *
     * @param key its key
     * @param value its value, not to be changed
     * @param timestampMs its time
     * @param score its score
     * @param details those of its bytes, only where they were wanted
     */
    void scored(
            byte @Nullable [] key,
            byte[] value,
            long timestampMs,
            RecordScore score,
            @Nullable ByteDetails details);
}
