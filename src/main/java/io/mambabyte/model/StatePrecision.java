package io.mambabyte.model;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * How the floats of a recurrent state are written. Writing and reading a state at a precision
 * rounds it; doing so again changes nothing.
 */
public enum StatePrecision {
    /** As they are, 4 bytes each. */
    FLOAT32(0) {
        @Override
        int bytes(MambaConfig config) {
            return floats(config) * Float.BYTES;
        }

        @Override
        void write(MambaConfig config, float[] floats, byte[] out, int offset) {
            MemorySegment.copy(
                    floats, 0, MemorySegment.ofArray(out), FLOATS, offset, floats(config));
        }

        @Override
        void read(MambaConfig config, byte[] in, int offset, float[] floats) {
            MemorySegment.copy(
                    MemorySegment.ofArray(in), FLOATS, offset, floats, 0, floats(config));
        }
    },
    /** Their upper 2 bytes, rounded to nearest, ties to even: 8 bits of significand. */
    BFLOAT16(1) {
        @Override
        int bytes(MambaConfig config) {
            return floats(config) * Short.BYTES;
        }

        @Override
        void write(MambaConfig config, float[] floats, byte[] out, int offset) {
            for (int i = 0; i < floats(config); i++) {
                int bits = Float.floatToRawIntBits(floats[i]);
                // A carry out of the significand goes into the exponent, as it should; only a NaN
                // could be carried into something else.
                int upper =
                        Float.isNaN(floats[i])
                                ? 0x7fc0
                                : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
                out[offset + 2 * i] = (byte) upper;
                out[offset + 2 * i + 1] = (byte) (upper >>> 8);
            }
        }

        @Override
        void read(MambaConfig config, byte[] in, int offset, float[] floats) {
            for (int i = 0; i < floats(config); i++) {
                int upper = (in[offset + 2 * i] & 0xff) | ((in[offset + 2 * i + 1] & 0xff) << 8);
                floats[i] = Float.intBitsToFloat(upper << 16);
            }
        }
    },
    /**
     * 8 bits each and a scale, a power of two, for each channel of a layer: one for its states, one
     * for its inputs of the convolution. The largest of a channel takes 7 bits and the sign.
     */
    INT8(2) {
        @Override
        int bytes(MambaConfig config) {
            return floats(config) + 2 * config.nLayer() * config.dInner();
        }

        @Override
        void write(MambaConfig config, float[] floats, byte[] out, int offset) {
            int channels = config.dInner();
            int from = 0;
            int to = offset;
            for (int group = 0; group < 2 * config.nLayer(); group++) {
                int rows = rows(config, group);
                for (int channel = 0; channel < channels; channel++) {
                    float largest = 0;
                    for (int row = 0; row < rows; row++) {
                        largest =
                                Math.max(largest, finite(floats[from + row * channels + channel]));
                    }
                    int exponent = Math.getExponent(largest);
                    out[to + channel] = (byte) exponent;
                    for (int row = 0; row < rows; row++) {
                        int at = row * channels + channel;
                        // Just below the next power of two, 127.5 and more would round to 128.
                        double scaled =
                                Math.rint(Math.scalb((double) floats[from + at], BITS - exponent));
                        out[to + channels + at] = (byte) Math.clamp(scaled, -127.0, 127.0);
                    }
                }
                from += rows * channels;
                to += (rows + 1) * channels;
            }
        }

        @Override
        void read(MambaConfig config, byte[] in, int offset, float[] floats) {
            int channels = config.dInner();
            int from = offset;
            int to = 0;
            for (int group = 0; group < 2 * config.nLayer(); group++) {
                int rows = rows(config, group);
                for (int channel = 0; channel < channels; channel++) {
                    int exponent = in[from + channel];
                    for (int row = 0; row < rows; row++) {
                        int at = row * channels + channel;
                        floats[to + at] =
                                Math.scalb((float) in[from + channels + at], exponent - BITS);
                    }
                }
                from += (rows + 1) * channels;
                to += rows * channels;
            }
        }

        // States and convolution of a layer take turns, in the order of RecurrentState.read.
        private int rows(MambaConfig config, int group) {
            return group % 2 == 0 ? config.dState() : config.dConv() - 1;
        }

        // What is not finite becomes the largest of its sign, or nothing.
        private float finite(float value) {
            return Float.isNaN(value) ? 0 : Math.min(Math.abs(value), Float.MAX_VALUE);
        }
    };

    // With the sign they make a byte: the largest of a channel becomes 64 to 127.
    private static final int BITS = 6;

    private static final ValueLayout.OfFloat FLOATS =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** What an encoded state says of its precision. */
    final byte code;

    StatePrecision(int code) {
        this.code = (byte) code;
    }

    /** The precision that an encoded state names, or null. */
    static @Nullable StatePrecision ofCode(byte code) {
        for (StatePrecision precision : values()) {
            if (precision.code == code) {
                return precision;
            }
        }
        return null;
    }

    /** What the floats of a state of that shape take. */
    abstract int bytes(MambaConfig config);

    /** Writes floats in the order of {@link RecurrentState#read}. */
    abstract void write(MambaConfig config, float[] floats, byte[] out, int offset);

    /** Reads floats in that order. */
    abstract void read(MambaConfig config, byte[] in, int offset, float[] floats);

    private static int floats(MambaConfig config) {
        return config.nLayer() * (config.dState() + config.dConv() - 1) * config.dInner();
    }
}
