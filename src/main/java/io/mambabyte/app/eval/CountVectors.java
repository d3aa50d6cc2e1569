package io.mambabyte.app.eval;

import io.mambabyte.score.KindCounts;
import io.mambabyte.score.LineKind;
import io.mambabyte.score.SessionKind;

import java.util.List;

/**
 * Rarity of how often each kind of line comes in a session, 0 where it was seen before: unseen
 * count vectors.
 */
final class CountVectors implements Detector {
    private final KindCounts seen = new KindCounts();

    @Override
    public List<String> names() {
        return List.of("unseen-count-vectors");
    }

    private static long vector(Sample sample) {
        return SessionKind.of(sample.lines().stream().mapToLong(LineKind::of).toArray());
    }

    @Override
    public void learn(Sample normal) {
        seen.add(vector(normal));
    }

    @Override
    public double[] score(Sample sample) {
        return new double[] {seen.bits(vector(sample))};
    }
}
