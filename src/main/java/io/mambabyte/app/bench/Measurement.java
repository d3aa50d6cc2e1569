package io.mambabyte.app.bench;

import java.util.Arrays;

/**
 * What the rounds of a benchmark gave: medians, because a machine that does something else for a
 * moment must not count, and the spread between quartiles, so that one sees when it did.
 *
 * @param bytesPerSecond of all threads together, median
 * @param spread difference of the quartiles of bytes per second over the median
 * @param fmaPeak peak of all threads' cores together in GFLOP/s, median
 * @param fractionOfPeak median of the rounds' own fractions: both sides met the same machine
 * @param allocatedPerByte bytes allocated on the heap per byte, median
 */
record Measurement(
        double bytesPerSecond,
        double spread,
        double fmaPeak,
        double fractionOfPeak,
        double allocatedPerByte) {

    /** One round: rates of all threads together. */
    record Round(double bytesPerSecond, double fmaPeak) {}

    static Measurement of(Round[] rounds, double flopsPerByte, double allocatedPerByte) {
        double[] rates = Arrays.stream(rounds).mapToDouble(Round::bytesPerSecond).toArray();
        double[] peaks = Arrays.stream(rounds).mapToDouble(Round::fmaPeak).toArray();
        double[] fractions =
                Arrays.stream(rounds)
                        .mapToDouble(r -> r.bytesPerSecond * flopsPerByte / 1e9 / r.fmaPeak)
                        .toArray();
        double median = Quantiles.median(rates);
        return new Measurement(
                median,
                (Quantiles.quantile(rates, 0.75) - Quantiles.quantile(rates, 0.25)) / median,
                Quantiles.median(peaks),
                Quantiles.median(fractions),
                allocatedPerByte);
    }
}
