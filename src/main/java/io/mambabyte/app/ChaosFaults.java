package io.mambabyte.app;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.function.Consumer;

/**
 * Does things to the processes of a {@link ChaosCluster}, at random moments, and undoes each after
 * a random time. In a round each kind of thing happens once, in random order. At most one broker is
 * unwell at a time, since two of three hold what was acknowledged; of the instances one is left in
 * peace.
 */
final class ChaosFaults {
    private static final long TICK_MS = 200;
    private static final long BETWEEN_MIN_MS = 2_000;
    private static final long BETWEEN_MAX_MS = 10_000;
    private static final int TERMINATE_TIMEOUT_S = 60;

    /** What can happen. */
    enum Kind {
        KILL_BROKER,
        STOP_BROKER,
        FILL_DISK,
        KILL_INSTANCE,
        STOP_INSTANCE,
        REMOVE_INSTANCE,
        ADD_INSTANCE
    }

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
    private final Random random;
    private final Consumer<String> log;
    private final PriorityQueue<Recovery> recoveries = new PriorityQueue<>();
    private final long startNanos = System.nanoTime();
    private final List<Kind> ahead = new ArrayList<>();
    private final Map<Kind, Integer> done = new EnumMap<>(Kind.class);
    private int rounds;
    private int exits;

    ChaosFaults(ChaosCluster cluster, long seed, Consumer<String> log) {
        this.cluster = cluster;
        this.log = log;
        random = new Random(seed);
        beginRound();
    }

    private void beginRound() {
        for (Kind kind : Kind.values()) {
            if (kind != Kind.FILL_DISK
                    || cluster.brokers().stream().allMatch(b -> cluster.disk(b).isPresent())) {
                ahead.add(kind);
            }
        }
        Collections.shuffle(ahead, random);
    }

    /** How often each thing was done. */
    Map<Kind, Integer> done() {
        return Collections.unmodifiableMap(done);
    }

    /** Times that each kind of thing was done once. */
    int rounds() {
        return rounds;
    }

    /**
     * Times that a process ended by itself and was started again: an instance that found no broker
     * at its start, say.
     */
    int exits() {
        return exits;
    }

    /**
     * Does things until a time or a number of rounds is reached, and undoes each in its time.
     *
     * @param seconds how long to do things at most
     * @param roundsMax rounds at most
     */
    void run(long seconds, int roundsMax) throws IOException, InterruptedException {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        long next = System.nanoTime() + between();
        while (System.nanoTime() < end && rounds < roundsMax) {
            if (System.nanoTime() >= next) {
                fault();
                next = System.nanoTime() + between();
            }
            tick(System.nanoTime());
        }
        while (!recoveries.isEmpty()) {
            tick(System.nanoTime());
        }
    }

    /** Starts again what ended by itself, for as long as somebody waits for something. */
    void tick(long nowNanos) throws IOException, InterruptedException {
        while (!recoveries.isEmpty() && recoveries.element().atNanos() <= nowNanos) {
            recover(recoveries.remove());
        }
        for (List<ChaosNode> nodes : List.of(cluster.brokers(), cluster.instances())) {
            for (ChaosNode node : nodes) {
                if (node.endIfDue(nowNanos)) {
                    say(node.name() + " did not end when asked to, SIGKILL");
                }
                // What is to be put right later is left until then: a broker with a full disk.
                if (node.exited() && !pending(node)) {
                    exits++;
                    say(node.name() + " ended by itself, starting it again");
                    node.start();
                }
            }
        }
        Thread.sleep(TICK_MS);
    }

    private void recover(Recovery recovery) throws IOException, InterruptedException {
        say(recovery.what());
        recovery.act().run();
    }

    // The first of those that are still to come in this round and are possible now.
    private void fault() throws IOException, InterruptedException {
        boolean brokersWell =
                cluster.brokers().stream().allMatch(ChaosNode::well) && cluster.inSync();
        for (Kind kind : ahead) {
            List<ChaosNode> nodes = candidates(kind, brokersWell);
            if (!nodes.isEmpty()) {
                act(kind, nodes.get(random.nextInt(nodes.size())));
                done.merge(kind, 1, Integer::sum);
                ahead.remove(kind);
                break;
            }
        }
        if (ahead.isEmpty()) {
            rounds++;
            beginRound();
        }
    }

    private List<ChaosNode> candidates(Kind kind, boolean brokersWell) {
        return switch (kind) {
            case KILL_BROKER, STOP_BROKER, FILL_DISK -> brokersWell ? cluster.brokers() : List.of();
            case KILL_INSTANCE, STOP_INSTANCE, REMOVE_INSTANCE -> {
                List<ChaosNode> well =
                        cluster.instances().stream().filter(ChaosNode::well).toList();
                yield well.size() > 1 ? well : List.of();
            }
            case ADD_INSTANCE ->
                    cluster.instances().stream()
                            .filter(node -> !node.started() && !pending(node))
                            .toList();
        };
    }

    private void act(Kind kind, ChaosNode node) throws IOException, InterruptedException {
        switch (kind) {
            case KILL_BROKER -> kill(node, 2, 15);
            case STOP_BROKER -> stop(node, 3, 25);
            case FILL_DISK -> fillDisk(node);
            case KILL_INSTANCE -> kill(node, 0, 10);
            // Sometimes longer than the group waits for it: it comes back as a zombie.
            case STOP_INSTANCE -> stop(node, 2, 30);
            case REMOVE_INSTANCE -> remove(node);
            case ADD_INSTANCE -> add(node);
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

    // The broker is expected to end; it is started again when there is room again.
    private void fillDisk(ChaosNode broker) throws IOException {
        say("fill the disk of " + broker.name());
        ChaosDisk disk = cluster.disk(broker).orElseThrow();
        disk.fill();
        later(
                5,
                15,
                "room on the disk of " + broker.name(),
                broker,
                () -> {
                    disk.free();
                    if (broker.exited()) {
                        say(broker.name() + " had ended, starting it again");
                        broker.start();
                    }
                });
    }

    private void remove(ChaosNode node) {
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

    private void say(String what) {
        log.accept(
                String.format(
                        Locale.ROOT, "%6.1f s  %s", (System.nanoTime() - startNanos) / 1e9, what));
    }
}
