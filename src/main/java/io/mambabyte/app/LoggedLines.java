package io.mambabyte.app;

import org.slf4j.Logger;

import java.io.Writer;

/** What is written becomes lines of the log, so that standard error is JSON throughout. */
final class LoggedLines extends Writer {
    private final Logger logger;
    private final StringBuilder line = new StringBuilder();

    LoggedLines(Logger logger) {
        this.logger = logger;
    }

    @Override
    public void write(char[] characters, int offset, int length) {
        for (int i = offset; i < offset + length; i++) {
            if (characters[i] == '\n') {
                endLine();
            } else if (characters[i] != '\r') {
                line.append(characters[i]);
            }
        }
    }

    private void endLine() {
        if (!line.isEmpty()) {
            logger.info("{}", line);
            line.setLength(0);
        }
    }

    @Override
    public void flush() {
        // A line is a line: half of one waits for its end.
    }

    @Override
    public void close() {
        endLine();
    }
}
