package io.mambabyte.app;

import java.io.IOException;
import java.io.InputStream;

/**
 * Cuts a stream at newlines. Lines that are longer than the buffer come in pieces, so that memory
 * is bounded whatever is read.
 */
final class LineReader {
    private final InputStream in;
    private final BeforeWaiting beforeWaiting;
    private final boolean lines;
    private final byte[] buffer;
    private int start;
    private int end;

    private int offset;
    private int length;
    private boolean newline;
    private boolean complete = true;

    /** What has to be done before a read that may wait for a live input. */
    interface BeforeWaiting {
        void run() throws IOException;
    }

    /**
     * Reads a stream.
     *
     * @param in the stream
     * @param size bytes of the buffer
     * @param lines false to take the stream as one record, newlines and all
     * @param beforeWaiting called before a read when no byte is there yet
     */
    LineReader(InputStream in, int size, boolean lines, BeforeWaiting beforeWaiting) {
        this.in = in;
        this.lines = lines;
        this.beforeWaiting = beforeWaiting;
        buffer = new byte[size];
    }

    /**
     * Goes to the next piece.
     *
     * @return false at the end
     */
    boolean next() throws IOException {
        int scanned = start;
        while (true) {
            for (int i = scanned; lines && i < end; i++) {
                if (buffer[i] == '\n') {
                    return piece(i - start, 1, true);
                }
            }
            scanned = end;
            if (end - start == buffer.length || (!lines && end > start)) {
                return piece(end - start, 0, false);
            }
            if (end == buffer.length) {
                System.arraycopy(buffer, start, buffer, 0, end - start);
                scanned -= start;
                end -= start;
                start = 0;
            }
            if (start == end) {
                start = 0;
                end = 0;
                scanned = 0;
            }
            if (in.available() == 0) {
                beforeWaiting.run();
            }
            int read = in.read(buffer, end, buffer.length - end);
            if (read < 0) {
                // The last line without its newline, or the end of one that came in pieces.
                return (end > start || !complete) && piece(end - start, 0, true);
            }
            end += read;
        }
    }

    private boolean piece(int bytes, int skipped, boolean last) {
        offset = start;
        length = bytes;
        newline = skipped > 0;
        complete = last;
        start += bytes + skipped;
        return true;
    }

    /** The array that holds the piece until the next call. */
    byte[] bytes() {
        return buffer;
    }

    int offset() {
        return offset;
    }

    /** Bytes of the piece, without the newline. */
    int length() {
        return length;
    }

    /** Whether a newline ended the piece. */
    boolean newline() {
        return newline;
    }

    /** Whether the piece ends its record. */
    boolean complete() {
        return complete;
    }
}
