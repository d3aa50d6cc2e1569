package io.mambabyte.app.eval;

import java.util.Arrays;

/**
 * A byte model of order 7 that mixes all orders below (Witten-Bell smoothing): the strongest of the
 * simple ones. Contexts are kept as 64-bit hashes, whose collisions are too few to matter.
 */
final class NgramModel {
    /** Bytes of an n-gram, the predicted one included. */
    static final int N = 7;

    private static final double UNIFORM = 1 / 256.0;

    /** Count of each n-gram, by hash. */
    private final Counts grams = new Counts();

    /** Count of each context, and how many different bytes followed it, by hash. */
    private final Counts contexts = new Counts();

    private final Counts followers = new Counts();

    /** Learns a line, the newline at its end included, its context beginning with a newline. */
    void learn(byte[] line) {
        byte[] framed = framed(line);
        for (int at = 1; at < framed.length; at++) {
            long context = 0;
            for (int order = 0; order < N && order <= at; order++) {
                if (order > 0) {
                    context = hash(context, framed[at - order]);
                }
                long gram = gram(context, framed[at]);
                contexts.add(context);
                if (grams.add(gram) == 1) {
                    followers.add(context);
                }
            }
        }
    }

    /** Surprisal of each byte of a line, in bits, the newline at its end included. */
    double[] surprisal(byte[] line) {
        byte[] framed = framed(line);
        double[] bits = new double[framed.length - 1];
        for (int at = 1; at < framed.length; at++) {
            double p = UNIFORM;
            long context = 0;
            for (int order = 0; order < N && order <= at; order++) {
                if (order > 0) {
                    context = hash(context, framed[at - order]);
                }
                int total = contexts.get(context);
                if (total == 0) {
                    break;
                }
                int kinds = followers.get(context);
                p = (grams.get(gram(context, framed[at])) + kinds * p) / (total + (double) kinds);
            }
            bits[at - 1] = -Math.log(p) / Math.log(2);
        }
        return bits;
    }

    private static byte[] framed(byte[] line) {
        byte[] framed = new byte[line.length + 2];
        framed[0] = '\n';
        System.arraycopy(line, 0, framed, 1, line.length);
        framed[line.length + 1] = '\n';
        return framed;
    }

    private static long hash(long context, byte before) {
        long h = (context + (before & 0xff) + 1) * 0x9e3779b97f4a7c15L;
        return h ^ (h >>> 32);
    }

    private static long gram(long context, byte next) {
        return (context ^ (0x100L + (next & 0xff))) * 0xd6e8feb86659fd93L;
    }

    /** A hash table of counts without objects. */
    private static final class Counts {
        private long[] keys = new long[1 << 12];
        private int[] values = new int[1 << 12];
        private int size;

        int add(long key) {
            if (size * 2 >= keys.length) {
                grow();
            }
            int slot = slot(key);
            if (values[slot] == 0) {
                keys[slot] = key;
                size++;
            }
            return ++values[slot];
        }

        int get(long key) {
            return values[slot(key)];
        }

        private int slot(long key) {
            int mask = keys.length - 1;
            int slot = (int) (key ^ (key >>> 32)) & mask;
            while (values[slot] != 0 && keys[slot] != key) {
                slot = (slot + 1) & mask;
            }
            return slot;
        }

        private void grow() {
            long[] oldKeys = keys;
            int[] oldValues = values;
            keys = new long[oldKeys.length * 2];
            values = new int[oldKeys.length * 2];
            Arrays.fill(values, 0);
            for (int i = 0; i < oldKeys.length; i++) {
                if (oldValues[i] != 0) {
                    int slot = slot(oldKeys[i]);
                    keys[slot] = oldKeys[i];
                    values[slot] = oldValues[i];
                }
            }
        }
    }
}
