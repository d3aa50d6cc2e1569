package io.mambabyte.streams;

import io.mambabyte.score.AlertThreshold;
import io.mambabyte.score.Calibration;
import io.mambabyte.score.Calibration.Judgement;
import io.mambabyte.score.LineStatistics;

import org.apache.kafka.common.utils.Bytes;
import org.jspecify.annotations.Nullable;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32C;

/**
 * What is known of a key, or of a group of keys: its calibration, its gaps, which of its lines were
 * strange lately, and which kinds somebody called normal. A function of its lines and verdicts.
 *
 * <p>Stored as a snapshot, taken when distributions are brought up to date, and a log of the lines
 * and verdicts since, from which the same is made again. Both say the format's version, are
 * checksummed with their key, and the log says which snapshot it goes on from.
 */
final class AnomalyKey {
    private static final byte VERSION = 2;
    private static final int CHECKSUM_AT = 1;
    private static final int HEADER_BYTES = CHECKSUM_AT + Integer.BYTES;

    private static final byte LINE = 1;
    private static final byte VERDICT = 2;
    private static final byte TOPIC = 3;
    private static final byte GROUP_LINE = 4;
    private static final byte JUDGED = 1;
    private static final byte ALERT = 2;
    private static final int LINE_BYTES = 2 + 4 * Long.BYTES + 6 * Float.BYTES;
    private static final int GROUP_LINE_BYTES = 3 + Long.BYTES + 3 * Float.BYTES;
    private static final int VERDICT_BYTES = 1 + 2 * Long.BYTES;
    private static final int LOG_HEADER_BYTES = HEADER_BYTES + Integer.BYTES + Long.BYTES;

    /** Strange lines that a verdict can still be about. */
    private static final int REMEMBERED_LINES = 128;

    /** Kinds that were called normal. */
    private static final int ACCEPTED_KINDS = 256;

    // A line of a kind that was called normal is, unless it scores this much higher than that one.
    private static final double ACCEPTED_MARGIN_BITS = 1;

    private final int inference;
    private final Calibration calibration;
    private final SilenceGaps gaps = new SilenceGaps();
    private final IncidentEvidence evidence;
    private final ArrayDeque<StrangeLine> strange = new ArrayDeque<>();
    private final Map<Long, Float> accepted = new LinkedHashMap<>();
    private long snapshotLines;
    private long lines;
    private final AlertThreshold threshold;
    private boolean ownThreshold;

    // Where and when its last line was.
    private String topic = "";
    private long offset = -1;
    private long timeMs;

    private byte[] log = new byte[LOG_HEADER_BYTES];
    private int logBytes = LOG_HEADER_BYTES;

    /** A line that a verdict may be about. */
    private record StrangeLine(
            long number,
            long timeMs,
            long kind,
            int severity,
            float bits,
            float wordBits,
            float tailBits,
            float score,
            boolean lasting) {
        LineStatistics statistics() {
            return AnomalyKey.statistics(kind, severity, bits, wordBits, tailBits);
        }
    }

    /**
     * What a line came to.
     *
     * @param number of the line among those of its key, from 1
     * @param accepted whether lines of its kind were called normal
     * @param alert whether it alerts
     * @param thresholdBits {@code -log2} of the p-value below which it would; NaN while learning
     * @param strange whether it counts for an incident
     * @param first whether none before it counts with it
     * @param enough whether that is enough to open one
     * @param lasting whether it keeps one open
     * @param folded whether a snapshot is due
     */
    record Learned(
            long number,
            boolean accepted,
            boolean alert,
            double thresholdBits,
            boolean strange,
            boolean first,
            boolean enough,
            boolean lasting,
            boolean folded) {}

    /**
     * Knows nothing yet.
     *
     * @param inference what scores depend on beside the lines: those of another are never mixed
     */
    AnomalyKey(AnomalyConfig config, int inference) {
        this.inference = inference;
        double alertsPerLine = config.alertsPerLine();
        threshold = new AlertThreshold(alertsPerLine);
        evidence = new IncidentEvidence(alertsPerLine, config.incidentsGapMs());
        calibration =
                new Calibration(config.learningLines(), config.generationLines(), alertsPerLine);
    }

    Calibration calibration() {
        return calibration;
    }

    /** {@code -log2} of the p-value below which a line alerts now. */
    double thresholdBits() {
        return threshold.bits();
    }

    SilenceGaps gaps() {
        return gaps;
    }

    /** Lines so far. */
    long lines() {
        return lines;
    }

    /** Topic of the last line; empty before the first. */
    String topic() {
        return topic;
    }

    /** Offset of the last line; -1 before the first. */
    long offset() {
        return offset;
    }

    /** Timestamp of the last line. */
    long timeMs() {
        return timeMs;
    }

    /**
     * Learns a line that was judged.
     *
     * @param line its statistics, rounded
     * @param own what this calibration says of it
     * @param bits {@code -log2} of the p-value that counts, of this calibration or the group's; NaN
     *     while learning
     * @param score the score that goes with it
     * @param groupBits {@link #thresholdBits} of the group, which counts until the key is judged by
     *     its own lines, and is where its own threshold begins
     * @param clockMs the task's clock
     * @param at where the line is
     */
    Learned learn(
            LineStatistics line,
            Judgement own,
            double bits,
            double score,
            double groupBits,
            long clockMs,
            LinePosition at) {
        if (!at.topic().equals(topic)) {
            byte[] name = at.topic().getBytes(StandardCharsets.UTF_8);
            room(1 + Short.BYTES + name.length).put(TOPIC).putShort((short) name.length).put(name);
            topic = at.topic();
        }
        room(LINE_BYTES)
                .put(LINE)
                .put((byte) Math.min(Byte.MAX_VALUE, line.severity()))
                .putLong(line.kind())
                .putLong(clockMs)
                .putLong(at.offset())
                .putLong(at.timeMs())
                .putFloat((float) line.bits())
                .putFloat((float) line.wordBits())
                .putFloat((float) line.tailBits())
                .putFloat((float) bits)
                .putFloat((float) score)
                .putFloat((float) groupBits);
        return apply(
                line,
                own,
                (float) bits,
                (float) score,
                (float) groupBits,
                clockMs,
                at.offset(),
                at.timeMs());
    }

    /**
     * Learns a line of one of the keys that this is the group of.
     *
     * @param line its statistics, rounded
     * @param own what this calibration says of it
     * @param judged whether the key's line was judged, by whichever calibration
     * @param alert whether it alerted
     * @return whether a snapshot is due
     */
    boolean learnOfGroup(LineStatistics line, Judgement own, boolean judged, boolean alert) {
        room(GROUP_LINE_BYTES)
                .put(GROUP_LINE)
                .put((byte) Math.min(Byte.MAX_VALUE, line.severity()))
                .put((byte) ((judged ? JUDGED : 0) | (alert ? ALERT : 0)))
                .putLong(line.kind())
                .putFloat((float) line.bits())
                .putFloat((float) line.wordBits())
                .putFloat((float) line.tailBits());
        return applyOfGroup(line, own, judged, alert);
    }

    private boolean applyOfGroup(
            LineStatistics line, Judgement own, boolean judged, boolean alert) {
        lines++;
        if (judged) {
            threshold.follow(alert);
        }
        return calibration.learn(line, own);
    }

    private Learned apply(
            LineStatistics line,
            Judgement own,
            float bits,
            float score,
            float groupBits,
            long clockMs,
            long atOffset,
            long atMs) {
        lines++;
        offset = atOffset;
        timeMs = atMs;
        Float normal = accepted.get(line.kind());
        boolean isAccepted = normal != null && score <= normal + ACCEPTED_MARGIN_BITS;
        boolean alert = false;
        boolean isStrange = false;
        boolean first = false;
        double thresholdBits = Double.NaN;
        if (!Float.isNaN(bits)) {
            if (!ownThreshold) {
                threshold.set(groupBits);
                ownThreshold = own.known();
            }
            thresholdBits = threshold.bits();
            isStrange = !isAccepted && IncidentEvidence.strange(bits);
            first = evidence.add(isStrange ? bits : 0, atMs);
            if (isStrange) {
                strange.add(
                        new StrangeLine(
                                lines,
                                atMs,
                                line.kind(),
                                line.severity(),
                                (float) line.bits(),
                                (float) line.wordBits(),
                                (float) line.tailBits(),
                                score,
                                evidence.lasting()));
                if (strange.size() > REMEMBERED_LINES) {
                    strange.remove();
                }
            }
            alert = !isAccepted && bits > thresholdBits;
            threshold.follow(alert);
        }
        gaps.speak(clockMs);
        boolean folded = calibration.learn(line, own);
        if (folded) {
            gaps.fold();
        }
        return new Learned(
                lines,
                isAccepted,
                alert,
                thresholdBits,
                isStrange,
                first,
                evidence.enough(),
                evidence.lasting(),
                folded);
    }

    /**
     * Learns that strange lines are normal.
     *
     * @param firstLine number of the first line that is meant
     * @param lastLine number of the last one
     * @return how many of them were strange and are still remembered
     */
    int learnNormal(long firstLine, long lastLine) {
        ByteBuffer entry = room(VERDICT_BYTES);
        entry.put(VERDICT).putLong(firstLine).putLong(lastLine);
        return accept(firstLine, lastLine);
    }

    /**
     * The last line of an incident that began with a line: lines that kept it open no further apart
     * than a gap.
     */
    long lastLine(long firstLine, long gapMs) {
        long last = firstLine;
        long lastMs = Long.MIN_VALUE;
        for (StrangeLine line : strange) {
            if (line.number() < firstLine) {
                continue;
            }
            if (lastMs != Long.MIN_VALUE && line.timeMs() - lastMs > gapMs) {
                break;
            }
            if (line.lasting() || lastMs == Long.MIN_VALUE) {
                last = line.number();
                lastMs = Math.max(lastMs, line.timeMs());
            }
        }
        return last;
    }

    private int accept(long firstLine, long lastLine) {
        int found = 0;
        Set<Long> taught = new HashSet<>();
        for (StrangeLine line : strange) {
            if (line.number() >= firstLine && line.number() <= lastLine) {
                // One lesson a kind, however long the incident was: more would say that lines as
                // strange as these, of whatever kind, are frequent.
                if (taught.add(line.kind())) {
                    calibration.learnNormal(line.statistics());
                }
                accepted.merge(line.kind(), line.score(), Math::max);
                found++;
            }
        }
        strange.removeIf(line -> line.number() >= firstLine && line.number() <= lastLine);
        while (accepted.size() > ACCEPTED_KINDS) {
            accepted.remove(accepted.keySet().iterator().next());
        }
        return found;
    }

    private static LineStatistics statistics(
            long kind, int severity, float bits, float wordBits, float tailBits) {
        return new LineStatistics(kind, severity, bits, 0, 0, wordBits, tailBits);
    }

    // ---------------------------------------------------------------- stored form

    private ByteBuffer room(int bytes) {
        if (logBytes + bytes > log.length) {
            log = Arrays.copyOf(log, Math.max(2 * log.length, logBytes + bytes));
        }
        ByteBuffer entry = ByteBuffer.wrap(log, logBytes, bytes);
        logBytes += bytes;
        return entry;
    }

    /** The log, as it is to be stored under a key. */
    byte[] log(Bytes storeKey) {
        byte[] out = Arrays.copyOf(log, logBytes);
        ByteBuffer.wrap(out, HEADER_BYTES, out.length - HEADER_BYTES)
                .putInt(inference)
                .putLong(snapshotLines);
        return sealed(storeKey, out);
    }

    /**
     * The snapshot, as it is to be stored under a key; the log begins anew.
     *
     * @throws IllegalStateException if {@link Learned#folded} was not just said
     */
    byte[] snapshot(Bytes storeKey) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 14);
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.write(new byte[HEADER_BYTES]);
            out.writeInt(inference);
            out.writeLong(lines);
            out.writeUTF(topic);
            out.writeLong(offset);
            out.writeLong(timeMs);
            out.writeDouble(threshold.bits());
            out.writeBoolean(ownThreshold);
            out.writeDouble(evidence.bits());
            out.writeLong(evidence.lastMs());
            calibration.write(out);
            gaps.write(out);
            out.writeInt(strange.size());
            for (StrangeLine line : strange) {
                out.writeLong(line.number());
                out.writeLong(line.timeMs());
                out.writeLong(line.kind());
                out.writeInt(line.severity());
                out.writeFloat(line.bits());
                out.writeFloat(line.wordBits());
                out.writeFloat(line.tailBits());
                out.writeFloat(line.score());
                out.writeBoolean(line.lasting());
            }
            out.writeInt(accepted.size());
            for (Map.Entry<Long, Float> kind : accepted.entrySet()) {
                out.writeLong(kind.getKey());
                out.writeFloat(kind.getValue());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e); // memory does not fail
        }
        snapshotLines = lines;
        logBytes = LOG_HEADER_BYTES;
        return sealed(storeKey, bytes.toByteArray());
    }

    /**
     * What was stored.
     *
     * @param snapshotKey key of the snapshot
     * @param snapshot the snapshot, null where there is none yet
     * @param logKey key of the log
     * @param log the log, null where there is none
     * @throws StoredStateException if one is damaged or of a later version
     */
    void restore(
            Bytes snapshotKey, byte @Nullable [] snapshot, Bytes logKey, byte @Nullable [] log) {
        if (snapshot != null) {
            open(snapshotKey, snapshot);
            requireThisVersion(snapshot);
            try (DataInputStream in =
                    new DataInputStream(
                            new ByteArrayInputStream(
                                    snapshot, HEADER_BYTES, snapshot.length - HEADER_BYTES))) {
                read(in);
            } catch (EOFException e) {
                throw StoredStateException.corrupt("a snapshot of a calibration ends early");
            } catch (IOException e) {
                throw new UncheckedIOException(e); // memory does not fail
            }
            snapshotLines = lines;
        }
        if (log == null) {
            return;
        }
        open(logKey, log);
        requireThisVersion(log);
        ByteBuffer in = ByteBuffer.wrap(log, HEADER_BYTES, log.length - HEADER_BYTES);
        requireInference(in.getInt());
        if (in.getLong() != snapshotLines) {
            return; // of an older snapshot: a crash came between the two, the lines come again
        }
        this.log = log.clone();
        logBytes = log.length;
        while (in.hasRemaining()) {
            replay(in);
        }
    }

    private void replay(ByteBuffer in) {
        switch (in.get()) {
            case LINE -> {
                int severity = in.get();
                long kind = in.getLong();
                long clockMs = in.getLong();
                long atOffset = in.getLong();
                long atMs = in.getLong();
                LineStatistics line =
                        statistics(kind, severity, in.getFloat(), in.getFloat(), in.getFloat());
                Learned _ =
                        apply(
                                line,
                                calibration.judge(line),
                                in.getFloat(),
                                in.getFloat(),
                                in.getFloat(),
                                clockMs,
                                atOffset,
                                atMs);
            }
            case GROUP_LINE -> {
                int severity = in.get();
                int flags = in.get();
                long kind = in.getLong();
                LineStatistics line =
                        statistics(kind, severity, in.getFloat(), in.getFloat(), in.getFloat());
                boolean _ =
                        applyOfGroup(
                                line,
                                calibration.judge(line),
                                (flags & JUDGED) != 0,
                                (flags & ALERT) != 0);
            }
            case VERDICT -> {
                int _ = accept(in.getLong(), in.getLong());
            }
            case TOPIC -> {
                byte[] name = new byte[in.getShort()];
                in.get(name);
                topic = new String(name, StandardCharsets.UTF_8);
            }
            default -> throw StoredStateException.corrupt("an unknown entry of a calibration");
        }
    }

    private void read(DataInputStream in) throws IOException {
        requireInference(in.readInt());
        lines = in.readLong();
        topic = in.readUTF();
        offset = in.readLong();
        timeMs = in.readLong();
        threshold.set(in.readDouble());
        ownThreshold = in.readBoolean();
        double evidenceBits = in.readDouble();
        evidence.set(evidenceBits, in.readLong());
        calibration.read(in);
        gaps.read(in);
        for (int i = in.readInt(); i > 0; i--) {
            strange.add(
                    new StrangeLine(
                            in.readLong(),
                            in.readLong(),
                            in.readLong(),
                            in.readInt(),
                            in.readFloat(),
                            in.readFloat(),
                            in.readFloat(),
                            in.readFloat(),
                            in.readBoolean()));
        }
        for (int i = in.readInt(); i > 0; i--) {
            long kind = in.readLong();
            accepted.put(kind, in.readFloat());
        }
    }

    // What an earlier version wrote is not worth a second reader:
    // a key learns anew within some hundred lines.
    private static void requireThisVersion(byte[] value) {
        if (value[0] != VERSION) {
            throw StoredStateException.otherModel(
                    "a calibration of format version " + value[0] + ", this is " + VERSION);
        }
    }

    private void requireInference(int found) {
        if (found != inference) {
            throw StoredStateException.otherModel("a calibration of another model or context");
        }
    }

    /** Puts version and checksum into their places at the beginning of a value. */
    static byte[] sealed(Bytes storeKey, byte[] value) {
        value[0] = VERSION;
        ByteBuffer.wrap(value).putInt(CHECKSUM_AT, checksum(storeKey, value));
        return value;
    }

    /**
     * Checks version and checksum of a value.
     *
     * @return where what it holds begins
     */
    static int open(Bytes storeKey, byte[] value) {
        if (value.length < HEADER_BYTES) {
            throw StoredStateException.corrupt("a value of " + value.length + " bytes");
        }
        StoredStateException.requireVersion(Byte.toUnsignedInt(value[0]), VERSION);
        if (ByteBuffer.wrap(value).getInt(CHECKSUM_AT) != checksum(storeKey, value)) {
            throw StoredStateException.corrupt("a value fails its checksum");
        }
        return HEADER_BYTES;
    }

    private static int checksum(Bytes storeKey, byte[] value) {
        CRC32C checksum = new CRC32C();
        checksum.update(storeKey.get());
        checksum.update(value, 0, CHECKSUM_AT);
        checksum.update(value, HEADER_BYTES, value.length - HEADER_BYTES);
        return (int) checksum.getValue();
    }
}
