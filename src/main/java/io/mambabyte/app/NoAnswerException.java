package io.mambabyte.app;

import org.apache.kafka.common.config.ConfigException;

/** The cluster did not answer, which it may do later. */
final class NoAnswerException extends ConfigException {
    private static final long serialVersionUID = 1L;

    NoAnswerException(String message) {
        super(message);
    }
}
