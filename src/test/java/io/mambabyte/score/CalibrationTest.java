package io.mambabyte.score;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.score.Calibration.Judgement;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Random;

class CalibrationTest {
    private static final double ALERTS = 0.001;
    private static final int GENERATION = 2000;

    /** Streams of lines that are exchangeable: what comes does not depend on what came. */
    enum Lines {
        /** Few kinds, surprisals that hardly differ. */
        STEADY {
            @Override
            LineStatistics next(Random random) {
                return line(random.nextInt(5), 1 + 0.1 * random.nextGaussian(), 0);
            }
        },
        /** Kinds as frequent as words are, some always new. */
        ZIPF {
            @Override
            LineStatistics next(Random random) {
                long kind = (long) Math.pow(random.nextDouble(), -1.5);
                return line(kind, random.nextDouble(), Math.max(0, random.nextGaussian() - 2));
            }
        },
        /** Identifiers: a tail that is heavier than exponential. */
        HEAVY_TAILED {
            @Override
            LineStatistics next(Random random) {
                return line(
                        random.nextInt(20),
                        2 * random.nextDouble(),
                        0.01 * Math.pow(random.nextDouble(), -0.7));
            }
        },
        /** All but the same line: nearly every value is a tie. */
        TIES {
            @Override
            LineStatistics next(Random random) {
                return line(0, 1, random.nextInt(100) == 0 ? 0.1 * random.nextInt(10) : 0);
            }
        },
        /** Every line is of a kind of its own. */
        ALWAYS_NEW {
            @Override
            LineStatistics next(Random random) {
                return line(random.nextLong(), 1 + random.nextDouble(), 0.1 * random.nextDouble());
            }
        };

        abstract LineStatistics next(Random random);
    }

    private static LineStatistics line(long kind, double wordBits, double tailBits) {
        return Calibration.rounded(
                new LineStatistics(mixed(kind), 0, 100 * wordBits, 0, 0, wordBits, tailBits));
    }

    private static LineStatistics strange() {
        return Calibration.rounded(new LineStatistics(mixed(-77), 1, 900, 0, 0, 9, 4));
    }

    // Kinds are hashes.
    private static long mixed(long kind) {
        return new Random(kind).nextLong();
    }

    private static Calibration calibration() {
        return new Calibration(200, GENERATION, ALERTS);
    }

    private static Judgement next(Calibration calibration, LineStatistics line) {
        Judgement judgement = calibration.judge(line);
        calibration.learn(line, judgement);
        return judgement;
    }

    /** How many of so many lines have a p-value below one. */
    private static int below(
            double pValue, Calibration calibration, Lines lines, Random random, int count) {
        int below = 0;
        for (int i = 0; i < count; i++) {
            Judgement judgement = next(calibration, lines.next(random));
            if (judgement.known() && judgement.pValue() < pValue) {
                below++;
            }
        }
        return below;
    }

    @Test
    void shouldJudgeNothingBeforeItHasSeenEnough() {
        Calibration calibration = calibration();
        Random random = new Random(1);
        for (int i = 0; i < 200; i++) {
            assertTrue(calibration.learning());
            assertFalse(next(calibration, Lines.STEADY.next(random)).known());
        }
        int more = 0;
        while (calibration.learning()) {
            assertFalse(next(calibration, Lines.STEADY.next(random)).known());
            more++;
        }
        assertTrue(more <= 64, "it waits for the next step only: " + more);
        assertTrue(next(calibration, Lines.STEADY.next(random)).known());
    }

    /**
     * Of exchangeable lines a share p has a p-value below p: within a factor of three, since the
     * one in a thousand is estimated from two to four thousand lines.
     */
    @ParameterizedTest
    @EnumSource(Lines.class)
    void shouldAlertAsOftenAsIsExpectedOfExchangeableLines(Lines lines) {
        int count = 60_000;
        Calibration calibration = calibration();
        Random random = new Random(11);
        below(ALERTS, calibration, lines, random, 2 * GENERATION);
        int hundredths = 0;
        int alerts = 0;
        for (int i = 0; i < count; i++) {
            Judgement judgement = next(calibration, lines.next(random));
            hundredths += judgement.pValue() < 0.01 ? 1 : 0;
            alerts += judgement.pValue() < ALERTS ? 1 : 0;
        }
        // Values that tie share one p-value, and an exponential tail goes on where these values
        // end: fewer lines than expected may be below a bound.
        double least = lines == Lines.TIES || lines == Lines.ALWAYS_NEW ? 0 : 0.25;
        assertTrue(hundredths <= 3 * 0.01 * count, lines + " at 1%: " + hundredths);
        assertTrue(hundredths >= least * 0.01 * count, lines + " at 1%: " + hundredths);
        assertTrue(alerts <= 3 * ALERTS * count, lines + " alerts: " + alerts);
        assertTrue(alerts >= least * ALERTS * count, lines + " alerts: " + alerts);
    }

    /**
     * Alerts come as often as is asked, also where lines come in bursts and after a shift that
     * lasts: within a factor of two, at three rates.
     */
    @ParameterizedTest
    @EnumSource(Lines.class)
    void shouldAlertAsOftenAsIsAskedAlsoAfterAShift(Lines lines) {
        for (double rate : new double[] {1e-4, 1e-3, 1e-2}) {
            Calibration calibration = new Calibration(200, GENERATION, rate);
            AlertThreshold threshold = new AlertThreshold(rate);
            Random random = new Random(31);
            int count = (int) (40 / rate);
            for (String part : new String[] {"before", "after"}) {
                int alerts = 0;
                for (int i = 0; i < count; i++) {
                    LineStatistics line = lines.next(random);
                    // Ten lines in two thousand are a burst of new kinds.
                    if (i % 2000 >= 1990) {
                        line = line(random.nextLong(), 3 + random.nextDouble(), 0.2);
                    } else if (part.equals("after")) {
                        // Longer, more surprising, and a kind that there was none of.
                        line =
                                i % 20 == 0
                                        ? line(-5, 4, 0.1)
                                        : line(
                                                line.kind(),
                                                line.wordBits() + 2,
                                                2 * line.tailBits() + 0.05);
                    }
                    Judgement judgement = calibration.judge(line);
                    if (judgement.known()) {
                        boolean alert = judgement.bits() > threshold.bits();
                        threshold.follow(alert);
                        alerts += alert ? 1 : 0;
                    }
                    calibration.learn(line, judgement);
                }
                assertTrue(
                        alerts >= 20 && alerts <= 80,
                        lines + " " + part + " at " + rate + ": " + alerts + " of 40");
            }
        }
    }

    @Test
    void shouldNotLearnABurstOfStrangeLines() {
        Calibration calibration = calibration();
        Random random = new Random(3);
        below(ALERTS, calibration, Lines.ZIPF, random, 3000);
        double before = calibration.judge(Lines.ZIPF.next(new Random(9))).bits();
        // Far more than are expected, among normal lines.
        int seen = 0;
        for (int i = 0; i < 60; i++) {
            Judgement judgement =
                    next(calibration, line(random.nextLong(), 9 + random.nextDouble(), 4));
            seen += judgement.pValue() < ALERTS ? 1 : 0;
            below(ALERTS, calibration, Lines.ZIPF, random, 5);
        }
        // The first alert one by one; then they are as frequent as they are, but strange still.
        assertTrue(seen >= 10, "seen " + seen);
        assertTrue(next(calibration, strange()).pValue() < Calibration.STRANGE);
        assertEquals(before, calibration.judge(Lines.ZIPF.next(new Random(9))).bits(), 1);
    }

    /** A shift that lasts is normal after {@link Calibration#SHIFT_LINES} lines and a few more. */
    @Test
    void shouldTakeAShiftThatLastsForNormal() {
        Calibration calibration = calibration();
        Random random = new Random(4);
        below(ALERTS, calibration, Lines.STEADY, random, 10_000);
        // Every line is now ten times as surprising as any before.
        int shifted = 0;
        int late = 0;
        for (int i = 1; i <= 2000; i++) {
            Judgement judgement =
                    next(calibration, line(random.nextInt(5), 12 + random.nextGaussian(), 1));
            if (judgement.pValue() < ALERTS) {
                shifted++;
                late += i > 1000 ? 1 : 0;
            }
        }
        assertTrue(shifted >= Calibration.SHIFT_LINES, "strange at first: " + shifted);
        assertTrue(shifted <= Calibration.SHIFT_LINES + 320, "strange for so long: " + shifted);
        assertTrue(late <= 5, "of the last thousand, one expected: " + late);
        int alerts = 0;
        for (int i = 0; i < 20_000; i++) {
            Judgement judgement =
                    next(calibration, line(random.nextInt(5), 12 + random.nextGaussian(), 1));
            alerts += judgement.pValue() < ALERTS ? 1 : 0;
        }
        assertTrue(alerts <= 60, "alerts of 20 expected: " + alerts);
        // And as it was before is normal again when that lasts.
        below(ALERTS, calibration, Lines.STEADY, random, 2 * GENERATION + 2000);
        int back = below(ALERTS, calibration, Lines.STEADY, random, 20_000);
        assertTrue(back >= 1 && back <= 60, "alerts of 20 expected: " + back);
    }

    @Test
    void shouldBeTheSameAfterItWasWrittenAndRead() throws IOException {
        for (Lines lines : Lines.values()) {
            Calibration one = calibration();
            Calibration other = calibration();
            Random random = new Random(5);
            for (int i = 0; i < 6000; i++) {
                LineStatistics line =
                        i % 50 == 0 || (i > 3000 && i < 4000) ? strange() : lines.next(random);
                Judgement expected = one.judge(line);
                assertEquals(expected, other.judge(line), lines + " line " + i);
                one.learn(line, expected);
                if (other.learn(line, expected)) {
                    other = copy(other);
                }
            }
        }
    }

    private static Calibration copy(Calibration calibration) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        calibration.write(new DataOutputStream(bytes));
        Calibration copy = calibration();
        copy.read(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
        return copy;
    }

    @Test
    void shouldStayWithinItsBoundsWhateverComes() throws IOException {
        for (Lines lines : Lines.values()) {
            Calibration calibration = calibration();
            Random random = new Random(6);
            int most = 0;
            for (int i = 0; i < 50_000; i++) {
                LineStatistics line = lines.next(random);
                if (calibration.learn(line, calibration.judge(line))) {
                    most = Math.max(most, calibration.bytes());
                }
            }
            assertTrue(most < 100_000, lines + " took " + most + " bytes");
        }
    }

    @Test
    void shouldFindALineNormalThatSomebodyCalledSo() {
        Calibration calibration = calibration();
        below(ALERTS, calibration, Lines.STEADY, new Random(7), 3000);
        double before = calibration.judge(strange()).kindBits();
        calibration.learnNormal(strange());
        assertTrue(calibration.judge(strange()).kindBits() < before - 4);
    }
}
