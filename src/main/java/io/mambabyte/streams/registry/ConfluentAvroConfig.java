package io.mambabyte.streams.registry;

import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Importance;
import org.apache.kafka.common.config.ConfigException;

import java.time.Duration;
import java.util.List;
import java.util.Map;

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

    private static final ConfigDef CONFIG =
            new ConfigDef()
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
