package io.mambabyte.app;

import io.mambabyte.avro.Likelihood;
import io.mambabyte.score.RecordScore;

/** Whether a likelihood says, to the last bit, what a score does. */
final class ScoreEquality {
    private ScoreEquality() {}

    static boolean equal(Likelihood likelihood, RecordScore score) {
        return likelihood.getPosition() == score.position()
                && likelihood.getBytes() == score.bytes()
                && likelihood.getScoredBytes() == score.scoredBytes()
                && likelihood.getWorstOffset() == score.worstOffset()
                && sameBits(likelihood.getBits(), score.bits())
                && sameBits(likelihood.getExpectedBits(), score.expectedBits())
                && sameBits(likelihood.getZ(), score.z())
                && sameBits(likelihood.getWorstBits(), score.worstBits());
    }

    private static boolean sameBits(double a, double b) {
        return Double.doubleToRawLongBits(a) == Double.doubleToRawLongBits(b);
    }
}
