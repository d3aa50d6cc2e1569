package io.mambabyte.streams;

import io.mambabyte.avro.Incident;

import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The incidents of a task that are not closed. Strange lines of a key are gathered; when they are
 * {@link IncidentEvidence} enough, the incident is open and is sent. It is sent again when it grew,
 * not more often than every so long, and when no line has kept it open for a gap.
 */
final class Incidents {
    static final String OPEN = "open";
    static final String CLOSED = "closed";
    static final String DISMISSED = "dismissed";

    private static final String ANOMALIES = "anomalies";
    private static final String SILENCE = "silence";
    private static final int TEXT_BYTES_MAX = 4096;
    private static final int HASH_BYTES = 8;

    private final AnomalyConfig config;
    private final String model;
    private final IncidentSpans spans;
    private final KeyValueStore<Bytes, byte[]> store;
    private final AnomalyMetrics metrics;
    private final Consumer<Incident> send;

    // By the store's key, which says whose it is and of which kind.
    private final Map<Bytes, IncidentState> states = new HashMap<>();

    /**
     * A strange line.
     *
     * @param whose of which key
     * @param learned what it came to
     * @param at where it is
     * @param text the line
     * @param score its score
     * @param bits {@code -log2} of its p-value
     */
    @SuppressWarnings("ArrayRecordComponent") // only ever read
    record Line(
            Bytes whose,
            AnomalyKey.Learned learned,
            LinePosition at,
            byte[] text,
            double score,
            double bits) {
        long number() {
            return learned.number();
        }
    }

    Incidents(
            AnomalyConfig config,
            String model,
            IncidentSpans spans,
            KeyValueStore<Bytes, byte[]> store,
            AnomalyMetrics metrics,
            Consumer<Incident> send) {
        this.config = config;
        this.model = model;
        this.spans = spans;
        this.store = store;
        this.metrics = metrics;
        this.send = send;
        for (byte kind : new byte[] {AnomalyStores.INCIDENT, AnomalyStores.SILENCE}) {
            read(kind);
        }
        metrics.open(openCount());
    }

    private void read(byte kind) {
        try (KeyValueIterator<Bytes, byte[]> entries =
                store.range(
                        Bytes.wrap(new byte[] {kind}),
                        Bytes.wrap(new byte[] {(byte) (kind + 1)}))) {
            while (entries.hasNext()) {
                KeyValue<Bytes, byte[]> entry = entries.next();
                if (entry.key.get()[0] == kind) {
                    states.put(entry.key, IncidentState.decode(entry.key, entry.value));
                }
            }
        }
    }

    /** Incidents that are open. */
    int openCount() {
        int open = 0;
        for (IncidentState state : states.values()) {
            open += state.open ? 1 : 0;
        }
        return open;
    }

    /**
     * Takes a strange line in.
     *
     * @return identifier of its incident, open or not yet
     */
    String add(Line line) {
        Bytes storeKey = AnomalyStores.entry(AnomalyStores.INCIDENT, line.whose());
        IncidentState state = states.get(storeKey);
        if (state != null
                && (state.open ? over(state, line.at().timeMs()) : line.learned().first())) {
            end(storeKey, state, CLOSED);
            state = null;
        }
        if (state == null) {
            state = new IncidentState(begin(line));
            states.put(storeKey, state);
        }
        if (state.open && !line.learned().lasting()) {
            return state.incident.getId(); // strange, but no more than a line now and then is
        }
        grow(state, line);
        if (!state.open && line.learned().enough()) {
            state.open = true;
            metrics.incident();
            send(state, OPEN, line.at().timeMs());
            metrics.open(openCount());
        } else if (state.open && line.at().timeMs() - state.sentMs >= config.incidentsUpdateMs()) {
            send(state, OPEN, line.at().timeMs());
        }
        store.put(storeKey, state.encode(storeKey));
        return state.incident.getId();
    }

    /**
     * The incident that a line belongs to which does not count for one.
     *
     * @param whose of which key the line is
     * @param number of the line
     * @return identifier of the key's incident, or of one that there is not
     */
    String of(Bytes whose, long number) {
        IncidentState state = states.get(AnomalyStores.entry(AnomalyStores.INCIDENT, whose));
        return state != null ? state.incident.getId() : hash(whose) + "-" + number;
    }

    private Incident begin(Line line) {
        Incident incident = blank(line.whose(), ANOMALIES);
        incident.setId(hash(line.whose()) + "-" + line.number());
        incident.setTopic(line.at().topic());
        incident.setPartition(line.at().partition());
        incident.setFirstLine(line.number());
        incident.setFirstOffset(line.at().offset());
        incident.setFirstTimeMs(line.at().timeMs());
        incident.setLastTimeMs(line.at().timeMs());
        incident.setPeakPValue(2);
        return incident;
    }

    private Incident blank(Bytes whose, String kind) {
        byte @Nullable [] key = AnomalyStores.key(whose);
        Incident incident = new Incident();
        incident.setKey(key == null ? null : ByteBuffer.wrap(key));
        incident.setKind(kind);
        incident.setStatus(OPEN);
        incident.setModel(model);
        incident.setPeakText(ByteBuffer.allocate(0));
        incident.setSpans(List.of());
        return incident;
    }

    private static void grow(IncidentState state, Line line) {
        Incident incident = state.incident;
        state.changed = true;
        incident.setLines(incident.getLines() + 1);
        incident.setLastLine(line.number());
        incident.setLastOffset(line.at().offset());
        // Records may come late: an incident does not shrink by one that does.
        incident.setLastTimeMs(Math.max(incident.getLastTimeMs(), line.at().timeMs()));
        double p = Math.pow(2, -line.bits());
        if (p < incident.getPeakPValue()
                || (p == incident.getPeakPValue() && line.score() > incident.getPeakScore())) {
            incident.setPeakPValue(p);
            incident.setPeakScore(line.score());
            incident.setPeakLine(line.number());
            incident.setPeakOffset(line.at().offset());
            incident.setPeakText(text(line.text()));
            incident.setSpans(List.of());
        }
    }

    /** The beginning of a line, as records show it. */
    static ByteBuffer text(byte[] line) {
        return ByteBuffer.wrap(line, 0, Math.min(line.length, TEXT_BYTES_MAX)).slice();
    }

    private boolean over(IncidentState state, long nowMs) {
        return nowMs - state.incident.getLastTimeMs() > config.incidentsGapMs();
    }

    private void send(IncidentState state, String status, long nowMs) {
        Incident incident = state.incident;
        incident.setStatus(status);
        incident.setRevision(incident.getRevision() + 1);
        if (incident.getSpans().isEmpty() && incident.getPeakText().hasRemaining()) {
            byte[] text = new byte[incident.getPeakText().remaining()];
            incident.getPeakText().duplicate().get(text);
            incident.setSpans(spans.of(text));
        }
        state.changed = false;
        state.sentMs = nowMs;
        send.accept(state.copy());
    }

    private void end(Bytes storeKey, IncidentState state, String status) {
        if (state.open) {
            send(state, status, state.incident.getLastTimeMs());
        }
        states.remove(storeKey);
        store.delete(storeKey);
        metrics.open(openCount());
    }

    /**
     * Closes what is over and sends what grew.
     *
     * @param nowMs records' time
     */
    void sweep(long nowMs) {
        for (Map.Entry<Bytes, IncidentState> entry : new ArrayList<>(states.entrySet())) {
            IncidentState state = entry.getValue();
            if (entry.getKey().get()[0] == AnomalyStores.SILENCE) {
                continue;
            }
            if (over(state, nowMs)) {
                end(entry.getKey(), state, CLOSED);
            } else if (state.open
                    && state.changed
                    && nowMs - state.sentMs >= config.incidentsUpdateMs()) {
                send(state, OPEN, nowMs);
                store.put(entry.getKey(), state.encode(entry.getKey()));
            }
        }
    }

    /** Closes all but silences: no record has come for a gap. */
    void closeAll() {
        for (Map.Entry<Bytes, IncidentState> entry : new ArrayList<>(states.entrySet())) {
            if (entry.getKey().get()[0] == AnomalyStores.INCIDENT) {
                end(entry.getKey(), entry.getValue(), CLOSED);
            }
        }
    }

    /**
     * Somebody said that lines are normal: the incident that they are in is dismissed.
     *
     * @param whose of which key
     * @param firstLine first of the lines
     * @param lastLine last of them
     */
    void dismiss(Bytes whose, long firstLine, long lastLine) {
        for (byte kind : new byte[] {AnomalyStores.INCIDENT, AnomalyStores.SILENCE}) {
            Bytes storeKey = AnomalyStores.entry(kind, whose);
            IncidentState state = states.get(storeKey);
            if (state != null
                    && state.incident.getFirstLine() >= firstLine
                    && state.incident.getFirstLine() <= lastLine) {
                end(storeKey, state, DISMISSED);
            }
        }
    }

    // ---------------------------------------------------------------- silences

    /**
     * A key fell silent.
     *
     * @param whose which key
     * @param key what is known of it
     * @param partition of its lines
     * @param gapMs how long it has been silent, by the task's clock
     * @param nowMs records' time
     */
    void silent(Bytes whose, AnomalyKey key, int partition, long gapMs, long nowMs) {
        Bytes storeKey = AnomalyStores.entry(AnomalyStores.SILENCE, whose);
        if (states.containsKey(storeKey)) {
            return;
        }
        double probability = key.gaps().probability(gapMs);
        Incident incident = blank(whose, SILENCE);
        incident.setId(hash(whose) + "-" + key.lines() + "-" + SILENCE);
        incident.setTopic(key.topic());
        incident.setPartition(partition);
        incident.setFirstLine(key.lines());
        incident.setLastLine(key.lines());
        incident.setFirstOffset(key.offset());
        incident.setLastOffset(key.offset());
        incident.setFirstTimeMs(key.timeMs());
        incident.setLastTimeMs(Math.max(key.timeMs(), nowMs));
        incident.setPeakPValue(probability);
        incident.setPeakScore(-Math.log(probability) / Math.log(2));
        incident.setUsualGapMs(key.gaps().usualMs());
        IncidentState state = new IncidentState(incident);
        state.open = true;
        states.put(storeKey, state);
        metrics.incident();
        metrics.silence();
        send(state, OPEN, nowMs);
        store.put(storeKey, state.encode(storeKey));
        metrics.open(openCount());
    }

    /**
     * A key spoke: where it was silent, that is over.
     *
     * @param whose which key
     * @param number of the line that it said
     * @param at where the line is
     */
    void spoke(Bytes whose, long number, LinePosition at) {
        if (states.isEmpty()) {
            return;
        }
        Bytes storeKey = AnomalyStores.entry(AnomalyStores.SILENCE, whose);
        IncidentState state = states.get(storeKey);
        if (state != null) {
            state.incident.setLastLine(number);
            state.incident.setLastOffset(at.offset());
            state.incident.setLastTimeMs(at.timeMs());
            end(storeKey, state, CLOSED);
        }
    }

    /** Short name of a key, the same everywhere. */
    static String hash(Bytes whose) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(whose.get());
            return HexFormat.of().formatHex(hash, 0, HASH_BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** The record's key of an incident. */
    static byte[] recordKey(Incident incident) {
        return incident.getId().getBytes(StandardCharsets.UTF_8);
    }
}
