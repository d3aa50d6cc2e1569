package io.mambabyte.generate;

/** A {@link Drafter} threw something. No text was harmed. */
public final class DrafterException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * What it threw.
     *
     * @param cause of the first continuation whose drafter did
     */
    DrafterException(Throwable cause) {
        super("a drafter failed: " + cause, cause);
    }
}
