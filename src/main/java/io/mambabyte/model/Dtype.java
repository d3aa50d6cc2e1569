package io.mambabyte.model;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** The stored number formats that a checkpoint may use, by their names in a safetensors header. */
public enum Dtype {
    /** IEEE 754 single precision. */
    F32(Float.BYTES),
    /** IEEE 754 half precision. */
    F16(Short.BYTES),
    /** The upper half of a single. */
    BF16(Short.BYTES);

    private static final ValueLayout.OfFloat FLOATS =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORTS =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Halves are widened through a buffer of this many, so that the copy out stays in bulk. */
    private static final int CHUNK = 1 << 14;

    private final int bytes;

    Dtype(int bytes) {
        this.bytes = bytes;
    }

    /**
     * Size of one number.
     *
     * @return bytes
     */
    public int bytes() {
        return bytes;
    }

    /** Widens {@code count} little-endian numbers at {@code offset}; exact for every format. */
    float[] read(MemorySegment data, long offset, int count) {
        float[] out = new float[count];
        if (this == F32) {
            MemorySegment.copy(data, FLOATS, offset, out, 0, count);
            return out;
        }
        short[] halves = new short[Math.min(CHUNK, count)];
        for (int done = 0; done < count; done += CHUNK) {
            int n = Math.min(CHUNK, count - done);
            MemorySegment.copy(data, SHORTS, offset + (long) done * Short.BYTES, halves, 0, n);
            if (this == BF16) {
                for (int i = 0; i < n; i++) {
                    out[done + i] = Float.intBitsToFloat(halves[i] << 16);
                }
            } else {
                for (int i = 0; i < n; i++) {
                    out[done + i] = Float.float16ToFloat(halves[i]);
                }
            }
        }
        return out;
    }
}
