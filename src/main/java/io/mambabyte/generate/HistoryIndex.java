package io.mambabyte.generate;

/**
 * Which byte last followed each context, for contexts of several lengths: an index of text that
 * repeats itself. Looking up and learning take the same few table accesses however much was learnt;
 * memory is constant, old contexts give way to new ones that fall on their places.
 *
 * <p>Learns also how often the guess of each length was right, apart by how many guesses in a row
 * were: so a guess comes with a measured confidence.
 *
 * <p>May serve several texts of a thread, one after another or by turns: each has a {@link
 * HistoryDrafter} of its own.
 */
public final class HistoryIndex {
    /** Lengths of contexts in bytes, longest first. */
    private static final int[] ORDERS = {24, 16, 12, 8, 6, 5, 4, 3};

    static final int NO_GUESS = ORDERS.length;

    private static final int RUNS = 8;

    /** How often in a row a context was followed by the same byte is counted so far: 4 levels. */
    private static final int COUNT_MAX = 15;

    private static final int COUNT_LEVELS = 4;
    private static final int COUNT_BITS = 4;
    private static final int BYTE_BITS = 8;
    private static final int TAG_SHIFT = COUNT_BITS + BYTE_BITS;

    /** A guess's share in the measured accuracy, once there were as many as its inverse. */
    private static final float LEAST_SHARE = 1 / 64f;

    /**
     * {@code [order][place]}: 20 bits of the context's hash, how often in a row the byte followed
     * it but for the first time, and the byte.
     */
    private final int[][] tables;

    private final int shift;

    /** By order, run and count: share of the guesses that were right. */
    private final float[] accuracy = new float[ORDERS.length * RUNS * COUNT_LEVELS];

    private final float[] share = new float[accuracy.length];

    /**
     * Makes an empty index.
     *
     * @param bits there are {@code 2^bits} places, of four bytes, for each of the eight lengths
     */
    public HistoryIndex(int bits) {
        if (bits < 4 || bits > 24) {
            throw new IllegalArgumentException("bits must be from 4 to 24, not " + bits);
        }
        tables = new int[ORDERS.length][1 << bits];
        shift = Long.SIZE - bits;
        for (int order = 0; order < ORDERS.length; order++) {
            for (int run = 0; run < RUNS; run++) {
                for (int level = 0; level < COUNT_LEVELS; level++) {
                    int cell = (order * RUNS + run) * COUNT_LEVELS + level;
                    // Before anything was seen: long contexts and long runs are usually right.
                    accuracy[cell] = 1 - 0.5f / (1 + run) * (order + 1) / ORDERS.length;
                    share[cell] = 1 / 4f;
                }
            }
        }
    }

    /** The last 24 bytes of a text, and the guesses in a row that were right. */
    static final class Context {
        private long w0;
        private long w1;
        private long w2;
        private int length;
        private int run;

        void clear() {
            w0 = 0;
            w1 = 0;
            w2 = 0;
            length = 0;
            run = 0;
        }

        void copyFrom(Context other) {
            w0 = other.w0;
            w1 = other.w1;
            w2 = other.w2;
            length = other.length;
            run = other.run;
        }

        void push(int value) {
            w2 = w2 << 8 | w1 >>> 56;
            w1 = w1 << 8 | w0 >>> 56;
            w0 = w0 << 8 | value;
            length++;
        }

        void hit() {
            run++;
        }

        void miss() {
            run = 0;
        }

        private long hash(int order) {
            long a = order >= 8 ? w0 : w0 & (1L << (8 * order)) - 1;
            long b = order >= 16 ? w1 : order > 8 ? w1 & (1L << (8 * (order - 8))) - 1 : 0;
            long c = order >= 24 ? w2 : 0;
            long h = a * 0x9e3779b97f4a7c15L;
            h = (h ^ h >>> 29 ^ b) * 0xbf58476d1ce4e5b9L;
            h = (h ^ h >>> 32 ^ c) * 0x94d049bb133111ebL;
            return h ^ h >>> 31;
        }
    }

    /**
     * The longest context that is known.
     *
     * @return its index among the lengths, the count and the byte that followed it last: {@code
     *     order << 12 | count << 8 | byte}; {@code NO_GUESS << 12} where none is known
     */
    int guess(Context context) {
        for (int order = 0; order < ORDERS.length; order++) {
            if (ORDERS[order] <= context.length) {
                long hash = context.hash(ORDERS[order]);
                int entry = tables[order][(int) (hash >>> shift)];
                if (entry >>> TAG_SHIFT == tag(hash)) {
                    return guess(order, entry);
                }
            }
        }
        return NO_GUESS << TAG_SHIFT;
    }

    private static int guess(int order, int entry) {
        return order << TAG_SHIFT | (entry & (1 << TAG_SHIFT) - 1);
    }

    static int order(int guess) {
        return guess >>> TAG_SHIFT;
    }

    static int value(int guess) {
        return guess & 0xff;
    }

    /** How often guesses like this one were right. */
    double confidence(int guess, Context context) {
        return accuracy[cell(guess, context)];
    }

    /** Learns what a guess was worth and what follows the context, which then goes on with it. */
    void learn(Context context, int value) {
        int guess = NO_GUESS << TAG_SHIFT;
        for (int order = ORDERS.length - 1;
                order >= 0 && ORDERS[order] <= context.length;
                order--) {
            long hash = context.hash(ORDERS[order]);
            int[] table = tables[order];
            int place = (int) (hash >>> shift);
            int entry = table[place];
            int count = 0;
            if (entry >>> TAG_SHIFT == tag(hash)) {
                guess = guess(order, entry);
                count = (entry & 0xff) == value ? Math.min(COUNT_MAX, count(entry) + 1) : 0;
            }
            table[place] = tag(hash) << TAG_SHIFT | count << BYTE_BITS | value;
        }
        boolean known = order(guess) != NO_GUESS;
        boolean right = known && value(guess) == value;
        if (known) {
            int cell = cell(guess, context);
            accuracy[cell] += ((right ? 1 : 0) - accuracy[cell]) * share[cell];
            share[cell] = Math.max(LEAST_SHARE, share[cell] / (1 + share[cell]));
        }
        if (right) {
            context.hit();
        } else {
            context.miss();
        }
        context.push(value);
    }

    private static int count(int entry) {
        return entry >>> BYTE_BITS & COUNT_MAX;
    }

    // Never 0, which is an empty place.
    private static int tag(long hash) {
        return (int) (hash & 0xfffff) | 1;
    }

    private static int cell(int guess, Context context) {
        int run = Math.min(RUNS - 1, Integer.SIZE - Integer.numberOfLeadingZeros(context.run));
        int count = count(guess);
        int level = count > 3 ? 3 : count > 1 ? 2 : count;
        return (order(guess) * RUNS + run) * COUNT_LEVELS + level;
    }
}
