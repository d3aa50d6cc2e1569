package io.mambabyte.app;

import picocli.CommandLine.IVersionProvider;

/** What {@code --version} prints: this build's version, the JDK and the kernels' choice. */
final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
        String version = Main.class.getPackage().getImplementationVersion();
        return new String[] {
            "mambabyte " + (version == null ? "development" : version),
            "Java " + Runtime.version() + ", " + System.getProperty("os.arch")
        };
    }
}
