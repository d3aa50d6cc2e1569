package io.mambabyte.train;

/** Data or settings that no training can come of; the message says what would do. */
public final class UnusableDataException extends Exception {
    private static final long serialVersionUID = 1L;

    /**
     * Says what is wrong.
     *
     * @param message what is wrong and what would do
     */
    public UnusableDataException(String message) {
        super(message);
    }
}
