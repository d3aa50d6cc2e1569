package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;

class ProgressTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0|1000|2|0%  0 B of 1000 B  0 B/s  277777777:46:40 left",
                "250000|1000000|2.5|25%  250.0 KB of 1000.0 KB  100.0 KB/s  0:08 left",
                "1000000000|800000000000|100|0%  1000.0 MB of 800.0 GB  10.0 MB/s  22:11:40 left",
                "1000|1000|2|100%  1000 B of 1000 B  500 B/s  0:00 left",
            })
    void shouldSayRateAndTimeLeft(long done, long total, double seconds, String line) {
        assertEquals(line, Progress.line(done, total, seconds).strip());
    }

    @Test
    void shouldWaitTwoSecondsThenRewriteFourTimesASecond() {
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        AtomicLong clock = new AtomicLong();
        Progress progress = new Progress(err, true, 1000, clock::get);
        int shown = 0;
        for (int ms = 0; ms < 4000; ms += 50) {
            clock.set(ms * 1_000_000L);
            int before = err.size();
            progress.at(ms / 4);
            shown += err.size() > before ? 1 : 0;
            if (ms < 2000) {
                assertEquals(0, err.size());
            }
        }
        assertEquals(8, shown);
        progress.clear();
        progress.clear();
        String text = err.toString(StandardCharsets.UTF_8);
        assertEquals(9, text.split("\r\u001b\\[K", -1).length - 1);
    }

    @Test
    void shouldBeSilentWhereNobodyWatches() {
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        AtomicLong clock = new AtomicLong();
        Progress progress = new Progress(err, false, 1000, clock::get);
        clock.set(10_000_000_000L);
        progress.at(500);
        progress.clear();
        assertEquals(0, err.size());
    }
}
