package io.mambabyte.generate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.kernels.Kernels;
import io.mambabyte.kernels.Rows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;

class SamplerTest {
    private final Sampler sampler = new Sampler(Kernels.selected());

    private static Rows logits(Random random, double scale) {
        Rows rows = Rows.allocate(256, 1);
        for (int i = 0; i < 256; i++) {
            // Few different values, so that there are ties.
            rows.values()[i] = (float) (Math.rint(8 * random.nextGaussian()) / 8 * scale);
        }
        return rows;
    }

    @Test
    void shouldTakeMostProbableByteAndLowestOfEqualOnesAtTemperatureZero() {
        Rows rows = Rows.allocate(256, 1);
        rows.values()[40] = 3;
        rows.values()[200] = 3;
        assertEquals(40, sampler.sample(Sampling.GREEDY, 0, rows, 0));
        rows.values()[200] = Math.nextUp(3f);
        assertEquals(200, sampler.sample(Sampling.GREEDY, 0, rows, 0));
    }

    /** The definition, written another way: sets of bytes, in double. */
    private static int defined(Sampling sampling, long position, Rows logits) {
        double[] p = new double[256];
        float most = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < 256; i++) {
            most = Math.max(most, logits.values()[i]);
        }
        double total = 0;
        for (int i = 0; i < 256; i++) {
            p[i] = Math.exp((logits.values()[i] - most) / sampling.temperature());
            total += p[i];
        }
        Integer[] ranked = IntStream.range(0, 256).boxed().toArray(Integer[]::new);
        Arrays.sort(ranked, Comparator.comparingDouble((Integer i) -> -p[i]));
        boolean[] stays = new boolean[256];
        double sum = 0;
        for (int rank = 0; rank < 256; rank++) {
            boolean passes =
                    (sampling.topK() == 0 || rank < sampling.topK())
                            && (sampling.topP() == 1 || sum / total < sampling.topP())
                            && p[ranked[rank]] >= sampling.minP();
            stays[ranked[rank]] = passes;
            sum += p[ranked[rank]];
        }
        double left = 0;
        for (int i = 0; i < 256; i++) {
            left += stays[i] ? p[i] : 0;
        }
        double target = CounterRandom.uniform(sampling.seed(), position) * left;
        double cumulated = 0;
        for (int i = 0; i < 256; i++) {
            cumulated += stays[i] ? p[i] : 0;
            if (stays[i] && cumulated > target) {
                return i;
            }
        }
        throw new AssertionError("no byte at " + target + " of " + left);
    }

    @Test
    void shouldDrawAsDefined() {
        Random random = new Random(3);
        int different = 0;
        int drawn = 0;
        for (double temperature : new double[] {0.1, 0.7, 1, 1.3, 10}) {
            for (int topK : new int[] {0, 1, 5, 255, 256}) {
                for (double topP : new double[] {1, 0.9, 0.33, 1e-9}) {
                    for (double minP : new double[] {0, 0.013, 0.51, 1}) {
                        Sampling sampling =
                                new Sampling(temperature, topK, topP, minP, drawn, false);
                        for (int i = 0; i < 20; i++) {
                            Rows logits = logits(random, 1 + random.nextInt(4));
                            int expected = defined(sampling, i, logits);
                            int actual = sampler.sample(sampling, i, logits, 0);
                            drawn++;
                            different += expected == actual ? 0 : 1;
                        }
                    }
                }
            }
        }
        // Where the number falls within a rounding of the border between two bytes, float weights
        // and double ones may differ: about one in 10^5.
        assertTrue(different <= 1, different + " of " + drawn + " differ");
    }

    @Test
    void shouldDrawByteAsOftenAsItIsProbable() {
        Rows rows = Rows.allocate(256, 1);
        Arrays.fill(rows.values(), -100);
        rows.values()['a'] = (float) Math.log(0.5);
        rows.values()['b'] = (float) Math.log(0.3);
        rows.values()['c'] = (float) Math.log(0.2);
        int[] counts = new int[256];
        int draws = 100_000;
        for (int i = 0; i < draws; i++) {
            counts[sampler.sample(Sampling.of(1, 99), i, rows, 0)]++;
        }
        // Five standard deviations of a binomial count are at most 791.
        assertEquals(50_000, counts['a'], 791);
        assertEquals(30_000, counts['b'], 791);
        assertEquals(20_000, counts['c'], 791);
        assertEquals(draws, counts['a'] + counts['b'] + counts['c']);
    }

    @Test
    void shouldGiveTheSameBytesWithScalarKernels() {
        Sampler scalar = new Sampler(Kernels.scalar());
        Random random = new Random(4);
        for (int i = 0; i < 5000; i++) {
            Rows logits = logits(random, 3);
            Sampling sampling = new Sampling(0.9, 50, 0.95, 0.001, i, false);
            assertEquals(
                    scalar.sample(sampling, i, logits, 0), sampler.sample(sampling, i, logits, 0));
        }
    }

    @Test
    void shouldSpreadUniformNumbersOverSeedsAndPositions() {
        int[] buckets = new int[64];
        for (int seed = 0; seed < 1000; seed++) {
            for (int position = 0; position < 64; position++) {
                double u = CounterRandom.uniform(seed, position);
                assertTrue(u >= 0 && u < 1);
                buckets[(int) (u * 64)]++;
            }
        }
        for (int count : buckets) {
            // 1000 expected in each; five standard deviations are 157.
            assertEquals(1000, count, 157);
        }
        // Frozen: a change would change what every seed makes.
        assertEquals(0.6524484863740322, CounterRandom.uniform(0, 0));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "-1|0|1|0|temperature must be 0 or from 0.000001 to 100, not -1.0",
                "NaN|0|1|0|temperature must be 0 or from 0.000001 to 100, not NaN",
                "1|-1|1|0|top-k must be from 0 to 256, not -1",
                "1|257|1|0|top-k must be from 0 to 256, not 257",
                "1|0|0|0|top-p must be above 0 and at most 1, not 0.0",
                "1|0|1.5|0|top-p must be above 0 and at most 1, not 1.5",
                "1|0|1|-0.1|min-p must be from 0 to 1, not -0.1",
                "1|0|1|NaN|min-p must be from 0 to 1, not NaN"
            })
    void shouldRefuseInvalidSettings(
            double temperature, int topK, double topP, double minP, String message) {
        var thrown =
                assertThrows(
                        IllegalArgumentException.class,
                        () -> new Sampling(temperature, topK, topP, minP, 0, false));
        assertEquals(message, thrown.getMessage());
    }
}
