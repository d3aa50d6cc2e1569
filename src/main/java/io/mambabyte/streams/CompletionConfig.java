package io.mambabyte.streams;

import io.mambabyte.model.CheckpointException;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.model.SubwordModel;

import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Importance;
import org.apache.kafka.common.config.ConfigDef.Range;
import org.apache.kafka.common.config.ConfigException;

import java.time.Duration;
import java.util.Map;

/** Settings of completions, all named {@code mambabyte.completion.*}. */
public final class CompletionConfig extends AbstractConfig {
    /** Start of the name of every setting. */
    public static final String PREFIX = MambaByteConfig.PREFIX + "completion.";

    /** {@code mambabyte.completion.requests.topic}. */
    public static final String REQUESTS_TOPIC_CONFIG = PREFIX + "requests.topic";

    private static final String REQUESTS_TOPIC_DOC =
            "Topic of requests, with as many partitions as the input topics; for the application."
                    + " Nothing is completed where it is empty.";

    /** {@code mambabyte.completion.topic}. */
    public static final String TOPIC_CONFIG = PREFIX + "topic";

    private static final String TOPIC_DOC = "Topic that completions go to; for the application.";

    /** {@code mambabyte.completion.max.together}. */
    public static final String MAX_TOGETHER_CONFIG = PREFIX + "max.together";

    private static final String MAX_TOGETHER_DOC =
            "Most requests of a task that are advanced together, each by a byte or more a pass."
                    + " Later ones wait for a place, in order.";

    /** {@code mambabyte.completion.slice.ms}. */
    public static final String SLICE_MS_CONFIG = PREFIX + "slice.ms";

    private static final String SLICE_MS_DOC =
            "Time of a task between two polls that goes to completions. The last pass is finished,"
                    + " so that a slice is at least one.";

    /** {@code mambabyte.completion.chunk.bytes}. */
    public static final String CHUNK_BYTES_CONFIG = PREFIX + "chunk.bytes";

    private static final String CHUNK_BYTES_DOC =
            "Bytes of a chunk, the last one excepted. Where chunks begin does not depend on time,"
                    + " so that a run that was interrupted gives the same records.";

    /** {@code mambabyte.completion.max.bytes}. */
    public static final String MAX_BYTES_CONFIG = PREFIX + "max.bytes";

    private static final String MAX_BYTES_DOC = "Most bytes that a request may ask for.";

    /** {@code mambabyte.completion.max.prompt.bytes}. */
    public static final String MAX_PROMPT_BYTES_CONFIG = PREFIX + "max.prompt.bytes";

    private static final String MAX_PROMPT_BYTES_DOC = "Longest prompt of a request.";

    /** {@code mambabyte.completion.draft.model}. */
    public static final String DRAFT_MODEL_CONFIG = PREFIX + "draft.model";

    private static final String DRAFT_MODEL_DOC =
            "Model that drafts for requests whose draft is model or both: a folder or the name of a"
                    + " shipped one.";

    /** {@code mambabyte.completion.draft.subword.model}. */
    public static final String DRAFT_SUBWORD_MODEL_CONFIG = PREFIX + "draft.subword.model";

    private static final String DRAFT_SUBWORD_MODEL_DOC =
            "Subword model that drafts for requests whose draft is subword: a folder with"
                    + " tokenizer.json, or the shipped draft-subword.";

    private static final ConfigDef CONFIG =
            new ConfigDef()
                    .define(
                            REQUESTS_TOPIC_CONFIG,
                            ConfigDef.Type.STRING,
                            "",
                            Importance.HIGH,
                            REQUESTS_TOPIC_DOC)
                    .define(
                            TOPIC_CONFIG,
                            ConfigDef.Type.STRING,
                            "completions",
                            new ConfigDef.NonEmptyString(),
                            Importance.HIGH,
                            TOPIC_DOC)
                    .define(
                            MAX_TOGETHER_CONFIG,
                            ConfigDef.Type.INT,
                            64,
                            Range.between(1, 1024),
                            Importance.MEDIUM,
                            MAX_TOGETHER_DOC)
                    .define(
                            SLICE_MS_CONFIG,
                            ConfigDef.Type.INT,
                            20,
                            Range.between(1, 10_000),
                            Importance.MEDIUM,
                            SLICE_MS_DOC)
                    .define(
                            CHUNK_BYTES_CONFIG,
                            ConfigDef.Type.INT,
                            32,
                            Range.between(1, 1 << 20),
                            Importance.MEDIUM,
                            CHUNK_BYTES_DOC)
                    .define(
                            MAX_BYTES_CONFIG,
                            ConfigDef.Type.INT,
                            1 << 16,
                            Range.between(1, 1 << 20),
                            Importance.LOW,
                            MAX_BYTES_DOC)
                    .define(
                            MAX_PROMPT_BYTES_CONFIG,
                            ConfigDef.Type.INT,
                            1 << 18,
                            Range.between(0, 1 << 20),
                            Importance.LOW,
                            MAX_PROMPT_BYTES_DOC)
                    .define(
                            DRAFT_MODEL_CONFIG,
                            ConfigDef.Type.STRING,
                            "logs-nano",
                            new ConfigDef.NonEmptyString(),
                            Importance.LOW,
                            DRAFT_MODEL_DOC)
                    .define(
                            DRAFT_SUBWORD_MODEL_CONFIG,
                            ConfigDef.Type.STRING,
                            SubwordModel.DEFAULT,
                            new ConfigDef.NonEmptyString(),
                            Importance.LOW,
                            DRAFT_SUBWORD_MODEL_DOC);

    /**
     * Reads the settings.
     *
     * @param configs names and values; names that are not these are left alone
     * @throws org.apache.kafka.common.config.ConfigException if a value is not valid
     */
    public CompletionConfig(Map<?, ?> configs) {
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
     * Topic of requests.
     *
     * @return its name, empty for none
     */
    public String requestsTopic() {
        return getString(REQUESTS_TOPIC_CONFIG);
    }

    /**
     * Topic of completions.
     *
     * @return its name
     */
    public String topic() {
        return getString(TOPIC_CONFIG);
    }

    /**
     * Most requests that are advanced together.
     *
     * @return how many
     */
    public int maxTogether() {
        return getInt(MAX_TOGETHER_CONFIG);
    }

    /**
     * Time between two polls that goes to completions.
     *
     * @return a slice
     */
    public Duration slice() {
        return Duration.ofMillis(getInt(SLICE_MS_CONFIG));
    }

    /**
     * Bytes of a chunk.
     *
     * @return how many
     */
    public int chunkBytes() {
        return getInt(CHUNK_BYTES_CONFIG);
    }

    /**
     * Most bytes that a request may ask for.
     *
     * @return how many
     */
    public int maxBytes() {
        return getInt(MAX_BYTES_CONFIG);
    }

    /**
     * Longest prompt.
     *
     * @return bytes
     */
    public int maxPromptBytes() {
        return getInt(MAX_PROMPT_BYTES_CONFIG);
    }

    /**
     * Loads the model that drafts.
     *
     * @return the model
     * @throws ConfigException if it cannot be loaded
     */
    public MambaModel loadDraftModel() {
        String name = getString(DRAFT_MODEL_CONFIG);
        try {
            return MambaModel.load(ModelSource.of(name));
        } catch (CheckpointException e) {
            throw new ConfigException(DRAFT_MODEL_CONFIG, name, e.getMessage());
        }
    }

    /**
     * Loads the subword model that drafts.
     *
     * @return the model
     * @throws ConfigException if it cannot be loaded
     */
    public SubwordModel loadSubwordModel() {
        String name = getString(DRAFT_SUBWORD_MODEL_CONFIG);
        try {
            return SubwordModel.load(ModelSource.ofDrafter(name));
        } catch (CheckpointException e) {
            throw new ConfigException(DRAFT_SUBWORD_MODEL_CONFIG, name, e.getMessage());
        }
    }
}
