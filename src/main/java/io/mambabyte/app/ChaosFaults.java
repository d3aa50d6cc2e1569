package io.mambabyte.app;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.function.Consumer;

/**
 * Does things to the processes of a {@link ChaosCluster}, at random moments, and undoes each after
 * a random time. At most one broker is unwell at a time, since two of three hold what was
 * acknowledged; of the instances one is left in peace.
 */
final class ChaosFaults {
    private static final long TICK_MS = 200;
    private static final long BETWEEN_MIN_MS = 2_000;
    private static final long BETWEEN_MAX_MS = 10_000;
    private static final int TERMINATE_TIMEOUT_S = 60;

    private interface Act {
        void run() throws IOException, InterruptedException;
    }

    private record Recovery(long atNanos, String what, ChaosNode node, Act act)
            implements Comparable<Recovery> {
        @Override
        public int compareTo(Recovery other) {
            return Long.compare(atNanos, other.atNanos);
        }
    }

    private final ChaosCluster cluster;
    private final int instancesAtFirst;
    private final Random random;
    private final Consumer<String> log;
    private final PriorityQueue<Recovery> recoveries = new PriorityQueue<>();
    private final long startNanos = System.nanoTime();
    private int faults;
    private int exits;

    ChaosFaults(ChaosCluster cluster, int instancesAtFirst, long seed, Consumer<String> log) {
        this.cluster = cluster;
        this.instancesAtFirst = instancesAtFirst;
        this.log = log;
        random = new Random(seed);
    }

    /** Things that were done. */
    int faults() {
        return faults;
    }

    /**
     * Times that a process ended by itself and was started again: an instance that found no broker
     * at its start, say.
     */
    int exits() {
        return exits;
    }

    /**
     * Starts the instances, then does things until a time, then undoes them.
     *
     * @param seconds how long to do things
     */
    void run(long seconds) throws IOException, InterruptedException {
        for (ChaosNode instance : cluster.instances().subList(0, instancesAtFirst)) {
            instance.start();
        }
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        long next = System.nanoTime() + between();
        while (System.nanoTime() < end) {
            if (System.nanoTime() >= next) {
                fault();
                next = System.nanoTime() + between();
            }
            tick(System.nanoTime());
        }
        recoverAll();
    }

    /** Starts again what ended by itself, for as long as somebody waits for something. */
    void tick(long nowNanos) throws IOException, InterruptedException {
        while (!recoveries.isEmpty() && recoveries.element().atNanos() <= nowNanos) {
            recover(recoveries.remove());
        }
        for (List<ChaosNode> nodes : List.of(cluster.brokers(), cluster.instances())) {
            for (ChaosNode node : nodes) {
                if (node.exited()) {
                    exits++;
                    say(node.name() + " ended by itself, starting it again");
                    node.start();
                }
            }
        }
        Thread.sleep(TICK_MS);
    }

    private void recoverAll() throws IOException, InterruptedException {
        while (!recoveries.isEmpty()) {
            recover(recoveries.remove());
        }
    }

    private void recover(Recovery recovery) throws IOException, InterruptedException {
        say(recovery.what());
        recovery.act().run();
    }

    private void fault() throws IOException, InterruptedException {
        List<Act> possible = new ArrayList<>();
        if (cluster.brokers().stream().allMatch(ChaosNode::well) && cluster.inSync()) {
            ChaosNode broker = any(cluster.brokers());
            possible.add(() -> kill(broker, 2, 15));
            possible.add(() -> stop(broker, 3, 25));
        }
        List<ChaosNode> well = cluster.instances().stream().filter(ChaosNode::well).toList();
        if (well.size() > 1) {
            ChaosNode instance = any(well);
            possible.add(() -> kill(instance, 0, 10));
            // Sometimes longer than the group waits for it: it comes back as a zombie.
            possible.add(() -> stop(instance, 2, 30));
            possible.add(() -> remove(instance));
        }
        List<ChaosNode> spare =
                cluster.instances().stream()
                        .filter(node -> !node.started() && !pending(node))
                        .toList();
        if (!spare.isEmpty()) {
            ChaosNode added = any(spare);
            possible.add(() -> add(added));
        }
        if (!possible.isEmpty()) {
            faults++;
            possible.get(random.nextInt(possible.size())).run();
        }
    }

    private boolean pending(ChaosNode node) {
        return recoveries.stream().anyMatch(recovery -> recovery.node() == node);
    }

    private void kill(ChaosNode node, int minSeconds, int maxSeconds) throws InterruptedException {
        say("SIGKILL " + node.name());
        node.kill();
        later(minSeconds, maxSeconds, "start " + node.name(), node, node::start);
    }

    private void stop(ChaosNode node, int minSeconds, int maxSeconds)
            throws IOException, InterruptedException {
        say("SIGSTOP " + node.name());
        node.stop();
        later(minSeconds, maxSeconds, "SIGCONT " + node.name(), node, node::resume);
    }

    private void remove(ChaosNode node) throws InterruptedException {
        say("remove " + node.name());
        node.terminate(TERMINATE_TIMEOUT_S);
    }

    private void add(ChaosNode node) throws IOException {
        say("add " + node.name());
        node.start();
    }

    private void later(int minSeconds, int maxSeconds, String what, ChaosNode node, Act act) {
        long nanos = (long) (1e9 * (minSeconds + random.nextDouble() * (maxSeconds - minSeconds)));
        recoveries.add(new Recovery(System.nanoTime() + nanos, what, node, act));
    }

    private long between() {
        return 1_000_000 * random.nextLong(BETWEEN_MIN_MS, BETWEEN_MAX_MS);
    }

    private ChaosNode any(List<ChaosNode> nodes) {
        return nodes.get(random.nextInt(nodes.size()));
    }

    private void say(String what) {
        log.accept(
                String.format(
                        Locale.ROOT, "%6.1f s  %s", (System.nanoTime() - startNanos) / 1e9, what));
    }
}
