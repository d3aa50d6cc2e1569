package io.mambabyte.score;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Random;

class AlertThresholdTest {
    private static final double MOST_BITS = 24;
    private static final double LEAST_BITS = 3;

    /** Streams of {@code -log2} of p-values, right ones and wrong ones. */
    enum Stream {
        /** A share p is below p. */
        RIGHT {
            @Override
            double next(Random random, int line) {
                return exponential(random);
            }
        },
        /** Eight times as many as that. */
        TOO_STRANGE {
            @Override
            double next(Random random, int line) {
                return exponential(random) + 3;
            }
        },
        /** An eighth of that. */
        NOT_STRANGE_ENOUGH {
            @Override
            double next(Random random, int line) {
                return exponential(random) - 3;
            }
        },
        /** A tail that is twice as long. */
        HEAVY {
            @Override
            double next(Random random, int line) {
                return 2 * exponential(random);
            }
        },
        /** Twenty of 500 lines come in a burst and are all strange. */
        BURSTS {
            @Override
            double next(Random random, int line) {
                return exponential(random) + (line % 500 < 20 ? 8 : 0);
            }
        },
        /** Right, then eight times too strange, by turns. */
        CHANGING {
            @Override
            double next(Random random, int line) {
                return exponential(random) + (line / 50_000 % 2 == 0 ? 0 : 3);
            }
        };

        abstract double next(Random random, int line);

        static double exponential(Random random) {
            return -Math.log(1 - random.nextDouble()) / Math.log(2);
        }
    }

    private static boolean next(AlertThreshold threshold, double bits) {
        boolean alert = bits > threshold.bits();
        threshold.follow(alert);
        return alert;
    }

    @Test
    void shouldBeginWherePValuesSay() {
        assertEquals(Math.log(1000) / Math.log(2), new AlertThreshold(0.001).bits(), 1e-9);
    }

    /** At three rates, of as many lines as make 200 alerts. */
    @ParameterizedTest
    @EnumSource(Stream.class)
    void shouldAlertAsOftenAsAskedWhateverThePValues(Stream stream) {
        for (double rate : new double[] {1e-4, 1e-3, 1e-2}) {
            AlertThreshold threshold = new AlertThreshold(rate);
            Random random = new Random(23);
            int lines = (int) (200 / rate);
            int alerts = 0;
            for (int i = 0; i < lines; i++) {
                alerts += next(threshold, stream.next(random, i)) ? 1 : 0;
            }
            assertTrue(
                    alerts >= 150 && alerts <= 250,
                    stream + " at " + rate + ": " + alerts + " of 200");
        }
    }

    /** Whatever comes, and between any two lines. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void shouldNeverAlertMoreOftenThanItsWayAllows(long seed) {
        double rate = 0.001;
        AlertThreshold threshold = new AlertThreshold(rate);
        Random random = new Random(seed);
        double most = (MOST_BITS - LEAST_BITS) / AlertThreshold.STEP_BITS + 2;
        double balance = 0;
        double least = 0;
        double scale = 1;
        for (int i = 0; i < 200_000; i++) {
            if (random.nextInt(2000) == 0) {
                scale = 4 * random.nextDouble();
            }
            boolean alert =
                    next(threshold, Math.min(MOST_BITS, scale * Stream.exponential(random)));
            balance += (alert ? 1 : 0) - rate;
            least = Math.min(least, balance);
            assertTrue(balance - least <= most, "line " + i + ": " + (balance - least));
        }
    }

    @Test
    void shouldLetTheStrangestOfABurstAlert() {
        AlertThreshold threshold = new AlertThreshold(0.001);
        int alerts = 0;
        for (int i = 0; i < 50; i++) {
            alerts += next(threshold, 20) ? 1 : 0;
        }
        assertEquals(6, alerts); // from 9.97 bits in steps of 2
        assertTrue(next(threshold, 23));
    }

    @Test
    void shouldGoOnWithoutAlertsWhereNothingIsStrange() {
        AlertThreshold threshold = new AlertThreshold(0.001);
        for (int i = 0; i < 100_000; i++) {
            assertTrue(!next(threshold, 2.9));
        }
        assertEquals(LEAST_BITS, threshold.bits(), 1e-9);
    }
}
