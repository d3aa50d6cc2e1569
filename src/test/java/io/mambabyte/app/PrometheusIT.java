package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.mambabyte.avro.CompletionRequest;
import io.mambabyte.streams.registry.ConfluentAvroSerde;

import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.File;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code run --metrics} as a process, scraped by a real Prometheus, which evaluates every
 * expression of every dashboard: each must return data.
 */
class PrometheusIT {
    private static final Duration PATIENCE = Duration.ofSeconds(150);

    /** What a dashboard of somebody's own will ask for, by the names in docs/operations.md. */
    private static final List<String> METRICS =
            List.of(
                    "mambabyte_records_total",
                    "mambabyte_bytes_total",
                    "mambabyte_bits_total",
                    "mambabyte_score_time_seconds_total",
                    "mambabyte_drafted_bytes_total",
                    "mambabyte_accepted_bytes_total",
                    "mambabyte_completions_total",
                    "mambabyte_requests_queued",
                    "mambabyte_live_states",
                    "mambabyte_live_states_bytes",
                    "mambabyte_live_states_hits_total",
                    "mambabyte_checkpoints_total",
                    "mambabyte_checkpoint_bytes_total",
                    "mambabyte_states_restored_total",
                    "mambabyte_replayed_bytes_total",
                    "mambabyte_restore_time_seconds_total",
                    "mambabyte_restore_time_seconds_max",
                    "mambabyte_states_set_aside_total",
                    "mambabyte_states_other_model_total",
                    "mambabyte_states_expired_total",
                    "mambabyte_anomalies_total",
                    "mambabyte_incidents_total",
                    "mambabyte_incidents_open",
                    "mambabyte_keys_learning");

    private static final Pattern URL = Pattern.compile("metrics at (http://\\S+)/metrics");

    @TempDir private Path folder;
    private final HttpClient http = HttpClient.newHttpClient();

    private static boolean isInstalled(String program) {
        for (String place :
                System.getenv().getOrDefault("PATH", "").split(File.pathSeparator, -1)) {
            if (Files.isExecutable(Path.of(place, program))) {
                return true;
            }
        }
        return false;
    }

    private HttpResponse<String> get(String url) throws IOException, InterruptedException {
        return http.send(
                HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(10)).build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private Process start(String name, List<String> command) throws IOException {
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve(name + ".txt").toFile())
                .start();
    }

    private String said(String name) throws IOException {
        return Files.readString(folder.resolve(name + ".txt"));
    }

    private Process run(String bootstrap, String registry) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("--add-modules=jdk.incubator.vector", "-Xmx256m", "-cp"));
        command.addAll(List.of(System.getProperty("java.class.path"), Main.class.getName()));
        command.addAll(List.of("run", "--bootstrap-server", bootstrap));
        command.addAll(List.of("--schema-registry", registry, "--metrics", "0"));
        command.addAll(List.of("--input", "p-in", "--output", "p-out", "--create-topics"));
        Path model =
                Path.of(Objects.requireNonNull(getClass().getResource("/reference/odd")).toURI());
        command.addAll(List.of("--model", model.toString()));
        command.addAll(List.of("-D", "state.dir=" + folder.resolve("state")));
        command.addAll(List.of("-D", "commit.interval.ms=1000"));
        // Alerts, and states of keys beside them, which they do without by default.
        command.addAll(List.of("--alerts-per-million", "1000", "-D", "mambabyte.context=session"));
        command.addAll(List.of("-D", "mambabyte.completion.requests.topic=p-requests"));
        return start("run", command);
    }

    /** Where the process says that its metrics are. */
    private String metricsAddress(Process run) throws Exception {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < deadline && run.isAlive()) {
            Matcher matcher = URL.matcher(said("run"));
            if (matcher.find()) {
                return matcher.group(1);
            }
            TimeUnit.MILLISECONDS.sleep(100);
        }
        throw new AssertionError(said("run"));
    }

    private Process prometheus(String target, int port) throws IOException {
        Path config = folder.resolve("prometheus.yml");
        Files.writeString(
                config,
                """
                global: {scrape_interval: 1s}
                scrape_configs:
                  - job_name: mambabyte
                    static_configs: [{targets: ["%s"]}]
                """
                        .formatted(target));
        return start(
                "prometheus",
                List.of(
                        "prometheus",
                        "--config.file=" + config,
                        "--storage.tsdb.path=" + folder.resolve("tsdb"),
                        "--web.listen-address=127.0.0.1:" + port));
    }

    /** Whether the expression gives numbers now. */
    private boolean hasData(int port, String expression) throws InterruptedException {
        try {
            String url =
                    "http://127.0.0.1:"
                            + port
                            + "/api/v1/query?query="
                            + URLEncoder.encode(expression, StandardCharsets.UTF_8);
            JsonNode answer = new ObjectMapper().readTree(get(url).body());
            assertEquals("success", answer.path("status").asText(), expression + ": " + answer);
            JsonNode series = answer.at("/data/result");
            return !series.isEmpty()
                    && series.valueStream()
                            .allMatch(s -> Double.isFinite(s.at("/value/1").asDouble(Double.NaN)));
        } catch (IOException e) {
            return false; // it starts
        }
    }

    @Test
    void shouldGivePrometheusDataForEveryExpressionOfTheDashboards() throws Exception {
        // CI lets no test be skipped, .ci/run sees to it.
        assumeTrue(
                isInstalled("prometheus"),
                "skipped: no prometheus on the PATH (apt-get install prometheus)");
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        try (TestBroker broker = TestBroker.start();
                EmbeddedSchemaRegistry registry = EmbeddedSchemaRegistry.start()) {
            Process run = run(broker.bootstrapServers(), registry.url());
            String address = metricsAddress(run);
            Process prometheus = prometheus(address.replace("http://", ""), port);
            try (KafkaProducer<String, String> producer =
                            new KafkaProducer<>(
                                    Map.of(
                                            ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                                            broker.bootstrapServers()),
                                    new StringSerializer(),
                                    new StringSerializer());
                    KafkaProducer<String, CompletionRequest> requests =
                            new KafkaProducer<>(
                                    Map.of(
                                            ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                                            broker.bootstrapServers()),
                                    new StringSerializer(),
                                    ConfluentAvroSerde.ofValues(
                                                    CompletionRequest.class,
                                                    Map.of("schema.registry.url", registry.url()))
                                            .serializer())) {
                List<String> missing = new ArrayList<>(Dashboards.expressions("20s"));
                assertTrue(missing.size() > 10, "expressions: " + missing);
                long deadline = System.nanoTime() + PATIENCE.toNanos();
                while (!missing.isEmpty() && System.nanoTime() < deadline) {
                    for (int i = 0; i < 20; i++) {
                        producer.send(new ProducerRecord<>("p-in", "key-" + i, "a line " + i))
                                .get();
                    }
                    // A history that repeats itself is drafted from.
                    requests.send(
                                    new ProducerRecord<>(
                                            "p-requests",
                                            "key-1",
                                            CompletionRequest.newBuilder()
                                                    .setId("r")
                                                    .setPrompt(
                                                            StandardCharsets.UTF_8.encode(
                                                                    "abc abc abc abc abc "))
                                                    .setMaxBytes(32)
                                                    .build()))
                            .get();
                    TimeUnit.MILLISECONDS.sleep(250);
                    for (String expression : List.copyOf(missing)) {
                        if (hasData(port, expression)) {
                            missing.remove(expression);
                        }
                    }
                }
                assertEquals(List.of(), missing, "expressions without data");
                assertEquals(200, get(address + "/health/live").statusCode());
                HttpResponse<String> ready = get(address + "/health/ready");
                assertEquals("200 RUNNING\n", ready.statusCode() + " " + ready.body());
                String scraped = get(address + "/metrics").body();
                // One series for each of the component's metrics, whatever the number of tasks.
                for (String metric : METRICS) {
                    assertEquals(
                            1,
                            scraped.lines().filter(l -> l.startsWith(metric + " ")).count(),
                            metric);
                }
                assertTrue(!scraped.contains("kafka_mambabyte"), scraped);
            } finally {
                prometheus.destroyForcibly().waitFor();
                run.destroy();
                assertTrue(run.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS));
            }
        }
    }
}
