package io.mambabyte.streams;

import io.mambabyte.avro.Likelihood;
import io.mambabyte.model.MambaModel;
import io.mambabyte.score.ByteDetails;
import io.mambabyte.score.RecordScore;
import io.mambabyte.score.Scorer;
import io.mambabyte.score.Surprisals;

import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Map;
import java.util.function.Function;

/** Scores the records of one task. What is kept of a key is {@link KeyStates}' business. */
final class LikelihoodProcessor<K> implements FixedKeyProcessor<K, byte[], Likelihood> {
    // max.request.size where it is not configured; ProducerConfig does not export its default.
    private static final long DEFAULT_MAX_REQUEST_SIZE = 1 << 20;

    // Idle keys are looked for in small steps: a step is a pause for the records.
    private static final Duration EXPIRY_INTERVAL = Duration.ofSeconds(1);
    private static final int EXPIRY_ENTRIES = 1000;

    private final MambaByteConfig config;
    private final MambaModel model;
    private final Function<? super K, byte[]> keyBytes;
    private final KeyStateStores stores;
    private final ScoringListener listener;
    private final Scorer alone;
    private final ByteDetails.Collector details = new ByteDetails.Collector();
    private final MambaByteConfig.Context predictedFrom;
    private final boolean anomalies;

    private @Nullable FixedKeyProcessorContext<K, Likelihood> context;
    private @Nullable KeyStates states;
    private @Nullable ScoringMetrics metrics;

    LikelihoodProcessor(
            MambaByteConfig config,
            MambaModel model,
            Function<? super K, byte[]> keyBytes,
            KeyStateStores stores,
            ScoringListener listener) {
        this.config = config;
        this.model = model;
        this.keyBytes = keyBytes;
        this.stores = stores;
        this.listener = listener;
        alone = new Scorer(model, config.stateRounding());
        predictedFrom = config.context();
        anomalies = config.anomalies().enabled();
    }

    @Override
    public void init(FixedKeyProcessorContext<K, Likelihood> context) {
        this.context = context;
        if (predictedFrom != MambaByteConfig.Context.RECORD) {
            requireRoomInProducer(context.appConfigs());
            KeyStates opened = stores.open(context);
            states = opened;
            if (config.idleExpiryMs() < Long.MAX_VALUE) {
                context.schedule(
                        EXPIRY_INTERVAL,
                        PunctuationType.WALL_CLOCK_TIME,
                        _ -> opened.expireIdle(context.currentStreamTimeMs(), EXPIRY_ENTRIES));
            }
        }
        if (metrics == null) {
            metrics = new ScoringMetrics(context);
        }
    }

    @Override
    public void process(FixedKeyRecord<K, byte[]> record) {
        byte @Nullable [] value = record.value();
        KeyStates ofKeys = record.key() == null ? null : states;
        if (value == null) {
            if (ofKeys != null) {
                ofKeys.forget(keyBytes.apply(record.key()));
            }
            return;
        }
        if (value.length > config.maxRecordBytes()) {
            throw new RecordTooLargeException(
                    "the value has "
                            + value.length
                            + " bytes; "
                            + MambaByteConfig.MAX_RECORD_BYTES_CONFIG
                            + " is "
                            + config.maxRecordBytes());
        }
        long start = System.nanoTime();
        byte @Nullable [] key = record.key() == null ? null : keyBytes.apply(record.key());
        ByteDetails.@Nullable Collector looking = listener.wantsDetails(key) ? details : null;
        RecordScore score =
                ofKeys == null || key == null
                        ? alone.scoreAlone(
                                value, config.framing(), config.perByte() || anomalies, looking)
                        : ofKeys.score(key, value, record.timestamp(), looking);
        required(metrics).record(score, System.nanoTime() - start);
        required(context).forward(record.withValue(likelihood(value, score, ofKeys != null)));
        listener.scored(
                key, value, record.timestamp(), score, looking == null ? null : looking.details());
    }

    private Likelihood likelihood(byte[] value, RecordScore score, boolean keyed) {
        // A record without a key is scored on its own, whatever the others are.
        MambaByteConfig.Context from = keyed ? predictedFrom : MambaByteConfig.Context.RECORD;
        return anomalies
                ? new ScoredLikelihood(value, score, likelihood(score, from))
                : likelihood(score, from);
    }

    private Likelihood likelihood(RecordScore score, MambaByteConfig.Context from) {
        Surprisals surprisal = score.surprisal();
        return new Likelihood(
                model.fingerprint(),
                score.position(),
                score.bytes(),
                score.scoredBytes(),
                score.bits(),
                score.bitsPerByte(),
                score.expectedBits(),
                score.excessBits(),
                score.z(),
                score.worstOffset(),
                score.worstBits(),
                surprisal == null || !config.perByte() ? null : new SurprisalList(surprisal),
                from.setting(),
                null,
                null,
                null);
    }

    // The producer refuses a record above its own limit, whatever the topic takes, and would do so
    // at the first commit: late, with a message that does not say what to do.
    private void requireRoomInProducer(Map<String, Object> configs) {
        Object configured =
                configs.get(StreamsConfig.producerPrefix(ProducerConfig.MAX_REQUEST_SIZE_CONFIG));
        if (configured == null) {
            configured = configs.get(ProducerConfig.MAX_REQUEST_SIZE_CONFIG);
        }
        long limit =
                configured == null
                        ? DEFAULT_MAX_REQUEST_SIZE
                        : Long.parseLong(configured.toString());
        int needed = stores.maxChangelogRecordBytes();
        if (limit < needed && limit < DEFAULT_MAX_REQUEST_SIZE) {
            throw new ConfigException(
                    "A record of the changelog takes up to "
                            + needed
                            + " bytes, but the producer sends at most "
                            + limit
                            + ": set "
                            + StreamsConfig.producerPrefix(ProducerConfig.MAX_REQUEST_SIZE_CONFIG)
                            + "="
                            + needed
                            + " or more");
        }
    }

    @Override
    public void close() {
        states = null;
        if (metrics != null) {
            metrics.close();
            metrics = null;
        }
    }

    private static <T> T required(@Nullable T initialised) {
        if (initialised == null) {
            throw new IllegalStateException("init was not called");
        }
        return initialised;
    }
}
