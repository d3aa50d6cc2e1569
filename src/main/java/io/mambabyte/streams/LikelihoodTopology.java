package io.mambabyte.streams;

import io.mambabyte.avro.Likelihood;
import io.mambabyte.model.MambaModel;

import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Named;
import org.apache.kafka.streams.kstream.Produced;

import java.util.function.Function;

/** The topology of the application: topics of raw records in, one topic of likelihoods out. */
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
        if (config.inputTopics().isEmpty()) {
            throw new IllegalArgumentException(
                    MambaByteConfig.INPUT_TOPICS_CONFIG + " names no topic");
        }
        StreamsBuilder builder = new StreamsBuilder(new TopologyConfig(streamsConfig));
        builder.stream(
                        config.inputTopics(),
                        Consumed.with(Serdes.ByteArray(), Serdes.ByteArray())
                                .withName("raw-records"))
                .processValues(
                        new LikelihoodProcessorSupplier<byte[]>(config, model, Function.identity()),
                        Named.as(config.name()))
                .to(
                        config.outputTopic(),
                        Produced.with(Serdes.ByteArray(), serde).withName("likelihoods"));
        return builder.build();
    }
}
