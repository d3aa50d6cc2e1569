package io.mambabyte.streams.registry;

import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;

/** A Schema Registry could not be reached, or refused what it was asked for. */
public final class SchemaRegistryException extends KafkaException {
    private static final long serialVersionUID = 1L;

    /** Whether the same may succeed later. */
    private final boolean temporary;

    /**
     * With a message and the failure behind it.
     *
     * @param message what was asked of which registry, and what came back
     * @param cause the failure behind it, if any
     */
    public SchemaRegistryException(String message, @Nullable Throwable cause) {
        this(message, cause, false);
    }

    /**
     * With what is known of how long it lasts.
     *
     * @param message what was asked of which registry, and what came back
     * @param cause the failure behind it, if any
     * @param temporary whether the same may succeed later: nothing answered, or it said that it
     *     could not answer now
     */
    public SchemaRegistryException(String message, @Nullable Throwable cause, boolean temporary) {
        super(message, cause);
        this.temporary = temporary;
    }

    /**
     * Whether the same may succeed later.
     *
     * @return false for what the registry refused
     */
    public boolean isTemporary() {
        return temporary;
    }
}
