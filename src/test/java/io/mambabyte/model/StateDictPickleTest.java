package io.mambabyte.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.sun.management.ThreadMXBean;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import java.util.zip.ZipFile;

class StateDictPickleTest {
    private static final int RUNS = 20_000;
    private static final long SEED = 20261125;

    /** A value and its memo entry for an opcode of one byte, boxed, and growth of the lists. */
    private static final long ALLOCATION_PER_BYTE = 1_000;

    private static final long ALLOCATION_BASE = 1 << 20;

    private static Map<String, StateDictPickle.View> read(byte[] pickle)
            throws CheckpointException {
        return StateDictPickle.read("m.bin", pickle);
    }

    private static Pickles dictOf(String name) {
        return Pickles.protocol2().bytes('}').text(name);
    }

    @Test
    void shouldReadTensorAndItsPlace() throws Exception {
        byte[] pickle =
                dictOf("a")
                        .tensor("HalfStorage", 9, 3, new int[] {2, 3}, new int[] {3, 1})
                        .bytes('s')
                        .stop();
        assertEquals(
                Map.of(
                        "a",
                        new StateDictPickle.View(
                                new StateDictPickle.Storage("0", "HalfStorage", 9),
                                3,
                                List.of(2L, 3L),
                                6)),
                read(pickle));
    }

    /** What a pickle may hold to run code, and other things that are no state dict. */
    private static Stream<Arguments> refused() {
        Pickles empty = Pickles.protocol2();
        int[] two = {2};
        int[] one = {1};
        return Stream.of(
                arguments(
                        "system",
                        empty.global("posix", "system").text("touch owned").bytes(0x85, 'R').stop(),
                        "expected names that a state dict needs, found posix.system (pickle byte 2;"
                                + " nothing of a pickle is executed here)"),
                arguments(
                        "eval",
                        Pickles.protocol2().global("builtins", "eval").stop(),
                        "expected names that a state dict needs, found builtins.eval"),
                arguments(
                        "escape sequence in a name",
                        Pickles.protocol2().global("\u001b[2J", "x").stop(),
                        "found \\u001b[2J.x"),
                arguments(
                        "prefix of a known name",
                        Pickles.protocol2().global("torch", "FloatStorage.__init__").stop(),
                        "found torch.FloatStorage.__init__"),
                arguments(
                        "known name by another module",
                        Pickles.protocol2().global("torch._utils._rebuild_tensor_v2.x", "y").stop(),
                        "found torch._utils._rebuild_tensor_v2.x.y"),
                arguments(
                        "STACK_GLOBAL",
                        Pickles.protocol2().text("os").text("system").bytes(0x93).stop(),
                        "expected opcodes of a state dict, found opcode 0x93"),
                arguments("INST", Pickles.protocol2().bytes('(', 'i').stop(), "opcode 0x69"),
                arguments("OBJ", Pickles.protocol2().bytes('(', 'o').stop(), "opcode 0x6f"),
                arguments("NEWOBJ", Pickles.protocol2().bytes(0x81).stop(), "opcode 0x81"),
                arguments("EXT1", Pickles.protocol2().bytes(0x82, 1).stop(), "opcode 0x82"),
                arguments("PERSID", Pickles.protocol2().bytes('P', 'x', '\n').stop(), "0x50"),
                arguments(
                        "protocol 4",
                        new byte[] {(byte) 0x80, 4, '.'},
                        "expected pickle protocol 2, which torch.save writes, found protocol 4"),
                arguments(
                        "call of a tensor",
                        Pickles.protocol2()
                                .tensor("FloatStorage", 2, 0, two, one)
                                .bytes(')', 'R')
                                .stop(),
                        "expected a call of one of the known names, found a call of a tensor"),
                arguments(
                        "call of a type",
                        Pickles.protocol2().global("torch", "FloatStorage").bytes(')', 'R').stop(),
                        "found a call of a type"),
                arguments(
                        "attributes of a tensor",
                        Pickles.protocol2()
                                .tensor("FloatStorage", 2, 0, two, one)
                                .bytes('}', 'b')
                                .stop(),
                        "expected attributes of a dictionary only, found those of a tensor"),
                arguments(
                        "tensor beyond its storage",
                        dictOf("a").tensor("FloatStorage", 2, 1, two, one).bytes('s').stop(),
                        "expected a tensor within the 2 numbers of its storage, found shape [2]"
                                + " from number 1 on"),
                arguments(
                        "shape beyond a long",
                        dictOf("a")
                                .tensor(
                                        "FloatStorage",
                                        2,
                                        0,
                                        new int[] {
                                            Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE
                                        },
                                        new int[] {1, 1, 1})
                                .bytes('s')
                                .stop(),
                        "expected a tensor within the 2 numbers"),
                arguments(
                        "negative offset",
                        dictOf("a").tensor("FloatStorage", 2, -1, two, one).bytes('s').stop(),
                        "from number -1 on"),
                arguments(
                        "negative dimension",
                        dictOf("a")
                                .tensor("FloatStorage", 2, 0, new int[] {-1}, one)
                                .bytes('s')
                                .stop(),
                        "expected dimensions from 0 on"),
                arguments(
                        "overlapping strides",
                        dictOf("a")
                                .tensor("FloatStorage", 4, 0, new int[] {2, 2}, new int[] {0, 1})
                                .bytes('s')
                                .stop(),
                        "expected a contiguous tensor"),
                arguments(
                        "text in place of a tensor",
                        dictOf("a").text("b").bytes('s').stop(),
                        "m.bin: tensor a: expected a tensor, found text"),
                arguments("nothing", Pickles.protocol2().stop(), "expected one value at the end"),
                arguments(
                        "pop below a mark",
                        Pickles.protocol2().bytes('}', '(', 's').stop(),
                        "expected 2 values on the stack, found 0"),
                arguments("no mark", Pickles.protocol2().bytes('t').stop(), "expected a mark"),
                arguments(
                        "unknown memo",
                        Pickles.protocol2().bytes('h', 7).stop(),
                        "expected a remembered value, found none at index 7"),
                arguments(
                        "text beyond the end",
                        Pickles.protocol2().bytes('X', 0xff, 0xff, 0xff, 0x7f).stop(),
                        "expected text within the pickle, found 2147483647 bytes of text"),
                arguments(
                        "end within an opcode",
                        new byte[] {(byte) 0x80, 2, 'J', 1},
                        "m.bin: pickle ends within the opcode at byte 2 of 4"),
                arguments(
                        "more after the end",
                        Pickles.protocol2().bytes('}', '.', '.').stop(),
                        "expected one value at the end of the pickle"),
                arguments(
                        "empty dictionary",
                        Pickles.protocol2().bytes('}').stop(),
                        "expected a state dict, found an empty dictionary"),
                arguments(
                        "a list",
                        Pickles.protocol2().bytes(']').stop(),
                        "expected a state dict, found a tuple or list"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("refused")
    void shouldRefuse(String name, byte[] pickle, String message) {
        String found =
                String.valueOf(
                        assertThrows(CheckpointException.class, () -> read(pickle)).getMessage());
        assertTrue(found.startsWith("m.bin: ") && found.contains(message), found);
    }

    /** A dictionary within itself, and lists that double: nothing here follows references. */
    @Test
    void shouldEndOnReferencesInCirclesAndDoublingLists() {
        Pickles self = Pickles.protocol2().bytes('}', 'q', 0).text("model").bytes('h', 0, 's');
        assertThrows(CheckpointException.class, () -> read(self.stop()));
        Pickles doubling = Pickles.protocol2().bytes(']', 'q', 0);
        for (int i = 0; i < 200; i++) {
            doubling.bytes(']', '(', 'h', i, 'h', i, 'e', 'q', i + 1);
        }
        assertThrows(CheckpointException.class, () -> read(doubling.stop()));
    }

    @Test
    void shouldReadOrRefuseEveryDamagedPickle() throws Exception {
        List<byte[]> bases = List.of(pickleOf("f32"), pickleOf("training"), pickleOf("bfloat16"));
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        int read = 0;
        int refused = 0;
        for (int run = 0; run < RUNS; run++) {
            SplittableRandom random = new SplittableRandom(SEED + run);
            byte[] pickle = bases.get(run % bases.size()).clone();
            int damages = 1 + random.nextInt(3);
            for (int i = 0; i < damages; i++) {
                pickle = damage(pickle, random);
            }
            long before = threads.getCurrentThreadAllocatedBytes();
            try {
                read(pickle);
                read++;
            } catch (CheckpointException e) {
                refused++;
            } catch (RuntimeException | Error e) {
                fail("seed " + (SEED + run), e);
            }
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;
            assertTrue(
                    allocated <= ALLOCATION_BASE + ALLOCATION_PER_BYTE * pickle.length,
                    "seed %d: %d bytes for %d".formatted(SEED + run, allocated, pickle.length));
        }
        // A fuzz that only ever reaches one side tests little.
        assertTrue(read > RUNS / 20, "read " + read);
        assertTrue(refused > RUNS / 4, "refused " + refused);
    }

    private static byte[] damage(byte[] content, SplittableRandom random) {
        int at = random.nextInt(content.length);
        return switch (random.nextInt(5)) {
            case 0 -> {
                content[at] ^= (byte) (1 << random.nextInt(8));
                yield content;
            }
            case 1 -> {
                content[at] = (byte) random.nextInt(256);
                yield content;
            }
            case 2 -> Arrays.copyOf(content, Math.max(1, at));
            // A piece again, or a piece less: opcodes in orders that no pickler writes.
            case 3 -> splice(content, at, at, random);
            default ->
                    splice(content, at, Math.min(content.length, at + random.nextInt(16)), random);
        };
    }

    private static byte[] splice(byte[] content, int from, int to, SplittableRandom random) {
        int start = random.nextInt(content.length);
        int length = Math.min(content.length - start, random.nextInt(16));
        byte[] out = new byte[Math.max(1, content.length - (to - from) + length)];
        System.arraycopy(content, 0, out, 0, from);
        System.arraycopy(content, start, out, from, Math.min(length, out.length - from));
        int rest = Math.min(content.length - to, out.length - from - length);
        System.arraycopy(content, to, out, from + length, rest);
        return out;
    }

    private static byte[] pickleOf(String name) throws Exception {
        Path path = Path.of("src/test/resources/pickles", name + ".bin");
        try (ZipFile zip = new ZipFile(path.toFile())) {
            return zip.getInputStream(zip.getEntry(name + "/data.pkl")).readAllBytes();
        }
    }
}
