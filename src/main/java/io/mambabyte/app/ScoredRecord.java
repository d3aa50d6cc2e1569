package io.mambabyte.app;

import io.mambabyte.score.RecordScore;

/** A record that was scored, with as much of its text as the output shows. */
final class ScoredRecord {
    private final String file;
    private final long line;
    private final RecordScore score;
    private final byte[] text;
    private final boolean newline;

    /**
     * Holds a record.
     *
     * @param file name of the file, {@code -} for standard input
     * @param line number of the line, from 1
     * @param score its score
     * @param text its first bytes, without the newline
     * @param newline whether a newline ended it
     */
    ScoredRecord(String file, long line, RecordScore score, byte[] text, boolean newline) {
        this.file = file;
        this.line = line;
        this.score = score;
        this.text = text;
        this.newline = newline;
    }

    String file() {
        return file;
    }

    long line() {
        return line;
    }

    RecordScore score() {
        return score;
    }

    byte[] text() {
        return text;
    }

    boolean newline() {
        return newline;
    }
}
