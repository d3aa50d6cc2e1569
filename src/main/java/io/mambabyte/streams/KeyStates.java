package io.mambabyte.streams;

import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.model.StateCodec;
import io.mambabyte.model.StateFormatException;
import io.mambabyte.model.StateRounding;
import io.mambabyte.score.ByteDetails;
import io.mambabyte.score.Framing;
import io.mambabyte.score.RecordScore;
import io.mambabyte.score.ScoreAccumulator;
import io.mambabyte.score.Scorer;

import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.api.ProcessingContext;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The states of one task's keys. A state is a function of its key's bytes, so the store holds a
 * checkpoint of it and the records since then; the state itself is on the heap, or is made again by
 * feeding those records, to the same bits.
 *
 * <p>All writes of a record are ordered such that the changelog, wherever it ends, stands for a
 * state before the record or after it, never between. Whatever fails before the first of them
 * leaves the key as it was: its live state is taken out first and put back last.
 *
 * <p>Shared by the processors of a task; not safe for use by other threads.
 */
public final class KeyStates {
    private static final Logger LOG = LoggerFactory.getLogger(KeyStates.class);

    private final MambaByteConfig config;
    private final MambaModel model;
    private final String task;
    private final KeyValueStore<Bytes, byte[]> store;
    private final StateMetrics metrics;
    private final boolean sessions;
    private final boolean perByte;
    private final int inference;
    private final StateCodec codec;
    private final CheckpointSchedule schedule;
    private final Scorer scorer;
    private final ScoreAccumulator accumulator = new ScoreAccumulator();
    private final LiveStates live;
    private @Nullable Bytes expiryCursor;
    private boolean formatWritten;
    private boolean toldOfOtherModel;

    KeyStates(
            MambaByteConfig config,
            MambaModel model,
            ProcessingContext context,
            KeyValueStore<Bytes, byte[]> store) {
        this.config = config;
        this.model = model;
        this.store = store;
        task = context.taskId().toString();
        metrics = new StateMetrics(context);
        StateRounding rounding = config.stateRounding();
        sessions = config.context() == MambaByteConfig.Context.SESSION;
        perByte = config.perByte() || config.anomalies().enabled();
        inference = InferenceTag.of(model, rounding, sessions);
        codec = new StateCodec(model, rounding.precision());
        schedule = new CheckpointSchedule(config.checkpointBytes(), rounding);
        scorer = new Scorer(model, rounding);
        live =
                new LiveStates(
                        config.liveStatesMaxBytes(),
                        (long) model.newState().floats() * Float.BYTES);
        byte @Nullable [] format = store.get(StateKeys.FORMAT);
        if (format != null && format.length > 0) {
            StoredStateException.requireVersion(Byte.toUnsignedInt(format[0]), TailEntry.VERSION);
            formatWritten = format[0] == TailEntry.VERSION;
        }
    }

    /**
     * Scores a record and takes it into its key's state.
     *
     * @param keyBytes the record's key
     * @param value the record's value
     * @param timestampMs the record's time
     * @param details given each byte of it; null for nothing
     * @return its score
     */
    RecordScore score(
            byte[] keyBytes,
            byte[] value,
            long timestampMs,
            ByteDetails.@Nullable Collector details) {
        Bytes key = Bytes.wrap(keyBytes);
        KeyState taken = live.remove(key);
        if (taken != null) {
            metrics.liveHit();
        }
        KeyState state = taken != null ? taken : restoreOrBegin(key);
        if (idle(state.timestampMs, timestampMs)) {
            expire(key);
            state = begin();
        } else if (sessionEnded(state.timestampMs, timestampMs)) {
            // Nothing of the session before it is needed any more, on the heap or in the store.
            delete(key);
            state = begin();
        }
        accumulator.collect(details);
        RecordScore score =
                append(key, state, value, config.framing() == Framing.LINES, timestampMs);
        accumulator.collect(null);
        live.put(key, state);
        metrics.live(live.size(), live.bytes());
        return score;
    }

    /**
     * Forgets a key.
     *
     * @param keyBytes the key
     */
    void forget(byte[] keyBytes) {
        Bytes key = Bytes.wrap(keyBytes);
        live.remove(key);
        delete(key);
    }

    /**
     * Looks at some keys, going on where the last call ended, and forgets those that are idle.
     *
     * @param nowMs time of the latest record of the task
     * @param maxEntries entries of the store to look at
     */
    void expireIdle(long nowMs, int maxEntries) {
        Bytes key = null;
        long timestampMs = 0;
        int seen = 0;
        List<Bytes> idle = new ArrayList<>();
        try (KeyValueIterator<Bytes, byte[]> entries = store.range(expiryCursor, null)) {
            Bytes next = null;
            while (entries.hasNext()) {
                KeyValue<Bytes, byte[]> entry = entries.next();
                if (entry.key.equals(StateKeys.FORMAT)) {
                    continue;
                }
                Bytes owner = StateKeys.key(entry.key);
                if (!owner.equals(key)) {
                    if (key != null && idle(timestampMs, nowMs)) {
                        idle.add(key);
                    }
                    if (seen >= maxEntries) {
                        next = entry.key;
                        key = null;
                        break;
                    }
                    key = owner;
                    timestampMs = 0;
                }
                seen++;
                timestampMs = Math.max(timestampMs, StoredEntries.timestampMs(entry, owner));
            }
            expiryCursor = next;
        }
        if (key != null && idle(timestampMs, nowMs)) {
            idle.add(key);
        }
        for (Bytes forgotten : idle) {
            live.remove(forgotten);
            expire(forgotten);
        }
        metrics.live(live.size(), live.bytes());
    }

    private boolean idle(long lastMs, long nowMs) {
        return lastMs > 0 && nowMs - lastMs > config.idleExpiryMs();
    }

    private boolean sessionEnded(long lastMs, long nowMs) {
        return sessions && lastMs > 0 && nowMs - lastMs > config.sessionGapMs();
    }

    /** The state of a key that has said nothing yet. */
    private KeyState begin() {
        KeyState state = new KeyState(model.newState());
        if (sessions) {
            Scorer.beginAlone(state.state, config.framing());
        }
        return state;
    }

    private void expire(Bytes key) {
        delete(key);
        metrics.expired();
    }

    /**
     * A key's stream up to now. Reads only.
     *
     * @param keyBytes the key
     * @return a copy of its state and its last bytes; empty for a key that is not there, or whose
     *     stored state cannot be used
     */
    public Optional<KeyContext> context(byte[] keyBytes) {
        try {
            return contextOrThrow(keyBytes);
        } catch (StoredStateException e) {
            return Optional.empty(); // the key's next record will say so
        }
    }

    /**
     * A key's stream up to now. Reads only.
     *
     * @param keyBytes the key
     * @return a copy of its state and its last bytes; empty for a key that is not there
     * @throws StoredStateException if the stored state cannot be used
     */
    Optional<KeyContext> contextOrThrow(byte[] keyBytes) {
        Bytes key = Bytes.wrap(keyBytes);
        KeyState state = live.get(key);
        if (state == null) {
            state = restore(key);
            if (state == null) {
                return Optional.empty();
            }
            live.put(key, state);
        }
        return Optional.of(
                new KeyContext(state.state.copy(), tail(key), state.bits, state.timestampMs));
    }

    /** Live states, for tests and benchmarks. */
    int liveCount() {
        return live.size();
    }

    void close() {
        metrics.close();
    }

    // ---------------------------------------------------------------- scoring

    private RecordScore append(
            Bytes key, KeyState state, byte[] value, boolean newline, long timestampMs) {
        long total = value.length + (newline ? 1L : 0L);
        long seen = Scorer.position(state.state);
        long checkpointAt = schedule.lastAmong(key, state.state.position(), seen + total - 1);
        accumulator.begin(sessions && config.framing() == Framing.LINES ? seen - 1 : seen, perByte);
        int done = 0;
        StoredCheckpoint checkpoint = null;
        if (checkpointAt > 0) {
            // What is seen by then includes the byte that is pending and not fed.
            done = feed(state, value, 0, checkpointAt + 1 - seen);
            checkpoint =
                    new StoredCheckpoint(
                            inference,
                            state.timestampMs,
                            Scorer.position(state.state),
                            state.bits,
                            codec.encode(state.state));
        }
        feed(state, value, done, total - done);
        RecordScore score = accumulator.score();
        write(
                key,
                state,
                checkpoint,
                new TailEntry(
                        newline && done <= value.length,
                        checkpoint != null,
                        inference,
                        timestampMs,
                        score.bits(),
                        score.bytes(),
                        done == 0
                                ? value
                                : Arrays.copyOfRange(
                                        value, Math.min(done, value.length), value.length)));
        state.bits += score.bits();
        state.timestampMs = timestampMs;
        return score;
    }

    // Feeds that many bytes of the record, the newline after it being the last one.
    private int feed(KeyState state, byte[] value, int from, long count) {
        int bytes = (int) Math.min(count, Math.max(0, value.length - from));
        scorer.feed(
                state.state,
                value,
                Math.min(from, value.length),
                bytes,
                bytes < count,
                accumulator);
        return (int) Math.min(Integer.MAX_VALUE, from + count);
    }

    // The order matters, see the class: the record that lies across a checkpoint counts only
    // beside it, and what a checkpoint replaces goes last.
    private void write(
            Bytes key, KeyState state, @Nullable StoredCheckpoint checkpoint, TailEntry entry) {
        if (!formatWritten) {
            store.put(StateKeys.FORMAT, new byte[] {TailEntry.VERSION});
            formatWritten = true;
        }
        state.stale.forEach(store::delete);
        state.stale.clear();
        long number = state.next;
        Bytes entryKey = StateKeys.tail(key, number);
        store.put(entryKey, entry.encode(entryKey));
        state.next++;
        if (checkpoint == null) {
            return;
        }
        int segment = 0;
        long bytes = 0;
        for (byte[] piece : checkpoint.encode(key, number)) {
            bytes += piece.length;
            store.put(StateKeys.checkpoint(key, number, segment++), piece);
        }
        if (state.checkpoint != KeyState.NONE) {
            for (int i = 0; i < state.segments; i++) {
                store.delete(StateKeys.checkpoint(key, state.checkpoint, i));
            }
        }
        for (long old = state.firstTail; old < number; old++) {
            store.delete(StateKeys.tail(key, old));
        }
        state.checkpoint = number;
        state.segments = segment;
        state.firstTail = number;
        metrics.checkpoint(bytes);
    }

    // ---------------------------------------------------------------- restoring

    private KeyState restoreOrBegin(Bytes key) {
        try {
            KeyState restored = restore(key);
            return restored == null ? begin() : restored;
        } catch (StoredStateException e) {
            return switch (e.reason()) {
                // Not ours to throw away.
                case LATER_VERSION -> throw e;
                case OTHER_MODEL -> afterOtherModel(key, e);
                case CORRUPT -> afterCorruption(key, e);
            };
        }
    }

    private @Nullable KeyState restore(Bytes key) {
        long start = System.nanoTime();
        StoredEntries entries = StoredEntries.read(store, key);
        if (entries.isEmpty()) {
            return null;
        }
        KeyState state = begin();
        state.stale.addAll(entries.stale());
        StoredCheckpoint checkpoint = entries.checkpoint();
        if (checkpoint != null) {
            requireInference(checkpoint.inference());
            decode(checkpoint.state(), state.state);
            state.checkpoint = entries.checkpointNumber();
            state.segments = entries.segments();
            state.bits = checkpoint.bits();
            state.timestampMs = checkpoint.timestampMs();
        }
        state.firstTail = entries.firstTail();
        state.next = state.firstTail;
        long replayed = 0;
        for (TailEntry entry : entries.tail()) {
            requireInference(entry.inference());
            replayed += entry.streamBytes();
            replay(state, entry);
        }
        metrics.restored(replayed, System.nanoTime() - start);
        return state;
    }

    private void replay(KeyState state, TailEntry entry) {
        scorer.replay(state.state, entry.bytes(), 0, entry.bytes().length, entry.newline());
        state.bits += entry.bits();
        state.timestampMs = entry.timestampMs();
        state.next++;
    }

    private void requireInference(int found) {
        if (found != inference) {
            throw StoredStateException.otherModel(
                    "of model and rounding "
                            + Integer.toHexString(found)
                            + ", these are "
                            + Integer.toHexString(inference));
        }
    }

    private void decode(byte[] stored, RecurrentState into) {
        try {
            codec.decode(stored, into);
        } catch (StateFormatException e) {
            StoredStateException.Reason reason =
                    switch (e.reason()) {
                        case OTHER_MODEL -> StoredStateException.Reason.OTHER_MODEL;
                        case UNKNOWN_VERSION -> StoredStateException.Reason.LATER_VERSION;
                        case NOT_A_STATE, WRONG_SIZE, CORRUPT ->
                                StoredStateException.Reason.CORRUPT;
                    };
            throw new StoredStateException(reason, String.valueOf(e.getMessage()), e);
        }
    }

    // A state of another model says nothing about this one; the bytes of its tail do.
    private KeyState afterOtherModel(Bytes key, StoredStateException e) {
        metrics.otherModel();
        boolean replay = config.modelChange() == MambaByteConfig.ModelChange.REPLAY;
        if (!toldOfOtherModel) {
            toldOfOtherModel = true;
            LOG.warn(
                    "Task {}: keys whose state is of another model start {}: {}",
                    task,
                    replay ? "with the bytes since their last checkpoint" : "anew",
                    e.getMessage());
        }
        List<TailEntry> entries = replay ? StoredEntries.read(store, key).tail() : List.of();
        delete(key);
        KeyState state = begin();
        if (!entries.isEmpty()) {
            RecordScore _ =
                    append(key, state, bytes(entries), false, entries.getLast().timestampMs());
        }
        return state;
    }

    // The values stay in the store for whoever wants to know, out of the way.
    private KeyState afterCorruption(Bytes key, StoredStateException e) {
        metrics.setAside();
        LOG.error(
                "Task {}: the stored state of a key of {} bytes cannot be read and is set aside, the"
                        + " key starts anew: {}",
                task,
                key.get().length,
                e.getMessage());
        int number = 0;
        try (KeyValueIterator<Bytes, byte[]> entries =
                store.range(
                        StateKeys.first(key, StateKeys.CHECKPOINT),
                        StateKeys.last(key, StateKeys.TAIL))) {
            while (entries.hasNext()) {
                KeyValue<Bytes, byte[]> entry = entries.next();
                store.put(StateKeys.setAside(key, number++), entry.value);
                store.delete(entry.key);
            }
        }
        return begin();
    }

    private void delete(Bytes key) {
        try (KeyValueIterator<Bytes, byte[]> entries =
                store.range(
                        StateKeys.first(key, StateKeys.CHECKPOINT),
                        StateKeys.last(key, StateKeys.SET_ASIDE))) {
            while (entries.hasNext()) {
                store.delete(entries.next().key);
            }
        }
    }

    private byte[] tail(Bytes key) {
        return bytes(StoredEntries.read(store, key).tail());
    }

    private static byte[] bytes(List<TailEntry> entries) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (TailEntry entry : entries) {
            bytes.writeBytes(entry.bytes());
            if (entry.newline()) {
                bytes.write('\n');
            }
        }
        return bytes.toByteArray();
    }
}
