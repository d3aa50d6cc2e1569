package io.mambabyte.app;

import java.nio.file.Path;

/**
 * Where a command's log goes. Decided before the first logger is made, so commands have no static
 * loggers. A user's own {@code -Dlog4j2.configurationFile} is respected.
 */
final class Logging {
    private static final String CONFIGURATION_FILE = "log4j2.configurationFile";

    /** How a line of the log looks. */
    enum Format {
        /** For people. */
        TEXT("mambabyte-log4j2-console.properties"),
        /** An object of the Elastic Common Schema, for what collects logs. */
        JSON("mambabyte-log4j2-json.properties");

        private final String resource;

        Format(String resource) {
            this.resource = resource;
        }
    }

    private Logging() {}

    /** Warnings, and what an operator wants to see, to standard error. */
    static void toConsole() {
        toConsole(Format.TEXT);
    }

    /**
     * Warnings, and what an operator wants to see, to standard error.
     *
     * @param format of a line
     */
    static void toConsole(Format format) {
        use(format.resource);
    }

    /**
     * Everything to a file.
     *
     * @param file the file
     */
    static void toFile(Path file) {
        System.setProperty("mambabyte.log.file", file.toString());
        use("mambabyte-log4j2.properties");
    }

    private static void use(String resource) {
        if (System.getProperty(CONFIGURATION_FILE) == null) {
            System.setProperty(CONFIGURATION_FILE, "classpath:" + resource);
        }
    }
}
