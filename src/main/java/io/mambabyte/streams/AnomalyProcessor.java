package io.mambabyte.streams;

import io.mambabyte.avro.Anomaly;
import io.mambabyte.avro.Incident;
import io.mambabyte.avro.Verdict;
import io.mambabyte.model.MambaModel;
import io.mambabyte.score.Calibration;
import io.mambabyte.score.Calibration.Judgement;
import io.mambabyte.score.LineStatistics;

import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.apache.kafka.streams.state.KeyValueStore;
import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Judges lines by the lines before them, and heeds verdicts. What is learned is {@link
 * AnomalyKey}'s business, what becomes of strange lines {@link Incidents}'.
 */
final class AnomalyProcessor<K> implements Processor<K, SpecificRecord, byte[], SpecificRecord> {
    private static final Duration SWEEP_INTERVAL = Duration.ofSeconds(1);
    private static final int SCAN_ENTRIES = 200;

    private final AnomalyConfig config;
    private final MambaByteConfig component;
    private final MambaModel model;
    private final Function<? super K, byte[]> keyBytes;
    private final @Nullable Pattern groupPattern;

    private @Nullable Task task;

    /** What belongs to one task. */
    private record Task(
            ProcessorContext<byte[], SpecificRecord> context,
            AnomalyMetrics metrics,
            TaskClock clock,
            AnomalyKeys keys,
            Incidents incidents,
            SilenceWatch silences) {}

    // When a record came last, by the system's clock.
    private long lastRecordMs;

    AnomalyProcessor(
            MambaByteConfig component, MambaModel model, Function<? super K, byte[]> keyBytes) {
        this.component = component;
        this.model = model;
        this.keyBytes = keyBytes;
        config = component.anomalies();
        groupPattern = config.groupPattern().orElse(null);
    }

    @Override
    public void init(ProcessorContext<byte[], SpecificRecord> context) {
        KeyValueStore<Bytes, byte[]> store = context.getStateStore(AnomalyStores.name(component));
        AnomalyMetrics metrics = new AnomalyMetrics(context);
        Task made =
                new Task(
                        context,
                        metrics,
                        new TaskClock(store),
                        new AnomalyKeys(
                                config,
                                InferenceTag.ofScores(model, component.context()),
                                store,
                                context.taskId().toString()),
                        new Incidents(
                                config,
                                model.fingerprint(),
                                new IncidentSpans(model, component.framing()),
                                store,
                                metrics,
                                incident -> send(context, incident)),
                        new SilenceWatch());
        task = made;
        lastRecordMs = context.currentSystemTimeMs();
        context.schedule(
                SWEEP_INTERVAL,
                PunctuationType.STREAM_TIME,
                _ -> made.incidents().sweep(made.clock().latestMs()));
        context.schedule(SWEEP_INTERVAL, PunctuationType.WALL_CLOCK_TIME, this::tick);
    }

    private static void send(ProcessorContext<byte[], SpecificRecord> context, Incident incident) {
        context.forward(
                new Record<>(
                        Incidents.recordKey(incident),
                        incident,
                        Math.max(0, incident.getLastTimeMs())));
    }

    // Keys that the store knows and that have not spoken since the start are watched as well.
    private void tick(long nowMs) {
        Task now = required();
        if (config.silencesPerDay() > 0) {
            for (Bytes whose : now.keys().next(SCAN_ENTRIES)) {
                expect(now, whose, now.keys().of(whose));
            }
        }
        if (nowMs - lastRecordMs >= config.incidentsGapMs()) {
            now.incidents().closeAll();
        }
    }

    @Override
    public void process(Record<K, SpecificRecord> record) {
        switch (record.value()) {
            case ScoredLikelihood line -> line(record, line);
            case Verdict verdict -> verdict(record, verdict);
            case null -> {} // a tombstone says nothing of lines
            default ->
                    throw new IllegalArgumentException(
                            "Anomalies are looked for in what the likelihood processor hands on,"
                                    + " right behind it and with "
                                    + AnomalyConfig.TOPIC_CONFIG
                                    + " set, and in verdicts; this is a "
                                    + record.value().getClass().getSimpleName());
        }
    }

    private void line(Record<K, SpecificRecord> record, ScoredLikelihood line) {
        long start = System.nanoTime();
        Task now = required();
        lastRecordMs = now.context().currentSystemTimeMs();
        now.clock().advance(record.timestamp());
        byte @Nullable [] key = record.key() == null ? null : keyBytes.apply(record.key());
        Bytes whose = key == null ? AnomalyStores.NO_KEY : AnomalyStores.ofKey(key);
        LinePosition at = position(now, record.timestamp());
        silences(now, whose);

        LineStatistics statistics =
                Calibration.rounded(LineStatistics.of(line.line(), line.score()));
        AnomalyKey ofKey = now.keys().of(whose);
        Bytes groupName = AnomalyStores.ofGroup(group(key));
        AnomalyKey ofGroup = now.keys().of(groupName);
        Judgement own = ofKey.calibration().judge(statistics);
        Judgement groups = ofGroup.calibration().judge(statistics);
        Judgement used = own.known() ? own : groups;

        long clockMs = now.clock().nowMs();
        AnomalyKey.Learned learned =
                ofKey.learn(
                        statistics,
                        own,
                        used.bits(),
                        used.score(),
                        ofGroup.thresholdBits(),
                        clockMs,
                        at);
        boolean groupFolded =
                ofGroup.learnOfGroup(statistics, groups, used.known(), learned.alert());
        now.keys().store(whose, ofKey, learned.folded());
        now.keys().store(groupName, ofGroup, groupFolded);
        now.incidents().spoke(whose, learned.number(), at);
        expect(now, whose, ofKey);
        now.metrics().learning(now.keys().learningCount());

        line.setCalibration(used.known() ? (own.known() ? "key" : "group") : "learning");
        if (used.known()) {
            line.setScore(used.score());
            line.setPValue(used.pValue());
        }
        // What is behind does not count as calibration: it would be written all the same.
        now.metrics().time(System.nanoTime() - start);
        now.context().forward(record.withKey(key).withValue((SpecificRecord) line));
        if (!learned.strange() && !learned.alert()) {
            return;
        }
        String incident =
                learned.strange()
                        ? now.incidents()
                                .add(
                                        new Incidents.Line(
                                                whose,
                                                learned,
                                                at,
                                                line.line(),
                                                used.score(),
                                                used.bits()))
                        : now.incidents().of(whose, learned.number());
        if (learned.alert()) {
            now.metrics().anomaly();
            now.context()
                    .forward(
                            record.withKey(key)
                                    .withValue(
                                            anomaly(
                                                    incident,
                                                    line,
                                                    statistics,
                                                    used,
                                                    learned,
                                                    at)));
        }
    }

    private static LinePosition position(Task now, long timestampMs) {
        RecordMetadata source = now.context().recordMetadata().orElse(null);
        return source == null
                ? new LinePosition("", -1, -1, timestampMs)
                : new LinePosition(
                        source.topic(), source.partition(), source.offset(), timestampMs);
    }

    private byte[] group(byte @Nullable [] key) {
        if (groupPattern != null && key != null) {
            Matcher matcher = groupPattern.matcher(new String(key, StandardCharsets.UTF_8));
            if (matcher.find() && matcher.group(1) != null) {
                return matcher.group(1).getBytes(StandardCharsets.UTF_8);
            }
        }
        return new byte[0];
    }

    // The key that just spoke is not silent any more, but may have been until now.
    private void silences(Task now, Bytes spoke) {
        for (Bytes whose : now.silences().due(now.clock().nowMs())) {
            AnomalyKey key = now.keys().of(whose);
            long gapMs = now.clock().nowMs() - key.gaps().lastMs();
            if (!whose.equals(spoke) || gapMs > key.gaps().silentAfterMs(config.silencesPerDay())) {
                now.incidents()
                        .silent(
                                whose,
                                key,
                                now.context().taskId().partition(),
                                gapMs,
                                now.clock().latestMs());
            }
        }
    }

    private void expect(Task now, Bytes whose, AnomalyKey key) {
        if (whose.equals(AnomalyStores.NO_KEY) || key.gaps().lastMs() < 0) {
            return;
        }
        long silentAfterMs = key.gaps().silentAfterMs(config.silencesPerDay());
        if (silentAfterMs < Long.MAX_VALUE) {
            now.silences().expect(whose, key.gaps().lastMs() + silentAfterMs);
        }
    }

    private Anomaly anomaly(
            String incident,
            ScoredLikelihood line,
            LineStatistics statistics,
            Judgement used,
            AnomalyKey.Learned learned,
            LinePosition at) {
        return new Anomaly(
                incident,
                model.fingerprint(),
                line.getContext(),
                at.topic(),
                at.partition(),
                at.offset(),
                learned.number(),
                at.timeMs(),
                used.pValue(),
                Math.pow(2, -learned.thresholdBits()),
                used.score(),
                line.getCalibration(),
                used.compared(),
                statistics.kind(),
                used.kindBits(),
                statistics.wordBits(),
                statistics.tailBits(),
                statistics.severe(),
                line.getBits(),
                line.getBytes(),
                line.getWorstOffset(),
                line.getWorstBits(),
                Incidents.text(line.line()));
    }

    private void verdict(Record<K, SpecificRecord> record, Verdict verdict) {
        Task now = required();
        boolean normal =
                switch (verdict.getVerdict()) {
                    case "not_an_anomaly" -> true;
                    case "anomaly" -> false;
                    default ->
                            throw new IllegalArgumentException(
                                    "verdict must be not_an_anomaly or anomaly, not "
                                            + verdict.getVerdict());
                };
        byte @Nullable [] key = record.key() == null ? null : keyBytes.apply(record.key());
        Bytes whose = key == null ? AnomalyStores.NO_KEY : AnomalyStores.ofKey(key);
        AnomalyKey known = now.keys().of(whose);
        long first;
        long last;
        if (verdict.getIncident() != null) {
            first = firstLine(whose, verdict.getIncident());
            last = known.lastLine(first, config.incidentsGapMs());
        } else if (verdict.getFirstLine() != null) {
            first = verdict.getFirstLine();
            last = verdict.getLastLine() == null ? first : verdict.getLastLine();
        } else {
            throw new IllegalArgumentException(
                    "a verdict needs an incident or the number of a first line");
        }
        now.metrics().verdict();
        if (normal) {
            int _ = known.learnNormal(first, last);
            now.keys().store(whose, known, false);
            now.incidents().dismiss(whose, first, last);
        }
    }

    private static long firstLine(Bytes whose, String incident) {
        String hash = Incidents.hash(whose);
        String[] parts = incident.split("-", -1);
        if (parts.length < 2 || !parts[0].equals(hash)) {
            throw new IllegalArgumentException(
                    "incident "
                            + incident
                            + " is not one of the record's key: those begin with "
                            + hash);
        }
        try {
            return Long.parseLong(parts[1]);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("incident " + incident + " is not one", e);
        }
    }

    @Override
    public void close() {
        if (task != null) {
            task.metrics().close();
            task = null;
        }
    }

    private Task required() {
        if (task == null) {
            throw new IllegalStateException("init was not called");
        }
        return task;
    }
}
