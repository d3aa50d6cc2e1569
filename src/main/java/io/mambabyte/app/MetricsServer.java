package io.mambabyte.app;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.kafka.KafkaStreamsMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;

import org.apache.kafka.streams.KafkaStreams;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/**
 * What a monitoring system asks a running instance, over HTTP:
 *
 * <ul>
 *   <li>{@code /metrics}: the component's metrics, Kafka's and the JVM's in Prometheus' format;
 *   <li>{@code /health/live}: 200 unless every stream thread is gone, which a restart may mend;
 *   <li>{@code /health/ready}: 200 while records are processed, else 503; the body is the state.
 * </ul>
 */
final class MetricsServer implements AutoCloseable {
    /** Kafka's metrics come with tasks and go with them; looked for this often. */
    private static final Duration KAFKA_REFRESH = Duration.ofSeconds(10);

    /** Whoever holds a connection open does not keep the next scrape waiting. */
    private static final int HTTP_THREADS = 2;

    private final HttpServer server;
    private final ExecutorService threads;
    private final ScheduledExecutorService refresh;
    private final KafkaStreamsMetrics kafka;
    private final JvmGcMetrics garbageCollection;
    private final PrometheusMeterRegistry registry;

    private MetricsServer(HttpServer server, KafkaStreams streams) {
        this.server = server;
        registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        // Those are the component's, task by task; it has them as sums.
        registry.config().meterFilter(MeterFilter.denyNameStartsWith("kafka.mambabyte"));
        refresh =
                Executors.newSingleThreadScheduledExecutor(
                        Thread.ofPlatform().daemon().name("mambabyte-metrics").factory());
        kafka = new KafkaStreamsMetrics(streams, Tags.empty(), refresh, KAFKA_REFRESH);
        kafka.bindTo(registry);
        garbageCollection = new JvmGcMetrics();
        garbageCollection.bindTo(registry);
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        new UptimeMetrics().bindTo(registry);
        states(registry, streams);
        ComponentMeters component = new ComponentMeters(registry, streams::metrics);
        threads =
                Executors.newFixedThreadPool(
                        HTTP_THREADS,
                        Thread.ofPlatform().daemon().name("mambabyte-http-", 0).factory());
        server.setExecutor(threads);
        server.createContext(
                "/metrics",
                exchange -> {
                    component.update();
                    answer(exchange, 200, "text/plain; version=0.0.4", registry.scrape());
                });
        server.createContext(
                "/health/live",
                exchange -> health(exchange, streams.state(), isLive(streams.state())));
        server.createContext(
                "/health/ready",
                exchange ->
                        health(
                                exchange,
                                streams.state(),
                                streams.state() == KafkaStreams.State.RUNNING));
    }

    /**
     * Starts to listen.
     *
     * @param address where
     * @param streams what is asked about
     * @throws IOException if it cannot listen there
     */
    static MetricsServer start(InetSocketAddress address, KafkaStreams streams) throws IOException {
        HttpServer server = HttpServer.create(address, 0);
        MetricsServer metrics = new MetricsServer(server, streams);
        server.start();
        return metrics;
    }

    /**
     * An address as a user writes it.
     *
     * @param text {@code [HOST:]PORT}; without a host the loopback address, so that nothing is open
     *     to a network unless it was asked for
     * @throws IllegalArgumentException if it is not such an address
     */
    static InetSocketAddress address(String text) {
        int colon = text.lastIndexOf(':');
        String host = colon < 0 ? "localhost" : text.substring(0, colon);
        int port;
        try {
            port = Integer.parseInt(text.substring(colon + 1));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("expected [HOST:]PORT, found \"" + text + "\"", e);
        }
        if (port < 0 || port > 65535 || host.isEmpty()) {
            throw new IllegalArgumentException("expected [HOST:]PORT, found \"" + text + "\"");
        }
        return new InetSocketAddress(host, port);
    }

    /** Where the metrics are. */
    String url() {
        InetSocketAddress address = server.getAddress();
        return "http://" + address.getHostString() + ":" + address.getPort() + "/metrics";
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
        kafka.close();
        refresh.shutdownNow();
        garbageCollection.close();
        registry.close();
    }

    private static boolean isLive(KafkaStreams.State state) {
        return switch (state) {
            case CREATED, REBALANCING, RUNNING, PENDING_SHUTDOWN, NOT_RUNNING -> true;
            case PENDING_ERROR, ERROR -> false;
        };
    }

    /** One series for each state, 1 for the one that it is in. */
    private static void states(MeterRegistry registry, KafkaStreams streams) {
        for (KafkaStreams.State state : KafkaStreams.State.values()) {
            Gauge.builder("mambabyte.streams.state", streams, s -> s.state() == state ? 1 : 0)
                    .tags(Tags.of(Tag.of("state", state.name())))
                    .description("1 for the state that Kafka Streams is in")
                    .register(registry);
        }
    }

    private static void health(HttpExchange exchange, KafkaStreams.State state, boolean good)
            throws IOException {
        answer(exchange, good ? 200 : 503, "text/plain", state.name() + "\n");
    }

    private static void answer(HttpExchange exchange, int status, String type, String body)
            throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type + "; charset=utf-8");
        exchange.sendResponseHeaders(status, bytes.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(bytes);
        }
    }
}
