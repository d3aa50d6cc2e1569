package io.mambabyte.app;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.Map;

/**
 * The broker of the integration tests: one in this JVM, or with {@code -Dbroker=host:port} one that
 * is there already.
 */
final class TestBroker implements AutoCloseable {
    private final String bootstrapServers;
    private final @Nullable EmbeddedBroker embedded;

    private TestBroker(String bootstrapServers, @Nullable EmbeddedBroker embedded) {
        this.bootstrapServers = bootstrapServers;
        this.embedded = embedded;
    }

    static TestBroker start() throws IOException {
        String broker = System.getProperty("broker", "embedded");
        if (!broker.equals("embedded")) {
            return new TestBroker(broker, null);
        }
        EmbeddedBroker embedded =
                EmbeddedBroker.start(Map.of("transaction.max.timeout.ms", "900000"));
        return new TestBroker(embedded.bootstrapServers(), embedded);
    }

    String bootstrapServers() {
        return bootstrapServers;
    }

    @Override
    public void close() {
        if (embedded != null) {
            embedded.close();
        }
    }
}
