package io.mambabyte.model;

/**
 * A model folder that cannot be used: says which file and tensor, what was expected and what was
 * found.
 */
public final class CheckpointException extends Exception {
    private static final long serialVersionUID = 1L;

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
}
