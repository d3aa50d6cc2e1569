package io.mambabyte.streams;

import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;

import java.util.Map;
import java.util.stream.DoubleStream;

/**
 * What happened to the keys' states of an instance's tasks since they were given to it, read from
 * Kafka Streams' metrics.
 *
 * @param restored states made ready from the store: first touches after a fail-over, and of keys
 *     that had left the heap
 * @param replayedBytes bytes fed again for that
 * @param restoreNanos time that it took
 * @param restoreNanosMax time that the slowest took
 * @param checkpoints checkpoints written
 * @param setAside keys that started anew because their state could not be read
 * @param otherModel keys that started anew because their state was of another model
 * @param expired keys that were forgotten because they were idle
 * @param liveBytes heap of the states that are ready for use
 */
public record StateTotals(
        long restored,
        long replayedBytes,
        long restoreNanos,
        long restoreNanosMax,
        long checkpoints,
        long setAside,
        long otherModel,
        long expired,
        long liveBytes) {

    /**
     * Sums over the tasks.
     *
     * @param metrics what {@code KafkaStreams.metrics()} gives
     * @return the sums; all 0 where no task keeps states
     */
    public static StateTotals of(Map<MetricName, ? extends Metric> metrics) {
        return new StateTotals(
                sum(metrics, StateMetrics.RESTORED),
                sum(metrics, StateMetrics.REPLAYED_BYTES),
                sum(metrics, StateMetrics.RESTORE_TIME),
                max(metrics, StateMetrics.RESTORE_TIME_MAX),
                sum(metrics, StateMetrics.CHECKPOINTS),
                sum(metrics, StateMetrics.SET_ASIDE),
                sum(metrics, StateMetrics.OTHER_MODEL),
                sum(metrics, StateMetrics.EXPIRED),
                sum(metrics, StateMetrics.LIVE_BYTES));
    }

    private static long sum(Map<MetricName, ? extends Metric> metrics, String name) {
        return (long) values(metrics, name).sum();
    }

    private static long max(Map<MetricName, ? extends Metric> metrics, String name) {
        return (long) values(metrics, name).max().orElse(0);
    }

    private static DoubleStream values(Map<MetricName, ? extends Metric> metrics, String name) {
        return metrics.entrySet().stream()
                .filter(entry -> entry.getKey().group().equals(ScoringMetrics.GROUP))
                .filter(entry -> entry.getKey().name().equals(name))
                .map(entry -> entry.getValue().metricValue())
                .filter(Double.class::isInstance)
                .mapToDouble(Double.class::cast)
                .filter(value -> !Double.isNaN(value));
    }
}
