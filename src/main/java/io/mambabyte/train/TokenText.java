package io.mambabyte.train;

import io.mambabyte.model.BytePairEncoding;

import java.util.Arrays;

/**
 * A text as a model is fed it: byte by byte, or in tokens of several bytes each. Bits are always
 * counted per byte, so that models of either kind can be compared.
 */
@SuppressWarnings("ArrayRecordComponent") // carriers, never compared
sealed interface TokenText {
    /** Tokens of the text. */
    int length();

    /**
     * Copies tokens out.
     *
     * @param from index of the first
     * @param count how many
     * @param into its beginning is overwritten
     */
    void copy(int from, int count, int[] into);

    /** Bytes that the tokens from an index to before another stand for. */
    long bytes(int from, int to);

    /**
     * Every byte is a token.
     *
     * @param content the bytes
     */
    record Bytes(byte[] content) implements TokenText {
        @Override
        public int length() {
            return content.length;
        }

        @Override
        public void copy(int from, int count, int[] into) {
            for (int i = 0; i < count; i++) {
                into[i] = content[from + i] & 0xff;
            }
        }

        @Override
        public long bytes(int from, int to) {
            return (long) to - from;
        }
    }

    /**
     * Tokens of a vocabulary.
     *
     * @param ids their numbers
     * @param encoding what they stand for
     */
    record Subwords(int[] ids, BytePairEncoding encoding) implements TokenText {
        /**
         * Longest piece of a word that is merged at once: merging takes the square of it, and where
         * such a word is cut changes a token or two.
         */
        private static final int WORD_BYTES_MAX = 512;

        /** Encodes a text. */
        static Subwords of(byte[] text, BytePairEncoding encoding) {
            int[] ids = new int[Math.max(16, text.length / 3)];
            int count = 0;
            for (int start = 0; start < text.length; ) {
                int end = encoding.wordEnd(text, start, text.length);
                while (start < end) {
                    int length = Math.min(WORD_BYTES_MAX, end - start);
                    if (ids.length - count < length) {
                        ids = Arrays.copyOf(ids, ids.length + ids.length / 2 + length);
                    }
                    count += encoding.encodeWord(text, start, start + length, ids, count);
                    start += length;
                }
            }
            return new Subwords(Arrays.copyOf(ids, count), encoding);
        }

        @Override
        public int length() {
            return ids.length;
        }

        @Override
        public void copy(int from, int count, int[] into) {
            System.arraycopy(ids, from, into, 0, count);
        }

        @Override
        public long bytes(int from, int to) {
            long sum = 0;
            for (int i = from; i < to; i++) {
                sum += encoding.length(ids[i]);
            }
            return sum;
        }
    }
}
