package io.mambabyte.score;

import java.util.Arrays;

/** The surprisal of each byte of a record, in bits; immutable. */
public final class Surprisals {
    private final float[] bits;

    Surprisals(float[] source, int length) {
        bits = Arrays.copyOf(source, length);
    }

    /**
     * Surprisals that were kept elsewhere, such as those of a likelihood that was read back.
     *
     * @param bits of each byte, copied
     * @return the surprisals
     */
    public static Surprisals of(float[] bits) {
        return new Surprisals(bits, bits.length);
    }

    /**
     * Number of bytes.
     *
     * @return as many as the record has, its framing newline included
     */
    public int size() {
        return bits.length;
    }

    /**
     * Surprisal of a byte.
     *
     * @param index 0 to {@link #size()} - 1
     * @return {@code -log2 p}, or NaN where nothing preceded the byte
     */
    public float get(int index) {
        return bits[index];
    }

    /**
     * All of them.
     *
     * @return a copy
     */
    public float[] toArray() {
        return bits.clone();
    }

    /** Equal where all are the same to the bit. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Surprisals that && Arrays.equals(bits, that.bits);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bits);
    }

    @Override
    public String toString() {
        return Arrays.toString(bits);
    }
}
