package io.mambabyte.app;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Standard output in whole lines: what is interrupted ends at the end of one, with the terminal's
 * colours as they were.
 */
final class Output extends OutputStream {
    /** The reader went away, as {@code head} does: no failure, but nobody to write for. */
    static final class Closed extends IOException {
        private static final long serialVersionUID = 1L;

        Closed(IOException cause) {
            super("standard output was closed", cause);
        }
    }

    private static final int FLUSH_BYTES = 1 << 15;

    /** A slow model's lines are shown as they come. */
    private static final long FLUSH_NS = 100_000_000;

    private static final long INTERRUPT_WAIT_MS = 200;

    private final OutputStream out;
    private final ByteArrayOutputStream buffer = new ByteArrayOutputStream(2 * FLUSH_BYTES);
    private final ReentrantLock writing = new ReentrantLock();
    private long flushedNs = System.nanoTime();
    private boolean stopped;

    Output(OutputStream out) {
        this.out = out;
    }

    @Override
    public void write(int value) {
        buffer.write(value);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        buffer.write(bytes, offset, length);
    }

    void print(String text) {
        buffer.writeBytes(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Ends a line; lines go out when there are enough of them or the last ones are a while ago. */
    void endLine() throws IOException {
        buffer.write('\n');
        if (buffer.size() >= FLUSH_BYTES || System.nanoTime() - flushedNs >= FLUSH_NS) {
            flush();
        }
    }

    @Override
    public void flush() throws IOException {
        flushedNs = System.nanoTime();
        if (buffer.size() == 0) {
            return;
        }
        writing.lock();
        try {
            if (!stopped) {
                buffer.writeTo(out);
            }
        } catch (IOException e) {
            throw isBrokenPipe(e)
                    ? new Closed(e)
                    : new IOException("standard output: " + e.getMessage(), e);
        } finally {
            writing.unlock();
        }
        buffer.reset();
    }

    /**
     * Called when the process is told to end: lets a write that has begun finish, unless its reader
     * does not read, and drops what comes after.
     */
    void stop() {
        try {
            if (writing.tryLock(INTERRUPT_WAIT_MS, TimeUnit.MILLISECONDS)) {
                stopped = true;
                writing.unlock();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static boolean isBrokenPipe(IOException e) {
        String message = e.getMessage();
        return message != null
                && (message.contains("Broken pipe") || message.contains("pipe is being closed"));
    }
}
