package io.mambabyte.streams;

import io.mambabyte.avro.Likelihood;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.model.StateCodec;
import io.mambabyte.model.StateFormatException;
import io.mambabyte.score.RecordScore;
import io.mambabyte.score.Scorer;
import io.mambabyte.score.Surprisals;

import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.KeyValueStore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * Scores the records of one task. The stored bytes of a state are what counts; the decoded states
 * kept here are a cache of them, each good only while the store still holds the very array that it
 * was decoded from or encoded to.
 */
final class LikelihoodProcessor<K> implements FixedKeyProcessor<K, byte[], Likelihood> {
    private static final Logger LOG = LoggerFactory.getLogger(LikelihoodProcessor.class);

    // What a new state equals: no array that the store could hand out.
    private static final byte[] NOT_STORED = new byte[0];

    // max.request.size where it is not configured; ProducerConfig does not export its default.
    private static final long DEFAULT_MAX_REQUEST_SIZE = 1 << 20;

    // The least that a record of the changelog holds beside the state.
    private static final long MIN_OVERHEAD_BYTES = 1 << 10;

    /** A state that is ready for use, and the stored bytes that it equals. */
    private static final class LiveState {
        final RecurrentState state;
        byte[] stored;

        LiveState(RecurrentState state, byte[] stored) {
            this.state = state;
            this.stored = stored;
        }
    }

    private final MambaByteConfig config;
    private final MambaModel model;
    private final StateCodec codec;
    private final Function<? super K, byte[]> keyBytes;
    private final int maxChangelogRecordBytes;
    private final Scorer scorer;
    private final int liveStatesMax;

    // In order of use, the least recently used first.
    private final LinkedHashMap<Bytes, LiveState> liveStates = new LinkedHashMap<>(16, 0.75f, true);

    private @Nullable FixedKeyProcessorContext<K, Likelihood> context;
    private @Nullable KeyValueStore<Bytes, byte[]> store;
    private @Nullable ScoringMetrics metrics;
    private boolean toldOfOtherModel;

    LikelihoodProcessor(
            MambaByteConfig config,
            MambaModel model,
            Function<? super K, byte[]> keyBytes,
            int maxChangelogRecordBytes) {
        this.config = config;
        this.model = model;
        this.keyBytes = keyBytes;
        this.maxChangelogRecordBytes = maxChangelogRecordBytes;
        scorer = new Scorer(model);
        codec = new StateCodec(model);
        liveStatesMax =
                (int) Math.min(Integer.MAX_VALUE, config.liveStatesMaxBytes() / codec.size());
    }

    @Override
    public void init(FixedKeyProcessorContext<K, Likelihood> context) {
        this.context = context;
        // A task that was taken back and given again is initialised again: its store may have
        // been rewritten by another instance.
        liveStates.clear();
        if (config.context() == MambaByteConfig.Context.KEY) {
            store = context.getStateStore(config.storeName());
            requireRoomInProducer(context.appConfigs());
        }
        if (metrics == null) {
            metrics = new ScoringMetrics(context);
        }
    }

    @Override
    public void process(FixedKeyRecord<K, byte[]> record) {
        byte @Nullable [] value = record.value();
        KeyValueStore<Bytes, byte[]> states = record.key() == null ? null : store;
        if (value == null) {
            if (states != null) {
                Bytes key = Bytes.wrap(keyBytes.apply(record.key()));
                liveStates.remove(key);
                states.delete(key);
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
        RecordScore score =
                states == null
                        ? scorer.scoreAlone(value, config.framing(), config.perByte())
                        : scoreOfKey(states, Bytes.wrap(keyBytes.apply(record.key())), value);
        required(metrics).record(score, System.nanoTime() - start);
        required(context).forward(record.withValue(likelihood(score)));
    }

    // Compute, put, forward, in this order: what throws before the put leaves the stored state as
    // it was, and the decoded one, which may be half-way through the record, is dropped.
    private RecordScore scoreOfKey(KeyValueStore<Bytes, byte[]> states, Bytes key, byte[] value) {
        LiveState live = liveState(states, key);
        boolean done = false;
        try {
            RecordScore score = scorer.score(live.state, value, config.framing(), config.perByte());
            byte[] stored = codec.encode(live.state);
            states.put(key, stored);
            live.stored = stored;
            done = true;
            return score;
        } finally {
            if (done) {
                keep(key, live);
            } else {
                liveStates.remove(key);
            }
        }
    }

    @SuppressWarnings("ReferenceEquality") // the same array, not an equal one, is what proves it
    private LiveState liveState(KeyValueStore<Bytes, byte[]> states, Bytes key) {
        byte @Nullable [] stored = states.get(key);
        if (stored == null) {
            return new LiveState(model.newState(), NOT_STORED);
        }
        LiveState live = liveStates.get(key);
        return live != null && live.stored == stored ? live : decode(stored);
    }

    // A state of another model says nothing about this one: after a change of the model every key
    // starts anew. Anything else that is not a state fails, and with it the record.
    private LiveState decode(byte[] stored) {
        try {
            return new LiveState(codec.decode(stored), stored);
        } catch (StateFormatException e) {
            if (e.reason() != StateFormatException.Reason.OTHER_MODEL) {
                throw e;
            }
            if (!toldOfOtherModel) {
                toldOfOtherModel = true;
                LOG.warn(
                        "Task {}: keys whose state is of another model start anew: {}",
                        required(context).taskId(),
                        e.getMessage());
            }
            return new LiveState(model.newState(), NOT_STORED);
        }
    }

    private void keep(Bytes key, LiveState live) {
        liveStates.put(key, live);
        if (liveStates.size() > liveStatesMax) {
            var eldest = liveStates.entrySet().iterator();
            eldest.next();
            eldest.remove();
        }
    }

    private Likelihood likelihood(RecordScore score) {
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
                surprisal == null ? null : new SurprisalList(surprisal));
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
        long needed = codec.size() + MIN_OVERHEAD_BYTES;
        if (limit < needed) {
            throw new ConfigException(
                    "A state of this model takes "
                            + codec.size()
                            + " bytes in the changelog, but the producer sends at most "
                            + limit
                            + ": set "
                            + StreamsConfig.producerPrefix(ProducerConfig.MAX_REQUEST_SIZE_CONFIG)
                            + "="
                            + maxChangelogRecordBytes
                            + " or more");
        }
    }

    @Override
    public void close() {
        liveStates.clear();
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
