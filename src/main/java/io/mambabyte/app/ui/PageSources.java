package io.mambabyte.app.ui;

import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.streams.MambaByteConfig;

import org.apache.kafka.streams.KafkaStreams;

import java.util.Optional;
import java.util.function.Supplier;

/**
 * What the page shows.
 *
 * @param feed what the topology was built with as its listener
 * @param streams the running topology
 * @param config the component's settings
 * @param source where the model is from
 * @param model the model, also for completions
 * @param incidents where incidents are told, if they are looked for
 */
public record PageSources(
        LineFeed feed,
        Supplier<KafkaStreams> streams,
        MambaByteConfig config,
        ModelSource source,
        MambaModel model,
        Optional<IncidentTopics> incidents) {}
