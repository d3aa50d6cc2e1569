package io.mambabyte.generate;

/** How a byte came about. The bytes themselves do not depend on it. */
public enum Origin {
    /** By a pass that tried no draft, or after a draft that was right to its end. */
    PLAIN,
    /** It was drafted, and right. */
    ACCEPTED,
    /** Another byte had been drafted in its place. */
    CORRECTED
}
