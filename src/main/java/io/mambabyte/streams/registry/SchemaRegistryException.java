package io.mambabyte.streams.registry;

import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;

/** A Schema Registry could not be reached, or refused what it was asked for. */
public final class SchemaRegistryException extends KafkaException {
    private static final long serialVersionUID = 1L;

    /**
     * With a message and the failure behind it.
     *
     * @param message what was asked of which registry, and what came back
     * @param cause the failure behind it, if any
     */
    public SchemaRegistryException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
