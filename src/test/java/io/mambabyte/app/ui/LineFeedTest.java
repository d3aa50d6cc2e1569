package io.mambabyte.app.ui;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.score.ByteDetails;
import io.mambabyte.score.Framing;
import io.mambabyte.score.RecordScore;
import io.mambabyte.score.Scorer;

import org.apache.kafka.common.utils.Bytes;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/** Which lines are looked at, by a clock that the test moves. */
class LineFeedTest {
    private static final byte[] KEY = "broker-1".getBytes(StandardCharsets.UTF_8);
    private static final byte[] OTHER = "broker-2".getBytes(StandardCharsets.UTF_8);
    private static final byte[] LINE = "a line of a log".getBytes(StandardCharsets.UTF_8);

    private static @Nullable RecordScore score;
    private static @Nullable ByteDetails details;

    private final AtomicLong nowMs = new AtomicLong(1_000_000);
    private final LineFeed feed = new LineFeed(() -> Instant.ofEpochMilli(nowMs.get()));

    @BeforeAll
    static void scoreALine() throws Exception {
        ByteDetails.Collector collector = new ByteDetails.Collector();
        score =
                new Scorer(MambaModel.load(ModelSource.of("logs-nano")))
                        .scoreAlone(LINE, Framing.LINES, false, collector);
        details = collector.details();
    }

    /** A second of so many lines, evenly; how many of them were looked at. */
    private int second(int lines, byte[] key) {
        int wanted = 0;
        long start = nowMs.get();
        for (int i = 0; i < lines; i++) {
            nowMs.set(start + 1000L * i / lines);
            wanted += one(key) ? 1 : 0;
        }
        nowMs.set(start + 1000);
        return wanted;
    }

    private boolean one(byte[] key) {
        boolean wanted = feed.wantsDetails(key);
        RecordScore given = java.util.Objects.requireNonNull(score);
        feed.scored(key, LINE, nowMs.get(), given, wanted ? details : null);
        return wanted;
    }

    @Test
    void shouldLookAtFewLinesWhileNobodyWatches() {
        second(10_000, KEY);
        assertEquals(4, second(10_000, KEY));
        assertEquals(20_000, feed.records());
    }

    @Test
    void shouldLookAtAsManyLinesAsEyesFollow() {
        feed.begin(LineFilter.ALL);
        second(10_000, KEY);
        int wanted = second(10_000, KEY);
        assertEquals(LineFeed.LINES_PER_SECOND, wanted, 1);
        feed.end(LineFilter.ALL);
        assertTrue(feed.unwatched());
        second(10_000, KEY);
        assertEquals(4, second(10_000, KEY));
    }

    @Test
    void shouldLookAtEveryLineOfASlowStream() {
        feed.begin(LineFilter.ALL);
        second(10, KEY);
        assertEquals(10, second(10, KEY));
    }

    @Test
    void shouldLookAtMoreLinesForWhoeverFiltersBySurprise() {
        LineFilter filter = new LineFilter(Optional.empty(), 2);
        feed.begin(filter);
        second(10_000, KEY);
        assertEquals(
                LineFeed.LINES_PER_SECOND + LineFeed.LOOKED_AT_PER_SECOND, second(10_000, KEY), 15);
        feed.end(filter);
    }

    @Test
    void shouldLookAtLinesOfAWatchedKeyHoweverManyOthersThereAre() {
        LineFilter filter = new LineFilter(Optional.of(Bytes.wrap(KEY)), 0);
        feed.begin(filter);
        int ofKey = 0;
        long start = nowMs.get();
        for (int i = 0; i < 10_000; i++) {
            nowMs.set(start + i / 10);
            ofKey += one(i % 400 == 0 ? KEY : OTHER) && i % 400 == 0 ? 1 : 0;
        }
        assertEquals(25, ofKey);
        List<ScoredLine> shown = feed.after(0).stream().filter(filter::matches).toList();
        assertEquals(25, shown.size());
    }

    @Test
    void shouldKeepTheLastLinesInOrder() {
        feed.begin(LineFilter.ALL);
        for (int i = 0; i < 60; i++) {
            second(100, KEY);
        }
        List<ScoredLine> all = feed.after(0);
        assertEquals(1000, all.size());
        long last = all.getLast().id();
        assertEquals(List.of(all.getLast()), feed.after(last - 1));
        assertEquals(List.of(), feed.after(last));
        for (int i = 1; i < all.size(); i++) {
            assertEquals(all.get(i - 1).id() + 1, all.get(i).id());
        }
    }

    @Test
    void shouldKnowEveryKeysLastMinute() {
        second(100, KEY);
        second(50, OTHER);
        nowMs.addAndGet(2000);
        List<KeyTable.Row> rows = feed.keys().rows(nowMs.get());
        assertEquals(
                List.of(Bytes.wrap(OTHER), Bytes.wrap(KEY)),
                rows.stream().map(KeyTable.Row::key).toList());
        KeyTable.Row key = rows.get(1);
        assertEquals(100, key.records());
        assertEquals(10, key.recordsPerSecond());
        RecordScore given = java.util.Objects.requireNonNull(score);
        int at = KeyTable.SECONDS - 1 - 4;
        assertEquals(given.bitsPerByte(), key.bitsPerByte().get(at), 1e-9);
        assertEquals(given.z(), key.peakZ().get(at), 1e-9);
        assertTrue(Double.isNaN(key.bitsPerByte().get(at + 1)));
        assertFalse(Double.isNaN(rows.get(0).bitsPerByte().get(at + 1)));
    }

    @Test
    void shouldForgetTheKeyThatWasSilentLongest() {
        for (int i = 0; i < KeyTable.KEYS_MAX + 10; i++) {
            one(("key-" + i).getBytes(StandardCharsets.UTF_8));
        }
        List<KeyTable.Row> rows = feed.keys().rows(nowMs.get());
        assertEquals(KeyTable.KEYS_MAX, rows.size());
        assertEquals(Bytes.wrap("key-10".getBytes(StandardCharsets.UTF_8)), rows.getLast().key());
    }
}
