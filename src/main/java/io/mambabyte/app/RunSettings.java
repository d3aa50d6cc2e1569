package io.mambabyte.app;

import io.mambabyte.streams.AnomalyConfig;
import io.mambabyte.streams.CompletionConfig;
import io.mambabyte.streams.LikelihoodProcessorSupplier;
import io.mambabyte.streams.MambaByteConfig;
import io.mambabyte.streams.registry.ConfluentAvroConfig;

import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.LogAndContinueExceptionHandler;
import org.apache.kafka.streams.errors.LogAndContinueProcessingExceptionHandler;

import java.io.IOException;
import java.io.Reader;
import java.lang.reflect.Field;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The settings of {@code mambabyte run}: a file, what the environment and the command line say
 * against it, and the defaults of the application where they differ from Kafka's. Kafka's names
 * pass through untouched.
 */
final class RunSettings {
    /** Where a value is from; a later one goes before an earlier one. */
    enum Origin {
        /** What the application sets where nobody says otherwise. */
        DEFAULT("defaults of run"),
        /** {@code --config}. */
        FILE("the file"),
        /** {@code MAMBABYTE_} and {@code KAFKA_} variables. */
        ENVIRONMENT("the environment"),
        /** {@code -D} and the options. */
        COMMAND_LINE("the command line");

        private final String words;

        Origin(String words) {
            this.words = words;
        }
    }

    private static final String EXACTLY_ONCE = StreamsConfig.EXACTLY_ONCE_V2;

    // What may hold a password in a setting whose type does not say so.
    private static final Pattern SECRET =
            Pattern.compile(
                    "password|secret|token|credential|user\\.info|jaas|api\\.?key|private\\.key"
                            + "|keystore\\.key",
                    Pattern.CASE_INSENSITIVE);

    private static final Pattern USER_INFO = Pattern.compile("://[^/@,]*@");

    private static final List<ConfigDef> KAFKA_CONFIGS =
            List.of(
                    StreamsConfig.configDef(),
                    ConsumerConfig.configDef(),
                    ProducerConfig.configDef(),
                    AdminClientConfig.configDef());

    private static final List<String> KAFKA_PREFIXES =
            List.of(
                    StreamsConfig.MAIN_CONSUMER_PREFIX,
                    StreamsConfig.RESTORE_CONSUMER_PREFIX,
                    StreamsConfig.GLOBAL_CONSUMER_PREFIX,
                    StreamsConfig.CONSUMER_PREFIX,
                    StreamsConfig.PRODUCER_PREFIX,
                    StreamsConfig.ADMIN_CLIENT_PREFIX,
                    StreamsConfig.TOPIC_PREFIX);

    // Confluent's serdes have many settings of their own under these names.
    private static final List<String> SERDE_PREFIXES =
            List.of(
                    "schema.registry.",
                    "basic.auth.",
                    "bearer.auth.",
                    "apicurio.",
                    "value.",
                    "key.",
                    // Kafka's own way to take values from files and from secret volumes.
                    "config.providers");

    /** Settings of topics; internal ones take them after {@code topic.}. */
    private static final Set<String> TOPIC_CONFIGS =
            Arrays.stream(TopicConfig.class.getFields())
                    .filter(field -> field.getName().endsWith("_CONFIG"))
                    .map(RunSettings::constant)
                    .collect(Collectors.toUnmodifiableSet());

    private final SortedMap<String, String> values = new TreeMap<>();
    private final Map<String, Origin> origins = new HashMap<>();

    /**
     * Reads a properties file.
     *
     * @param file the file, UTF-8
     * @throws IOException if it cannot be read
     */
    void addFile(Path file) throws IOException {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            properties.load(reader);
        } catch (CharacterCodingException e) {
            throw new IOException(file + " is not UTF-8", e);
        } catch (IllegalArgumentException e) {
            throw new IOException(file + " is not a properties file: " + e.getMessage(), e);
        }
        properties
                .stringPropertyNames()
                .forEach(name -> put(name, properties.getProperty(name), Origin.FILE));
    }

    /**
     * Takes what the environment says.
     *
     * @param environment names and values of variables
     */
    void addEnvironment(Map<String, String> environment) {
        EnvironmentSettings.of(environment)
                .forEach((name, value) -> put(name, value, Origin.ENVIRONMENT));
    }

    /**
     * Sets one value, as from the command line, over what was there.
     *
     * @param name the name
     * @param value the value
     */
    void put(String name, String value) {
        put(name, value, Origin.COMMAND_LINE);
    }

    private void put(String name, String value, Origin origin) {
        values.put(name, value.strip());
        origins.put(name, origin);
    }

    private void putDefault(String name, String value) {
        if (values.putIfAbsent(name, value) == null) {
            origins.put(name, Origin.DEFAULT);
        }
    }

    /**
     * The value of a setting.
     *
     * @param name the name
     * @return the value, if it is set
     */
    Optional<String> get(String name) {
        return Optional.ofNullable(values.get(name));
    }

    /**
     * All settings.
     *
     * @return names and values, sorted
     */
    SortedMap<String, String> values() {
        return values;
    }

    /**
     * All settings, as Kafka Streams takes them.
     *
     * @return a copy
     */
    Properties properties() {
        Properties properties = new Properties();
        properties.putAll(values);
        return properties;
    }

    /** Adds what does not depend on the cluster or the model. */
    void addDefaults() {
        putDefault(StreamsConfig.APPLICATION_ID_CONFIG, "mambabyte");
        // A name made up by Kafka changes with the topology, and the state with it.
        putDefault(StreamsConfig.ENSURE_EXPLICIT_INTERNAL_RESOURCE_NAMING_CONFIG, "true");
        putDefault(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.AT_LEAST_ONCE);
        // One bad record must not stop the others: it goes to the dead letter topic.
        putDefault(
                StreamsConfig.PROCESSING_EXCEPTION_HANDLER_CLASS_CONFIG,
                LogAndContinueProcessingExceptionHandler.class.getName());
        putDefault(
                StreamsConfig.DESERIALIZATION_EXCEPTION_HANDLER_CLASS_CONFIG,
                LogAndContinueExceptionHandler.class.getName());
        putDefault(
                StreamsConfig.ERRORS_DEAD_LETTER_QUEUE_TOPIC_NAME_CONFIG,
                component().outputTopic() + "-dead-letters");
        // A record that takes longer than the first is processed again and again without an
        // error; one that takes longer than the second never commits under exactly-once.
        putDefault(ConsumerConfig.MAX_POLL_INTERVAL_MS_CONFIG, "300000");
        putDefault(
                StreamsConfig.producerPrefix(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG), "60000");
    }

    /**
     * Adds what depends on the model and on the size of the input's records.
     *
     * @param supplier the component, which knows how large a state is
     * @param inputMaxBytes largest record of the input topics
     */
    void addSizes(LikelihoodProcessorSupplier<?> supplier, long inputMaxBytes) {
        MambaByteConfig component = component();
        // A record that is set aside goes to the dead letter topic whole, with headers that say
        // why; a stack trace is the largest of them.
        long needed = inputMaxBytes + DEAD_LETTER_HEADER_BYTES;
        needed = Math.max(needed, supplier.maxChangelogRecordBytes());
        if (component.perByte()) {
            needed =
                    Math.max(
                            needed,
                            (long) Float.BYTES * component.maxRecordBytes()
                                    + DEAD_LETTER_HEADER_BYTES);
        }
        putDefault(
                StreamsConfig.producerPrefix(ProducerConfig.MAX_REQUEST_SIZE_CONFIG),
                Long.toString(needed));
        // A record that is larger than the producer's buffer is refused whatever the request size.
        if (2 * needed > PRODUCER_BUFFER_BYTES) {
            putDefault(
                    StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG),
                    Long.toString(2 * needed));
        }
    }

    // Kafka's default of buffer.memory.
    private static final long PRODUCER_BUFFER_BYTES = 32L << 20;

    static final int DEAD_LETTER_HEADER_BYTES = 64 << 10;

    /**
     * Whether the processing guarantee is exactly-once.
     *
     * @return whether it is
     */
    boolean exactlyOnce() {
        return get(StreamsConfig.PROCESSING_GUARANTEE_CONFIG)
                .filter(EXACTLY_ONCE::equals)
                .isPresent();
    }

    /**
     * The component's part.
     *
     * @return its settings
     * @throws ConfigException if one is not valid
     */
    MambaByteConfig component() {
        return new MambaByteConfig(values);
    }

    /**
     * Looks for what is missing, unknown or not valid.
     *
     * @throws ConfigException if a setting is unknown, missing or not valid
     */
    void validate() {
        validate(false);
    }

    /**
     * Looks for what is missing, unknown or not valid.
     *
     * @param unknownAllowed whether a name that nothing here knows may be meant for a plug-in; the
     *     component's own names are refused all the same
     * @return advice on such names
     * @throws ConfigException if a setting is unknown, missing or not valid
     */
    List<String> validate(boolean unknownAllowed) {
        List<String> advice = new ArrayList<>();
        Set<String> own = new TreeSet<>(MambaByteConfig.configDef().names());
        own.addAll(CompletionConfig.configDef().names());
        own.addAll(AnomalyConfig.configDef().names());
        for (String name : values.keySet()) {
            if (name.startsWith(MambaByteConfig.PREFIX)) {
                if (!own.contains(name)) {
                    throw new ConfigException(
                            "Unknown setting "
                                    + given(name)
                                    + suggestion(name, own).orElse("; known: " + sorted(own)));
                }
            } else if (!known(name)) {
                Optional<String> suggestion = suggestion(withoutPrefix(name), kafkaNames());
                if (!unknownAllowed) {
                    throw new ConfigException(
                            "Unknown setting "
                                    + given(name)
                                    + suggestion.orElse("")
                                    + " (--allow-unknown passes it on, for a plug-in)");
                }
                advice.add("unknown setting " + given(name) + suggestion.orElse(""));
            }
        }
        MambaByteConfig component = component();
        if (component.inputTopics().isEmpty()) {
            throw new ConfigException(
                    "No input topic: set " + MambaByteConfig.INPUT_TOPICS_CONFIG + " or --input");
        }
        if (component.inputTopics().contains(component.outputTopic())) {
            throw new ConfigException(
                    component.outputTopic() + " is both an input topic and the output topic");
        }
        requireDistinctTopics(component);
        if (get(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG).isEmpty()) {
            throw new ConfigException(
                    "No cluster: set "
                            + StreamsConfig.BOOTSTRAP_SERVERS_CONFIG
                            + " or --bootstrap-server");
        }
        if (component.usesOwnSerde()
                && get(ConfluentAvroConfig.SCHEMA_REGISTRY_URL_CONFIG).isEmpty()) {
            throw new ConfigException(
                    "No Schema Registry: set "
                            + ConfluentAvroConfig.SCHEMA_REGISTRY_URL_CONFIG
                            + " or --schema-registry");
        }
        new StreamsConfig(values);
        return advice;
    }

    // What is found in a topic must not become a line of it, and each topic holds one class.
    private static void requireDistinctTopics(MambaByteConfig component) {
        AnomalyConfig anomalies = component.anomalies();
        if (!anomalies.enabled()) {
            return;
        }
        Set<String> topics = new TreeSet<>(component.inputTopics());
        topics.add(component.outputTopic());
        for (String topic :
                List.of(anomalies.topic(), anomalies.incidentsTopic(), anomalies.verdictsTopic())) {
            if (!topic.isEmpty() && !topics.add(topic)) {
                throw new ConfigException(
                        topic
                                + " has two uses: inputs, likelihoods, anomalies, incidents and"
                                + " verdicts each need a topic of their own");
            }
        }
    }

    // A setting as whoever gave it knows it.
    private String given(String name) {
        return origins.get(name) == Origin.ENVIRONMENT
                ? name + " (" + EnvironmentSettings.variable(name) + " in the environment)"
                : name;
    }

    /**
     * The settings for people to read: nothing that may be a secret.
     *
     * @return a properties file, with a comment before the settings of each origin
     */
    List<String> printable() {
        List<String> lines = new ArrayList<>();
        for (Origin origin : Origin.values()) {
            List<String> part =
                    values.entrySet().stream()
                            .filter(entry -> origins.get(entry.getKey()) == origin)
                            .map(
                                    entry ->
                                            entry.getKey()
                                                    + " = "
                                                    + masked(entry.getKey(), entry.getValue()))
                            .toList();
            if (!part.isEmpty()) {
                lines.add("# from " + origin.words);
                lines.addAll(part);
            }
        }
        return lines;
    }

    private static String masked(String name, String value) {
        String plain = withoutPrefix(name);
        boolean secret =
                SECRET.matcher(name).find()
                        || KAFKA_CONFIGS.stream()
                                .map(config -> config.configKeys().get(plain))
                                .anyMatch(
                                        key -> key != null && key.type == ConfigDef.Type.PASSWORD);
        // An address may hold a user and a password.
        return secret ? "[hidden]" : USER_INFO.matcher(value).replaceAll("://[hidden]@");
    }

    // Under one of Kafka's prefixes a plug-in has its settings too, so what is there is only
    // refused where it looks like a name of Kafka's that was mistyped.
    private static boolean known(String name) {
        String plain = withoutPrefix(name);
        return SERDE_PREFIXES.stream().anyMatch(name::startsWith)
                || kafkaNames().contains(plain)
                || (!plain.equals(name) && suggestion(plain, kafkaNames()).isEmpty());
    }

    private static String constant(Field field) {
        try {
            return (String) field.get(null);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException("a public constant of Kafka's cannot be read", e);
        }
    }

    private static Set<String> kafkaNames() {
        Set<String> names = new TreeSet<>(ConfluentAvroConfig.configDef().names());
        KAFKA_CONFIGS.forEach(config -> names.addAll(config.names()));
        names.addAll(TOPIC_CONFIGS);
        return names;
    }

    private static String withoutPrefix(String name) {
        return KAFKA_PREFIXES.stream()
                .filter(name::startsWith)
                .map(prefix -> name.substring(prefix.length()))
                .findFirst()
                .orElse(name);
    }

    private static Optional<String> suggestion(String name, Set<String> names) {
        return NearestName.of(name.toLowerCase(Locale.ROOT), names)
                .map(nearest -> "; did you mean " + nearest + "?");
    }

    private static String sorted(Set<String> names) {
        return String.join(", ", new TreeSet<>(names));
    }
}
