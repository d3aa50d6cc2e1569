package io.mambabyte.model;

/**
 * Where and how far a state is rounded while bytes are fed, as a part of what inference is: at
 * every position that is a multiple of a distance. The position is that of the byte stream, so the
 * result is the same however the bytes are cut, and a state that is written there at that precision
 * is small and exact.
 *
 * @param precision what is left of the floats
 * @param distanceBytes bytes between two roundings; 0 with {@link StatePrecision#FLOAT32} only
 */
public record StateRounding(StatePrecision precision, int distanceBytes) {
    /** No rounding. */
    public static final StateRounding NONE = new StateRounding(StatePrecision.FLOAT32, 0);

    /**
     * Checks the distance.
     *
     * @throws IllegalArgumentException if the states are to be rounded at no distance, or not at a
     *     distance
     */
    public StateRounding {
        if (distanceBytes < 0 || (precision == StatePrecision.FLOAT32) != (distanceBytes == 0)) {
            throw new IllegalArgumentException(
                    "rounding to " + precision + " every " + distanceBytes + " bytes");
        }
    }

    /**
     * Bytes that may be fed before a state must be looked at.
     *
     * @param position bytes fed so far
     * @return from 1 to the distance
     */
    public int bytesToNext(long position) {
        return distanceBytes == 0
                ? Integer.MAX_VALUE
                : (int) (distanceBytes - position % distanceBytes);
    }

    /**
     * Whether a state is rounded there.
     *
     * @param position bytes fed so far
     * @return false at 0, where nothing was fed
     */
    public boolean at(long position) {
        return distanceBytes > 0 && position > 0 && position % distanceBytes == 0;
    }
}
