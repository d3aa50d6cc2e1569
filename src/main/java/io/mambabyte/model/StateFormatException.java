package io.mambabyte.model;

/** Bytes that are not a recurrent state of this model. No state was changed. */
public final class StateFormatException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** What is wrong, for callers that act on it. */
    public enum Reason {
        /** Does not begin as a state does. */
        NOT_A_STATE,
        /** Written by a version of the format that this one does not know. */
        UNKNOWN_VERSION,
        /** A state of another model: rebuild it from the bytes that it stood for. */
        OTHER_MODEL,
        /** Too short or too long: cut, or with something after it. */
        WRONG_SIZE,
        /** The checksum, or a field, is not that of any state. */
        CORRUPT
    }

    /** What is wrong. */
    private final Reason reason;

    StateFormatException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    /**
     * What is wrong.
     *
     * @return the reason
     */
    public Reason reason() {
        return reason;
    }
}
