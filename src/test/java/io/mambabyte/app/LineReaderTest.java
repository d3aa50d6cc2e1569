package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

class LineReaderTest {
    private static List<String> read(InputStream in, int size, boolean lines) throws Exception {
        LineReader reader = new LineReader(in, size, lines, () -> {});
        List<String> records = new ArrayList<>();
        StringBuilder record = new StringBuilder();
        while (reader.next()) {
            assertTrue(reader.length() <= size);
            record.append(
                    new String(
                            reader.bytes(),
                            reader.offset(),
                            reader.length(),
                            StandardCharsets.ISO_8859_1));
            if (reader.complete()) {
                records.add(record + (reader.newline() ? "|" : ""));
                record.setLength(0);
            }
        }
        assertTrue(record.isEmpty());
        return records;
    }

    private static InputStream in(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 8, 100})
    void shouldCutAtNewlines(int size) throws Exception {
        assertEquals(
                List.of("one|", "|", "\r|", "four and more|", "end"),
                read(in("one\n\n\r\nfour and more\nend"), size, true));
        assertEquals(List.of("a|"), read(in("a\n"), size, true));
        assertEquals(List.of("|"), read(in("\n"), size, true));
        assertEquals(List.of(), read(in(""), size, true));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 100})
    void shouldTakeStreamAsOneRecord(int size) throws Exception {
        assertEquals(List.of("a\nb\n"), read(in("a\nb\n"), size, false));
        assertEquals(List.of(), read(in(""), size, false));
    }

    @Test
    void shouldReadWhateverAmountsArrive() throws Exception {
        StringBuilder text = new StringBuilder();
        List<String> wanted = new ArrayList<>();
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 200; i++) {
            String line = "x".repeat(random.nextInt(40));
            text.append(line).append('\n');
            wanted.add(line + "|");
        }
        InputStream trickle =
                new ByteArrayInputStream(text.toString().getBytes(StandardCharsets.US_ASCII)) {
                    @Override
                    public int read(byte[] bytes, int offset, int length) {
                        return super.read(bytes, offset, Math.min(length, 1 + random.nextInt(7)));
                    }
                };
        assertEquals(wanted, read(trickle, 32, true));
    }

    @Test
    void shouldAnnounceReadThatMayWait() throws Exception {
        List<String> events = new ArrayList<>();
        InputStream live =
                new InputStream() {
                    private int reads;

                    @Override
                    public int read() {
                        throw new UnsupportedOperationException();
                    }

                    @Override
                    public int read(byte[] bytes, int offset, int length) {
                        events.add("read");
                        bytes[offset] = '\n';
                        return reads++ < 2 ? 1 : -1;
                    }
                };
        LineReader reader = new LineReader(live, 16, true, () -> events.add("flush"));
        while (reader.next()) {
            events.add("line");
        }
        assertEquals(
                List.of("flush", "read", "line", "flush", "read", "line", "flush", "read"), events);
    }
}
