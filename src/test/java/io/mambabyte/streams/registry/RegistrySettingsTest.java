package io.mambabyte.streams.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;

import io.mambabyte.avro.Likelihood;

import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.specific.SpecificData;
import org.apache.kafka.common.config.ConfigException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;

import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** Credentials, TLS, subjects and versions, by the names that Confluent's serdes have for them. */
class RegistrySettingsTest {
    private static final String STRATEGIES = "io.confluent.kafka.serializers.subject.";
    private static final String PASSWORD = "changeit";

    private final List<String> authorizations = new CopyOnWriteArrayList<>();
    private @Nullable HttpServer server;
    private int status = 200;

    /** What comes before that, each once. */
    private final Queue<Integer> statusesBefore = new ConcurrentLinkedQueue<>();

    @AfterEach
    void stop() {
        if (server != null) {
            server.stop(0);
        }
    }

    /** A registry that gives every schema the number 7 and notes who asked; gives its port. */
    private int serve(HttpServer fresh) {
        fresh.createContext(
                "/",
                exchange -> {
                    authorizations.add(
                            String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
                    byte[] body = "{\"id\":7}".getBytes(StandardCharsets.UTF_8);
                    exchange.sendResponseHeaders(
                            Objects.requireNonNullElse(statusesBefore.poll(), status), body.length);
                    try (OutputStream out = exchange.getResponseBody()) {
                        out.write(body);
                    }
                });
        fresh.start();
        server = fresh;
        return fresh.getAddress().getPort();
    }

    private int serve() throws IOException {
        return serve(
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0));
    }

    private static int register(Map<String, String> configs) {
        return ConfluentAvroSerde.ofValues(Likelihood.class, configs).register("t");
    }

    private static String basic(String userInfo) {
        return "Basic "
                + Base64.getEncoder().encodeToString(userInfo.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void shouldShowNoCredentialsWhenNoneAreConfigured() throws IOException {
        assertEquals(7, register(Map.of("schema.registry.url", "http://localhost:" + serve())));
        assertEquals(List.of("null"), authorizations);
    }

    @Test
    void shouldTakeUserFromAddress() throws IOException {
        register(Map.of("schema.registry.url", "http://me:s3cret@localhost:" + serve()));
        assertEquals(List.of(basic("me:s3cret")), authorizations);
    }

    @ParameterizedTest
    @CsvSource({"basic.auth.user.info", "schema.registry.basic.auth.user.info"})
    void shouldTakeUserFromSetting(String name) throws IOException {
        Map<String, String> configs = new HashMap<>();
        configs.put("schema.registry.url", "http://localhost:" + serve());
        configs.put("basic.auth.credentials.source", "USER_INFO");
        configs.put(name, "me:s3:cret");
        register(configs);
        assertEquals(List.of(basic("me:s3:cret")), authorizations);
    }

    @Test
    void shouldShowToken() throws IOException {
        register(
                Map.of(
                        "schema.registry.url",
                        "http://localhost:" + serve(),
                        "bearer.auth.credentials.source",
                        "STATIC_TOKEN",
                        "bearer.auth.token",
                        "abc"));
        assertEquals(List.of("Bearer abc"), authorizations);
    }

    @Test
    void shouldNotSayPasswordWhenRefused() throws IOException {
        status = 401;
        String url = "http://me:s3cret@localhost:" + serve();
        String message =
                String.valueOf(
                        assertThrows(
                                        SchemaRegistryException.class,
                                        () -> register(Map.of("schema.registry.url", url)))
                                .getMessage());
        assertTrue(message.contains("answered 401"), message);
        assertFalse(message.contains("s3cret"), message);
    }

    /** Behind a load balancer that fails over, or with many clients at its door. */
    @ParameterizedTest
    @ValueSource(ints = {500, 502, 503, 504, 429, 408})
    void shouldAskAgain(int busy) throws IOException {
        statusesBefore.add(busy);
        assertEquals(7, register(Map.of("schema.registry.url", "http://localhost:" + serve())));
        assertEquals(2, authorizations.size());
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 401, 403, 404, 409, 422})
    void shouldNotAskAgainWhenRefused(int refusal) throws IOException {
        status = refusal;
        String url = "http://localhost:" + serve();
        assertThrows(
                SchemaRegistryException.class, () -> register(Map.of("schema.registry.url", url)));
        assertEquals(1, authorizations.size());
    }

    @Test
    void shouldAskTheNextAddress() throws IOException {
        int closed;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closed = socket.getLocalPort();
        }
        String urls = "http://localhost:%d,http://localhost:%d".formatted(closed, serve());
        assertEquals(7, register(Map.of("schema.registry.url", urls)));
        assertEquals(1, authorizations.size());
    }

    @Test
    void shouldAskOnceForEachSubject() throws IOException {
        ConfluentAvroSerde<Likelihood> serde =
                ConfluentAvroSerde.ofValues(
                        Likelihood.class,
                        Map.of("schema.registry.url", "http://localhost:" + serve()));
        for (int i = 0; i < 3; i++) {
            serde.serializer().serialize("t", likelihood());
            serde.serializer().serialize("u", likelihood());
        }
        assertEquals(2, authorizations.size());
    }

    @ParameterizedTest
    @CsvSource({
        "basic.auth.credentials.source, USER_INFO",
        "basic.auth.credentials.source, SASL_INHERIT",
        "bearer.auth.credentials.source, STATIC_TOKEN",
        "bearer.auth.credentials.source, OAUTHBEARER",
        "value.subject.name.strategy, org.example.Mine",
        "use.latest.version, true"
    })
    void shouldRefuseWhatIsIncompleteOrNotSupported(String name, String value) {
        assertThrows(
                ConfigException.class,
                () -> register(Map.of("schema.registry.url", "http://localhost:1", name, value)));
    }

    /** A key store with a certificate for localhost, made by the JDK's keytool. */
    private static Path keyStore(Path folder) throws Exception {
        Path file = folder.resolve("registry.p12");
        Process keytool =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "keytool")
                                        .toString(),
                                "-genkeypair",
                                "-keystore",
                                file.toString(),
                                "-storetype",
                                "PKCS12",
                                "-storepass",
                                PASSWORD,
                                "-alias",
                                "registry",
                                "-keyalg",
                                "EC",
                                "-dname",
                                "CN=localhost",
                                "-ext",
                                "san=dns:localhost,ip:127.0.0.1")
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start();
        assertEquals(0, keytool.waitFor());
        return file;
    }

    @Test
    void shouldTrustRegistryByKafkasTlsSettings(@TempDir Path folder) throws Exception {
        Path file = keyStore(folder);
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file)) {
            keys.load(in, PASSWORD.toCharArray());
        }
        KeyManagerFactory managers =
                KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(keys, PASSWORD.toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        HttpsServer https =
                HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        https.setHttpsConfigurator(new HttpsConfigurator(context));
        String url = "https://localhost:" + serve(https);

        // Nobody told this one whom to trust.
        assertThrows(
                SchemaRegistryException.class, () -> register(Map.of("schema.registry.url", url)));
        assertEquals(
                7,
                register(
                        Map.of(
                                "schema.registry.url",
                                url,
                                "schema.registry.ssl.truststore.location",
                                file.toString(),
                                "schema.registry.ssl.truststore.password",
                                PASSWORD,
                                "schema.registry.ssl.truststore.type",
                                "PKCS12")));
    }

    @ParameterizedTest
    @CsvSource({
        "TopicNameStrategy, t-value",
        "RecordNameStrategy, io.mambabyte.avro.Likelihood",
        "TopicRecordNameStrategy, t-io.mambabyte.avro.Likelihood"
    })
    void shouldNameSubjects(String strategy, String subject) {
        String registry = "strategy-" + strategy;
        register(
                Map.of(
                        "schema.registry.url",
                        "mock://" + registry,
                        "value.subject.name.strategy",
                        STRATEGIES + strategy));
        assertEquals(List.of(subject), InProcessSchemaRegistry.named(registry).subjects());
    }

    private static Likelihood likelihood() {
        return new Likelihood(
                "model", 7L, 3, 2, 1.5, 0.75, 2.5, -1.0, -0.5, 1, 1.25, null, "key", null, null,
                null);
    }

    private static Map<String, String> latest(String registry) {
        return Map.of(
                "schema.registry.url",
                "mock://" + registry,
                "auto.register.schemas",
                "false",
                "use.latest.version",
                "true");
    }

    /** Somebody registered a version with a field more; records carry its default. */
    @Test
    void shouldWriteNewestVersionOfSubject() throws IOException {
        Schema own = Likelihood.getClassSchema();
        SchemaBuilder.FieldAssembler<Schema> fields =
                SchemaBuilder.record("Likelihood").namespace("io.mambabyte.avro").fields();
        for (Schema.Field field : own.getFields()) {
            fields =
                    field.hasDefaultValue()
                            ? fields.name(field.name())
                                    .type(field.schema())
                                    .withDefault(SpecificData.get().getDefaultValue(field))
                            : fields.name(field.name()).type(field.schema()).noDefault();
        }
        Schema newer = fields.name("site").type().stringType().stringDefault("x").endRecord();
        InProcessSchemaRegistry registry = InProcessSchemaRegistry.named("latest");
        registry.register("t-value", own);
        int id = registry.register("t-value", newer);
        byte[] bytes =
                ConfluentAvroSerde.ofValues(Likelihood.class, latest("latest"))
                        .serializer()
                        .serialize("t", likelihood());
        assertEquals(id, bytes[4]);
        GenericRecord read =
                new GenericDatumReader<GenericRecord>(newer)
                        .read(
                                null,
                                DecoderFactory.get()
                                        .binaryDecoder(bytes, 5, bytes.length - 5, null));
        assertEquals("x", read.get("site").toString());
        assertEquals(2.5, read.get("expected_bits"));
    }

    @Test
    void shouldRefuseNewestVersionThatCannotHoldTheRecord() {
        Schema other =
                SchemaBuilder.record("Likelihood")
                        .namespace("io.mambabyte.avro")
                        .fields()
                        .requiredString("something_else")
                        .endRecord();
        InProcessSchemaRegistry.named("incompatible").register("t-value", other);
        SchemaRegistryException e =
                assertThrows(SchemaRegistryException.class, () -> register(latest("incompatible")));
        assertEquals(
                "the newest schema of subject t-value (number 1) cannot hold a"
                        + " io.mambabyte.avro.Likelihood of this version",
                e.getMessage());
    }
}
