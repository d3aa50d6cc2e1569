package io.mambabyte.kernels;

/** Memory that {@link Kernels#scan} works in; one a thread. */
public final class ScanBlock {
    /**
     * Rows between two loads of a state. A block of one vector of channels, with B and C of all
     * states, stays in the first level cache.
     */
    static final int ROWS = 64;

    /** Floats of a row in {@link #steps}. */
    static final int STEP = 4 * Rows.LANES;

    /** Where input, y and the gate are in a row of {@link #steps}; delta is first. */
    static final int INPUT = Rows.LANES;

    static final int Y = 2 * Rows.LANES;
    static final int GATE = 3 * Rows.LANES;

    /** States that pass over a block together. */
    static final int GROUP = 4;

    /** Floats of a row in {@link #mix}: B of a group, then its C. */
    static final int MIX = 2 * GROUP;

    /** {@code [64 rows][delta, input, y, gate][16]}, of one vector of channels. */
    final float[] steps = new float[ROWS * STEP];

    /** {@code [group of states][64 rows][B, C][4]}. */
    final float[] mix;

    /** {@code [width]}: delta and input of a row, for the scalar kernels. */
    final float[] delta;

    final float[] input;

    /**
     * Allocates it.
     *
     * @param width channels of the scan, padding included
     * @param states states of a channel
     */
    public ScanBlock(int width, int states) {
        int groups = (states + GROUP - 1) / GROUP;
        mix = new float[Math.multiplyExact(groups, ROWS * MIX)];
        delta = new float[width];
        input = new float[width];
    }

    boolean fits(ScanParameters parameters) {
        return delta.length >= parameters.width
                && mix.length >= (parameters.states + GROUP - 1) / GROUP * ROWS * MIX;
    }
}
