package io.mambabyte.streams;

import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Importance;
import org.apache.kafka.common.config.ConfigDef.Range;
import org.apache.kafka.common.config.ConfigException;

import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Settings of anomalies, incidents, silences and verdicts, named {@code mambabyte.anomalies.*},
 * {@code mambabyte.incidents.*}, {@code mambabyte.silence.*} and {@code mambabyte.verdicts.*}.
 */
public final class AnomalyConfig extends AbstractConfig {
    /** {@code mambabyte.anomalies.topic}. */
    public static final String TOPIC_CONFIG = MambaByteConfig.PREFIX + "anomalies.topic";

    private static final String TOPIC_DOC =
            "Topic that anomalous lines go to. Anomalies are looked for where it is set.";

    /** {@code mambabyte.anomalies.per.million}. */
    public static final String PER_MILLION_CONFIG =
            MambaByteConfig.PREFIX + "anomalies.per.million";

    private static final String PER_MILLION_DOC =
            "Expected alerts in a million lines that are normal. A line alerts whose p-value is"
                    + " below a threshold, a millionth of this at first, that is lowered with every"
                    + " alert and raised with every line without one, so that alerts come as often"
                    + " however wrong p-values are. An incident opens on evidence that is as"
                    + " improbable as a millionth of this.";

    /** {@code mambabyte.anomalies.learning.lines}. */
    public static final String LEARNING_LINES_CONFIG =
            MambaByteConfig.PREFIX + "anomalies.learning.lines";

    private static final String LEARNING_LINES_DOC =
            "Lines that a key, or the group that stands in for a young one, must have shown before"
                    + " any of its lines is judged.";

    /** {@code mambabyte.anomalies.generation.lines}. */
    public static final String GENERATION_LINES_CONFIG =
            MambaByteConfig.PREFIX + "anomalies.generation.lines";

    private static final String GENERATION_LINES_DOC =
            "Lines are compared with between one and two times as many lines before them; older"
                    + " ones are forgotten.";

    /** {@code mambabyte.anomalies.group.pattern}. */
    public static final String GROUP_PATTERN_CONFIG =
            MambaByteConfig.PREFIX + "anomalies.group.pattern";

    private static final String GROUP_PATTERN_DOC =
            "Regular expression whose first group, found in a key, names the keys that stand in for"
                    + " each other while one is young, such as '^([a-z-]+)-[0-9a-f]+' for pods. All"
                    + " keys of a topic's partition do where it is empty or does not match.";

    /** {@code mambabyte.anomalies.live.keys}. */
    public static final String LIVE_KEYS_CONFIG = MambaByteConfig.PREFIX + "anomalies.live.keys";

    private static final String LIVE_KEYS_DOC =
            "Keys of a task whose calibration is ready on the heap, up to some 50 KB each. Others"
                    + " are read from the store when they speak.";

    /** {@code mambabyte.incidents.topic}. */
    public static final String INCIDENTS_TOPIC_CONFIG = MambaByteConfig.PREFIX + "incidents.topic";

    private static final String INCIDENTS_TOPIC_DOC =
            "Topic that incidents go to, by their identifier: a later record replaces the one"
                    + " before, so the topic may be compacted.";

    /** {@code mambabyte.incidents.gap.ms}. */
    public static final String INCIDENTS_GAP_MS_CONFIG =
            MambaByteConfig.PREFIX + "incidents.gap.ms";

    private static final String INCIDENTS_GAP_MS_DOC =
            "An incident is closed when no line of its key was strange for so long, by the records'"
                    + " timestamps, or by the clock where no records come.";

    /** {@code mambabyte.incidents.update.ms}. */
    public static final String INCIDENTS_UPDATE_MS_CONFIG =
            MambaByteConfig.PREFIX + "incidents.update.ms";

    private static final String INCIDENTS_UPDATE_MS_DOC =
            "An open incident that grew is sent again after so long, not with every line.";

    /** {@code mambabyte.silence.per.day}. */
    public static final String SILENCE_PER_DAY_CONFIG = MambaByteConfig.PREFIX + "silence.per.day";

    private static final String SILENCE_PER_DAY_DOC =
            "Expected silences of a key that is well, in a day: a gap is an incident where gaps as"
                    + " long are rarer. 0 looks for none.";

    /** {@code mambabyte.verdicts.topic}. */
    public static final String VERDICTS_TOPIC_CONFIG = MambaByteConfig.PREFIX + "verdicts.topic";

    private static final String VERDICTS_TOPIC_DOC =
            "Topic of verdicts, with as many partitions as the input topics; none where it is"
                    + " empty.";

    private static final ConfigDef CONFIG =
            new ConfigDef()
                    .define(TOPIC_CONFIG, ConfigDef.Type.STRING, "", Importance.HIGH, TOPIC_DOC)
                    .define(
                            PER_MILLION_CONFIG,
                            ConfigDef.Type.DOUBLE,
                            1000.0,
                            Range.between(0.01, 100_000.0),
                            Importance.HIGH,
                            PER_MILLION_DOC)
                    .define(
                            LEARNING_LINES_CONFIG,
                            ConfigDef.Type.INT,
                            200,
                            Range.atLeast(100),
                            Importance.MEDIUM,
                            LEARNING_LINES_DOC)
                    .define(
                            GENERATION_LINES_CONFIG,
                            ConfigDef.Type.INT,
                            2000,
                            Range.between(1000, 10_000_000),
                            Importance.LOW,
                            GENERATION_LINES_DOC)
                    .define(
                            GROUP_PATTERN_CONFIG,
                            ConfigDef.Type.STRING,
                            "",
                            AnomalyConfig::requirePattern,
                            Importance.MEDIUM,
                            GROUP_PATTERN_DOC)
                    .define(
                            LIVE_KEYS_CONFIG,
                            ConfigDef.Type.INT,
                            1000,
                            Range.atLeast(1),
                            Importance.LOW,
                            LIVE_KEYS_DOC)
                    .define(
                            INCIDENTS_TOPIC_CONFIG,
                            ConfigDef.Type.STRING,
                            "incidents",
                            new ConfigDef.NonEmptyString(),
                            Importance.HIGH,
                            INCIDENTS_TOPIC_DOC)
                    .define(
                            INCIDENTS_GAP_MS_CONFIG,
                            ConfigDef.Type.LONG,
                            30_000L,
                            Range.atLeast(1),
                            Importance.MEDIUM,
                            INCIDENTS_GAP_MS_DOC)
                    .define(
                            INCIDENTS_UPDATE_MS_CONFIG,
                            ConfigDef.Type.LONG,
                            10_000L,
                            Range.atLeast(1),
                            Importance.LOW,
                            INCIDENTS_UPDATE_MS_DOC)
                    .define(
                            SILENCE_PER_DAY_CONFIG,
                            ConfigDef.Type.DOUBLE,
                            0.01,
                            Range.between(0.0, 1000.0),
                            Importance.MEDIUM,
                            SILENCE_PER_DAY_DOC)
                    .define(
                            VERDICTS_TOPIC_CONFIG,
                            ConfigDef.Type.STRING,
                            "",
                            Importance.MEDIUM,
                            VERDICTS_TOPIC_DOC);

    /**
     * Reads the settings.
     *
     * @param configs names and values; names that are not these are left alone
     * @throws ConfigException if a value is not valid
     */
    public AnomalyConfig(Map<?, ?> configs) {
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
     * Whether anomalies are looked for.
     *
     * @return whether a topic is named for them
     */
    public boolean enabled() {
        return !topic().isEmpty();
    }

    /**
     * Topic of anomalous lines.
     *
     * @return its name, empty for none
     */
    public String topic() {
        return getString(TOPIC_CONFIG);
    }

    /**
     * Expected alerts for each normal line.
     *
     * @return a probability
     */
    public double alertsPerLine() {
        return getDouble(PER_MILLION_CONFIG) / 1e6;
    }

    /**
     * Lines to see before any is judged.
     *
     * @return how many
     */
    public int learningLines() {
        return getInt(LEARNING_LINES_CONFIG);
    }

    /**
     * Lines of a generation.
     *
     * @return how many
     */
    public int generationLines() {
        return getInt(GENERATION_LINES_CONFIG);
    }

    /**
     * What names the group of a key.
     *
     * @return the pattern, or empty where all keys are one group
     */
    public Optional<Pattern> groupPattern() {
        String pattern = getString(GROUP_PATTERN_CONFIG);
        return pattern.isEmpty() ? Optional.empty() : Optional.of(Pattern.compile(pattern));
    }

    /**
     * Keys of a task whose calibration is on the heap.
     *
     * @return how many
     */
    public int liveKeys() {
        return getInt(LIVE_KEYS_CONFIG);
    }

    /**
     * Topic of incidents.
     *
     * @return its name
     */
    public String incidentsTopic() {
        return getString(INCIDENTS_TOPIC_CONFIG);
    }

    /**
     * How long an incident waits for another line.
     *
     * @return milliseconds
     */
    public long incidentsGapMs() {
        return getLong(INCIDENTS_GAP_MS_CONFIG);
    }

    /**
     * Time between two states of an incident that grows.
     *
     * @return milliseconds
     */
    public long incidentsUpdateMs() {
        return getLong(INCIDENTS_UPDATE_MS_CONFIG);
    }

    /**
     * Expected silences of a key in a day.
     *
     * @return how many; 0 where none is looked for
     */
    public double silencesPerDay() {
        return getDouble(SILENCE_PER_DAY_CONFIG);
    }

    /**
     * Topic of verdicts.
     *
     * @return its name, empty for none
     */
    public String verdictsTopic() {
        return getString(VERDICTS_TOPIC_CONFIG);
    }

    private static void requirePattern(String name, Object value) {
        String pattern = String.valueOf(value);
        if (pattern.isEmpty()) {
            return;
        }
        try {
            if (Pattern.compile(pattern).matcher("").groupCount() < 1) {
                throw new ConfigException(name, value, "it has no group, such as ^(name)-.*");
            }
        } catch (PatternSyntaxException e) {
            throw new ConfigException(name, value, e.getMessage());
        }
    }
}
