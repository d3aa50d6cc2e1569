package io.mambabyte.app;

import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.ContainerFetchException;
import org.testcontainers.containers.ContainerLaunchException;
import org.testcontainers.kafka.KafkaContainer;

import java.io.IOException;
import java.util.Map;

/**
 * The broker of the integration tests, the same tests for all: {@code -Dbroker=embedded}, one in
 * this JVM; {@code -Dbroker=container}, Kafka's own image by Testcontainers; {@code
 * -Dbroker=host:port}, one that is there already. By default a container where there is Docker and
 * the image can be had, else the embedded one.
 */
final class TestBroker implements AutoCloseable {
    static final String IMAGE = "apache/kafka:4.3.1";

    /** Whether to try: finding out that an image cannot be had takes minutes, once is enough. */
    private static boolean containers = true;

    private final String bootstrapServers;
    private final AutoCloseable broker;

    private TestBroker(String bootstrapServers, AutoCloseable broker) {
        this.bootstrapServers = bootstrapServers;
        this.broker = broker;
    }

    static TestBroker start() throws IOException {
        String broker = System.getProperty("broker", "auto");
        return switch (broker) {
            case "auto" -> containerOrEmbedded();
            case "embedded" -> embedded();
            case "container" -> container();
            default -> new TestBroker(broker, () -> {});
        };
    }

    private static TestBroker containerOrEmbedded() throws IOException {
        if (containers) {
            try {
                // Asking starts a container of Testcontainers' own, whose image may not be there.
                if (DockerClientFactory.instance().isDockerAvailable()) {
                    return container();
                }
            } catch (ContainerLaunchException | ContainerFetchException e) {
                System.out.println(
                        "There is Docker, and "
                                + IMAGE
                                + " does not start in it: "
                                + e.getMessage());
            }
            containers = false;
        }
        return embedded();
    }

    private static TestBroker embedded() throws IOException {
        EmbeddedBroker embedded =
                EmbeddedBroker.start(Map.of("transaction.max.timeout.ms", "900000"));
        return new TestBroker(embedded.bootstrapServers(), embedded);
    }

    @SuppressWarnings("resource") // closed by close
    private static TestBroker container() {
        KafkaContainer kafka =
                new KafkaContainer(IMAGE)
                        .withEnv("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
                        .withEnv("KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS", "0");
        kafka.start();
        System.out.println("The broker of these tests is a container of " + IMAGE);
        return new TestBroker(kafka.getBootstrapServers(), kafka);
    }

    String bootstrapServers() {
        return bootstrapServers;
    }

    @Override
    public void close() {
        try {
            broker.close();
        } catch (Exception e) {
            throw new IllegalStateException("the broker does not close", e);
        }
    }
}
