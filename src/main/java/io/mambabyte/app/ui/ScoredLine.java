package io.mambabyte.app.ui;

import io.mambabyte.score.ByteDetails;
import io.mambabyte.score.RecordScore;

import org.apache.kafka.common.utils.Bytes;
import org.jspecify.annotations.Nullable;

/**
 * A record as the page shows it.
 *
 * @param id counts the lines that were kept
 * @param key of the record, empty for none
 * @param value its first bytes, at most {@link #SHOWN_BYTES}
 * @param valueBytes bytes that it has in all
 * @param timestampMs its time
 * @param sample whether it is one of those that everybody sees; the others were looked at because
 *     somebody filters
 * @param score of the whole record
 * @param details of the whole record's bytes
 */
record ScoredLine(
        long id,
        Bytes key,
        Bytes value,
        int valueBytes,
        long timestampMs,
        boolean sample,
        RecordScore score,
        ByteDetails details) {
    /** A line longer than this is cut on the page; its score is that of all of it. */
    static final int SHOWN_BYTES = 1024;

    static final Bytes NO_KEY = Bytes.wrap(new byte[0]);

    static Bytes key(byte @Nullable [] key) {
        return key == null ? NO_KEY : Bytes.wrap(key);
    }
}
