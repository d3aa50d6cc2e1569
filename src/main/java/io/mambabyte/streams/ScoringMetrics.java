package io.mambabyte.streams;

import io.mambabyte.score.RecordScore;

import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.metrics.MeasurableStat;
import org.apache.kafka.common.metrics.Sensor;
import org.apache.kafka.common.metrics.stats.CumulativeSum;
import org.apache.kafka.streams.StreamsMetrics;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What one task scored, among Kafka Streams' own metrics: group {@code mambabyte-metrics}, tag
 * {@code task-id}.
 */
final class ScoringMetrics implements AutoCloseable {
    /** Group of the metrics. */
    static final String GROUP = "mambabyte-metrics";

    /** Records scored. */
    static final String RECORDS = "records-total";

    /** Bytes of them, framing included. */
    static final String BYTES = "bytes-total";

    /** Surprisal of them. */
    static final String BITS = "bits-total";

    /** Time spent on them. */
    static final String TIME = "score-time-ns-total";

    private final StreamsMetrics metrics;
    private final Map<String, String> tags;
    private final List<Sensor> sensors = new ArrayList<>();
    private final Sensor records;
    private final Sensor bytes;
    private final Sensor bits;
    private final Sensor time;

    ScoringMetrics(FixedKeyProcessorContext<?, ?> context) {
        metrics = context.metrics();
        tags = Map.of("task-id", context.taskId().toString());
        records = sum(RECORDS, "records scored");
        bytes = sum(BYTES, "bytes scored, framing included");
        bits = sum(BITS, "surprisal of the scored bytes in bits");
        time = sum(TIME, "nanoseconds spent on scoring, the state store included");
    }

    void record(RecordScore score, long nanos) {
        records.record();
        bytes.record(score.bytes());
        bits.record(score.bits());
        time.record((double) nanos);
    }

    @Override
    public void close() {
        sensors.forEach(metrics::removeSensor);
    }

    private Sensor sum(String name, String description) {
        Sensor sensor =
                metrics.addSensor(GROUP + "." + name + "." + tags, Sensor.RecordingLevel.INFO);
        MeasurableStat sum = new CumulativeSum();
        sensor.add(new MetricName(name, GROUP, description, tags), sum);
        sensors.add(sensor);
        return sensor;
    }
}
