package io.mambabyte.kernels;

import java.util.Random;

/** Named generators of floats: a failure says which one it met. */
enum Values {
    NORMAL {
        @Override
        float next(Random random) {
            return (float) random.nextGaussian();
        }
    },
    /** Denormals and the smallest normals. */
    TINY {
        @Override
        float next(Random random) {
            return Float.intBitsToFloat(
                    random.nextInt(0x01000000) | (random.nextInt() & Elementary.SIGN));
        }
    },
    ZEROS {
        @Override
        float next(Random random) {
            return switch (random.nextInt(4)) {
                case 0 -> 0f;
                case 1 -> -0f;
                default -> (float) random.nextGaussian();
            };
        }
    },
    INFINITIES {
        @Override
        float next(Random random) {
            return switch (random.nextInt(16)) {
                case 0 -> Float.POSITIVE_INFINITY;
                case 1 -> Float.NEGATIVE_INFINITY;
                default -> (float) random.nextGaussian();
            };
        }
    },
    NANS {
        @Override
        float next(Random random) {
            return random.nextInt(16) == 0 ? Float.NaN : (float) random.nextGaussian();
        }
    },
    LARGE {
        @Override
        float next(Random random) {
            return (float) (random.nextGaussian() * Math.pow(10, random.nextInt(38)));
        }
    },
    /** Within a few units in the last place of where a function changes its form. */
    THRESHOLDS {
        private static final float[] AT = {
            0f,
            -0f,
            1f,
            -1f,
            20f,
            -20f,
            86f,
            -86f,
            88f,
            -88.72284f,
            125f,
            -125f,
            -126f,
            -127f,
            0.5f,
            -0.5f,
            0.3465736f,
            -0.3465736f,
            1.5f,
            -2.5f,
            103.97f
        };

        @Override
        float next(Random random) {
            float at = AT[random.nextInt(AT.length)];
            return Float.intBitsToFloat(Float.floatToRawIntBits(at) + random.nextInt(9) - 4);
        }
    },
    /** Any bits at all. */
    ANYTHING {
        @Override
        float next(Random random) {
            return Float.intBitsToFloat(random.nextInt());
        }
    };

    abstract float next(Random random);

    final float[] array(Random random, int length) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = next(random);
        }
        return values;
    }

    /** Rows at an odd offset and further apart than they are wide, with garbage around them. */
    final Rows rows(Random random, int width, int count) {
        int padded = Rows.padded(width);
        int stride = padded + 5;
        return new Rows(array(random, 3 + count * stride), 3, stride, padded, count);
    }
}
