package io.mambabyte.train;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/** A fixed number of threads that share the parts of a task; the caller is one of them. */
final class Workers implements AutoCloseable {
    /** One part of a task. */
    interface Part {
        /**
         * Computes it.
         *
         * @param worker index of the thread, below {@link #count()}
         * @param part index of the part
         */
        void run(int worker, int part);
    }

    private final int count;
    private final ExecutorService threads;

    Workers(int count) {
        if (count < 1) {
            throw new IllegalArgumentException("threads: " + count);
        }
        this.count = count;
        threads =
                Executors.newFixedThreadPool(
                        Math.max(1, count - 1),
                        Thread.ofPlatform().daemon().name("train-", 1).factory());
    }

    int count() {
        return count;
    }

    /** Runs all parts, each once, and returns when they are done. */
    void run(int parts, Part part) {
        AtomicInteger next = new AtomicInteger();
        List<Future<?>> others = new ArrayList<>();
        for (int worker = 1; worker < Math.min(count, parts); worker++) {
            int index = worker;
            others.add(threads.submit(() -> claim(index, parts, part, next)));
        }
        try {
            claim(0, parts, part, next);
        } finally {
            // Whatever happened here, nobody may still be writing when this returns.
            join(others);
        }
    }

    private static void claim(int worker, int parts, Part part, AtomicInteger next) {
        for (int i = next.getAndIncrement(); i < parts; i = next.getAndIncrement()) {
            part.run(worker, i);
        }
    }

    private static void join(List<Future<?>> futures) {
        boolean interrupted = false;
        for (Future<?> future : futures) {
            boolean done = false;
            while (!done) {
                try {
                    future.get();
                    done = true;
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    throw new IllegalStateException("a training thread failed", e.getCause());
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
