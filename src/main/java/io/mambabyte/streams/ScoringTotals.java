package io.mambabyte.streams;

import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;

import java.util.Map;

/**
 * What an instance's tasks scored since they were given to it, read from Kafka Streams' metrics.
 *
 * @param records records scored
 * @param bytes bytes of them, framing included
 * @param bits surprisal of them
 * @param nanos time that stream threads spent on them, state store included
 */
public record ScoringTotals(long records, long bytes, double bits, long nanos) {

    /**
     * Sums over the tasks.
     *
     * @param metrics what {@code KafkaStreams.metrics()} gives
     * @return the sums; all 0 where no task scores
     */
    public static ScoringTotals of(Map<MetricName, ? extends Metric> metrics) {
        double records = 0;
        double bytes = 0;
        double bits = 0;
        double nanos = 0;
        for (Map.Entry<MetricName, ? extends Metric> entry : metrics.entrySet()) {
            MetricName name = entry.getKey();
            if (name.group().equals(ScoringMetrics.GROUP)
                    && entry.getValue().metricValue() instanceof Double value) {
                switch (name.name()) {
                    case ScoringMetrics.RECORDS -> records += value;
                    case ScoringMetrics.BYTES -> bytes += value;
                    case ScoringMetrics.BITS -> bits += value;
                    case ScoringMetrics.TIME -> nanos += value;
                    default -> {} // a metric that is not part of the sums
                }
            }
        }
        return new ScoringTotals((long) records, (long) bytes, bits, (long) nanos);
    }
}
