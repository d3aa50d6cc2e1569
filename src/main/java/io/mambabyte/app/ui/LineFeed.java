package io.mambabyte.app.ui;

import io.mambabyte.score.ByteDetails;
import io.mambabyte.score.RecordScore;
import io.mambabyte.streams.ScoringListener;

import org.apache.kafka.common.utils.Bytes;
import org.jspecify.annotations.Nullable;

import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * What the stream threads leave for the page: statistics of every record, and of as many records as
 * eyes can follow all the details. A stream thread never waits here for longer than it takes to add
 * to a table or to a queue.
 */
public final class LineFeed implements ScoringListener {
    /** Lines a second that everybody is shown, and of each key that somebody filters by. */
    static final int LINES_PER_SECOND = 25;

    /** Lines a second that are looked at while somebody filters by surprise. */
    static final int LOOKED_AT_PER_SECOND = 200;

    // For whoever opens the page after the stream.
    private static final int UNWATCHED_PER_SECOND = 4;

    private static final int KEPT_LINES = 1000;

    /** Slots that were not used for lack of lines and may be caught up with. */
    private static final int CATCH_UP_SLOTS = 8;

    private static final int SAMPLE = 1;
    private static final int LOOKED_AT = 2;

    private final InstantSource clock;
    private final KeyTable keys = new KeyTable();
    private final ConcurrentHashMap<Bytes, Integer> watched = new ConcurrentHashMap<>();
    private final Slots sampleSlots;
    private final Slots watchedSlots;
    private final Slots lookedAtSlots;
    private final LongAdder records = new LongAdder();
    private final LongAdder bytes = new LongAdder();
    private final ArrayDeque<ScoredLine> lines = new ArrayDeque<>(KEPT_LINES);

    // What wantsDetails said last on this thread, which scored asks next.
    private final ThreadLocal<int[]> wanted = ThreadLocal.withInitial(() -> new int[1]);

    // Guarded by lines.
    private long lastId;

    private volatile int onlookers;
    private volatile int bySurprise;

    /** Makes a feed. */
    public LineFeed() {
        this(InstantSource.system());
    }

    LineFeed(InstantSource clock) {
        this.clock = clock;
        sampleSlots = new Slots();
        watchedSlots = new Slots();
        lookedAtSlots = new Slots();
    }

    /** Hands out so many chances a second, evenly. */
    private static final class Slots {
        private final AtomicLong nextMicros = new AtomicLong();

        boolean take(long nowMs, int perSecond) {
            long now = nowMs * 1000;
            long due = nextMicros.get();
            long slot = 1_000_000L / perSecond;
            return now >= due
                    && nextMicros.compareAndSet(
                            due, Math.max(due, now - CATCH_UP_SLOTS * slot) + slot);
        }
    }

    /** Somebody looks. */
    synchronized void begin(LineFilter filter) {
        filter.key().ifPresent(key -> watched.merge(key, 1, Integer::sum));
        bySurprise += filter.bySurprise() ? 1 : 0;
        onlookers++;
    }

    /** Somebody looks no more. */
    synchronized void end(LineFilter filter) {
        onlookers--;
        bySurprise -= filter.bySurprise() ? 1 : 0;
        filter.key()
                .ifPresent(key -> watched.computeIfPresent(key, (_, n) -> n == 1 ? null : n - 1));
    }

    /** Whether nobody looks. */
    boolean unwatched() {
        return onlookers == 0;
    }

    @Override
    public boolean wantsDetails(byte @Nullable [] key) {
        int how = wanted(key);
        wanted.get()[0] = how;
        return how != 0;
    }

    private int wanted(byte @Nullable [] key) {
        long now = clock.millis();
        if (onlookers == 0) {
            return sampleSlots.take(now, UNWATCHED_PER_SECOND) ? SAMPLE : 0;
        }
        if (sampleSlots.take(now, LINES_PER_SECOND)) {
            return SAMPLE;
        }
        if (bySurprise > 0 && lookedAtSlots.take(now, LOOKED_AT_PER_SECOND)) {
            return LOOKED_AT;
        }
        return !watched.isEmpty()
                        && watched.containsKey(ScoredLine.key(key))
                        && watchedSlots.take(now, LINES_PER_SECOND)
                ? LOOKED_AT
                : 0;
    }

    @Override
    public void scored(
            byte @Nullable [] key,
            byte[] value,
            long timestampMs,
            RecordScore score,
            @Nullable ByteDetails details) {
        records.increment();
        bytes.add(score.bytes());
        Bytes wrapped = ScoredLine.key(key);
        keys.add(wrapped, score, clock.millis());
        if (details == null) {
            return;
        }
        Bytes shown =
                Bytes.wrap(Arrays.copyOf(value, Math.min(value.length, ScoredLine.SHOWN_BYTES)));
        boolean sample = wanted.get()[0] == SAMPLE;
        synchronized (lines) {
            if (lines.size() == KEPT_LINES) {
                lines.removeFirst();
            }
            lines.addLast(
                    new ScoredLine(
                            ++lastId,
                            wrapped,
                            shown,
                            value.length,
                            timestampMs,
                            sample,
                            score,
                            details));
        }
    }

    /** Records so far, shown or not. */
    long records() {
        return records.sum();
    }

    /** Bytes of them, framing included. */
    long bytes() {
        return bytes.sum();
    }

    KeyTable keys() {
        return keys;
    }

    /** The lines after one, the oldest first. */
    List<ScoredLine> after(long id) {
        List<ScoredLine> newer = new ArrayList<>();
        synchronized (lines) {
            var youngestFirst = lines.descendingIterator();
            while (youngestFirst.hasNext()) {
                ScoredLine line = youngestFirst.next();
                if (line.id() <= id) {
                    break;
                }
                newer.add(line);
            }
        }
        return newer.reversed();
    }
}
