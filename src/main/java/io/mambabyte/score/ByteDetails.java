package io.mambabyte.score;

import java.util.Arrays;

/**
 * What there is to say about each byte of a record, for a person to look at: its surprisal, and the
 * bytes that the model thought most likely in its place.
 */
public final class ByteDetails {
    /** Alternatives of each byte. */
    public static final int ALTERNATIVES = 5;

    private static final float LN_2 = 0.6931472f;
    private static final int VOCABULARY = 256;

    private final float[] bits;
    private final byte[] alternatives;
    private final float[] probabilities;

    private ByteDetails(float[] bits, byte[] alternatives, float[] probabilities) {
        this.bits = bits;
        this.alternatives = alternatives;
        this.probabilities = probabilities;
    }

    /**
     * Number of bytes.
     *
     * @return as many as the record has, its framing newline included
     */
    public int size() {
        return bits.length;
    }

    /**
     * Surprisal of a byte.
     *
     * @param index 0 to {@link #size()} - 1
     * @return {@code -log2 p}, or NaN where nothing preceded the byte
     */
    public float bits(int index) {
        return bits[index];
    }

    /**
     * A byte that the model expected.
     *
     * @param index of the byte that came
     * @param rank 0 for the most likely one, to {@link #ALTERNATIVES} - 1
     * @return 0 to 255
     */
    public int alternative(int index, int rank) {
        return alternatives[index * ALTERNATIVES + rank] & 0xff;
    }

    /**
     * How likely that was.
     *
     * @param index of the byte that came
     * @param rank 0 for the most likely one, to {@link #ALTERNATIVES} - 1
     * @return its probability; 0 for all where nothing preceded the byte
     */
    public float probability(int index, int rank) {
        return probabilities[index * ALTERNATIVES + rank];
    }

    /** Gathers the details of one record after another; not safe for concurrent use. */
    public static final class Collector {
        private float[] bits = new float[256];
        private byte[] alternatives = new byte[256 * ALTERNATIVES];
        private float[] probabilities = new float[256 * ALTERNATIVES];
        private final float[] best = new float[ALTERNATIVES];
        private final int[] bestBytes = new int[ALTERNATIVES];
        private int size;

        /** Makes a collector. */
        public Collector() {}

        /** Forgets what was gathered. */
        public void clear() {
            size = 0;
        }

        /**
         * What was gathered since {@link #clear}.
         *
         * @return a value of its own
         */
        public ByteDetails details() {
            return new ByteDetails(
                    Arrays.copyOf(bits, size),
                    Arrays.copyOf(alternatives, size * ALTERNATIVES),
                    Arrays.copyOf(probabilities, size * ALTERNATIVES));
        }

        void addFirst() {
            grow();
            bits[size] = Float.NaN;
            Arrays.fill(alternatives, size * ALTERNATIVES, (size + 1) * ALTERNATIVES, (byte) 0);
            Arrays.fill(probabilities, size * ALTERNATIVES, (size + 1) * ALTERNATIVES, 0f);
            size++;
        }

        /** A byte that came, its surprisal, and the logits that it was predicted with. */
        void add(int value, float surprisalBits, float[] logits, int row) {
            grow();
            bits[size] = surprisalBits;
            int from = row * VOCABULARY;
            best(logits, from);
            // The byte's own surprisal tells the logarithm of the sum that its softmax has.
            float logSum = surprisalBits * LN_2 + logits[from + value];
            for (int rank = 0; rank < ALTERNATIVES; rank++) {
                alternatives[size * ALTERNATIVES + rank] = (byte) bestBytes[rank];
                probabilities[size * ALTERNATIVES + rank] =
                        Math.min(1f, (float) Math.exp(best[rank] - logSum));
            }
            size++;
        }

        private void best(float[] logits, int from) {
            Arrays.fill(best, Float.NEGATIVE_INFINITY);
            for (int value = 0; value < VOCABULARY; value++) {
                float logit = logits[from + value];
                if (logit <= best[ALTERNATIVES - 1]) {
                    continue;
                }
                int rank = ALTERNATIVES - 1;
                while (rank > 0 && logit > best[rank - 1]) {
                    best[rank] = best[rank - 1];
                    bestBytes[rank] = bestBytes[rank - 1];
                    rank--;
                }
                best[rank] = logit;
                bestBytes[rank] = value;
            }
        }

        private void grow() {
            if (size == bits.length) {
                int capacity = size + size / 2;
                bits = Arrays.copyOf(bits, capacity);
                alternatives = Arrays.copyOf(alternatives, capacity * ALTERNATIVES);
                probabilities = Arrays.copyOf(probabilities, capacity * ALTERNATIVES);
            }
        }
    }
}
