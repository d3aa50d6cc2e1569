package io.mambabyte.generate;

import java.util.Arrays;
import java.util.Random;

/** Drafters whose acceptance is forced. */
final class Drafters {
    private Drafters() {}

    /** Knows what will be made, and is wrong about some of it. */
    static final class Knowing implements Drafter {
        private final byte[] truth;
        private final int wrongEvery;
        private int position;

        /**
         * A drafter.
         *
         * @param truth what will be made
         * @param wrongEvery 0 never, 1 always, n at every n-th byte
         */
        Knowing(byte[] truth, int wrongEvery) {
            this.truth = truth;
            this.wrongEvery = wrongEvery;
        }

        @Override
        public void begin() {
            position = 0;
        }

        @Override
        public void append(byte[] bytes, int offset, int length) {
            position += length;
        }

        @Override
        public void draft(Draft draft) {
            for (int i = position; i < truth.length && draft.wantsMore(); i++) {
                boolean wrong = wrongEvery > 0 && (i + 1) % wrongEvery == 0;
                draft.add((byte) (truth[i] ^ (wrong ? 1 : 0)), 1);
            }
        }

        @Override
        public String toString() {
            return "wrong every " + wrongEvery;
        }
    }

    /** Draws bytes from those seen, without a confidence. */
    static final class Guessing implements Drafter {
        private final Random random;
        private byte[] seen = new byte[0];

        Guessing(long seed) {
            random = new Random(seed);
        }

        @Override
        public void begin() {
            seen = new byte[0];
        }

        @Override
        public void append(byte[] bytes, int offset, int length) {
            int before = seen.length;
            seen = Arrays.copyOf(seen, before + length);
            System.arraycopy(bytes, offset, seen, before, length);
        }

        @Override
        public void draft(Draft draft) {
            int length = random.nextInt(6);
            while (length-- > 0 && draft.wantsMore()) {
                draft.add(seen[random.nextInt(seen.length)]);
            }
        }

        @Override
        public String toString() {
            return "guessing";
        }
    }
}
