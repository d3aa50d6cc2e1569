package io.mambabyte.streams;

import org.jspecify.annotations.Nullable;

/** A stored value that is not what the state store of this model and format holds. */
final class StoredStateException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** What is wrong. */
    enum Reason {
        /** Of another model, or with the states rounded otherwise. */
        OTHER_MODEL,
        /** Written by a later version of this component. */
        LATER_VERSION,
        /** Damaged, cut, or with something missing. */
        CORRUPT
    }

    private final Reason reason;

    StoredStateException(Reason reason, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    static StoredStateException corrupt(String message) {
        return new StoredStateException(Reason.CORRUPT, message, null);
    }

    static StoredStateException otherModel(String message) {
        return new StoredStateException(Reason.OTHER_MODEL, message, null);
    }

    /** Refuses what a later version wrote, and what no version ever did. */
    static void requireVersion(int found, int known) {
        if (found == 0) {
            throw corrupt("format version 0");
        }
        if (found > known) {
            throw new StoredStateException(
                    Reason.LATER_VERSION,
                    "written in format version "
                            + found
                            + ", this is version "
                            + known
                            + ": a later MambaByte has used this store. Go back to that one, or"
                            + " reset the application to start all keys anew",
                    null);
        }
    }

    Reason reason() {
        return reason;
    }
}
