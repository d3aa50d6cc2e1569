package io.mambabyte.model;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.sun.management.ThreadMXBean;

import io.mambabyte.model.Checkpoint.Layout;

import org.junit.jupiter.api.Test;

import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Damaged files: every one is either read or refused in words, at a cost bounded by its size. */
class CheckpointFuzzTest {
    private static final int RUNS = 20_000;
    private static final long SEED = 20260727;

    /**
     * Allocation per load: every tensor once as float32 (twice the file's bytes for halves), the
     * header as bytes, characters and tree.
     */
    private static final long ALLOCATION_PER_BYTE = 12;

    /** Models that are read before allocation counts: the first ones load classes. */
    private static final int WARM_UP = 48;

    /** Buffers of the JSON parser whatever it reads, and classes that a first failure loads. */
    private static final long ALLOCATION_BASE = 1 << 20;

    private static final byte[][] PIECES = {
        bytes("9223372036854775807"),
        bytes("-1"),
        bytes("1e400"),
        bytes("[]"),
        bytes("{}"),
        bytes("null"),
        bytes("\"F64\""),
        bytes("\u0000"),
        bytes("[[[[[[[["),
        bytes("\\ud800"),
        bytes("256"),
        bytes("0"),
        bytes(","),
        bytes("\"shape\":[4294967296,4294967296]"),
        new byte[] {(byte) 0xff},
        new byte[8],
    };

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void shouldReadOrRefuseEveryDamagedModel() {
        List<ModelFiles> bases = bases();
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        int read = 0;
        int refused = 0;
        for (int run = -WARM_UP; run < RUNS; run++) {
            SplittableRandom random = new SplittableRandom(SEED + run);
            ModelFiles model = bases.get(Math.floorMod(run, bases.size())).copy();
            long size = 0;
            String[] names = model.files.keySet().toArray(String[]::new);
            int damages = 1 + random.nextInt(3);
            for (int i = 0; i < damages; i++) {
                String name = names[random.nextInt(names.length)];
                model.files.compute(name, (key, content) -> damage(content, random));
            }
            for (Map.Entry<String, byte[]> file : model.files.entrySet()) {
                size += file.getValue().length;
            }
            long before = threads.getCurrentThreadAllocatedBytes();
            try {
                model.read();
                read++;
            } catch (CheckpointException e) {
                refused++;
            } catch (RuntimeException | Error e) {
                fail("seed " + (SEED + run), e);
            }
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;
            assertTrue(
                    run < 0 || allocated <= ALLOCATION_BASE + ALLOCATION_PER_BYTE * size,
                    "seed %d: %d bytes allocated for files of %d"
                            .formatted(SEED + run, allocated, size));
        }
        // A fuzz that only ever reaches one side tests little.
        assertTrue(read > RUNS / 20, "read " + read);
        assertTrue(refused > RUNS / 4, "refused " + refused);
    }

    /** Every combination of layout, head, format and sharding. */
    private static List<ModelFiles> bases() {
        MambaConfig shape = new MambaConfig(2, 2, 4, 2, 3, 1, Norm.LAYER, 1e-5f);
        List<ModelFiles> bases = new ArrayList<>();
        for (Layout layout : Layout.values()) {
            for (boolean tied : new boolean[] {true, false}) {
                for (Dtype dtype : Dtype.values()) {
                    bases.add(
                            ModelFiles.random(shape, layout, tied, false, 1)
                                    .all(tensor -> tensor.as(dtype)));
                    bases.add(
                            ModelFiles.random(shape, layout, tied, false, 1)
                                    .all(tensor -> tensor.as(dtype))
                                    .shard());
                }
            }
        }
        return bases;
    }

    private static byte[] damage(byte[] content, SplittableRandom random) {
        if (content.length == 0) {
            return PIECES[random.nextInt(PIECES.length)];
        }
        // Half of the damage goes to the front, where safetensors keeps its header.
        int span = random.nextBoolean() ? content.length : Math.min(content.length, 400);
        int at = random.nextInt(span);
        return switch (random.nextInt(6)) {
            case 0 -> {
                byte[] out = content.clone();
                out[at] ^= (byte) (1 << random.nextInt(8));
                yield out;
            }
            case 1 -> {
                byte[] out = content.clone();
                out[at] = (byte) random.nextInt(256);
                yield out;
            }
            case 2 -> Arrays.copyOf(content, at);
            case 3 -> splice(content, at, at, PIECES[random.nextInt(PIECES.length)]);
            case 4 -> {
                byte[] piece = PIECES[random.nextInt(PIECES.length)];
                yield splice(content, at, Math.min(content.length, at + piece.length), piece);
            }
            default -> {
                int end = Math.min(content.length, at + random.nextInt(64));
                yield splice(content, at, end, new byte[0]);
            }
        };
    }

    private static byte[] splice(byte[] content, int from, int to, byte[] piece) {
        byte[] out = new byte[content.length - (to - from) + piece.length];
        System.arraycopy(content, 0, out, 0, from);
        System.arraycopy(piece, 0, out, from, piece.length);
        System.arraycopy(content, to, out, from + piece.length, content.length - to);
        return out;
    }
}
