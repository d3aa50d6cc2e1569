package io.mambabyte.app.eval;

import java.util.Locale;

/** What the model has seen before a line. */
public enum Context {
    /** Nothing but a newline: a burst cannot make itself normal. The product's default. */
    RECORD,
    /** The lines before it in its session. */
    SESSION,
    /** All lines before it in its stream. */
    KEY;

    /** How detectors' names end that have another context than the default. */
    String suffix() {
        return this == RECORD ? "" : "@" + name().toLowerCase(Locale.ROOT);
    }
}
