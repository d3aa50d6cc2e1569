package io.mambabyte.app;

import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;

import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.Feature;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;

/**
 * A real Kafka broker in this JVM: one node, KRaft, on free ports of the loopback interface, its
 * logs in a folder that {@link #close} removes. Only features that Kafka calls production-ready are
 * on.
 */
public final class EmbeddedBroker implements AutoCloseable {
    private static final String HOST = InetAddress.getLoopbackAddress().getHostAddress();
    private static final String CONTROLLER = "CONTROLLER";
    private static final String CLIENTS = "CLIENTS";

    private final KafkaRaftServer server;
    private final Path folder;
    private final String bootstrapServers;

    private EmbeddedBroker(KafkaRaftServer server, Path folder, String bootstrapServers) {
        this.server = server;
        this.folder = folder;
        this.bootstrapServers = bootstrapServers;
    }

    /**
     * Starts a broker with the defaults of a single node.
     *
     * @return the running broker
     * @throws IOException if its folder cannot be made
     */
    public static EmbeddedBroker start() throws IOException {
        return start(Map.of());
    }

    /**
     * Starts a broker.
     *
     * @param overrides broker settings that go before the defaults of a single node
     * @return the running broker
     * @throws IOException if its folder cannot be made
     */
    public static EmbeddedBroker start(Map<String, String> overrides) throws IOException {
        return start(overrides, List.of());
    }

    /**
     * Starts a broker that knows users.
     *
     * @param overrides broker settings that go before the defaults of a single node; its listener
     *     for clients is called {@code CLIENTS}
     * @param scramUsers users, as {@code kafka-storage format --add-scram} takes them
     * @return the running broker
     * @throws IOException if its folder cannot be made
     */
    static EmbeddedBroker start(Map<String, String> overrides, List<String> scramUsers)
            throws IOException {
        Path folder = Files.createTempDirectory("mambabyte-broker-");
        KafkaRaftServer server = null;
        try {
            int[] ports = freePorts();
            Map<String, String> settings = singleNode(folder, ports[0], ports[1]);
            settings.putAll(overrides);
            format(folder, 1, Uuid.randomUuid().toString(), scramUsers);
            server = new KafkaRaftServer(new KafkaConfig(settings, false), Time.SYSTEM);
            server.startup();
            return new EmbeddedBroker(server, folder, HOST + ":" + ports[0]);
        } catch (Exception e) {
            if (server != null) {
                server.shutdown();
                server.awaitShutdown();
            }
            deleteRecursively(folder);
            throw e instanceof IOException io ? io : new IOException("no broker: " + e, e);
        }
    }

    /** Settings of a single node that is broker and controller. */
    static Map<String, String> singleNode(Path folder, int port, int controllerPort) {
        Map<String, String> settings = new HashMap<>();
        settings.put("process.roles", "broker,controller");
        settings.put("node.id", "1");
        settings.put("controller.quorum.voters", "1@" + HOST + ":" + controllerPort);
        settings.put(
                "listeners",
                CLIENTS
                        + "://"
                        + HOST
                        + ":"
                        + port
                        + ","
                        + CONTROLLER
                        + "://"
                        + HOST
                        + ":"
                        + controllerPort);
        settings.put("advertised.listeners", CLIENTS + "://" + HOST + ":" + port);
        settings.put("controller.listener.names", CONTROLLER);
        settings.put("inter.broker.listener.name", CLIENTS);
        settings.put(
                "listener.security.protocol.map",
                CLIENTS + ":PLAINTEXT," + CONTROLLER + ":PLAINTEXT");
        settings.put("log.dirs", folder.toString());
        // Three replicas are the default of every internal topic; there is one node.
        for (String topic :
                List.of(
                        "offsets.topic",
                        "transaction.state.log",
                        "share.coordinator.state.topic")) {
            settings.put(topic + ".replication.factor", "1");
            settings.put(topic + ".num.partitions", "1");
        }
        settings.put("transaction.state.log.min.isr", "1");
        settings.put("share.coordinator.state.topic.min.isr", "1");
        settings.put("auto.create.topics.enable", "false");
        // Nobody else is going to join: waiting for more members only delays the start.
        settings.put("group.initial.rebalance.delay.ms", "0");
        settings.put("group.streams.initial.rebalance.delay.ms", "0");
        // The cleaner's default of 128 MB of heap is for terabytes of compacted topics.
        settings.put("log.cleaner.dedupe.buffer.size", "2097152");
        // A recorded log has the timestamps of its day, and records of more than a week ago would
        // be deleted within minutes.
        settings.put("log.retention.ms", "-1");
        return settings;
    }

    /** Writes what a node needs to find in its folder before it starts. */
    static void format(Path folder, int nodeId, String clusterId, List<String> scramUsers)
            throws Exception {
        Formatter formatter =
                new Formatter()
                        .setPrintStream(
                                new PrintStream(
                                        OutputStream.nullOutputStream(),
                                        false,
                                        StandardCharsets.UTF_8))
                        .setNodeId(nodeId)
                        .setClusterId(clusterId)
                        .setDirectories(List.of(folder.toString()))
                        .setMetadataLogDirectory(folder.toString())
                        .setControllerListenerName(CONTROLLER)
                        .setScramArguments(scramUsers)
                        .setIgnoreFormatted(true);
        formatter.setSupportedFeatures(
                Arrays.asList(Feature.PRODUCTION_FEATURES.toArray(Feature[]::new)));
        formatter.run();
    }

    // Both sockets are open at once, so that the two ports differ.
    private static int[] freePorts() throws IOException {
        InetAddress loopback = InetAddress.getLoopbackAddress();
        try (ServerSocket first = new ServerSocket(0, 1, loopback);
                ServerSocket second = new ServerSocket(0, 1, loopback)) {
            return new int[] {first.getLocalPort(), second.getLocalPort()};
        }
    }

    /**
     * Where clients connect.
     *
     * @return the value of {@code bootstrap.servers}
     */
    public String bootstrapServers() {
        return bootstrapServers;
    }

    /**
     * The folder of the broker's logs.
     *
     * @return the folder, until {@link #close}
     */
    public Path folder() {
        return folder;
    }

    /** Shuts the broker down and removes its folder. A second call does nothing. */
    @Override
    public void close() {
        server.shutdown();
        server.awaitShutdown();
        deleteRecursively(folder);
    }

    /**
     * Creates topics with one replica; those that are there already are left as they are.
     *
     * @param bootstrapServers where to connect
     * @param topics the topics
     * @throws InterruptedException if interrupted while waiting
     * @throws ExecutionException if the broker refuses one
     */
    public static void createTopics(String bootstrapServers, List<NewTopic> topics)
            throws InterruptedException, ExecutionException {
        try (Admin admin =
                Admin.create(
                        Map.of(
                                CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG,
                                (Object) bootstrapServers))) {
            for (var created : admin.createTopics(topics).values().values()) {
                try {
                    created.get();
                } catch (ExecutionException e) {
                    if (!(e.getCause() instanceof TopicExistsException)) {
                        throw e;
                    }
                }
            }
        }
    }

    /**
     * Removes a folder and all that is in it; a folder that is not there is fine.
     *
     * @param folder the folder
     */
    static void deleteRecursively(Path folder) {
        if (!Files.exists(folder)) {
            return;
        }
        try {
            Files.walkFileTree(
                    folder,
                    new SimpleFileVisitor<>() {
                        @Override
                        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                                throws IOException {
                            Files.deleteIfExists(file);
                            return FileVisitResult.CONTINUE;
                        }

                        @Override
                        public FileVisitResult postVisitDirectory(Path directory, IOException e)
                                throws IOException {
                            Files.deleteIfExists(directory);
                            return FileVisitResult.CONTINUE;
                        }
                    });
        } catch (IOException e) {
            throw new UncheckedIOException("cannot remove " + folder, e);
        }
    }
}
