package io.mambabyte.score;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** {@link SeverityCounts} of the recent past: counts are halved with every generation. */
final class CalibrationSeverity {
    /** Lines with more words than this count as lines with this many. */
    private static final int WORDS_MAX = 8;

    /** Lines with at least so many words. */
    private final long[] atLeast = new long[WORDS_MAX + 1];

    CalibrationSeverity() {}

    void add(int words) {
        for (int i = 0; i <= Math.min(words, WORDS_MAX); i++) {
            atLeast[i]++;
        }
    }

    /** {@link SeverityCounts#bits} of so many words. */
    double bits(int words) {
        return words == 0 ? 0 : KindCounts.bits(atLeast[0], atLeast[Math.min(words, WORDS_MAX)]);
    }

    void halve() {
        for (int i = 0; i < atLeast.length; i++) {
            atLeast[i] /= 2;
        }
    }

    void write(DataOutput out) throws IOException {
        for (long count : atLeast) {
            out.writeLong(count);
        }
    }

    void read(DataInput in) throws IOException {
        for (int i = 0; i < atLeast.length; i++) {
            atLeast[i] = in.readLong();
        }
    }
}
