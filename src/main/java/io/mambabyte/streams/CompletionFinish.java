package io.mambabyte.streams;

/** Why a completion ended. */
enum CompletionFinish {
    LENGTH("length"),
    STOP("stop"),
    DEADLINE("deadline"),
    CANCELLED("cancelled"),
    INVALID("invalid"),
    ERROR("error");

    /**
     * What the record says. A string: Avro makes objects of its own enums for trusted classes only.
     */
    final String reason;

    CompletionFinish(String reason) {
        this.reason = reason;
    }
}
