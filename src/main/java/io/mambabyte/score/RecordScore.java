package io.mambabyte.score;

import org.jspecify.annotations.Nullable;

/**
 * How likely the bytes of one record were, given the bytes before them.
 *
 * @param position bytes of the stream before this record, framing included
 * @param bytes bytes of the record, the framing newline included where there is one
 * @param scoredBytes bytes that had a prediction: all but the first of a stream
 * @param bits sum of the surprisal {@code -log2 p} over the scored bytes
 * @param expectedBits sum of the model's entropies: what it expected {@code bits} to be
 * @param varianceBits sum of the variances of the surprisal, in bits squared
 * @param worstOffset first byte, within the record, of its most surprising window of at most 16
 *     scored bytes; the first of several that are equal
 * @param worstBits bits of that window
 * @param surprisal bits of each byte, only when asked for
 */
public record RecordScore(
        long position,
        int bytes,
        int scoredBytes,
        double bits,
        double expectedBits,
        double varianceBits,
        int worstOffset,
        double worstBits,
        @Nullable Surprisals surprisal) {

    /**
     * Mean surprisal.
     *
     * @return bits a scored byte; 0 where nothing was scored
     */
    public double bitsPerByte() {
        return scoredBytes == 0 ? 0 : bits / scoredBytes;
    }

    /**
     * Surprise beyond what the model itself expected.
     *
     * @return {@code bits - expectedBits}
     */
    public double excessBits() {
        return bits - expectedBits;
    }

    /**
     * The excess as a standard score: over the standard deviation that the model's own
     * distributions have.
     *
     * @return {@code excessBits / sqrt(varianceBits)}; 0 where the variance is 0
     */
    public double z() {
        return varianceBits > 0 ? excessBits() / Math.sqrt(varianceBits) : 0;
    }
}
