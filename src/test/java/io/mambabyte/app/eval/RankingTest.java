package io.mambabyte.app.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.SplittableRandom;

class RankingTest {
    private static Ranking ranking(double[] scores, int... labels) {
        boolean[] anomalies = new boolean[labels.length];
        for (int i = 0; i < labels.length; i++) {
            anomalies[i] = labels[i] == 1;
        }
        return new Ranking(scores, anomalies);
    }

    @Test
    void shouldGiveAurocAndPrecisionOfAnOrderThatIsCountedByHand() {
        Ranking ranking = ranking(new double[] {5, 4, 3, 2, 1}, 1, 0, 1, 0, 0);

        assertEquals(5 / 6.0, ranking.auroc(), 1e-12);
        assertEquals((1 + 2 / 3.0) / 2, ranking.averagePrecision(), 1e-12);
        assertEquals(0.5, ranking.recallInTop(2));
    }

    @Test
    void shouldCountTiesHalf() {
        Ranking ranking = ranking(new double[] {1, 1, 1, 1}, 1, 0, 1, 0);

        assertEquals(0.5, ranking.auroc());
        assertEquals(0.5, ranking.averagePrecision());
        assertEquals(0, ranking.recallInTop(3));
    }

    @Test
    void shouldAgreeWithAllPairs() {
        SplittableRandom random = new SplittableRandom(7);
        double[] scores = new double[200];
        int[] labels = new int[200];
        for (int i = 0; i < scores.length; i++) {
            labels[i] = random.nextInt(5) == 0 ? 1 : 0;
            scores[i] = random.nextInt(40) + 8 * labels[i];
        }
        double wins = 0;
        long pairs = 0;
        for (int i = 0; i < scores.length; i++) {
            for (int j = 0; j < scores.length; j++) {
                if (labels[i] == 1 && labels[j] == 0) {
                    pairs++;
                    wins += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
                }
            }
        }

        assertEquals(wins / pairs, ranking(scores, labels).auroc(), 1e-12);
    }

    @Test
    void shouldGiveTheMeanPlaceOfTheFirstAnomaly() {
        assertEquals(
                3.5,
                ranking(new double[] {9, 2, 2, 8, 1, 2}, 0, 1, 0, 0, 0, 0).rankOfFirst() - 0.5);
        assertEquals(1, ranking(new double[] {1, 9, 5}, 0, 1, 1).rankOfFirst());
    }

    @Test
    void shouldDrawAnIntervalAroundTheAreaThatNarrowsWithMoreSamples() {
        Ranking.Interval few = noisy(40).aurocInterval();
        Ranking ranking = noisy(4000);
        Ranking.Interval many = ranking.aurocInterval();

        assertTrue(many.low() < ranking.auroc() && ranking.auroc() < many.high());
        // Ten times narrower by the square root law; a factor of two for chance.
        double ratio = (few.high() - few.low()) / (many.high() - many.low());
        assertTrue(ratio > 5 && ratio < 20, few + " " + many);
    }

    @Test
    void shouldGiveThePointsOfACurveThatIsCountedByHand() {
        Ranking ranking = ranking(new double[] {5, 4, 4, 2, 1}, 1, 0, 1, 0, 0);

        assertEquals(
                List.of(
                        new Ranking.Point(0, 0, 1),
                        new Ranking.Point(0.5, 0, 1),
                        new Ranking.Point(1, 1 / 3.0, 2 / 3.0),
                        new Ranking.Point(1, 2 / 3.0, 0.5),
                        new Ranking.Point(1, 1, 0.4)),
                ranking.points());
    }

    private static Ranking noisy(int samples) {
        SplittableRandom random = new SplittableRandom(11);
        double[] scores = new double[samples];
        int[] labels = new int[samples];
        for (int i = 0; i < samples; i++) {
            labels[i] = i % 4 == 0 ? 1 : 0;
            scores[i] = random.nextDouble() + 0.5 * labels[i];
        }
        return ranking(scores, labels);
    }
}
