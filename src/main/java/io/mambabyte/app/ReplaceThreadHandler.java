package io.mambabyte.app;

import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Replaces a stream thread that died, up to a number of times within a period; then the instance
 * stops, since what kills threads again and again is not going to go away by itself.
 */
final class ReplaceThreadHandler implements StreamsUncaughtExceptionHandler {
    private static final Logger LOG = LoggerFactory.getLogger(ReplaceThreadHandler.class);

    private final int replacementsMax;
    private final Duration period;
    private final InstantSource clock;
    private final Deque<Long> replacedAtMs = new ArrayDeque<>();

    ReplaceThreadHandler(int replacementsMax, Duration period, InstantSource clock) {
        this.replacementsMax = replacementsMax;
        this.period = period;
        this.clock = clock;
    }

    @Override
    public synchronized StreamThreadExceptionResponse handle(Throwable exception) {
        long now = clock.millis();
        while (!replacedAtMs.isEmpty() && replacedAtMs.getFirst() < now - period.toMillis()) {
            replacedAtMs.removeFirst();
        }
        // After an Error the JVM itself is in doubt.
        if (exception instanceof Error
                || exception.getCause() instanceof Error
                || replacedAtMs.size() >= replacementsMax) {
            LOG.error(
                    "A stream thread died, the {}th within {}: stopping",
                    replacedAtMs.size() + 1,
                    period,
                    exception);
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        }
        replacedAtMs.addLast(now);
        LOG.error(
                "A stream thread died and is replaced, {} of {} within {}",
                replacedAtMs.size(),
                replacementsMax,
                period,
                exception);
        return StreamThreadExceptionResponse.REPLACE_THREAD;
    }
}
