package io.mambabyte.model;

/**
 * A model folder that cannot be used: says which file and tensor, what was expected and what was
 * found.
 */
public final class CheckpointException extends Exception {
    private static final long serialVersionUID = 1L;

    /** Longest piece of a file's own text that a message repeats. */
    private static final int QUOTED_CHARACTERS_MAX = 120;

    /**
     * Says what is wrong.
     *
     * @param message file, tensor, expected and found
     */
    public CheckpointException(String message) {
        super(message);
    }

    /**
     * Says what is wrong.
     *
     * @param message file, tensor, expected and found
     * @param cause what made it known
     */
    public CheckpointException(String message, Throwable cause) {
        super(message, cause);
    }

    static CheckpointException tensor(String file, String tensor, String expected, String found) {
        return new CheckpointException(
                file
                        + ": tensor "
                        + printable(tensor)
                        + ": expected "
                        + expected
                        + ", found "
                        + found);
    }

    static CheckpointException file(String file, String expected, String found) {
        return new CheckpointException(file + ": expected " + expected + ", found " + found);
    }

    /**
     * Text out of a file, safe to print: a name in a file may hold escape sequences of a terminal,
     * or be a megabyte long.
     */
    static String printable(String text) {
        StringBuilder out = new StringBuilder();
        int end = Math.min(text.length(), QUOTED_CHARACTERS_MAX);
        for (int i = 0; i < end; i++) {
            char c = text.charAt(i);
            if (c >= ' ' && c < 0x7f) {
                out.append(c);
            } else {
                out.append(String.format("\\u%04x", (int) c));
            }
        }
        if (end < text.length()) {
            out.append("... (").append(text.length()).append(" characters)");
        }
        return out.toString();
    }
}
