package io.mambabyte.app.ui;

/** What was asked for is there, but not now; the message says why. */
final class PageUnavailableException extends Exception {
    private static final long serialVersionUID = 1L;

    PageUnavailableException(String message) {
        super(message);
    }

    PageUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
