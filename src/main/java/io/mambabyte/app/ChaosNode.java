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

    boolean started() {
        return process != null;
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
        if (killed != null) {
            process = null;
            killed.destroyForcibly().waitFor();
        }
    }

    /** SIGTERM, and time to obey. */
    void terminate(long seconds) throws InterruptedException {
        Process ended = process;
        if (ended != null) {
            process = null;
            ended.destroy();
            if (!ended.waitFor(seconds, TimeUnit.SECONDS)) {
                ended.destroyForcibly().waitFor();
            }
        }
    }

    /** SIGTERM, without waiting. */
    void terminateSoon() {
        if (process != null) {
            process.destroy();
            process = null;
        }
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
