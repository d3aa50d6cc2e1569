package io.mambabyte.app.bench;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * What a core can do at most: fused multiply-adds on registers, twelve independent chains, which
 * cover the latency of every core of today.
 */
final class VectorFmaPeak {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    private static final int CHAINS = 12;

    private final float[] sink = new float[SPECIES.length()];

    /** Floating point operations of one {@link #run}, two a fused multiply-add. */
    static long operations(int steps) {
        return 2L * CHAINS * SPECIES.length() * steps;
    }

    /** Computes; the result is kept so that nothing is left out. */
    void run(int steps) {
        FloatVector m = FloatVector.broadcast(SPECIES, 0.999f);
        FloatVector c = FloatVector.broadcast(SPECIES, 0.001f);
        FloatVector s0 = FloatVector.fromArray(SPECIES, sink, 0);
        FloatVector s1 = s0.add(1f);
        FloatVector s2 = s0.add(2f);
        FloatVector s3 = s0.add(3f);
        FloatVector s4 = s0.add(4f);
        FloatVector s5 = s0.add(5f);
        FloatVector s6 = s0.add(6f);
        FloatVector s7 = s0.add(7f);
        FloatVector s8 = s0.add(8f);
        FloatVector s9 = s0.add(9f);
        FloatVector s10 = s0.add(10f);
        FloatVector s11 = s0.add(11f);
        for (int i = 0; i < steps; i++) {
            s0 = s0.fma(m, c);
            s1 = s1.fma(m, c);
            s2 = s2.fma(m, c);
            s3 = s3.fma(m, c);
            s4 = s4.fma(m, c);
            s5 = s5.fma(m, c);
            s6 = s6.fma(m, c);
            s7 = s7.fma(m, c);
            s8 = s8.fma(m, c);
            s9 = s9.fma(m, c);
            s10 = s10.fma(m, c);
            s11 = s11.fma(m, c);
        }
        FloatVector low = s0.add(s1).add(s2).add(s3).add(s4).add(s5);
        low.add(s6).add(s7).add(s8).add(s9).add(s10).add(s11).intoArray(sink, 0);
    }
}
