package io.mambabyte.score;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;

/** The parts of an anomaly decision, each on its own. */
class AnomalyPartsTest {
    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void shouldNameLinesThatDifferInNumbersTheSame() {
        long kind = LineKind.of(bytes("12:30:01 worker-7 took 31 ms"));

        assertEquals(kind, LineKind.of(bytes("23:59:59   worker-12 took 4000 ms\r")));
        assertNotEquals(kind, LineKind.of(bytes("12:30:01 worker-7 lost 31 ms")));
        assertNotEquals(kind, LineKind.of(bytes("12:30:01 took worker-7 31 ms")));
    }

    @Test
    void shouldFindSeverityWordsInAnyCaseAndPlace() {
        assertTrue(SeverityWords.in(bytes("java.lang.NullPointerException")));
        assertTrue(SeverityWords.in(bytes("request TIMED OUT")));
        assertEquals(2, SeverityWords.count(bytes("fatal: connection refuse, refused")));
        assertFalse(SeverityWords.in(bytes("all is well, err no")));
        assertFalse(SeverityWords.in(bytes("erro")));
        assertFalse(SeverityWords.in(new byte[0]));
    }

    @Test
    void shouldMakeAKindLessRareEachTimeItComes() {
        KindCounts counts = new KindCounts();
        for (int i = 0; i < 1000; i++) {
            counts.add(i % 2);
        }
        double never = counts.bits(99);
        counts.add(99);
        double once = counts.bits(99);

        assertEquals(Math.log(1001 / 0.5) / Math.log(2), never, 1e-12);
        assertTrue(once < never && once > counts.bits(0), never + " " + once);
        assertEquals(1, counts.bits(0), 0.01);
    }

    @Test
    void shouldGiveTheSameSessionKindInAnyOrder() {
        long kind = SessionKind.of(new long[] {1, 2, 2, 3});

        assertEquals(kind, SessionKind.of(new long[] {2, 3, 2, 1}));
        assertNotEquals(kind, SessionKind.of(new long[] {1, 2, 3, 3}));
        assertNotEquals(kind, SessionKind.of(new long[] {1, 2, 3}));
    }

    @Test
    void shouldAlertAsOftenAsItsProbabilitySays() {
        SplittableRandom random = new SplittableRandom(3);
        double[] normal = random.doubles(20_000).map(u -> -Math.log(1 - u)).toArray();
        TailProbability tail = new TailProbability(normal);

        for (double p : new double[] {0.5, 0.1, 0.01, 0.001, 1e-5}) {
            double bits = tail.bits(-Math.log(p));
            assertEquals(-Math.log(p) / Math.log(2), bits, 0.07 * bits + 0.02, "p " + p);
        }
    }

    @Test
    void shouldKeepTheOrderOfScoresAboveAllNormalOnes() {
        TailProbability tail = new TailProbability(new double[] {0, 0, 1, 2, 3, 5, 8, 9, 9, 10});
        double[] bits =
                Arrays.stream(new double[] {-1, 0, 1, 9, 10, 11, 100, 1e6})
                        .map(tail::bits)
                        .toArray();

        for (int i = 1; i < bits.length; i++) {
            assertTrue(bits[i] > bits[i - 1] || bits[i] == 0, Arrays.toString(bits));
        }
    }

    @Test
    void shouldStandOneNormalScoreThatAllShare() {
        TailProbability tail = new TailProbability(new double[] {4, 4, 4, 4});

        assertTrue(tail.bits(5) > tail.bits(4));
        assertTrue(Double.isFinite(tail.bits(1e9)));
    }

    @Test
    void shouldMakeASeverityRarerTheMoreWordsAndTheFewerLinesHaveThem() {
        SeverityCounts counts = new SeverityCounts();
        for (int i = 0; i < 1000; i++) {
            counts.add(i % 100 == 0 ? 2 : i % 4 == 0 ? 1 : 0);
        }

        assertEquals(0, counts.bits(0));
        assertEquals(2, counts.bits(1), 0.01);
        assertEquals(Math.log(1001 / 10.5) / Math.log(2), counts.bits(2), 1e-12);
        assertEquals(Math.log(1001 / 0.5) / Math.log(2), counts.bits(3), 1e-12);
        assertEquals(counts.bits(8), counts.bits(80));
    }

    @Test
    void shouldTakeTheStrongestEvidenceWithItsHandicap() {
        assertEquals(6, AnomalyScore.strongest(6, 10, 18, 1024, 0));
        assertEquals(7, AnomalyScore.strongest(6, 11, 18, 1024, 0));
        assertEquals(10, AnomalyScore.strongest(6, 11, 23, 1024, 0.4));
    }

    @Test
    void shouldTrustTheTailWhereKindsAreNewAndNoveltyWhereTheyAreNot() {
        assertEquals(10, AnomalyScore.strongest(10, 10, 0, 1024, 0.3));
        assertEquals(10, AnomalyScore.strongest(12, 10, 0, 1024, 0.6));
        assertEquals(2, AnomalyScore.strongest(12, 1, 0, 1024, 1));
        assertEquals(9, AnomalyScore.strongest(14, 1, 0, 1024, 0.5), 1e-9);
    }

    @Test
    void shouldKnowHowManyKindsWereNew() {
        KindCounts counts = new KindCounts();
        assertEquals(0, counts.newKinds());
        for (int i = 0; i < 30; i++) {
            counts.add(i % 3);
        }
        assertEquals(0.1, counts.newKinds());

        CalibrationKinds recent = new CalibrationKinds(64, 1000);
        for (int i = 0; i < 30; i++) {
            recent.add(i % 3);
        }
        assertEquals(0.1, recent.newKinds());
        recent.halve();
        recent.add(7);
        assertEquals(2.0 / 16, recent.newKinds());
    }

    @Test
    void shouldCountSeverityHalfAsExpectedAndHalfAsSeen() {
        LineStatistics line = new LineStatistics(1, 2, 80, 0, 30, 1.5, 0);

        assertEquals(3 + 1.5 + 5, AnomalyScore.novelty(line, 3));
        assertEquals(3 + 1.5 + 3, AnomalyScore.novelty(line, 3, 1));
        LineStatistics plain = new LineStatistics(1, 0, 80, 0, 30, 1.5, 0);
        assertEquals(3 + 1.5, AnomalyScore.novelty(plain, 3, 0));
    }

    @Test
    void shouldLeaveNumbersOutOfWordsButNotOutOfTheTail() {
        byte[] line = bytes("ab 12 c");
        float[] bits = {1, 3, 2, 10, 20, 4, 5, 1};
        RecordScore score = new RecordScore(0, 8, 8, 46, 40, 9, 0, 46, Surprisals.of(bits));

        LineStatistics statistics = LineStatistics.of(line, score);

        assertEquals((1 + 3 + 2 + 4 + 5 + 1) / 6.0, statistics.wordBits(), 1e-9);
        assertEquals((2 + 12) / 136.0, statistics.tailBits(), 1e-9);
        assertEquals(6, statistics.excessBits(), 1e-9);
    }
}
