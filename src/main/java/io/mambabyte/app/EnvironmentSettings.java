package io.mambabyte.app;

import io.mambabyte.app.ui.Access;
import io.mambabyte.streams.MambaByteConfig;

import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Settings in environment variables, by the rule of Kafka's container images: {@code
 * KAFKA_BOOTSTRAP_SERVERS} is {@code bootstrap.servers}, {@code MAMBABYTE_INPUT_TOPICS} is {@code
 * mambabyte.input.topics}. One underscore is a dot, two are an underscore, three a hyphen.
 */
final class EnvironmentSettings {
    private static final String KAFKA = "KAFKA_";
    private static final String COMPONENT = "MAMBABYTE_";

    /** Variables of those names that are not settings but the launchers'. */
    private static final Set<String> LAUNCHER =
            Set.of(
                    "MAMBABYTE_JAVA_OPTS",
                    "MAMBABYTE_NO_BUILD",
                    "MAMBABYTE_LOG_FORMAT",
                    "MAMBABYTE_LOG_LEVEL",
                    Access.TOKEN_VARIABLE,
                    Access.TOKEN_FILE_VARIABLE,
                    "KAFKA_HOME",
                    "KAFKA_VERSION",
                    "KAFKA_DEBUG",
                    "KAFKA_JMX_HOSTNAME",
                    "KAFKA_JMX_PORT");

    // What the scripts of Kafka read: KAFKA_HEAP_OPTS, KAFKA_LOG4J_LOGGERS and the like.
    private static final Pattern KAFKAS_SCRIPTS =
            Pattern.compile("KAFKA_(.*_)?OPTS|KAFKA_(TOOLS_)?LOG4J_.*");

    // What Kubernetes and Docker's links put into every container for a service of that name.
    private static final Pattern SERVICE_LINK =
            Pattern.compile(
                    "(KAFKA|MAMBABYTE)_([A-Z0-9_]+_)?(SERVICE_(HOST|PORT)(_.*)?"
                            + "|PORT(_[0-9]+_(TCP|UDP)(_.*)?)?)");

    private EnvironmentSettings() {}

    /**
     * The settings among variables.
     *
     * @param environment all variables
     * @return names of settings and their values
     */
    static SortedMap<String, String> of(Map<String, String> environment) {
        SortedMap<String, String> settings = new TreeMap<>();
        environment.forEach(
                (variable, value) -> {
                    if (LAUNCHER.contains(variable)
                            || KAFKAS_SCRIPTS.matcher(variable).matches()
                            || SERVICE_LINK.matcher(variable).matches()) {
                        return;
                    }
                    if (variable.startsWith(COMPONENT)) {
                        settings.put(
                                MambaByteConfig.PREFIX
                                        + name(variable.substring(COMPONENT.length())),
                                value);
                    } else if (variable.startsWith(KAFKA)) {
                        settings.put(name(variable.substring(KAFKA.length())), value);
                    }
                });
        return settings;
    }

    /**
     * The variable that a setting comes from.
     *
     * @param name of the setting
     * @return the variable
     */
    static String variable(String name) {
        String prefix = name.startsWith(MambaByteConfig.PREFIX) ? "" : KAFKA;
        return prefix
                + name.replace("_", "__")
                        .replace("-", "___")
                        .replace('.', '_')
                        .toUpperCase(Locale.ROOT);
    }

    private static String name(String rest) {
        return rest.toLowerCase(Locale.ROOT)
                .replace("___", "-")
                .replace("__", "\0")
                .replace('_', '.')
                .replace('\0', '_');
    }
}
