package io.mambabyte.app.ui;

import io.mambabyte.streams.MambaByteConfig;

import org.apache.kafka.streams.StreamsConfig;

import java.util.Map;
import java.util.Optional;

/**
 * Where incidents are told and verdicts are taken.
 *
 * @param incidents topic of incidents
 * @param verdicts topic of verdicts; empty where none are taken
 * @param streamsConfig settings of the topology, of which the clients here are configured too
 * @param serdeConfig settings of the serdes
 */
public record IncidentTopics(
        String incidents,
        String verdicts,
        StreamsConfig streamsConfig,
        Map<String, ?> serdeConfig) {
    private static final String ANOMALIES_TOPIC = MambaByteConfig.PREFIX + "anomalies.topic";
    private static final String INCIDENTS_TOPIC = MambaByteConfig.PREFIX + "incidents.topic";

    private static final String VERDICTS_TOPIC = MambaByteConfig.PREFIX + "verdicts.topic";

    /**
     * The topics that settings name.
     *
     * @param config the component's settings
     * @param streamsConfig those of the topology
     * @return empty where anomalies are not looked for
     */
    public static Optional<IncidentTopics> of(MambaByteConfig config, StreamsConfig streamsConfig) {
        Map<String, Object> settings = config.originals();
        if (settings.getOrDefault(ANOMALIES_TOPIC, "").toString().isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(
                new IncidentTopics(
                        settings.getOrDefault(INCIDENTS_TOPIC, "incidents").toString(),
                        settings.getOrDefault(VERDICTS_TOPIC, "").toString(),
                        streamsConfig,
                        settings));
    }
}
