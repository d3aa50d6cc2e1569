package io.mambabyte.streams;

import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.metrics.MeasurableStat;
import org.apache.kafka.common.metrics.MetricConfig;
import org.apache.kafka.common.metrics.Sensor;
import org.apache.kafka.common.metrics.stats.CumulativeSum;
import org.apache.kafka.common.metrics.stats.Value;
import org.apache.kafka.streams.StreamsMetrics;
import org.apache.kafka.streams.processor.api.ProcessingContext;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What happened to the keys' states of one task, in the group and with the tag of its scores. */
final class StateMetrics implements AutoCloseable {
    /** States made ready from the store. */
    static final String RESTORED = "states-restored-total";

    /** Bytes fed again for that. */
    static final String REPLAYED_BYTES = "replayed-bytes-total";

    /** Time that it took. */
    static final String RESTORE_TIME = "restore-time-ns-total";

    /** Time that the slowest took. */
    static final String RESTORE_TIME_MAX = "restore-time-ns-max";

    /** Checkpoints written. */
    static final String CHECKPOINTS = "checkpoints-total";

    /** Bytes of them as they were written to the store, keys of entries not counted. */
    static final String CHECKPOINT_BYTES = "checkpoint-bytes-total";

    /** Records that found their key's state on the heap; the others made it ready or began it. */
    static final String LIVE_HITS = "live-states-hits-total";

    /** Live states. */
    static final String LIVE = "live-states";

    /** Keys that started anew because their state could not be read. */
    static final String SET_ASIDE = "states-set-aside-total";

    /** Keys that started anew because their state was of another model. */
    static final String OTHER_MODEL = "states-other-model-total";

    /** Keys that were forgotten because they were idle. */
    static final String EXPIRED = "states-expired-total";

    /** Heap of live states. */
    static final String LIVE_BYTES = "live-states-bytes";

    private final StreamsMetrics metrics;
    private final Map<String, String> tags;
    private final List<Sensor> sensors = new ArrayList<>();
    private final Sensor restored;
    private final Sensor replayed;
    private final Sensor restoreTime;
    private final Sensor checkpoints;
    private final Sensor checkpointBytes;
    private final Sensor liveHits;
    private final Sensor live;
    private final Sensor setAside;
    private final Sensor otherModel;
    private final Sensor expired;
    private final Sensor liveBytes;

    StateMetrics(ProcessingContext context) {
        metrics = context.metrics();
        tags = Map.of("task-id", context.taskId().toString());
        restored = sum(RESTORED, "states made ready from the store");
        replayed = sum(REPLAYED_BYTES, "bytes fed again to make states ready");
        restoreTime = sum(RESTORE_TIME, "nanoseconds spent on making states ready");
        restoreTime.add(
                name(RESTORE_TIME_MAX, "nanoseconds that the slowest of them took"), new Largest());
        checkpoints = sum(CHECKPOINTS, "checkpoints written");
        checkpointBytes = sum(CHECKPOINT_BYTES, "bytes of the checkpoints written");
        liveHits = sum(LIVE_HITS, "records whose key's state was ready for use");
        live = sensor(LIVE);
        live.add(name(LIVE, "states that are ready for use"), new Value());
        setAside = sum(SET_ASIDE, "keys that started anew: unreadable state");
        otherModel = sum(OTHER_MODEL, "keys whose state was of another model");
        expired = sum(EXPIRED, "keys forgotten because they were idle");
        liveBytes = sensor(LIVE_BYTES);
        liveBytes.add(name(LIVE_BYTES, "heap of the states that are ready for use"), new Value());
    }

    void restored(long replayedBytes, long nanos) {
        restored.record();
        restoreTime.record((double) nanos);
        replayed.record((double) replayedBytes);
    }

    void checkpoint(long bytes) {
        checkpoints.record();
        checkpointBytes.record((double) bytes);
    }

    void liveHit() {
        liveHits.record();
    }

    void setAside() {
        setAside.record();
    }

    void otherModel() {
        otherModel.record();
    }

    void expired() {
        expired.record();
    }

    void live(int states, long bytes) {
        live.record(states);
        liveBytes.record((double) bytes);
    }

    @Override
    public void close() {
        sensors.forEach(metrics::removeSensor);
    }

    private Sensor sum(String name, String description) {
        Sensor sensor = sensor(name);
        sensor.add(name(name, description), new CumulativeSum());
        return sensor;
    }

    private MetricName name(String name, String description) {
        return new MetricName(name, ScoringMetrics.GROUP, description, tags);
    }

    /** The largest value so far; Kafka's own forgets after a minute. */
    private static final class Largest implements MeasurableStat {
        private double largest;

        @Override
        public void record(MetricConfig config, double value, long timeMs) {
            largest = Math.max(largest, value);
        }

        @Override
        public double measure(MetricConfig config, long now) {
            return largest;
        }
    }

    private Sensor sensor(String name) {
        Sensor sensor =
                metrics.addSensor(
                        ScoringMetrics.GROUP + "." + name + "." + tags, Sensor.RecordingLevel.INFO);
        sensors.add(sensor);
        return sensor;
    }
}
