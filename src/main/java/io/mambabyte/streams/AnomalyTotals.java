package io.mambabyte.streams;

import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;

import java.util.Map;

/**
 * What an instance's tasks found anomalous since they were given to it, read from Kafka Streams'
 * metrics.
 *
 * @param anomalies lines that alerted
 * @param incidents incidents that were opened, silences included
 * @param openIncidents incidents that are open
 * @param learningKeys keys of which too little is known to judge their lines
 * @param nanos time that stream threads spent on it, state store included
 */
public record AnomalyTotals(
        long anomalies, long incidents, long openIncidents, long learningKeys, long nanos) {

    /**
     * Sums over the tasks.
     *
     * @param metrics what {@code KafkaStreams.metrics()} gives
     * @return the sums; all 0 where anomalies are not looked for
     */
    public static AnomalyTotals of(Map<MetricName, ? extends Metric> metrics) {
        return new AnomalyTotals(
                sum(metrics, AnomalyMetrics.ANOMALIES),
                sum(metrics, AnomalyMetrics.INCIDENTS),
                sum(metrics, AnomalyMetrics.OPEN),
                sum(metrics, AnomalyMetrics.LEARNING),
                sum(metrics, AnomalyMetrics.TIME));
    }

    private static long sum(Map<MetricName, ? extends Metric> metrics, String name) {
        double sum = 0;
        for (Map.Entry<MetricName, ? extends Metric> entry : metrics.entrySet()) {
            if (entry.getKey().group().equals(ScoringMetrics.GROUP)
                    && entry.getKey().name().equals(name)
                    && entry.getValue().metricValue() instanceof Double value) {
                sum += value;
            }
        }
        return (long) sum;
    }
}
