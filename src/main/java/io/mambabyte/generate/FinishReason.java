package io.mambabyte.generate;

/** Why a continuation ended. */
public enum FinishReason {
    /** As many bytes as were asked for. */
    LENGTH,
    /** A stop sequence; its bytes are the last ones. */
    STOP
}
