package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.app.DemoRecording.Fault;
import io.mambabyte.app.DemoRecording.Line;
import io.mambabyte.avro.Likelihood;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.util.Collections;
import java.util.List;

class DemoRecordingTest {
    private static Likelihood likelihood(Line line, float bits) {
        int bytes = line.bytes().length + 1;
        return new Likelihood(
                "m",
                0L,
                bytes,
                bytes,
                0.0,
                0.0,
                0.0,
                0.0,
                0.0,
                0,
                0.0,
                Collections.nCopies(bytes, bits),
                "key",
                null,
                null,
                null);
    }

    @Test
    void shouldReadTheRecordingOfThisBuild() throws IOException {
        DemoRecording recording = DemoRecording.load();
        assertEquals(List.of("broker-1", "broker-2", "broker-3"), recording.keys());
        assertTrue(recording.lines().size() > 1000);
        long first = recording.lines().getFirst().timeMs();
        long last = recording.lines().getLast().timeMs();
        assertTrue(first < last);
        assertFalse(recording.faults().isEmpty());
        for (Fault fault : recording.faults()) {
            assertTrue(first < fault.start().toEpochMilli(), fault.id());
            assertTrue(fault.start().isBefore(fault.end()), fault.id());
            assertTrue(fault.end().toEpochMilli() < last, fault.id());
            assertFalse(fault.brokers().isEmpty(), fault.id());
            assertEquals(fault, recording.faultAt(fault.start().toEpochMilli()).orElseThrow());
        }
        assertTrue(recording.faultAt(first).isEmpty());
        assertEquals(10, recording.first(10).lines().size());
    }

    @Test
    void shouldRankLinesByTheirWordsAndShowEachKindOnce() {
        SurprisingLines lines = new SurprisingLines();
        Line ordinary = new Line("b", "took 17 ms", 0);
        Line identifiers = new Line("b", "0RPdw6McSnuixaa6ha3L5A n4cOfokt2XRFV5B1myjRAw", 1);
        lines.add(ordinary, likelihood(ordinary, 1));
        lines.add(new Line("b", "took 18 ms", 2), likelihood(ordinary, 3));
        lines.add(identifiers, likelihood(identifiers, 6));
        List<SurprisingLines.Kind> ranked = lines.ranked();
        assertEquals(2, ranked.size());
        assertEquals("took 18 ms", ranked.getFirst().line().text());
        assertEquals(2, ranked.getFirst().alike());
        // "took ", " ms": eight bytes of three bits; of the identifiers only the blank counts.
        assertEquals(24, ranked.getFirst().wordBits());
        assertEquals(6, ranked.getLast().wordBits());
        assertEquals(0, ranked.getFirst().mostSurprising(3));
    }
}
