package io.mambabyte.app;

import io.mambabyte.streams.MambaByteConfig;
import io.mambabyte.streams.registry.ConfluentAvroConfig;

import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.streams.StreamsConfig;

import java.io.IOException;
import java.io.Writer;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The processes of a chaos run on the loopback interface: brokers, each a controller too, and
 * instances of {@code mambabyte run}. The Schema Registry is the caller's.
 */
final class ChaosCluster implements AutoCloseable {
    static final String INPUT = "logs";
    static final String OUTPUT = "likelihoods";

    private static final System.Logger LOG = System.getLogger(ChaosCluster.class.getName());
    private static final String HOST = InetAddress.getLoopbackAddress().getHostAddress();
    private static final int START_TIMEOUT_S = 120;

    private final Path folder;
    private final List<ChaosNode> brokers = new ArrayList<>();
    private final List<ChaosNode> instances = new ArrayList<>();
    private final Map<ChaosNode, ChaosDisk> disks = new HashMap<>();
    private final String bootstrapServers;
    private final short replicas;

    /**
     * Writes the configurations.
     *
     * @param folder of everything that the processes write
     * @param brokerCount brokers
     * @param instanceCount instances, those that are only added later among them
     * @param registryUrl of the Schema Registry
     * @param settings of the instances, over the defaults of this class
     * @param diskMegabytes size of the file system of each broker's data, or 0 for none of its own
     * @throws IOException if such a file system cannot be mounted, for one, which needs root
     */
    ChaosCluster(
            Path folder,
            int brokerCount,
            int instanceCount,
            String registryUrl,
            Map<String, String> settings,
            int diskMegabytes)
            throws Exception {
        this.folder = folder;
        replicas = (short) Math.min(3, brokerCount);
        int[] ports = freePorts(2 * brokerCount);
        bootstrapServers =
                IntStream.range(0, brokerCount)
                        .mapToObj(i -> HOST + ":" + ports[2 * i])
                        .collect(Collectors.joining(","));
        String voters =
                IntStream.range(0, brokerCount)
                        .mapToObj(i -> (i + 1) + "@" + HOST + ":" + ports[2 * i + 1])
                        .collect(Collectors.joining(","));
        String clusterId = Uuid.randomUuid().toString();
        try {
            for (int i = 0; i < brokerCount; i++) {
                brokers.add(
                        broker(
                                i + 1,
                                ports[2 * i],
                                ports[2 * i + 1],
                                voters,
                                clusterId,
                                diskMegabytes));
            }
        } catch (Exception e) {
            close();
            throw e;
        }
        for (int i = 0; i < instanceCount; i++) {
            instances.add(instance(i + 1, registryUrl, settings));
        }
    }

    private ChaosNode broker(
            int id,
            int port,
            int controllerPort,
            String voters,
            String clusterId,
            int diskMegabytes)
            throws Exception {
        String name = "broker-" + id;
        Path logs = folder.resolve(name);
        Path file = folder.resolve(name + ".properties");
        ChaosNode node = node(name, List.of("kafka.Kafka", file.toString()));
        if (diskMegabytes > 0) {
            disks.put(node, ChaosDisk.mount(logs, diskMegabytes));
        }
        Map<String, String> properties = EmbeddedBroker.singleNode(logs, port, controllerPort);
        properties.put("node.id", Integer.toString(id));
        properties.put("controller.quorum.voters", voters);
        properties.put("min.insync.replicas", Integer.toString(Math.max(1, replicas - 1)));
        properties.put("default.replication.factor", Short.toString(replicas));
        for (String topic : List.of("offsets.topic", "transaction.state.log")) {
            properties.put(topic + ".replication.factor", Short.toString(replicas));
            properties.put(topic + ".num.partitions", "3");
        }
        properties.put(
                "transaction.state.log.min.isr", Integer.toString(Math.max(1, replicas - 1)));
        // What a killed instance left open is aborted soon after its time.
        properties.put("transaction.abort.timed.out.transaction.cleanup.interval.ms", "1000");
        EmbeddedBroker.format(logs, id, clusterId, List.of());
        store(properties, file);
        return node;
    }

    private ChaosNode instance(int id, String registryUrl, Map<String, String> settings)
            throws IOException {
        String name = "instance-" + id;
        Properties properties = new Properties();
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers);
        properties.put(ConfluentAvroConfig.SCHEMA_REGISTRY_URL_CONFIG, registryUrl);
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, "chaos");
        properties.put(StreamsConfig.STATE_DIR_CONFIG, folder.resolve(name).toString());
        properties.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, Short.toString(replicas));
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        properties.put(MambaByteConfig.INPUT_TOPICS_CONFIG, INPUT);
        properties.put(MambaByteConfig.OUTPUT_TOPIC_CONFIG, OUTPUT);
        // Dead instances are noticed, and what they left open is aborted, within seconds.
        properties.put(
                StreamsConfig.consumerPrefix(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), "10000");
        properties.put(
                StreamsConfig.producerPrefix(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG), "15000");
        // A thread works off what it polled before it hears of a rebalance: let that be little.
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), "100");
        properties.putAll(settings);
        Path file = folder.resolve(name + ".properties");
        store(properties, file);
        return node(name, List.of(Main.class.getName(), "run", "--config", file.toString()));
    }

    // Small heaps, and compilers that do not compete with the work for two cores. The kernels are
    // the scalar ones then, which give the bits that the vector ones in the verifying process do.
    private ChaosNode node(String name, List<String> program) {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Xmx256m",
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                "--enable-native-access=ALL-UNNAMED",
                                "--sun-misc-unsafe-memory-access=allow",
                                "-Dlog4j2.configurationFile=classpath:mambabyte-log4j2.properties",
                                "-Dmambabyte.log.file=" + folder.resolve(name + ".log"),
                                "-cp",
                                System.getProperty("java.class.path")));
        command.addAll(program);
        return new ChaosNode(name, command, folder.resolve(name + ".out"));
    }

    private static void store(Map<?, ?> values, Path file) throws IOException {
        Properties properties = new Properties();
        properties.putAll(values);
        try (Writer writer = Files.newBufferedWriter(file, StandardCharsets.UTF_8)) {
            properties.store(writer, null);
        }
    }

    /** Starts the brokers, waits for them and makes the topics. */
    void startBrokers(int partitions) throws IOException, InterruptedException {
        for (ChaosNode broker : brokers) {
            broker.start();
        }
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_TIMEOUT_S);
        try (Admin admin =
                Admin.create(
                        Map.of(
                                CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG,
                                (Object) bootstrapServers))) {
            while (nodes(admin) < brokers.size()) {
                if (System.nanoTime() > deadline || brokers.stream().anyMatch(ChaosNode::exited)) {
                    throw new IOException("the brokers did not start, see " + folder);
                }
                Thread.sleep(500);
            }
            Map<String, String> keep = Map.of("retention.ms", "-1");
            admin.createTopics(
                            List.of(
                                    new NewTopic(INPUT, partitions, replicas).configs(keep),
                                    new NewTopic(OUTPUT, partitions, replicas).configs(keep),
                                    new NewTopic(OUTPUT + "-dead-letters", partitions, replicas)
                                            .configs(
                                                    Map.of(
                                                            "retention.ms",
                                                            "-1",
                                                            "max.message.bytes",
                                                            "2000000"))))
                    .all()
                    .get(START_TIMEOUT_S, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException("the topics could not be made: " + e, e);
        }
    }

    /** Starts some of the instances, the first ones. */
    void startInstances(int count) throws IOException {
        for (ChaosNode instance : instances.subList(0, count)) {
            instance.start();
        }
    }

    private static int nodes(Admin admin) throws InterruptedException {
        try {
            return admin.describeCluster().nodes().get(10, TimeUnit.SECONDS).size();
        } catch (ExecutionException | TimeoutException e) {
            return 0; // not yet
        }
    }

    /**
     * Whether every broker is there and has all of what it is to hold, internal topics among it:
     * until then another broker's failure would be one too many.
     */
    boolean inSync() throws InterruptedException {
        try (Admin admin =
                Admin.create(
                        Map.of(
                                CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG,
                                (Object) bootstrapServers))) {
            return nodes(admin) == brokers.size()
                    && admin
                            .describeTopics(
                                    admin.listTopics(new ListTopicsOptions().listInternal(true))
                                            .names()
                                            .get(10, TimeUnit.SECONDS))
                            .allTopicNames()
                            .get(10, TimeUnit.SECONDS)
                            .values()
                            .stream()
                            .flatMap(topic -> topic.partitions().stream())
                            .allMatch(partition -> partition.isr().size() == replicas);
        } catch (ExecutionException | TimeoutException e) {
            return false;
        }
    }

    // All sockets are open at once, so that the ports differ.
    private static int[] freePorts(int count) throws IOException {
        List<ServerSocket> sockets = new ArrayList<>();
        try {
            int[] ports = new int[count];
            for (int i = 0; i < count; i++) {
                ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                sockets.add(socket);
                ports[i] = socket.getLocalPort();
            }
            return ports;
        } finally {
            for (ServerSocket socket : sockets) {
                socket.close();
            }
        }
    }

    String bootstrapServers() {
        return bootstrapServers;
    }

    List<ChaosNode> brokers() {
        return brokers;
    }

    List<ChaosNode> instances() {
        return instances;
    }

    /**
     * The file system of a broker's data.
     *
     * @return the file system, or nothing where the brokers have none of their own
     */
    Optional<ChaosDisk> disk(ChaosNode broker) {
        return Optional.ofNullable(disks.get(broker));
    }

    /** Ends what still runs, without ceremony. */
    @Override
    public synchronized void close() {
        for (List<ChaosNode> nodes : List.of(instances, brokers)) {
            for (ChaosNode node : nodes) {
                try {
                    node.kill();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        }
        for (ChaosDisk disk : disks.values()) {
            try {
                disk.close();
            } catch (IOException e) {
                LOG.log(System.Logger.Level.WARNING, "not unmounted: " + e.getMessage());
            }
        }
        disks.clear();
    }
}
