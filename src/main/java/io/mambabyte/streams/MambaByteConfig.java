package io.mambabyte.streams;

import io.mambabyte.avro.Likelihood;
import io.mambabyte.model.CheckpointException;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.model.StatePrecision;
import io.mambabyte.model.StateRounding;
import io.mambabyte.score.Framing;
import io.mambabyte.streams.registry.ConfluentAvroSerde;

import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Importance;
import org.apache.kafka.common.config.ConfigDef.Range;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.serialization.Serde;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Settings of the component, all named {@code mambabyte.*}. They can stand in the same properties
 * as those of Kafka Streams: names that are not the component's are left alone.
 */
public final class MambaByteConfig extends AbstractConfig {

    /** Start of the name of every setting. */
    public static final String PREFIX = "mambabyte.";

    /** {@code mambabyte.model}. */
    public static final String MODEL_CONFIG = PREFIX + "model";

    private static final String MODEL_DOC =
            "The model: the name of a shipped one or a folder with config.json and"
                    + " model.safetensors.";

    /** {@code mambabyte.context}. */
    public static final String CONTEXT_CONFIG = PREFIX + "context";

    private static final String CONTEXT_DOC =
            "What a record's bytes are predicted from: 'key', all bytes of the same key before"
                    + " them; 'record', the bytes of the same record only; or 'session', those of"
                    + " the same key since it was idle for mambabyte.context.session.gap.ms. The"
                    + " first adapts to what a key usually says, so that what repeats becomes"
                    + " likely; the second judges every record alike and keeps no state. Where it"
                    + " is not set it is 'record' if anomalies are looked for, so that a burst does"
                    + " not make itself normal, and 'key' if not.";

    /** {@code mambabyte.context.session.gap.ms}. */
    public static final String SESSION_GAP_MS_CONFIG = PREFIX + "context.session.gap.ms";

    private static final String SESSION_GAP_MS_DOC =
            "A record this long after the one of its key before it, by the records' timestamps,"
                    + " begins a session, in the context 'session': it is predicted as if nothing"
                    + " but a newline had come before it.";

    /** {@code mambabyte.framing}. */
    public static final String FRAMING_CONFIG = PREFIX + "framing";

    private static final String FRAMING_DOC =
            "'lines' adds a newline to every record, predicted and scored as part of it, which"
                    + " is right for records that are lines of text; 'none' takes the bytes as they"
                    + " are.";

    /** {@code mambabyte.per.byte}. */
    public static final String PER_BYTE_CONFIG = PREFIX + "per.byte";

    private static final String PER_BYTE_DOC =
            "Whether a likelihood carries the surprisal of every byte: 4 bytes for each byte of"
                    + " the record.";

    /** {@code mambabyte.max.record.bytes}. */
    public static final String MAX_RECORD_BYTES_CONFIG = PREFIX + "max.record.bytes";

    private static final String MAX_RECORD_BYTES_DOC =
            "Longest value that is scored. A longer one fails with RecordTooLargeException, for"
                    + " the processing.exception.handler to decide on. Scoring a value of this"
                    + " size must take clearly less time than max.poll.interval.ms and"
                    + " transaction.timeout.ms.";

    /** {@code mambabyte.store}. */
    public static final String STORE_CONFIG = PREFIX + "store";

    private static final String STORE_DOC =
            "Where the keys' states are kept on the instance: 'rocksDB', on disk, or 'in_memory'."
                    + " Both are logged to a changelog topic.";

    /** {@code mambabyte.live.states.max.bytes}. */
    public static final String LIVE_STATES_MAX_BYTES_CONFIG = PREFIX + "live.states.max.bytes";

    private static final String LIVE_STATES_MAX_BYTES_DOC =
            "Memory of each task for states that are ready for use, the least recently used"
                    + " leaving first. A state that left is decoded from the store again.";

    /** {@code mambabyte.checkpoint.bytes}. */
    public static final String CHECKPOINT_BYTES_CONFIG = PREFIX + "checkpoint.bytes";

    private static final String CHECKPOINT_BYTES_DOC =
            "Bytes of a key's stream between two checkpoints of its state. A state that is not on"
                    + " the heap is made again from its checkpoint and the bytes since then, so a"
                    + " larger distance means fewer bytes in the changelog and a longer first touch"
                    + " of a key after a fail-over.";

    /** {@code mambabyte.state.rounding}. */
    public static final String STATE_ROUNDING_CONFIG = PREFIX + "state.rounding";

    private static final String STATE_ROUNDING_DOC =
            "What is left of a state at fixed positions of its key's stream: 'int8' (8 bits a"
                    + " float, a scale for each channel), 'bfloat16', or 'float32', where nothing is"
                    + " rounded. A part of what inference is: likelihoods depend on it, very"
                    + " slightly, and a change of it is a change of the model. It makes checkpoints"
                    + " four or two times smaller.";

    /** {@code mambabyte.state.rounding.bytes}. */
    public static final String STATE_ROUNDING_BYTES_CONFIG = PREFIX + "state.rounding.bytes";

    private static final String STATE_ROUNDING_BYTES_DOC =
            "Bytes of a key's stream between two roundings of its state; checkpoints are taken at"
                    + " such positions.";

    /** {@code mambabyte.idle.expiry.ms}. */
    public static final String IDLE_EXPIRY_MS_CONFIG = PREFIX + "idle.expiry.ms";

    private static final String IDLE_EXPIRY_MS_DOC =
            "A key whose last record is older than this, by the records' timestamps, is forgotten:"
                    + " its next record starts it anew. -1 never forgets.";

    /** {@code mambabyte.model.change}. */
    public static final String MODEL_CHANGE_CONFIG = PREFIX + "model.change";

    private static final String MODEL_CHANGE_DOC =
            "What becomes of a key whose state is of another model, or rounded otherwise: 'anew', it"
                    + " starts as if it had never been seen, or 'replay', it starts with the bytes"
                    + " since its last checkpoint, which the store still has.";

    /** {@code mambabyte.name}. */
    public static final String NAME_CONFIG = PREFIX + "name";

    private static final String NAME_DOC =
            "Name of the processor and of its store, NAME-state, and so of the changelog topic."
                    + " Two of these components in one topology need two names.";

    /** {@code mambabyte.input.topics}. */
    public static final String INPUT_TOPICS_CONFIG = PREFIX + "input.topics";

    private static final String INPUT_TOPICS_DOC =
            "Topics of raw records, comma separated; for the application.";

    /** {@code mambabyte.output.topic}. */
    public static final String OUTPUT_TOPIC_CONFIG = PREFIX + "output.topic";

    private static final String OUTPUT_TOPIC_DOC =
            "Topic that the likelihoods go to; for the application.";

    /** {@code mambabyte.output.serde}. */
    public static final String OUTPUT_SERDE_CONFIG = PREFIX + "output.serde";

    private static final String OUTPUT_SERDE_DOC =
            "Serde of the likelihoods, configured with all properties; for the application. The"
                    + " default is that of all topics; one that knows only this class can take its"
                    + " place.";

    /** {@code mambabyte.avro.serde}. */
    public static final String AVRO_SERDE_CONFIG = PREFIX + "avro.serde";

    private static final String AVRO_SERDE_DOC =
            "Serde of all topics of Avro records: likelihoods, anomalies, incidents, verdicts,"
                    + " requests and completions; configured with all properties. The component's"
                    + " own writes Confluent's wire format; any other for Avro's generated classes"
                    + " can take its place, Confluent's SpecificAvroSerde for one.";

    private static final long NEVER = -1;

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]+");

    private static final ConfigDef CONFIG =
            new ConfigDef()
                    .define(
                            MODEL_CONFIG,
                            ConfigDef.Type.STRING,
                            ModelSource.DEFAULT,
                            new ConfigDef.NonEmptyString(),
                            Importance.HIGH,
                            MODEL_DOC)
                    .define(
                            CONTEXT_CONFIG,
                            ConfigDef.Type.STRING,
                            "key",
                            oneOf(Context.values()),
                            Importance.HIGH,
                            CONTEXT_DOC)
                    .define(
                            SESSION_GAP_MS_CONFIG,
                            ConfigDef.Type.LONG,
                            60_000L,
                            Range.atLeast(1),
                            Importance.MEDIUM,
                            SESSION_GAP_MS_DOC)
                    .define(
                            FRAMING_CONFIG,
                            ConfigDef.Type.STRING,
                            "lines",
                            oneOf(Framing.values()),
                            Importance.MEDIUM,
                            FRAMING_DOC)
                    .define(
                            PER_BYTE_CONFIG,
                            ConfigDef.Type.BOOLEAN,
                            false,
                            Importance.MEDIUM,
                            PER_BYTE_DOC)
                    .define(
                            MAX_RECORD_BYTES_CONFIG,
                            ConfigDef.Type.INT,
                            1 << 20,
                            Range.atLeast(1),
                            Importance.MEDIUM,
                            MAX_RECORD_BYTES_DOC)
                    .define(
                            STORE_CONFIG,
                            ConfigDef.Type.STRING,
                            "rocksDB",
                            oneOf(StoreType.values()),
                            Importance.MEDIUM,
                            STORE_DOC)
                    .define(
                            LIVE_STATES_MAX_BYTES_CONFIG,
                            ConfigDef.Type.LONG,
                            64L << 20,
                            Range.atLeast(0),
                            Importance.MEDIUM,
                            LIVE_STATES_MAX_BYTES_DOC)
                    .define(
                            CHECKPOINT_BYTES_CONFIG,
                            ConfigDef.Type.INT,
                            20 << 10,
                            Range.atLeast(1),
                            Importance.MEDIUM,
                            CHECKPOINT_BYTES_DOC)
                    .define(
                            STATE_ROUNDING_CONFIG,
                            ConfigDef.Type.STRING,
                            "int8",
                            oneOf(StatePrecision.values()),
                            Importance.MEDIUM,
                            STATE_ROUNDING_DOC)
                    .define(
                            STATE_ROUNDING_BYTES_CONFIG,
                            ConfigDef.Type.INT,
                            4 << 10,
                            Range.atLeast(1),
                            Importance.LOW,
                            STATE_ROUNDING_BYTES_DOC)
                    .define(
                            IDLE_EXPIRY_MS_CONFIG,
                            ConfigDef.Type.LONG,
                            NEVER,
                            Range.atLeast(NEVER),
                            Importance.LOW,
                            IDLE_EXPIRY_MS_DOC)
                    .define(
                            MODEL_CHANGE_CONFIG,
                            ConfigDef.Type.STRING,
                            "anew",
                            oneOf(ModelChange.values()),
                            Importance.LOW,
                            MODEL_CHANGE_DOC)
                    .define(
                            NAME_CONFIG,
                            ConfigDef.Type.STRING,
                            "mambabyte",
                            MambaByteConfig::requireName,
                            Importance.LOW,
                            NAME_DOC)
                    .define(
                            INPUT_TOPICS_CONFIG,
                            ConfigDef.Type.LIST,
                            List.of(),
                            ConfigDef.ValidList.anyNonDuplicateValues(true, false),
                            Importance.HIGH,
                            INPUT_TOPICS_DOC)
                    .define(
                            OUTPUT_TOPIC_CONFIG,
                            ConfigDef.Type.STRING,
                            "likelihoods",
                            new ConfigDef.NonEmptyString(),
                            Importance.HIGH,
                            OUTPUT_TOPIC_DOC)
                    .define(
                            OUTPUT_SERDE_CONFIG,
                            ConfigDef.Type.CLASS,
                            null,
                            Importance.LOW,
                            OUTPUT_SERDE_DOC)
                    .define(
                            AVRO_SERDE_CONFIG,
                            ConfigDef.Type.CLASS,
                            null,
                            Importance.LOW,
                            AVRO_SERDE_DOC);

    /** What a record's bytes are predicted from. */
    public enum Context {
        /** All bytes of the same key before them. */
        KEY,
        /** The bytes of the same record only. */
        RECORD,
        /** The bytes of the same key since its last idle gap. */
        SESSION;

        /**
         * Its name in settings and likelihoods.
         *
         * @return the name
         */
        public String setting() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** What becomes of the state of a key when the model is another one. */
    public enum ModelChange {
        /** It starts as if it had never been seen. */
        ANEW,
        /** It starts with the bytes since its last checkpoint. */
        REPLAY
    }

    /** Where the keys' states are kept on the instance. */
    public enum StoreType {
        /** On disk. */
        ROCKSDB,
        /** On the heap. */
        IN_MEMORY
    }

    /**
     * Reads the settings.
     *
     * @param configs names and values, strings or already of the setting's type
     * @throws ConfigException if a value is not valid
     */
    public MambaByteConfig(Map<?, ?> configs) {
        super(CONFIG, configs, false);
    }

    /**
     * The settings, with their documentation and defaults.
     *
     * @return a copy
     */
    public static ConfigDef configDef() {
        return new ConfigDef(CONFIG);
    }

    /**
     * Where the model is.
     *
     * @return the source; whether it exists is found out when it is read
     */
    public ModelSource model() {
        return ModelSource.of(getString(MODEL_CONFIG));
    }

    /**
     * Reads the model.
     *
     * @return the model, which all threads can share
     * @throws ConfigException if it cannot be read: says which file and tensor, what was expected
     *     and what was found
     */
    public MambaModel loadModel() {
        try {
            return MambaModel.load(model());
        } catch (CheckpointException e) {
            ConfigException failure =
                    new ConfigException(MODEL_CONFIG, getString(MODEL_CONFIG), e.getMessage());
            failure.initCause(e);
            throw failure;
        }
    }

    /**
     * What a record's bytes are predicted from.
     *
     * @return the context
     */
    public Context context() {
        return anomalies().enabled() && !originals().containsKey(CONTEXT_CONFIG)
                ? Context.RECORD
                : Context.valueOf(getString(CONTEXT_CONFIG).toUpperCase(Locale.ROOT));
    }

    /**
     * How long a key is idle before its next record begins a session.
     *
     * @return milliseconds between records' timestamps
     */
    public long sessionGapMs() {
        return getLong(SESSION_GAP_MS_CONFIG);
    }

    /**
     * What is added to a record.
     *
     * @return the framing
     */
    public Framing framing() {
        return Framing.valueOf(getString(FRAMING_CONFIG).toUpperCase(Locale.ROOT));
    }

    /**
     * Whether a likelihood carries the surprisal of every byte.
     *
     * @return whether it does
     */
    public boolean perByte() {
        return getBoolean(PER_BYTE_CONFIG);
    }

    /**
     * Longest value that is scored.
     *
     * @return its bytes
     */
    public int maxRecordBytes() {
        return getInt(MAX_RECORD_BYTES_CONFIG);
    }

    /**
     * Where the keys' states are kept.
     *
     * @return the kind of store
     */
    public StoreType store() {
        return StoreType.valueOf(getString(STORE_CONFIG).toUpperCase(Locale.ROOT));
    }

    /**
     * Memory of each task for states that are ready for use.
     *
     * @return bytes
     */
    public long liveStatesMaxBytes() {
        return getLong(LIVE_STATES_MAX_BYTES_CONFIG);
    }

    /**
     * Bytes of a key's stream between two checkpoints of its state.
     *
     * @return the distance that is asked for; where states are rounded it is extended to the next
     *     rounding
     */
    public int checkpointBytes() {
        return getInt(CHECKPOINT_BYTES_CONFIG);
    }

    /**
     * How long a key is remembered after its last record.
     *
     * @return milliseconds between records' timestamps; {@code Long.MAX_VALUE} for ever
     */
    public long idleExpiryMs() {
        long expiry = getLong(IDLE_EXPIRY_MS_CONFIG);
        return expiry == NEVER ? Long.MAX_VALUE : expiry;
    }

    /**
     * What becomes of a key's state when the model is another one.
     *
     * @return the policy
     */
    public ModelChange modelChange() {
        return ModelChange.valueOf(getString(MODEL_CHANGE_CONFIG).toUpperCase(Locale.ROOT));
    }

    /**
     * Where and how far states are rounded. Whoever computes likelihoods that are to equal the
     * component's gives it to its {@link io.mambabyte.score.Scorer}.
     *
     * @return the rounding
     */
    public StateRounding stateRounding() {
        StatePrecision precision =
                StatePrecision.valueOf(getString(STATE_ROUNDING_CONFIG).toUpperCase(Locale.ROOT));
        return precision == StatePrecision.FLOAT32
                ? StateRounding.NONE
                : new StateRounding(precision, getInt(STATE_ROUNDING_BYTES_CONFIG));
    }

    /**
     * Settings of completions, among the same properties.
     *
     * @return the settings
     */
    public CompletionConfig completions() {
        return new CompletionConfig(originals());
    }

    /**
     * Settings of anomalies and incidents, among the same properties.
     *
     * @return the settings
     */
    public AnomalyConfig anomalies() {
        return new AnomalyConfig(originals());
    }

    /**
     * Name of the processor.
     *
     * @return the name
     */
    public String name() {
        return getString(NAME_CONFIG);
    }

    /**
     * Name of the store of the keys' states.
     *
     * @return the name
     */
    public String storeName() {
        return name() + "-state";
    }

    /**
     * Topics of raw records.
     *
     * @return their names; may be empty, for a component that is given a stream
     */
    public List<String> inputTopics() {
        return getList(INPUT_TOPICS_CONFIG);
    }

    /**
     * Topic that the likelihoods go to.
     *
     * @return its name
     */
    public String outputTopic() {
        return getString(OUTPUT_TOPIC_CONFIG);
    }

    /**
     * A new serde of the likelihoods, configured with all properties.
     *
     * @return the serde
     * @throws org.apache.kafka.common.KafkaException if it cannot be made
     * @throws ConfigException if it lacks a setting
     */
    @SuppressWarnings(
            "unchecked") // the class is the user's promise; Kafka's own serdes do the same
    public Serde<Likelihood> outputSerde() {
        Serde<Likelihood> serde =
                getClass(OUTPUT_SERDE_CONFIG) != null
                        ? getConfiguredInstance(OUTPUT_SERDE_CONFIG, Serde.class)
                        : getClass(AVRO_SERDE_CONFIG) != null
                                ? getConfiguredInstance(AVRO_SERDE_CONFIG, Serde.class)
                                : new LikelihoodSerde();
        serde.configure(originals(), false);
        return serde;
    }

    /**
     * A serde for the values of a topic of Avro records: the component's own, or {@value
     * #AVRO_SERDE_CONFIG} with all properties.
     *
     * @param type the generated class
     * @param <T> the generated class
     * @return the serde
     * @throws org.apache.kafka.common.KafkaException if it cannot be made
     * @throws ConfigException if it lacks a setting
     */
    @SuppressWarnings("unchecked") // the class is the user's promise, as above
    public <T extends SpecificRecord> Serde<T> avroSerde(Class<T> type) {
        Serde<T> serde =
                getClass(AVRO_SERDE_CONFIG) != null
                        ? getConfiguredInstance(AVRO_SERDE_CONFIG, Serde.class)
                        : new ConfluentAvroSerde<>(type);
        serde.configure(originals(), false);
        return serde;
    }

    /**
     * Whether a topic of Avro records has the component's own serde, which needs {@code
     * schema.registry.url}.
     *
     * @return whether one has
     */
    public boolean usesOwnSerde() {
        Class<?> ofLikelihoods = getClass(OUTPUT_SERDE_CONFIG);
        boolean others = anomalies().enabled() || !completions().requestsTopic().isEmpty();
        return ofLikelihoods == LikelihoodSerde.class
                || (getClass(AVRO_SERDE_CONFIG) == null && (ofLikelihoods == null || others));
    }

    private static ConfigDef.Validator oneOf(Enum<?>[] values) {
        return ConfigDef.CaseInsensitiveValidString.in(
                Arrays.stream(values).map(Enum::name).toArray(String[]::new));
    }

    private static void requireName(String name, Object value) {
        if (!NAME.matcher(String.valueOf(value)).matches()) {
            throw new ConfigException(
                    name, value, "it becomes part of a topic's name: letters, digits, . _ - only");
        }
    }
}
