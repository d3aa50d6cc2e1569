package io.mambabyte.app.ui;

import io.mambabyte.score.RecordScore;

import org.apache.kafka.common.utils.Bytes;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Of each key that spoke lately: how much, how surprising, second by second. */
final class KeyTable {
    /** Seconds of a sparkline. */
    static final int SECONDS = 60;

    /** Keys that are remembered; of more, the one that was silent longest makes room. */
    static final int KEYS_MAX = 1000;

    private static final int RATE_SECONDS = 10;

    /**
     * A key's last minute. In the lists are the last {@link #SECONDS} seconds, the oldest first,
     * NaN where nothing came.
     *
     * @param key the key
     * @param records since the start
     * @param bytes since the start
     * @param bitsPerByteOfAll since the start
     * @param lastMs when it last spoke
     * @param bitsPerByte mean of each second
     * @param peakZ greatest standard score of a record, of each second
     * @param recordsPerSecond over the last ten seconds
     */
    record Row(
            Bytes key,
            long records,
            long bytes,
            double bitsPerByteOfAll,
            long lastMs,
            List<Double> bitsPerByte,
            List<Double> peakZ,
            double recordsPerSecond) {}

    private static final class Minute {
        final double[] bits = new double[SECONDS];
        final long[] bytes = new long[SECONDS];
        final long[] records = new long[SECONDS];
        final double[] peak = new double[SECONDS];
        final long[] second = new long[SECONDS];
        long allRecords;
        long allBytes;
        double allBits;
        long lastMs;

        void add(RecordScore score, long nowMs) {
            long now = nowMs / 1000;
            int slot = (int) (now % SECONDS);
            if (second[slot] != now) {
                second[slot] = now;
                bits[slot] = 0;
                bytes[slot] = 0;
                records[slot] = 0;
                peak[slot] = Double.NEGATIVE_INFINITY;
            }
            bits[slot] += score.bits();
            bytes[slot] += score.scoredBytes();
            records[slot]++;
            peak[slot] = Math.max(peak[slot], score.z());
            allRecords++;
            allBytes += score.scoredBytes();
            allBits += score.bits();
            lastMs = nowMs;
        }

        Row row(Bytes key, long nowMs) {
            List<Double> bitsPerByte = new ArrayList<>(SECONDS);
            List<Double> peakZ = new ArrayList<>(SECONDS);
            long recent = 0;
            for (int ago = SECONDS - 1; ago >= 0; ago--) {
                long at = nowMs / 1000 - ago;
                int slot = (int) (at % SECONDS);
                boolean there = second[slot] == at && bytes[slot] > 0;
                bitsPerByte.add(there ? bits[slot] / bytes[slot] : Double.NaN);
                peakZ.add(there ? peak[slot] : Double.NaN);
                // The second that is under way is not over yet.
                if (ago >= 1 && ago <= RATE_SECONDS && second[slot] == at) {
                    recent += records[slot];
                }
            }
            return new Row(
                    key,
                    allRecords,
                    allBytes,
                    allBytes == 0 ? 0 : allBits / allBytes,
                    lastMs,
                    bitsPerByte,
                    peakZ,
                    (double) recent / RATE_SECONDS);
        }
    }

    // In order of use, so that the key that was silent longest makes room.
    private final Map<Bytes, Minute> entries =
            new LinkedHashMap<>(64, 0.75f, true) {
                @Override
                protected boolean removeEldestEntry(Map.Entry<Bytes, Minute> eldest) {
                    return size() > KEYS_MAX;
                }
            };

    synchronized void add(Bytes key, RecordScore score, long nowMs) {
        entries.computeIfAbsent(key, _ -> new Minute()).add(score, nowMs);
    }

    /** All rows, the key that spoke last first. */
    synchronized List<Row> rows(long nowMs) {
        List<Row> rows = new ArrayList<>(entries.size());
        entries.forEach((key, entry) -> rows.add(entry.row(key, nowMs)));
        return rows.reversed();
    }
}
