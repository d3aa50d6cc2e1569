package io.mambabyte.streams;

import io.mambabyte.avro.Completion;
import io.mambabyte.avro.CompletionRequest;
import io.mambabyte.avro.Likelihood;
import io.mambabyte.avro.Verdict;
import io.mambabyte.model.MambaModel;

import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Named;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.StoreBuilder;

import java.util.List;
import java.util.Set;
import java.util.function.Function;

/**
 * The topology of the application: topics of raw records in, one topic of likelihoods out; and
 * where {@code mambabyte.completion.requests.topic} is set, requests in and completions out; where
 * {@code mambabyte.anomalies.topic} is set, topics of anomalies and incidents out, and verdicts in.
 */
public final class LikelihoodTopology {
    private LikelihoodTopology() {}

    /**
     * Builds the topology.
     *
     * @param config the component's settings; must name input topics
     * @param streamsConfig Kafka Streams' settings, those that shape a topology among them
     * @param model the model
     * @param serde serde of the likelihoods
     * @return the topology
     * @throws IllegalArgumentException if no input topic is named
     */
    public static Topology build(
            MambaByteConfig config,
            StreamsConfig streamsConfig,
            MambaModel model,
            Serde<Likelihood> serde) {
        return build(config, streamsConfig, model, serde, ScoringListener.NONE);
    }

    /**
     * Builds the topology with somebody who looks on.
     *
     * @param config the component's settings; must name input topics
     * @param streamsConfig Kafka Streams' settings, those that shape a topology among them
     * @param model the model
     * @param serde serde of the likelihoods
     * @param listener is told of every record that was scored
     * @return the topology
     * @throws IllegalArgumentException if no input topic is named
     */
    public static Topology build(
            MambaByteConfig config,
            StreamsConfig streamsConfig,
            MambaModel model,
            Serde<Likelihood> serde,
            ScoringListener listener) {
        if (config.inputTopics().isEmpty()) {
            throw new IllegalArgumentException(
                    MambaByteConfig.INPUT_TOPICS_CONFIG + " names no topic");
        }
        StreamsBuilder builder = new StreamsBuilder(new TopologyConfig(streamsConfig));
        KeyStateStores states = new KeyStateStores(config, model);
        LikelihoodProcessorSupplier<byte[]> scoring =
                new LikelihoodProcessorSupplier<>(
                        config, model, Function.identity(), states, listener);
        scoring.stores().forEach(builder::addStateStore);
        KStream<byte[], Likelihood> likelihoods =
                builder.stream(
                                config.inputTopics(),
                                Consumed.with(Serdes.ByteArray(), Serdes.ByteArray())
                                        .withName("raw-records"))
                        .processValues(
                                () -> scoring.get(),
                                Named.as(config.name()),
                                names(scoring.stores()));
        if (config.anomalies().enabled()) {
            addAnomalies(builder, config, model, likelihoods, serde);
        } else {
            likelihoods.to(
                    config.outputTopic(),
                    Produced.with(Serdes.ByteArray(), serde).withName("likelihoods"));
        }
        if (!config.completions().requestsTopic().isEmpty()) {
            addCompletions(builder, config, model, states);
        }
        return builder.build();
    }

    private static void addAnomalies(
            StreamsBuilder builder,
            MambaByteConfig config,
            MambaModel model,
            KStream<byte[], Likelihood> likelihoods,
            Serde<Likelihood> serde) {
        KStream<byte[], SpecificRecord> judged =
                likelihoods.mapValues(
                        likelihood -> (SpecificRecord) likelihood, Named.as("scored-lines"));
        if (!config.anomalies().verdictsTopic().isEmpty()) {
            KStream<byte[], SpecificRecord> verdicts =
                    builder.stream(
                                    config.anomalies().verdictsTopic(),
                                    Consumed.with(
                                                    Serdes.ByteArray(),
                                                    config.avroSerde(Verdict.class))
                                            .withName("verdicts"))
                            .mapValues(
                                    verdict -> (SpecificRecord) verdict,
                                    Named.as("verdicts-on-lines"));
            judged = judged.merge(verdicts, Named.as("lines-and-verdicts"));
        }
        judged.process(
                        new AnomalyProcessorSupplier<byte[]>(config, model, Function.identity()),
                        Named.as(config.name() + "-anomalies"))
                .to(
                        AlertSerde.topics(config),
                        Produced.with(
                                        Serdes.ByteArray(),
                                        (Serde<SpecificRecord>) new AlertSerde(serde, config))
                                .withName("likelihoods-and-alerts"));
    }

    private static void addCompletions(
            StreamsBuilder builder,
            MambaByteConfig config,
            MambaModel model,
            KeyStateStores states) {
        CompletionConfig completions = config.completions();
        CompletionProcessorSupplier completing =
                config.context() == MambaByteConfig.Context.KEY
                        ? new CompletionProcessorSupplier(completions, config, model, states)
                        : new CompletionProcessorSupplier(completions, config, model);
        // The shared ones are there, and added again would be others.
        List<StoreBuilder<?>> own =
                completing.stores().stream()
                        .filter(store -> !states.builders().contains(store))
                        .toList();
        own.forEach(builder::addStateStore);
        String requests = own.getFirst().name();
        builder.stream(
                        completions.requestsTopic(),
                        Consumed.with(Serdes.ByteArray(), config.avroSerde(CompletionRequest.class))
                                .withName("completion-requests"))
                .process(
                        () -> completing.get(),
                        Named.as(config.name() + "-complete"),
                        names(completing.stores()))
                .processValues(
                        () -> new RequestMeter(requests),
                        Named.as(config.name() + "-complete-meter"),
                        requests)
                .to(
                        completions.topic(),
                        Produced.with(Serdes.ByteArray(), config.avroSerde(Completion.class))
                                .withName("completions"));
    }

    // Connected by name, not by the suppliers themselves: two suppliers that bring the same store
    // become two subtopologies with a store each (KAFKA-20464).
    private static String[] names(Set<StoreBuilder<?>> stores) {
        return stores.stream().map(StoreBuilder::name).sorted().toArray(String[]::new);
    }
}
