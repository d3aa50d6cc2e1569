package io.mambabyte.generate;

import java.util.List;

/** Sequences of bytes that end a continuation once they were made. */
public final class StopSequences {
    /** No sequence. */
    public static final StopSequences NONE = new StopSequences(List.of());

    private final byte[][] sequences;

    /**
     * Copies the sequences.
     *
     * @param sequences none of them empty
     * @throws IllegalArgumentException if one is empty: it would end every text before it begins
     */
    public StopSequences(List<byte[]> sequences) {
        this.sequences = sequences.stream().map(byte[]::clone).toArray(byte[][]::new);
        for (byte[] sequence : this.sequences) {
            if (sequence.length == 0) {
                throw new IllegalArgumentException("a stop sequence must not be empty");
            }
        }
    }

    /** Whether one of them ends at the end of the text. */
    boolean endAt(byte[] text, int length) {
        for (byte[] sequence : sequences) {
            if (endsWith(text, length, sequence)) {
                return true;
            }
        }
        return false;
    }

    private static boolean endsWith(byte[] text, int length, byte[] sequence) {
        if (sequence.length > length) {
            return false;
        }
        for (int i = 1; i <= sequence.length; i++) {
            if (text[length - i] != sequence[sequence.length - i]) {
                return false;
            }
        }
        return true;
    }
}
