package io.mambabyte.app;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A process of a chaos run, a broker or an instance of the application, and what is done to it. */
final class ChaosNode {
    private final String name;
    private final List<String> command;
    private final Path output;
    private @Nullable Process process;
    private @Nullable Process leaving;
    private long leavingDeadlineNanos;
    private boolean stopped;

    ChaosNode(String name, List<String> command, Path output) {
        this.name = name;
        this.command = List.copyOf(command);
        this.output = output;
    }

    String name() {
        return name;
    }

    void start() throws IOException {
        process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()))
                        .start();
        stopped = false;
    }

    /** Whether it runs, or is still about to end. */
    boolean started() {
        return process != null || leaving != null;
    }

    /** Whether it ended without being asked to. */
    boolean exited() {
        return process != null && !process.isAlive();
    }

    /** Whether it runs and is not stopped. */
    boolean well() {
        return process != null && process.isAlive() && !stopped;
    }

    /** SIGKILL. */
    void kill() throws InterruptedException {
        Process killed = process;
        Process ended = leaving;
        process = null;
        leaving = null;
        kill(killed);
        kill(ended);
    }

    private static void kill(@Nullable Process killed) throws InterruptedException {
        if (killed != null) {
            killed.destroyForcibly().waitFor();
        }
    }

    /**
     * SIGTERM, without waiting; {@link #endIfDue} must be called now and then.
     *
     * @param seconds after which it is killed if it is still there
     */
    void terminate(int seconds) {
        Process ended = process;
        if (ended != null) {
            process = null;
            leaving = ended;
            leavingDeadlineNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
            ended.destroy();
        }
    }

    /**
     * Kills what did not obey {@link #terminate} in time.
     *
     * @return whether that was necessary
     */
    boolean endIfDue(long nowNanos) throws InterruptedException {
        Process ended = leaving;
        if (ended == null) {
            return false;
        }
        boolean alive = ended.isAlive();
        if (alive && nowNanos < leavingDeadlineNanos) {
            return false;
        }
        leaving = null;
        kill(ended);
        return alive;
    }

    /** SIGSTOP. */
    void stop() throws IOException, InterruptedException {
        signal("STOP");
        stopped = true;
    }

    /** SIGCONT. */
    void resume() throws IOException, InterruptedException {
        signal("CONT");
        stopped = false;
    }

    private void signal(String signal) throws IOException, InterruptedException {
        Process target = process;
        if (target != null && target.isAlive()) {
            new ProcessBuilder("kill", "-" + signal, Long.toString(target.pid()))
                    .inheritIO()
                    .start()
                    .waitFor();
        }
    }
}
