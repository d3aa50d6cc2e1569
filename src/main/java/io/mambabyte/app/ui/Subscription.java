package io.mambabyte.app.ui;

import org.eclipse.jetty.util.Callback;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * What waits to be sent to one browser. Nobody waits for it: an event is written when the one
 * before it was taken, by whichever thread notices, and until then it is queued. The queue is
 * bounded; what a slow browser does not take is dropped, the oldest first, and counted. A write
 * that stays without progress fails by the server's idle timeout, which ends the subscription.
 */
final class Subscription {
    /** Events that wait for a browser at most. */
    static final int QUEUE_MAX = 16;

    /** Takes bytes and tells when they are gone; never waits. */
    @FunctionalInterface
    interface Sink {
        void write(ByteBuffer bytes, Callback callback);
    }

    private final LineFilter filter;
    private final Sink sink;
    private final Consumer<Subscription> onEnd;
    private final ArrayDeque<byte[]> queue = new ArrayDeque<>(QUEUE_MAX);
    private final AtomicLong dropped = new AtomicLong();
    private boolean writing;
    private boolean ended;

    Subscription(LineFilter filter, Sink sink, Consumer<Subscription> onEnd) {
        this.filter = filter;
        this.sink = sink;
        this.onEnd = onEnd;
    }

    /** The lines that it wants. */
    LineFilter filter() {
        return filter;
    }

    /** Sends an event, as soon as those before it are gone. Does not wait. */
    void offer(byte[] event) {
        synchronized (queue) {
            if (ended) {
                return;
            }
            if (queue.size() == QUEUE_MAX) {
                queue.removeFirst();
                dropped.incrementAndGet();
            }
            queue.addLast(event);
        }
        next();
    }

    /** Events that were dropped so far. */
    long dropped() {
        return dropped.get();
    }

    private void next() {
        byte[] event;
        synchronized (queue) {
            if (writing || ended || queue.isEmpty()) {
                return;
            }
            event = queue.removeFirst();
            writing = true;
        }
        sink.write(ByteBuffer.wrap(event), Callback.from(this::written, _ -> end()));
    }

    private void written() {
        synchronized (queue) {
            writing = false;
        }
        next();
    }

    /** Ends it: the browser is gone, stuck, or sent away. */
    void end() {
        synchronized (queue) {
            if (ended) {
                return;
            }
            ended = true;
            queue.clear();
        }
        onEnd.accept(this);
    }
}
