package io.mambabyte.app;

import io.mambabyte.avro.Likelihood;
import io.mambabyte.model.MambaModel;
import io.mambabyte.streams.AlertSerde;
import io.mambabyte.streams.AnomalyConfig;
import io.mambabyte.streams.AnomalyTotals;
import io.mambabyte.streams.LikelihoodProcessorSupplier;
import io.mambabyte.streams.LikelihoodSerde;
import io.mambabyte.streams.LikelihoodTopology;
import io.mambabyte.streams.MambaByteConfig;
import io.mambabyte.streams.ScoringListener;
import io.mambabyte.streams.ScoringTotals;
import io.mambabyte.streams.StateTotals;
import io.mambabyte.streams.registry.ConfluentAvroConfig;
import io.mambabyte.streams.registry.ConfluentAvroSerde;

import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.processor.StateRestoreListener;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * A broker, a Schema Registry, topics and the application's topology in this JVM, with the settings
 * that {@code mambabyte run} would use; all of it is gone after {@link #close}.
 */
final class LocalPipeline implements AutoCloseable {
    /** Topic of raw records. */
    static final String INPUT = "logs";

    /** Topic of likelihoods. */
    static final String OUTPUT = "likelihoods";

    private static final String DEAD_LETTERS = OUTPUT + "-dead-letters";
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(20);
    private static final int INPUT_MAX_BYTES = 2 << 20;

    private final Path folder;
    private final EmbeddedBroker broker;
    private final EmbeddedSchemaRegistry registry;
    private final int partitions;
    private final Function<Path, KafkaStreams> topology;
    private final MambaByteConfig component;
    private final StreamsConfig streamsConfig;
    private volatile KafkaStreams streams;
    private boolean closed;

    private LocalPipeline(
            Path folder,
            EmbeddedBroker broker,
            EmbeddedSchemaRegistry registry,
            int partitions,
            MambaByteConfig component,
            StreamsConfig streamsConfig,
            Function<Path, KafkaStreams> topology) {
        this.folder = folder;
        this.broker = broker;
        this.registry = registry;
        this.partitions = partitions;
        this.component = component;
        this.streamsConfig = streamsConfig;
        this.topology = topology;
        streams = topology.apply(folder.resolve("state"));
    }

    /** The folder of everything that a pipeline writes, made before its log is. */
    static Path temporaryFolder() throws IOException {
        return Files.createTempDirectory("mambabyte-");
    }

    /**
     * Starts the broker and the registry, creates the topics and builds the topology.
     *
     * @param folder from {@link #temporaryFolder}; removed at the end
     * @param model the model
     * @param settings any setting of {@code mambabyte run}, over the defaults
     * @param partitions partitions of the topics
     * @return the pipeline, its topology not started
     * @throws IOException if the broker does not start
     * @throws InterruptedException if interrupted while waiting
     */
    static LocalPipeline start(
            Path folder, MambaModel model, Map<String, String> settings, int partitions)
            throws IOException, InterruptedException {
        return start(folder, model, settings, partitions, ScoringListener.NONE);
    }

    /**
     * The same, with somebody who looks on.
     *
     * @param folder from {@link #temporaryFolder}; removed at the end
     * @param model the model
     * @param settings any setting of {@code mambabyte run}, over the defaults
     * @param partitions partitions of the topics
     * @param listener told of every record that is scored
     * @return the pipeline, its topology not started
     * @throws IOException if the broker does not start
     * @throws InterruptedException if interrupted while waiting
     */
    static LocalPipeline start(
            Path folder,
            MambaModel model,
            Map<String, String> settings,
            int partitions,
            ScoringListener listener)
            throws IOException, InterruptedException {
        EmbeddedBroker broker = EmbeddedBroker.start();
        @Nullable EmbeddedSchemaRegistry registry = null;
        try {
            registry = EmbeddedSchemaRegistry.start();
            RunSettings run = new RunSettings();
            run.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, broker.bootstrapServers());
            run.put(ConfluentAvroConfig.SCHEMA_REGISTRY_URL_CONFIG, registry.url());
            run.put(MambaByteConfig.INPUT_TOPICS_CONFIG, INPUT);
            run.put(MambaByteConfig.OUTPUT_TOPIC_CONFIG, OUTPUT);
            settings.forEach(run::put);
            run.addDefaults();
            run.validate();
            MambaByteConfig component = run.component();
            createTopics(broker, partitions, component.anomalies());
            run.addSizes(
                    new LikelihoodProcessorSupplier<byte[]>(component, model, key -> key),
                    INPUT_MAX_BYTES);
            LikelihoodSerde serde = new LikelihoodSerde();
            serde.configure(run.values(), false);
            serde.register(OUTPUT);
            if (component.anomalies().enabled()) {
                new AlertSerde(serde, component).register(component.anomalies());
            }
            return new LocalPipeline(
                    folder,
                    broker,
                    registry,
                    partitions,
                    component,
                    new StreamsConfig(run.properties()),
                    state -> topology(run, state, model, serde, listener));
        } catch (ExecutionException | RuntimeException | InterruptedException e) {
            if (registry != null) {
                registry.close();
            }
            broker.close();
            switch (e) {
                case RuntimeException unchecked -> throw unchecked;
                case InterruptedException interrupted -> throw interrupted;
                default -> throw new IOException("no topics: " + e.getCause(), e);
            }
        }
    }

    private static void createTopics(EmbeddedBroker broker, int partitions, AnomalyConfig anomalies)
            throws ExecutionException, InterruptedException {
        // Records carry the time of their line, which may be years ago: nothing expires here.
        Map<String, String> configs =
                Map.of(
                        TopicConfig.RETENTION_MS_CONFIG,
                        "-1",
                        TopicConfig.MAX_MESSAGE_BYTES_CONFIG,
                        Integer.toString(INPUT_MAX_BYTES));
        List<NewTopic> topics = new ArrayList<>();
        topics.add(new NewTopic(INPUT, partitions, (short) 1).configs(configs));
        topics.add(new NewTopic(OUTPUT, partitions, (short) 1).configs(configs));
        topics.add(new NewTopic(DEAD_LETTERS, 1, (short) 1).configs(configs));
        if (anomalies.enabled()) {
            for (String topic :
                    List.of(
                            anomalies.topic(),
                            anomalies.incidentsTopic(),
                            anomalies.verdictsTopic())) {
                if (!topic.isEmpty()) {
                    topics.add(new NewTopic(topic, partitions, (short) 1).configs(configs));
                }
            }
        }
        EmbeddedBroker.createTopics(broker.bootstrapServers(), topics);
    }

    private static KafkaStreams topology(
            RunSettings run,
            Path stateFolder,
            MambaModel model,
            Serde<Likelihood> serde,
            ScoringListener listener) {
        Properties properties = run.properties();
        properties.put(StreamsConfig.STATE_DIR_CONFIG, stateFolder.toString());
        StreamsConfig streamsConfig = new StreamsConfig(properties);
        return new KafkaStreams(
                LikelihoodTopology.build(run.component(), streamsConfig, model, serde, listener),
                streamsConfig);
    }

    /**
     * Stops the topology, as the application is stopped, and makes another one that finds nothing
     * on its disk: its states come from the changelog. It is to be started like the first.
     *
     * @param listener told of what is restored
     */
    void loseDisk(StateRestoreListener listener) {
        closeTopology();
        streams = topology.apply(folder.resolve("empty"));
        streams.setGlobalStateRestoreListener(listener);
    }

    /** The topology as it is now. */
    KafkaStreams streams() {
        return streams;
    }

    /** Settings of the topology, of which other clients can be configured too. */
    StreamsConfig streamsConfig() {
        return streamsConfig;
    }

    /** The component's settings. */
    MambaByteConfig component() {
        return component;
    }

    /** Starts the topology. */
    void startTopology() {
        streams.start();
    }

    /** The value of {@code bootstrap.servers}. */
    String bootstrapServers() {
        return broker.bootstrapServers();
    }

    /** The value of {@code schema.registry.url}. */
    String schemaRegistryUrl() {
        return registry.url();
    }

    /** What the topology scored so far. */
    ScoringTotals totals() {
        return ScoringTotals.of(streams.metrics());
    }

    /** What the topology found anomalous so far. */
    AnomalyTotals anomalyTotals() {
        return AnomalyTotals.of(streams.metrics());
    }

    /** What happened to the keys' states since the topology was started. */
    StateTotals stateTotals() {
        return StateTotals.of(streams.metrics());
    }

    /** Whether the topology still runs or is about to. */
    boolean alive() {
        KafkaStreams.State state = streams.state();
        return state != KafkaStreams.State.ERROR && state != KafkaStreams.State.NOT_RUNNING;
    }

    /** A new producer of raw records. */
    RawProducer producer() {
        return new RawProducer(bootstrapServers(), INPUT_MAX_BYTES);
    }

    /** A new consumer of all likelihoods, from the first one on. */
    KafkaConsumer<byte[], Likelihood> consumer() {
        return consumer(OUTPUT, Likelihood.class);
    }

    /** A new consumer of all records of a topic that the topology writes. */
    <T extends SpecificRecord> KafkaConsumer<byte[], T> consumer(String topic, Class<T> type) {
        ConfluentAvroSerde<T> serde =
                ConfluentAvroSerde.ofValues(
                        type,
                        Map.of(ConfluentAvroConfig.SCHEMA_REGISTRY_URL_CONFIG, registry.url()));
        KafkaConsumer<byte[], T> consumer =
                new KafkaConsumer<>(
                        Map.of(
                                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                                (Object) bootstrapServers(),
                                ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
                                "earliest",
                                ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
                                false,
                                ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                                "read_committed"),
                        new ByteArrayDeserializer(),
                        serde.deserializer());
        consumer.assign(
                IntStream.range(0, partitions)
                        .mapToObj(partition -> new TopicPartition(topic, partition))
                        .toList());
        return consumer;
    }

    /** Stops everything and removes the folder. A second call does nothing. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        closeTopology();
        registry.close();
        broker.close();
        EmbeddedBroker.deleteRecursively(folder);
    }

    private void closeTopology() {
        streams.close(
                CloseOptions.timeout(CLOSE_TIMEOUT)
                        .withGroupMembershipOperation(
                                CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
    }
}
