package io.mambabyte.score;

/** How records follow one another in the stream of bytes that a model sees. */
public enum Framing {
    /**
     * Every record is a line: a newline follows it, is predicted and is scored. A line that ends
     * early is a surprise.
     */
    LINES,
    /** Records are taken as they are, one after the other. */
    NONE
}
