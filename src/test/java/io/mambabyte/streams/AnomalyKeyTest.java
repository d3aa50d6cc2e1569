package io.mambabyte.streams;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.score.Calibration;
import io.mambabyte.score.Calibration.Judgement;
import io.mambabyte.score.LineStatistics;

import org.apache.kafka.common.utils.Bytes;
import org.junit.jupiter.api.Test;

import java.util.Map;
import java.util.Random;

class AnomalyKeyTest {
    private static final int INFERENCE = 7;
    private static final Bytes SNAPSHOT = Bytes.wrap(new byte[] {AnomalyStores.SNAPSHOT, 1, 'k'});
    private static final Bytes LOG = Bytes.wrap(new byte[] {AnomalyStores.LOG, 1, 'k'});
    private static final double NOMINAL_BITS = Math.log(1000) / Math.log(2);

    private final Random random = new Random(41);

    private static AnomalyKey key(double perMillion) {
        return new AnomalyKey(
                new AnomalyConfig(
                        Map.of(AnomalyConfig.PER_MILLION_CONFIG, Double.toString(perMillion))),
                INFERENCE);
    }

    private LineStatistics normal() {
        return line(random.nextInt(8), 1 + 0.2 * random.nextGaussian());
    }

    private LineStatistics strange() {
        return line(random.nextLong(), 7 + random.nextDouble());
    }

    private static LineStatistics line(long kind, double wordBits) {
        return Calibration.rounded(
                new LineStatistics(
                        new Random(kind).nextLong(), 0, 100 * wordBits, 0, 0, wordBits, 0));
    }

    /** As the processor does it. */
    private static AnomalyKey.Learned next(
            AnomalyKey key, AnomalyKey group, LineStatistics line, long number) {
        Judgement own = key.calibration().judge(line);
        Judgement groups = group.calibration().judge(line);
        Judgement used = own.known() ? own : groups;
        AnomalyKey.Learned learned =
                key.learn(
                        line,
                        own,
                        used.bits(),
                        used.score(),
                        group.thresholdBits(),
                        100 * number,
                        new LinePosition("logs", 0, number, 100 * number));
        if (group.learnOfGroup(line, groups, used.known(), learned.alert())) {
            byte[] _ = group.snapshot(SNAPSHOT);
        }
        return learned;
    }

    @Test
    void shouldHaveTheGroupsThresholdUntilItIsJudgedByItsOwnLines() {
        AnomalyKey group = key(1000);
        AnomalyKey old = key(1000);
        long number = 0;
        while (number < 3000) {
            next(old, group, number % 100 == 99 ? strange() : normal(), number++);
        }
        assertTrue(Math.abs(group.thresholdBits() - NOMINAL_BITS) > 0.5, "it moved");
        AnomalyKey young = key(1000);
        double groupBits = group.thresholdBits();
        AnomalyKey.Learned learned = next(young, group, normal(), number++);
        assertEquals(groupBits, learned.thresholdBits(), 1e-5);
        while (young.calibration().learning()) {
            groupBits = group.thresholdBits();
            learned = next(young, group, normal(), number++);
            assertEquals(groupBits, learned.thresholdBits(), 1e-5);
        }
        // Then its own: another key's alerts change nothing.
        next(young, group, normal(), number++);
        double bits = young.thresholdBits();
        for (int i = 0; i < 500; i++) {
            next(old, group, normal(), number++);
        }
        assertEquals(bits, young.thresholdBits());
        assertTrue(group.thresholdBits() < bits);
    }

    /** Keys that live for 700 lines, each with a burst of kinds that it never had. */
    @Test
    void shouldAlertAsOftenAsAskedOverManyShortKeys() {
        AnomalyKey group = key(1000);
        long number = 0;
        long judged = 0;
        int alerts = 0;
        for (int k = 0; k < 100; k++) {
            AnomalyKey key = key(1000);
            for (int i = 0; i < 700; i++) {
                boolean burst = i >= 350 && i < 356;
                AnomalyKey.Learned learned =
                        next(key, group, burst ? strange() : normal(), number++);
                judged += Double.isNaN(learned.thresholdBits()) ? 0 : 1;
                alerts += learned.alert() ? 1 : 0;
            }
        }
        double expected = judged * 0.001;
        assertTrue(expected > 60, "expected " + expected);
        assertTrue(
                alerts >= expected / 2 && alerts <= 2 * expected,
                alerts + " of " + expected + " expected");
    }

    @Test
    void shouldGoOnWithItsThresholdAfterItWasStored() {
        AnomalyKey group = key(1000);
        AnomalyKey one = key(1000);
        AnomalyKey other = key(1000);
        byte[] snapshot = null;
        for (long number = 0; number < 2500; number++) {
            LineStatistics line = number % 60 == 59 ? strange() : normal();
            double groupBits = group.thresholdBits();
            AnomalyKey.Learned expected = next(one, group, line, number);
            Judgement own = other.calibration().judge(line);
            AnomalyKey.Learned learned =
                    other.learn(
                            line,
                            own,
                            own.bits(),
                            own.score(),
                            groupBits,
                            100 * number,
                            new LinePosition("logs", 0, number, 100 * number));
            if (own.known()) {
                assertEquals(expected, learned, "line " + number);
            }
            if (learned.folded()) {
                byte[] _ = one.snapshot(SNAPSHOT);
                snapshot = other.snapshot(SNAPSHOT);
            }
            if (number % 97 == 0) {
                byte[] log = other.log(LOG);
                other = key(1000);
                other.restore(SNAPSHOT, snapshot, LOG, log);
            }
        }
        assertEquals(one.thresholdBits(), other.thresholdBits());
        assertTrue(one.thresholdBits() != NOMINAL_BITS);
    }

    @Test
    void shouldLearnAnewWhereAnEarlierVersionStoredIt() {
        AnomalyKey key = key(1000);
        byte[] snapshot = key.snapshot(SNAPSHOT);
        snapshot[0] = 1;
        byte[] asVersion1 = resealed(snapshot);
        StoredStateException refused =
                assertThrows(
                        StoredStateException.class,
                        () -> key(1000).restore(SNAPSHOT, asVersion1, LOG, null));
        assertEquals(StoredStateException.Reason.OTHER_MODEL, refused.reason());
        assertTrue(String.valueOf(refused.getMessage()).contains("version 1"));
    }

    // With the checksum that version 1 would have written.
    private static byte[] resealed(byte[] value) {
        java.util.zip.CRC32C checksum = new java.util.zip.CRC32C();
        checksum.update(SNAPSHOT.get());
        checksum.update(value, 0, 1);
        checksum.update(value, 5, value.length - 5);
        java.nio.ByteBuffer.wrap(value).putInt(1, (int) checksum.getValue());
        return value;
    }
}
