package io.mambabyte.app;

import java.nio.file.Path;

/**
 * Where a command's log goes. Decided before the first logger is made, so commands have no static
 * loggers. A user's own {@code -Dlog4j2.configurationFile} is respected.
 */
final class Logging {
    private static final String CONFIGURATION_FILE = "log4j2.configurationFile";

    private Logging() {}

    /** Warnings, and what an operator wants to see, to standard error. */
    static void toConsole() {
        use("mambabyte-log4j2-console.properties");
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
