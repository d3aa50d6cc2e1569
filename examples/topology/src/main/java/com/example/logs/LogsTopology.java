package com.example.logs;

import io.mambabyte.streams.LikelihoodProcessorSupplier;
import io.mambabyte.streams.MambaByteConfig;

import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Named;
import org.apache.kafka.streams.kstream.Produced;

import java.util.Map;

/** A topology that was there before, and one line more. */
public final class LogsTopology {
    private LogsTopology() {}

    /**
     * Passes errors on, as it did before, and scores each line.
     *
     * @param properties at least {@code schema.registry.url}
     * @return the topology
     */
    public static Topology build(Map<String, ?> properties) {
        StreamsBuilder builder = new StreamsBuilder();
        KStream<byte[], byte[]> logs =
                builder.stream("logs", Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()));

        logs.filter((host, line) -> new String(line).contains(" ERROR ")).to("errors");

        MambaByteConfig config = new MambaByteConfig(properties);
        // The one line. The supplier brings its own state store; values become likelihoods.
        logs.processValues(LikelihoodProcessorSupplier.ofByteKeys(config), Named.as(config.name()))
                .to("likelihoods", Produced.valueSerde(config.outputSerde()));
        return builder.build();
    }
}
