package io.mambabyte.streams;

import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.metrics.MeasurableStat;
import org.apache.kafka.common.metrics.Sensor;
import org.apache.kafka.common.metrics.stats.CumulativeSum;
import org.apache.kafka.common.metrics.stats.Value;
import org.apache.kafka.streams.StreamsMetrics;
import org.apache.kafka.streams.processor.api.ProcessingContext;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What one task found anomalous, in the group and with the tag of its scores. */
final class AnomalyMetrics implements AutoCloseable {
    /** Lines that alerted. */
    static final String ANOMALIES = "anomalies-total";

    /** Incidents that were opened, silences included. */
    static final String INCIDENTS = "incidents-total";

    /** Incidents that are open. */
    static final String OPEN = "incidents-open";

    /** Silences among the incidents. */
    static final String SILENCES = "silences-total";

    /** Keys that spoke and of which too little is known to judge their lines. */
    static final String LEARNING = "keys-learning";

    /** Verdicts that were heeded. */
    static final String VERDICTS = "verdicts-total";

    /** Time spent. */
    static final String TIME = "calibration-time-ns-total";

    private final StreamsMetrics metrics;
    private final Map<String, String> tags;
    private final List<Sensor> sensors = new ArrayList<>();
    private final Sensor anomalies;
    private final Sensor incidents;
    private final Sensor open;
    private final Sensor silences;
    private final Sensor learning;
    private final Sensor verdicts;
    private final Sensor time;

    AnomalyMetrics(ProcessingContext context) {
        metrics = context.metrics();
        tags = Map.of("task-id", context.taskId().toString());
        anomalies = sensor(ANOMALIES, "lines that alerted", new CumulativeSum());
        incidents = sensor(INCIDENTS, "incidents opened, silences included", new CumulativeSum());
        open = sensor(OPEN, "incidents that are open", new Value());
        silences = sensor(SILENCES, "keys that fell silent", new CumulativeSum());
        learning = sensor(LEARNING, "keys of which too little is known yet", new Value());
        verdicts = sensor(VERDICTS, "verdicts heeded", new CumulativeSum());
        time =
                sensor(
                        TIME,
                        "nanoseconds spent on calibration, its store included",
                        new CumulativeSum());
        open(0);
        learning(0);
    }

    void anomaly() {
        anomalies.record();
    }

    void incident() {
        incidents.record();
    }

    void open(int count) {
        open.record(count);
    }

    void silence() {
        silences.record();
    }

    void learning(int keys) {
        learning.record(keys);
    }

    void verdict() {
        verdicts.record();
    }

    void time(long nanos) {
        time.record((double) nanos);
    }

    @Override
    public void close() {
        sensors.forEach(metrics::removeSensor);
    }

    private Sensor sensor(String name, String description, MeasurableStat stat) {
        Sensor sensor =
                metrics.addSensor(
                        ScoringMetrics.GROUP + "." + name + "." + tags, Sensor.RecordingLevel.INFO);
        sensor.add(new MetricName(name, ScoringMetrics.GROUP, description, tags), stat);
        sensors.add(sensor);
        return sensor;
    }
}
