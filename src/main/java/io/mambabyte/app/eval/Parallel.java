package io.mambabyte.app.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Independent pieces of work on several threads. */
final class Parallel {
    private Parallel() {}

    /**
     * Runs all of them, in their order as threads become free.
     *
     * @param threads how many run at the same time, at least 1
     * @param tasks what to run
     * @return their results, in the order of the tasks
     * @throws InterruptedException if the thread is told to end
     */
    static <T> List<T> run(int threads, List<? extends Callable<T>> tasks)
            throws InterruptedException {
        try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            List<Future<T>> running = pool.invokeAll(tasks);
            List<T> results = new ArrayList<>(tasks.size());
            for (Future<T> one : running) {
                results.add(one.get());
            }
            return results;
        } catch (ExecutionException e) {
            throw new IllegalStateException("a part of the evaluation failed", e.getCause());
        }
    }
}
