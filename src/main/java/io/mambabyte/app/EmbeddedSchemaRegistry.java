package io.mambabyte.app;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.Authenticator;
import com.sun.net.httpserver.HttpContext;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsServer;

import io.mambabyte.streams.registry.InProcessSchemaRegistry;
import io.mambabyte.streams.registry.SchemaRegistryException;

import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * A Schema Registry in this JVM, for the demo and the tests: schemas in memory, reached over HTTP
 * on a free port of the loopback interface by the paths that Confluent's serializers and consoles
 * use. It registers, looks up and lists; it does not check compatibility.
 */
public final class EmbeddedSchemaRegistry implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int SCHEMA_NOT_FOUND = 40403;
    private static final int SUBJECT_NOT_FOUND = 40401;
    private static final int INVALID_SCHEMA = 42201;

    private record Answer(int status, Object body) {
        static Answer error(int code, String message) {
            return new Answer(code / 100, Map.of("error_code", code, "message", message));
        }
    }

    private final HttpServer server;
    private final InProcessSchemaRegistry schemas = new InProcessSchemaRegistry();

    private EmbeddedSchemaRegistry(HttpServer server) {
        this.server = server;
    }

    /**
     * Starts a registry without schemas.
     *
     * @return the running registry
     * @throws IOException if no port is free
     */
    public static EmbeddedSchemaRegistry start() throws IOException {
        return start(
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0),
                Optional.empty());
    }

    /**
     * Starts a registry without schemas.
     *
     * @param server bound and not started; one for HTTPS will do
     * @param authenticator who may ask; empty for everybody
     * @return the running registry
     */
    static EmbeddedSchemaRegistry start(HttpServer server, Optional<Authenticator> authenticator) {
        EmbeddedSchemaRegistry registry = new EmbeddedSchemaRegistry(server);
        HttpContext context = server.createContext("/", registry::handle);
        authenticator.ifPresent(context::setAuthenticator);
        server.start();
        return registry;
    }

    /**
     * Where clients connect.
     *
     * @return the value of {@code schema.registry.url}
     */
    public String url() {
        InetSocketAddress address = server.getAddress();
        String scheme = server instanceof HttpsServer ? "https://" : "http://";
        return scheme + address.getAddress().getHostAddress() + ":" + address.getPort();
    }

    @Override
    public void close() {
        server.stop(0);
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            Answer answer;
            try {
                answer = answer(exchange);
            } catch (SchemaRegistryException e) {
                answer = Answer.error(SCHEMA_NOT_FOUND, String.valueOf(e.getMessage()));
            } catch (JsonProcessingException | AvroRuntimeException | NumberFormatException e) {
                answer = Answer.error(INVALID_SCHEMA, String.valueOf(e.getMessage()));
            }
            byte[] body = JSON.writeValueAsBytes(answer.body());
            exchange.getResponseHeaders()
                    .add("Content-Type", "application/vnd.schemaregistry.v1+json");
            exchange.sendResponseHeaders(answer.status(), body.length);
            exchange.getResponseBody().write(body);
        }
    }

    private Answer answer(HttpExchange exchange) throws IOException {
        List<String> path =
                List.of(exchange.getRequestURI().getRawPath().substring(1).split("/")).stream()
                        .map(part -> URLDecoder.decode(part, StandardCharsets.UTF_8))
                        .toList();
        boolean post = exchange.getRequestMethod().equals("POST");
        if (post && path.size() == 3 && path.get(0).equals("subjects")) {
            return new Answer(200, Map.of("id", schemas.register(path.get(1), schemaOf(exchange))));
        }
        if (post && path.size() == 2 && path.get(0).equals("subjects")) {
            String subject = path.get(1);
            Schema schema = schemaOf(exchange);
            int id = schemas.lookUp(subject, schema);
            return version(subject, schemas.versions(subject).indexOf(id) + 1);
        }
        if (path.size() == 3 && path.get(0).equals("schemas") && path.get(1).equals("ids")) {
            Schema schema = schemas.schema(Integer.parseInt(path.get(2)));
            return new Answer(200, Map.of("schema", schema.toString()));
        }
        if (path.size() == 1 && path.get(0).equals("subjects")) {
            return new Answer(200, schemas.subjects());
        }
        if (path.size() >= 3 && path.get(0).equals("subjects")) {
            List<Integer> versions = schemas.versions(path.get(1));
            if (versions.isEmpty()) {
                return Answer.error(SUBJECT_NOT_FOUND, "Subject '" + path.get(1) + "' not found.");
            }
            if (path.size() == 3) {
                return new Answer(200, IntStream.rangeClosed(1, versions.size()).toArray());
            }
            return version(
                    path.get(1),
                    path.get(3).equals("latest") ? versions.size() : Integer.parseInt(path.get(3)));
        }
        return Answer.error(40400, "HTTP 404 Not Found");
    }

    private Answer version(String subject, int version) {
        List<Integer> versions = schemas.versions(subject);
        if (version < 1 || version > versions.size()) {
            return Answer.error(40402, "Version " + version + " not found.");
        }
        int id = versions.get(version - 1);
        return new Answer(
                200,
                Map.of(
                        "subject", subject,
                        "version", version,
                        "id", id,
                        "schema", schemas.schema(id).toString()));
    }

    private static Schema schemaOf(HttpExchange exchange) throws IOException {
        return new Schema.Parser()
                .parse(JSON.readTree(exchange.getRequestBody()).path("schema").asText());
    }
}
