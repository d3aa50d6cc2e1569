package io.mambabyte.generate;

/**
 * Uniform numbers that are a function of a seed and a position, so that the byte at a position is
 * the same however many were computed together, and after any restart.
 */
public final class CounterRandom {
    private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;

    private CounterRandom() {}

    /**
     * The number of a position: SplitMix64's output function on the position's counter, whose
     * starting point is the same function of the seed, so that neighbouring seeds share no stretch.
     *
     * @param seed any number
     * @param position any position
     * @return at least 0 and less than 1, a multiple of {@code 2^-53}
     */
    public static double uniform(long seed, long position) {
        long bits = mix(mix(seed + GOLDEN_GAMMA) + (position + 1) * GOLDEN_GAMMA);
        return (bits >>> 11) * 0x1p-53;
    }

    /** Stafford's variant 13 of MurmurHash3's finalizer. */
    private static long mix(long value) {
        long z = (value ^ (value >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }
}
