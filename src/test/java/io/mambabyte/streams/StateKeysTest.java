package io.mambabyte.streams;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.kafka.common.utils.Bytes;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Random;
import java.util.TreeMap;

class StateKeysTest {
    private static Bytes key(int length, int fill) {
        byte[] bytes = new byte[length];
        java.util.Arrays.fill(bytes, (byte) fill);
        return Bytes.wrap(bytes);
    }

    @Test
    void shouldKeepEntriesOfAKeyTogetherAndInOrder() {
        // Keys that are beginnings of one another, and as long as a length takes another byte.
        TreeMap<Bytes, Bytes> entries = new TreeMap<>();
        entries.put(StateKeys.FORMAT, Bytes.wrap(new byte[0]));
        List<Bytes> keys = new java.util.ArrayList<>();
        for (int length : new int[] {0, 1, 2, 8, 9, 127, 128, 129, 16_383, 16_384}) {
            for (int fill : new int[] {0, 1, 0x7f, 0x80, 0xff}) {
                keys.add(key(length, fill));
            }
        }
        Random random = new Random(5);
        for (Bytes key : keys) {
            for (int i = 0; i < 20; i++) {
                entries.put(StateKeys.tail(key, random.nextLong(1L << 40)), key);
                entries.put(StateKeys.checkpoint(key, random.nextInt(), random.nextInt(3)), key);
            }
            entries.put(StateKeys.setAside(key, random.nextInt(9)), key);
        }
        for (Bytes key : keys) {
            var own =
                    entries.subMap(
                            StateKeys.first(key, StateKeys.CHECKPOINT),
                            true,
                            StateKeys.last(key, StateKeys.SET_ASIDE),
                            true);
            assertTrue(own.size() >= 41, "its own entries");
            own.forEach(
                    (entry, owner) -> {
                        assertEquals(key, owner);
                        assertEquals(key, StateKeys.key(entry));
                    });
            long before = -1;
            for (Bytes entry :
                    entries.subMap(
                                    StateKeys.first(key, StateKeys.TAIL),
                                    true,
                                    StateKeys.last(key, StateKeys.TAIL),
                                    true)
                            .keySet()) {
                assertEquals(StateKeys.TAIL, StateKeys.kind(entry, key));
                assertTrue(StateKeys.number(entry, key) > before, "oldest first");
                before = StateKeys.number(entry, key);
            }
        }
    }
}
