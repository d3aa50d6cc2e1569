package io.mambabyte.streams;

import io.mambabyte.avro.Completion;

import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.metrics.MeasurableStat;
import org.apache.kafka.common.metrics.Sensor;
import org.apache.kafka.common.metrics.stats.CumulativeSum;
import org.apache.kafka.common.metrics.stats.Value;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.StreamsMetrics;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Counts the completions that end, and the requests that wait or are under way: those in the store,
 * which a crash or a request that failed leaves as they are. Hands every completion on.
 *
 * <p>Metrics in the group and with the tag of the scores'.
 */
final class RequestMeter implements FixedKeyProcessor<byte[], Completion, Completion> {
    /** Requests that ended, whatever the reason. */
    static final String ENDED = "completions-total";

    /** Bytes that were drafted for them. */
    static final String DRAFTED = "drafted-bytes-total";

    /** Of those, the ones that the model took. */
    static final String ACCEPTED = "accepted-bytes-total";

    /** Requests that wait or are under way. */
    static final String QUEUED = "requests-queued";

    /** Often enough for a gauge that is scraped every few seconds. */
    private static final Duration QUEUE_INTERVAL = Duration.ofSeconds(2);

    private final String storeName;
    private final List<Sensor> sensors = new ArrayList<>();
    private @Nullable FixedKeyProcessorContext<byte[], Completion> context;
    private @Nullable KeyValueStore<Bytes, byte[]> store;
    private @Nullable Sensor ended;
    private @Nullable Sensor drafted;
    private @Nullable Sensor accepted;
    private @Nullable Sensor queued;

    // Numbers of requests only grow, and what was deleted before this one need not be passed again.
    private long oldest;

    /**
     * A meter.
     *
     * @param storeName of the requests under way
     */
    RequestMeter(String storeName) {
        this.storeName = storeName;
    }

    @Override
    public void init(FixedKeyProcessorContext<byte[], Completion> context) {
        this.context = context;
        store = context.getStateStore(storeName);
        Map<String, String> tags = Map.of("task-id", context.taskId().toString());
        StreamsMetrics metrics = context.metrics();
        ended = sensor(metrics, tags, ENDED, "requests that ended", new CumulativeSum());
        drafted = sensor(metrics, tags, DRAFTED, "bytes drafted for them", new CumulativeSum());
        accepted = sensor(metrics, tags, ACCEPTED, "drafted bytes accepted", new CumulativeSum());
        queued = sensor(metrics, tags, QUEUED, "requests waiting or under way", new Value());
        countQueue(0);
        context.schedule(QUEUE_INTERVAL, PunctuationType.WALL_CLOCK_TIME, this::countQueue);
    }

    private Sensor sensor(
            StreamsMetrics metrics,
            Map<String, String> tags,
            String name,
            String description,
            MeasurableStat stat) {
        Sensor sensor =
                metrics.addSensor(
                        ScoringMetrics.GROUP + "." + name + "." + tags, Sensor.RecordingLevel.INFO);
        sensor.add(new MetricName(name, ScoringMetrics.GROUP, description, tags), stat);
        sensors.add(sensor);
        return sensor;
    }

    /**
     * Counts the requests in the store, each by a seek: an entry's key begins with the number of
     * its request, and a request's state, which need not be read, can be large.
     */
    private void countQueue(long nowMs) {
        KeyValueStore<Bytes, byte[]> requests = required(store);
        int count = 0;
        long from = oldest;
        while (true) {
            long number;
            try (KeyValueIterator<Bytes, byte[]> entries =
                    requests.range(
                            Bytes.wrap(ByteBuffer.allocate(Long.BYTES).putLong(from).array()),
                            null)) {
                if (!entries.hasNext()) {
                    break;
                }
                number = ByteBuffer.wrap(entries.peekNextKey().get()).getLong();
            }
            if (count == 0) {
                oldest = number;
            }
            count++;
            from = number + 1;
        }
        required(queued).record(count);
    }

    @Override
    public void process(FixedKeyRecord<byte[], Completion> record) {
        Completion completion = record.value();
        if (completion.getFinishReason() != null) {
            required(ended).record();
            required(drafted).record((double) completion.getDrafted());
            required(accepted).record((double) completion.getAccepted());
        }
        required(context).forward(record);
    }

    @Override
    public void close() {
        FixedKeyProcessorContext<byte[], Completion> opened = context;
        if (opened != null) {
            sensors.forEach(opened.metrics()::removeSensor);
        }
        sensors.clear();
        store = null;
    }

    private static <T> T required(@Nullable T initialised) {
        if (initialised == null) {
            throw new IllegalStateException("init was not called");
        }
        return initialised;
    }
}
