package io.mambabyte.app;

import io.mambabyte.avro.Incident;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;

import java.time.Duration;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The incidents of a run, read from their topic: the last state of each. */
final class IncidentLog {
    private static final Duration POLL = Duration.ofMillis(100);
    private static final int QUIET_POLLS = 10;

    /**
     * An incident.
     *
     * @param openedMs time of the line that opened it, when it was sent first
     * @param last its last state
     */
    record Entry(long openedMs, Incident last) {}

    private final Map<String, Entry> incidents = new LinkedHashMap<>();

    /**
     * Reads what is there, until nothing has come for a second.
     *
     * @param consumer of the topic
     */
    void read(KafkaConsumer<byte[], Incident> consumer) {
        for (int quiet = 0; quiet < QUIET_POLLS; quiet++) {
            for (ConsumerRecord<byte[], Incident> record : consumer.poll(POLL)) {
                Incident state = record.value();
                incidents.merge(
                        state.getId(),
                        new Entry(state.getLastTimeMs(), state),
                        (before, now) -> new Entry(before.openedMs(), now.last()));
                quiet = 0;
            }
        }
    }

    /**
     * All of them.
     *
     * @return in the order in which they were opened
     */
    List<Entry> entries() {
        return incidents.values().stream()
                .sorted(Comparator.comparingLong(Entry::openedMs))
                .toList();
    }
}
