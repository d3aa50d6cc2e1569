package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.BasicAuthenticator;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;

import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.InputStream;
import java.io.Writer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/**
 * {@code mambabyte run} and {@code read} as processes against a broker that speaks TLS only and
 * asks for a user by SASL/SCRAM, and a registry that speaks HTTPS only and asks for a user too:
 * they work, they are refused in words where a password is wrong, no secret is in anything that
 * they say, and what listens does so on the loopback address.
 */
class SecureRunIT {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final int SIGTERM_EXIT = 128 + 15;

    private static final String STORE_PASSWORD = "store-s3cret-1";
    private static final String BROKER_PASSWORD = "broker-s3cret-2";
    private static final String CLIENT_PASSWORD = "client-s3cret-3";
    private static final String REGISTRY_PASSWORD = "registry-s3cret-4";
    private static final String WRONG_PASSWORD = "wrong-s3cret-5";

    /** In each of them, so that a part of one is found too. */
    private static final Pattern SECRET = Pattern.compile("s3cret");

    @TempDir private static Path shared;
    private static @Nullable EmbeddedBroker broker;
    private static @Nullable EmbeddedSchemaRegistry registry;

    @TempDir private Path folder;

    /** A process, and what it said. */
    private record Run(Process process, Path said) {
        int exitCode() throws InterruptedException {
            assertTrue(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS), "ends by itself");
            return process.exitValue();
        }

        String text() throws IOException {
            return Files.readString(said);
        }
    }

    @BeforeAll
    static void start() throws Exception {
        makeCertificates();
        broker = EmbeddedBroker.start(brokerSettings(), users());
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(shared.resolve("keys.p12"))) {
            keys.load(in, STORE_PASSWORD.toCharArray());
        }
        KeyManagerFactory managers =
                KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(keys, STORE_PASSWORD.toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        HttpsServer https =
                HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        https.setHttpsConfigurator(new HttpsConfigurator(context));
        registry =
                EmbeddedSchemaRegistry.start(
                        https,
                        Optional.of(
                                new BasicAuthenticator("registry") {
                                    @Override
                                    public boolean checkCredentials(String user, String password) {
                                        return user.equals("reader")
                                                && password.equals(REGISTRY_PASSWORD);
                                    }
                                }));
    }

    @AfterAll
    static void stop() {
        if (registry != null) {
            registry.close();
        }
        if (broker != null) {
            broker.close();
        }
    }

    /** A key with a certificate for this machine, and a store of whom to trust. */
    private static void makeCertificates() throws Exception {
        String keys = shared.resolve("keys.p12").toString();
        String certificate = shared.resolve("certificate.pem").toString();
        keytool(
                List.of(
                        "-genkeypair",
                        "-keystore",
                        keys,
                        "-alias",
                        "server",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=localhost",
                        "-ext",
                        "san=dns:localhost,ip:127.0.0.1"));
        keytool(
                List.of(
                        "-exportcert",
                        "-keystore",
                        keys,
                        "-alias",
                        "server",
                        "-rfc",
                        "-file",
                        certificate));
        keytool(
                List.of(
                        "-importcert",
                        "-noprompt",
                        "-keystore",
                        shared.resolve("trust.p12").toString(),
                        "-alias",
                        "server",
                        "-file",
                        certificate));
    }

    private static void keytool(List<String> arguments) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
        command.addAll(arguments);
        command.addAll(List.of("-storetype", "PKCS12", "-storepass", STORE_PASSWORD));
        Path said = shared.resolve("keytool.txt");
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(said.toFile())
                        .start();
        assertEquals(0, process.waitFor(), () -> "keytool " + arguments);
    }

    private static Map<String, String> brokerSettings() {
        Map<String, String> settings = new HashMap<>();
        settings.put("listener.security.protocol.map", "CLIENTS:SASL_SSL,CONTROLLER:PLAINTEXT");
        settings.put("sasl.enabled.mechanisms", "SCRAM-SHA-512");
        settings.put("sasl.mechanism.inter.broker.protocol", "SCRAM-SHA-512");
        settings.put(
                "listener.name.clients.scram-sha-512.sasl.jaas.config",
                scram("broker", BROKER_PASSWORD));
        settings.put("ssl.keystore.location", shared.resolve("keys.p12").toString());
        settings.put("ssl.keystore.type", "PKCS12");
        settings.put("ssl.keystore.password", STORE_PASSWORD);
        settings.put("ssl.truststore.location", shared.resolve("trust.p12").toString());
        settings.put("ssl.truststore.type", "PKCS12");
        settings.put("ssl.truststore.password", STORE_PASSWORD);
        return settings;
    }

    private static List<String> users() {
        return List.of(
                "SCRAM-SHA-512=[name=broker,password=" + BROKER_PASSWORD + "]",
                "SCRAM-SHA-512=[name=client,password=" + CLIENT_PASSWORD + "]");
    }

    private static String scram(String user, String password) {
        return "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"%s\""
                        .formatted(user)
                + " password=\"%s\";".formatted(password);
    }

    private static String registryUrl() {
        return registry == null
                ? ""
                : registry.url().replace("https://", "https://reader:" + REGISTRY_PASSWORD + "@");
    }

    /** What a client of the cluster and the registry needs. */
    private static Map<String, String> clientSettings(String password) {
        Map<String, String> settings = new HashMap<>();
        settings.put("bootstrap.servers", broker == null ? "" : broker.bootstrapServers());
        settings.put("security.protocol", "SASL_SSL");
        settings.put("sasl.mechanism", "SCRAM-SHA-512");
        settings.put("sasl.jaas.config", scram("client", password));
        settings.put("ssl.truststore.location", shared.resolve("trust.p12").toString());
        settings.put("ssl.truststore.type", "PKCS12");
        settings.put("ssl.truststore.password", STORE_PASSWORD);
        return settings;
    }

    private static Map<String, String> applicationSettings(String password) {
        Map<String, String> settings = clientSettings(password);
        settings.put("schema.registry.url", registryUrl());
        settings.put(
                "schema.registry.ssl.truststore.location", shared.resolve("trust.p12").toString());
        settings.put("schema.registry.ssl.truststore.type", "PKCS12");
        settings.put("schema.registry.ssl.truststore.password", STORE_PASSWORD);
        return settings;
    }

    private Path file(Map<String, String> settings) throws IOException {
        Path file = Files.createTempFile(folder, "settings", ".properties");
        Properties properties = new Properties();
        properties.putAll(settings);
        try (Writer writer = Files.newBufferedWriter(file)) {
            properties.store(writer, null);
        }
        return file;
    }

    private Run start(Map<String, String> environment, List<String> arguments) throws IOException {
        Path said = Files.createTempFile(folder, "run", ".txt");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(
                List.of(
                        "--add-modules=jdk.incubator.vector",
                        // All that Kafka's clients, too, log about their settings.
                        "-Dmambabyte.log.level=INFO",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName()));
        command.addAll(arguments);
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile());
        builder.environment().putAll(environment);
        return new Run(builder.start(), said);
    }

    private Run run(Map<String, String> settings, String... arguments) throws Exception {
        URL model = SecureRunIT.class.getResource("/reference/odd");
        List<String> all = new ArrayList<>(List.of("run", "--config", file(settings).toString()));
        all.addAll(
                List.of(
                        "--model",
                        Path.of(Objects.requireNonNull(model).toURI()).toString(),
                        "-D",
                        "state.dir=" + folder.resolve("state")));
        all.addAll(List.of(arguments));
        return start(Map.of(), all);
    }

    private static long likelihoods(String read) {
        return read.lines().filter(line -> line.contains("\"bits_per_byte\":")).count();
    }

    private static void assertNoSecret(String said) {
        Matcher matcher = SECRET.matcher(said);
        assertFalse(
                matcher.find(),
                () -> "a secret near: " + said.substring(Math.max(0, matcher.start() - 200)));
    }

    private static void assertListensOnLoopbackOnly(long pid, int least) throws IOException {
        if (Listeners.areKnown()) {
            assertTrue(Listeners.of(pid).size() >= least, Listeners.of(pid)::toString);
            assertEquals(Set.of(), Listeners.beyondLoopback(pid));
        }
    }

    @Test
    void shouldScoreOverTlsAsAUserAndSayNoSecret() throws Exception {
        Run run =
                run(
                        applicationSettings(CLIENT_PASSWORD),
                        "--input",
                        "in",
                        "--output",
                        "out",
                        "--create-topics",
                        "--partitions",
                        "1",
                        "-D",
                        "processing.guarantee=exactly_once_v2",
                        "--metrics",
                        "0",
                        "--ui",
                        "0");
        Map<String, Object> client = new HashMap<>(clientSettings(CLIENT_PASSWORD));
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(client, new StringSerializer(), new StringSerializer())) {
            // The topic is created by the command: metadata is awaited for max.block.ms, 60 s.
            for (int i = 0; i < 20; i++) {
                producer.send(new ProducerRecord<>("in", "key-" + i % 3, "line " + i)).get();
            }
        }
        // The settings of the reader are in its environment, those of the registry too.
        Map<String, String> environment = new HashMap<>();
        applicationSettings(CLIENT_PASSWORD)
                .forEach(
                        (name, value) ->
                                environment.put(EnvironmentSettings.variable(name), value));
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        String read = "";
        while (likelihoods(read) < 20 && System.nanoTime() < deadline) {
            Run reader = start(environment, List.of("read", "out"));
            assertEquals(0, reader.exitCode(), reader.text());
            read = reader.text();
            assertNoSecret(read);
        }
        assertEquals(20, likelihoods(read), run.text() + read);

        Matcher metrics = Pattern.compile("note: metrics at (http://\\S+)").matcher(run.text());
        assertTrue(metrics.find(), run.text());
        String scraped =
                HttpClient.newHttpClient()
                        .send(
                                HttpRequest.newBuilder(URI.create(metrics.group(1))).build(),
                                BodyHandlers.ofString())
                        .body();
        assertTrue(scraped.contains("mambabyte_records_total 20"), scraped);
        assertNoSecret(scraped);
        assertListensOnLoopbackOnly(run.process().pid(), 2); // metrics and the page
        assertListensOnLoopbackOnly(ProcessHandle.current().pid(), 3); // broker and registry

        run.process().destroy();
        assertEquals(SIGTERM_EXIT, run.exitCode(), run.text());
        String said = run.text();
        assertTrue(said.contains("sasl.jaas.config = [hidden]"), said);
        assertTrue(said.contains("ssl.truststore.password = [hidden]"), said);
        assertTrue(said.contains("schema.registry.url = https://[hidden]@"), said);
        // Kafka's clients log their settings: it is them that the test has to look through.
        assertTrue(said.contains("ProducerConfig values"), said);
        assertNoSecret(said);
    }

    @Test
    void shouldTakeSecretsFromFilesOfTheirOwn() throws Exception {
        Path secrets = Files.createDirectory(folder.resolve("secrets"));
        Files.writeString(secrets.resolve("jaas"), scram("client", CLIENT_PASSWORD));
        Map<String, String> settings = applicationSettings(CLIENT_PASSWORD);
        settings.put("config.providers", "secrets");
        settings.put(
                "config.providers.secrets.class",
                "org.apache.kafka.common.config.provider.DirectoryConfigProvider");
        settings.put("sasl.jaas.config", "${secrets:" + secrets + ":jaas}");
        Run run = run(settings, "--input", "nowhere", "--output", "none");
        assertEquals(2, run.exitCode(), run.text());
        // Known to the broker, which says that the topics are not there.
        assertTrue(run.text().contains("nowhere, none, none-dead-letters"), run.text());
        assertNoSecret(run.text());
    }

    @Test
    void shouldSayThatTheBrokerRefusesAPassword() throws Exception {
        Run run = run(applicationSettings(WRONG_PASSWORD), "--input", "in", "--output", "out");
        assertEquals(2, run.exitCode(), run.text());
        assertTrue(run.text().contains("mambabyte run: "), run.text());
        assertTrue(run.text().contains("invalid credentials"), run.text());
        assertNoSecret(run.text());
    }

    @Test
    void shouldSayThatTheRegistryRefusesAPassword() throws Exception {
        Map<String, String> settings = applicationSettings(CLIENT_PASSWORD);
        settings.put(
                "schema.registry.url", registryUrl().replace(REGISTRY_PASSWORD, WRONG_PASSWORD));
        Run run = run(settings, "--input", "in-401", "--output", "out-401", "--create-topics");
        assertEquals(2, run.exitCode(), run.text());
        assertTrue(run.text().contains("answered 401"), run.text());
        assertNoSecret(run.text());
    }

    @Test
    void shouldPrintSettingsWithTheirOriginsAndNoSecrets() throws Exception {
        Path file = file(applicationSettings(CLIENT_PASSWORD));
        Run run =
                start(
                        Map.of(
                                "MAMBABYTE_INPUT_TOPICS",
                                "from-environment",
                                "KAFKA_SSL_KEY_PASSWORD",
                                STORE_PASSWORD,
                                "KAFKA_BOOTSTRAP_SERVERS",
                                "over-the-file:1"),
                        List.of(
                                "run",
                                "--config",
                                file.toString(),
                                "--print-config",
                                "-D",
                                "basic.auth.user.info=me:" + REGISTRY_PASSWORD,
                                "--output",
                                "from-option"));
        assertEquals(0, run.exitCode(), run.text());
        Properties printed = new Properties();
        try (var reader = Files.newBufferedReader(run.said())) {
            printed.load(reader);
        }
        assertEquals("from-environment", printed.getProperty("mambabyte.input.topics"));
        assertEquals("from-option", printed.getProperty("mambabyte.output.topic"));
        assertEquals("over-the-file:1", printed.getProperty("bootstrap.servers"));
        assertEquals("[hidden]", printed.getProperty("ssl.key.password"));
        assertEquals("[hidden]", printed.getProperty("basic.auth.user.info"));
        assertEquals("SASL_SSL", printed.getProperty("security.protocol"));
        assertNotNull(printed.getProperty("max.poll.interval.ms"));
        assertNoSecret(run.text());
    }

    @Test
    void shouldHaveNoSecretInHelp() throws Exception {
        Run run =
                start(
                        Map.of("KAFKA_SASL_JAAS_CONFIG", scram("client", CLIENT_PASSWORD)),
                        List.of("run", "--help"));
        assertEquals(0, run.exitCode());
        assertTrue(run.text().contains("--print-config"), run.text());
        assertNoSecret(run.text());
    }
}
