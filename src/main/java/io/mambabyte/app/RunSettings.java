package io.mambabyte.app;

import io.mambabyte.streams.CompletionConfig;
import io.mambabyte.streams.LikelihoodProcessorSupplier;
import io.mambabyte.streams.MambaByteConfig;
import io.mambabyte.streams.registry.ConfluentAvroConfig;

import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.LogAndContinueExceptionHandler;
import org.apache.kafka.streams.errors.LogAndContinueProcessingExceptionHandler;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * The settings of {@code mambabyte run}: a file, what the command line says against it, and the
 * defaults of the application where they differ from Kafka's. Kafka's names pass through untouched.
 */
final class RunSettings {
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
                    "key.");

    private final SortedMap<String, String> values = new TreeMap<>();

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
        } catch (IllegalArgumentException e) {
            throw new IOException(file + " is not a properties file: " + e.getMessage(), e);
        }
        properties.stringPropertyNames().forEach(name -> put(name, properties.getProperty(name)));
    }

    /**
     * Sets one value over what was there.
     *
     * @param name the name
     * @param value the value
     */
    void put(String name, String value) {
        values.put(name, value.strip());
    }

    private void putDefault(String name, String value) {
        values.putIfAbsent(name, value);
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
    }

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
     * @return advice on names that nothing knows, which may still be meant for a plug-in
     * @throws ConfigException if a setting of the component is unknown, or one is missing or not
     *     valid
     */
    List<String> validate() {
        List<String> advice = new ArrayList<>();
        Set<String> own = new TreeSet<>(MambaByteConfig.configDef().names());
        own.addAll(CompletionConfig.configDef().names());
        for (String name : values.keySet()) {
            if (name.startsWith(MambaByteConfig.PREFIX)) {
                if (!own.contains(name)) {
                    throw new ConfigException(
                            "Unknown setting "
                                    + name
                                    + suggestion(name, own).orElse("; known: " + sorted(own)));
                }
            } else if (!known(name)) {
                advice.add("unknown setting " + name + suggestion(name, kafkaNames()).orElse(""));
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
        if (get(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG).isEmpty()) {
            throw new ConfigException(
                    "No cluster: set "
                            + StreamsConfig.BOOTSTRAP_SERVERS_CONFIG
                            + " or --bootstrap-server");
        }
        if (component.getClass(MambaByteConfig.OUTPUT_SERDE_CONFIG).getName().startsWith("io.mamba")
                && get(ConfluentAvroConfig.SCHEMA_REGISTRY_URL_CONFIG).isEmpty()) {
            throw new ConfigException(
                    "No Schema Registry: set "
                            + ConfluentAvroConfig.SCHEMA_REGISTRY_URL_CONFIG
                            + " or --schema-registry");
        }
        new StreamsConfig(values);
        return advice;
    }

    /**
     * The settings for people to read: nothing that may be a secret.
     *
     * @return a line per setting
     */
    List<String> printable() {
        return values.entrySet().stream()
                .map(entry -> entry.getKey() + " = " + masked(entry.getKey(), entry.getValue()))
                .toList();
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

    private static boolean known(String name) {
        return KAFKA_PREFIXES.stream().anyMatch(name::startsWith)
                || SERDE_PREFIXES.stream().anyMatch(name::startsWith)
                || kafkaNames().contains(name);
    }

    private static Set<String> kafkaNames() {
        Set<String> names = new TreeSet<>(ConfluentAvroConfig.configDef().names());
        KAFKA_CONFIGS.forEach(config -> names.addAll(config.names()));
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
