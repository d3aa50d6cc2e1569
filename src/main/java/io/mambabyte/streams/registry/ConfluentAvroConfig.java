package io.mambabyte.streams.registry;

import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Importance;
import org.apache.kafka.common.config.ConfigException;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** How the serde reaches the Schema Registry, under the names that Confluent's serializers use. */
public final class ConfluentAvroConfig extends AbstractConfig {

    /** {@code schema.registry.url}. */
    public static final String SCHEMA_REGISTRY_URL_CONFIG = "schema.registry.url";

    private static final String SCHEMA_REGISTRY_URL_DOC =
            "Addresses of the Schema Registry, comma separated, tried in order. mock://NAME is a"
                    + " registry inside this JVM, for tests.";

    /** {@code auto.register.schemas}. */
    public static final String AUTO_REGISTER_SCHEMAS_CONFIG = "auto.register.schemas";

    private static final String AUTO_REGISTER_SCHEMAS_DOC =
            "Whether a schema that the registry does not have is registered. Otherwise it must be"
                    + " there.";

    /** {@code http.connect.timeout.ms}. */
    public static final String CONNECT_TIMEOUT_CONFIG = "http.connect.timeout.ms";

    private static final String CONNECT_TIMEOUT_DOC =
            "How long to wait for a connection to the Schema Registry.";

    /** {@code http.read.timeout.ms}. */
    public static final String READ_TIMEOUT_CONFIG = "http.read.timeout.ms";

    private static final String READ_TIMEOUT_DOC =
            "How long to wait for an answer of the Schema Registry.";

    /** {@code use.latest.version}. */
    public static final String USE_LATEST_VERSION_CONFIG = "use.latest.version";

    private static final String USE_LATEST_VERSION_DOC =
            "Whether records are written with the subject's newest schema. Then nothing is"
                    + " registered, and "
                    + AUTO_REGISTER_SCHEMAS_CONFIG
                    + " must be false.";

    /** {@code value.subject.name.strategy}. */
    public static final String VALUE_STRATEGY_CONFIG = "value.subject.name.strategy";

    /** {@code key.subject.name.strategy}. */
    public static final String KEY_STRATEGY_CONFIG = "key.subject.name.strategy";

    private static final String STRATEGY_DOC =
            "How subjects are called: the class name of Confluent's TopicNameStrategy,"
                    + " RecordNameStrategy or TopicRecordNameStrategy.";

    /** {@code basic.auth.credentials.source}. */
    public static final String BASIC_SOURCE_CONFIG = "basic.auth.credentials.source";

    private static final String BASIC_SOURCE_DOC =
            "Where user and password for the Schema Registry are: URL, in the address itself, or"
                    + " USER_INFO, in basic.auth.user.info.";

    /** {@code basic.auth.user.info}. */
    public static final String BASIC_USER_INFO_CONFIG = "basic.auth.user.info";

    private static final String BASIC_USER_INFO_DOC =
            "USER:PASSWORD for the Schema Registry (also schema.registry.basic.auth.user.info).";

    private static final String BASIC_USER_INFO_ALIAS = "schema.registry.basic.auth.user.info";

    /** {@code bearer.auth.credentials.source}. */
    public static final String BEARER_SOURCE_CONFIG = "bearer.auth.credentials.source";

    private static final String BEARER_SOURCE_DOC =
            "STATIC_TOKEN to show bearer.auth.token to the Schema Registry.";

    /** {@code bearer.auth.token}. */
    public static final String BEARER_TOKEN_CONFIG = "bearer.auth.token";

    private static final String BEARER_TOKEN_DOC = "The token for the Schema Registry.";

    /** What comes before Kafka's names of TLS settings when they are meant for the registry. */
    private static final String SSL_PREFIX = "schema.registry.";

    private static final ConfigDef CONFIG =
            new ConfigDef()
                    .define(
                            USE_LATEST_VERSION_CONFIG,
                            ConfigDef.Type.BOOLEAN,
                            false,
                            Importance.MEDIUM,
                            USE_LATEST_VERSION_DOC)
                    .define(
                            VALUE_STRATEGY_CONFIG,
                            ConfigDef.Type.STRING,
                            SubjectNameStrategy.TOPIC.className(),
                            (name, value) -> SubjectNameStrategy.of(name, String.valueOf(value)),
                            Importance.MEDIUM,
                            STRATEGY_DOC)
                    .define(
                            KEY_STRATEGY_CONFIG,
                            ConfigDef.Type.STRING,
                            SubjectNameStrategy.TOPIC.className(),
                            (name, value) -> SubjectNameStrategy.of(name, String.valueOf(value)),
                            Importance.MEDIUM,
                            STRATEGY_DOC)
                    .define(
                            BASIC_SOURCE_CONFIG,
                            ConfigDef.Type.STRING,
                            "URL",
                            ConfigDef.ValidString.in("URL", "USER_INFO"),
                            Importance.MEDIUM,
                            BASIC_SOURCE_DOC)
                    .define(
                            BASIC_USER_INFO_CONFIG,
                            ConfigDef.Type.PASSWORD,
                            "",
                            Importance.MEDIUM,
                            BASIC_USER_INFO_DOC)
                    .define(
                            BASIC_USER_INFO_ALIAS,
                            ConfigDef.Type.PASSWORD,
                            "",
                            Importance.LOW,
                            BASIC_USER_INFO_DOC)
                    .define(
                            BEARER_SOURCE_CONFIG,
                            ConfigDef.Type.STRING,
                            "",
                            ConfigDef.ValidString.in("", "STATIC_TOKEN"),
                            Importance.MEDIUM,
                            BEARER_SOURCE_DOC)
                    .define(
                            BEARER_TOKEN_CONFIG,
                            ConfigDef.Type.PASSWORD,
                            "",
                            Importance.MEDIUM,
                            BEARER_TOKEN_DOC)
                    .define(
                            SCHEMA_REGISTRY_URL_CONFIG,
                            ConfigDef.Type.LIST,
                            ConfigDef.NO_DEFAULT_VALUE,
                            ConfluentAvroConfig::requireUrls,
                            Importance.HIGH,
                            SCHEMA_REGISTRY_URL_DOC)
                    .define(
                            AUTO_REGISTER_SCHEMAS_CONFIG,
                            ConfigDef.Type.BOOLEAN,
                            true,
                            Importance.MEDIUM,
                            AUTO_REGISTER_SCHEMAS_DOC)
                    .define(
                            CONNECT_TIMEOUT_CONFIG,
                            ConfigDef.Type.INT,
                            5_000,
                            ConfigDef.Range.atLeast(1),
                            Importance.LOW,
                            CONNECT_TIMEOUT_DOC)
                    .define(
                            READ_TIMEOUT_CONFIG,
                            ConfigDef.Type.INT,
                            10_000,
                            ConfigDef.Range.atLeast(1),
                            Importance.LOW,
                            READ_TIMEOUT_DOC);

    /**
     * Reads the settings; names that are not the serde's are left alone.
     *
     * @param configs names and values
     * @throws ConfigException if {@code schema.registry.url} is missing or a value is not valid
     */
    public ConfluentAvroConfig(Map<String, ?> configs) {
        super(CONFIG, configs, false);
        if (useLatestVersion() && autoRegister()) {
            throw new ConfigException(
                    USE_LATEST_VERSION_CONFIG
                            + " and "
                            + AUTO_REGISTER_SCHEMAS_CONFIG
                            + " exclude each other: set one of them to false");
        }
    }

    /**
     * The settings, with their documentation and defaults.
     *
     * @return a copy
     */
    public static ConfigDef configDef() {
        return new ConfigDef(CONFIG);
    }

    List<String> urls() {
        return getList(SCHEMA_REGISTRY_URL_CONFIG);
    }

    boolean autoRegister() {
        return getBoolean(AUTO_REGISTER_SCHEMAS_CONFIG);
    }

    boolean useLatestVersion() {
        return getBoolean(USE_LATEST_VERSION_CONFIG);
    }

    SubjectNameStrategy subjectNameStrategy(boolean isKey) {
        String name = isKey ? KEY_STRATEGY_CONFIG : VALUE_STRATEGY_CONFIG;
        return SubjectNameStrategy.of(name, getString(name));
    }

    String userInfo() {
        String userInfo = getPassword(BASIC_USER_INFO_CONFIG).value();
        return userInfo.isEmpty() ? getPassword(BASIC_USER_INFO_ALIAS).value() : userInfo;
    }

    /** Kafka's TLS settings for the registry, parsed; empty where there are none. */
    Optional<Map<String, ?>> ssl() {
        Map<String, Object> given = originalsWithPrefix(SSL_PREFIX);
        if (given.keySet().stream().noneMatch(name -> name.startsWith("ssl."))) {
            return Optional.empty();
        }
        return Optional.of(
                new AbstractConfig(new ConfigDef().withClientSslSupport(), given, false).values());
    }

    Duration connectTimeout() {
        return Duration.ofMillis(getInt(CONNECT_TIMEOUT_CONFIG));
    }

    Duration readTimeout() {
        return Duration.ofMillis(getInt(READ_TIMEOUT_CONFIG));
    }

    private static void requireUrls(String name, Object value) {
        if (!(value instanceof List<?> urls) || urls.isEmpty()) {
            throw new ConfigException(name, value, "at least one address is needed");
        }
        for (Object url : urls) {
            String address = String.valueOf(url);
            if (!address.startsWith("http://")
                    && !address.startsWith("https://")
                    && !address.startsWith(SchemaRegistry.IN_PROCESS_SCHEME)) {
                throw new ConfigException(
                        name, value, "an address starts with http://, https:// or mock://");
            }
        }
    }
}
