package io.mambabyte.streams.registry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.kafka.common.security.ssl.DefaultSslEngineFactory;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import javax.net.ssl.SSLContext;

/**
 * A Schema Registry over HTTP: the parts of Confluent's REST interface that a serializer needs.
 *
 * <p>Nothing is cached here; the serializer and the deserializer ask once per schema. A registry
 * that does not answer is asked again, the next address first, a few times with a growing pause.
 */
final class HttpSchemaRegistry implements SchemaRegistry {
    private static final String MEDIA_TYPE = "application/vnd.schemaregistry.v1+json";
    private static final ObjectMapper JSON = new ObjectMapper();

    // A registry behind a load balancer is away for a second or two while it fails over; longer
    // outages are for the caller to decide on.
    private static final int ROUNDS = 3;
    private static final int TOO_MANY_REQUESTS = 429;
    private static final Duration FIRST_PAUSE = Duration.ofMillis(250);

    private final List<String> urls;
    private final Duration readTimeout;
    private final Optional<String> authorization;
    private final HttpClient client;

    HttpSchemaRegistry(ConfluentAvroConfig config) {
        urls =
                config.urls().stream()
                        .map(RegistryCredentials::withoutUserInfo)
                        .map(url -> url.endsWith("/") ? url.substring(0, url.length() - 1) : url)
                        .toList();
        readTimeout = config.readTimeout();
        authorization = RegistryCredentials.authorization(config);
        HttpClient.Builder builder =
                HttpClient.newBuilder().connectTimeout(config.connectTimeout());
        config.ssl().ifPresent(ssl -> builder.sslContext(sslContext(ssl)));
        client = builder.build();
    }

    /** By Kafka's own reader of these settings, so that they mean what they mean for a broker. */
    private static SSLContext sslContext(Map<String, ?> ssl) {
        DefaultSslEngineFactory factory = new DefaultSslEngineFactory();
        factory.configure(ssl);
        return factory.sslContext();
    }

    @Override
    public int register(String subject, Schema schema) {
        String path = "/subjects/" + encode(subject) + "/versions";
        return number(path, exchange(path, body(schema)));
    }

    @Override
    public int lookUp(String subject, Schema schema) {
        String path = "/subjects/" + encode(subject);
        return number(path, exchange(path, body(schema)));
    }

    @Override
    public Registered latest(String subject) {
        String path = "/subjects/" + encode(subject) + "/versions/latest";
        JsonNode answer = exchange(path, null);
        int id = number(path, answer);
        return new Registered(id, parsed(id, answer));
    }

    @Override
    public Schema schema(int id) {
        return parsed(id, exchange("/schemas/ids/" + id, null));
    }

    private Schema parsed(int id, JsonNode answer) {
        JsonNode type = answer.path("schemaType");
        if (!type.isMissingNode() && !"AVRO".equals(type.asText())) {
            throw new SchemaRegistryException(
                    "schema " + id + " of " + urls + " is " + type.asText() + ", not AVRO", null);
        }
        try {
            return new Schema.Parser().parse(answer.path("schema").asText());
        } catch (AvroRuntimeException e) {
            throw new SchemaRegistryException(
                    "schema " + id + " of " + urls + " is not a valid Avro schema", e);
        }
    }

    private static String encode(String subject) {
        // In a path a blank is %20; the form encoding's plus would be a plus.
        return URLEncoder.encode(subject, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private static String body(Schema schema) {
        try {
            return JSON.writeValueAsString(Map.of("schema", schema.toString()));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a map of strings has no JSON form", e);
        }
    }

    private int number(String path, JsonNode answer) {
        JsonNode id = answer.path("id");
        if (!id.isInt()) {
            throw new SchemaRegistryException(
                    urls + path + " answered without the number of a schema: " + answer, null);
        }
        return id.asInt();
    }

    private JsonNode exchange(String path, @Nullable String body) {
        SchemaRegistryException failure = null;
        Duration pause = FIRST_PAUSE;
        for (int round = 0; round < ROUNDS; round++) {
            for (String url : urls) {
                HttpRequest request = request(url + path, body);
                try {
                    HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
                    if (!passing(response.statusCode())) {
                        return answer(request, response);
                    }
                    failure = refusal(request, response);
                } catch (IOException e) {
                    failure =
                            new SchemaRegistryException(
                                    "no answer from " + request.uri() + ": " + e, e, true);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new SchemaRegistryException(
                            "interrupted while waiting for " + request.uri(), e);
                }
            }
            if (round < ROUNDS - 1) {
                sleep(pause, path);
                pause = pause.multipliedBy(2);
            }
        }
        throw failure == null
                ? new SchemaRegistryException("no address of a Schema Registry is configured", null)
                : failure;
    }

    private HttpRequest request(String uri, @Nullable String body) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(uri))
                        .timeout(readTimeout)
                        .header("Accept", MEDIA_TYPE);
        authorization.ifPresent(value -> request.header("Authorization", value));
        if (body != null) {
            request.header("Content-Type", MEDIA_TYPE)
                    .POST(HttpRequest.BodyPublishers.ofString(body));
        }
        return request.build();
    }

    private static JsonNode answer(HttpRequest request, HttpResponse<String> response) {
        if (response.statusCode() != 200) {
            throw refusal(request, response);
        }
        try {
            return JSON.readTree(response.body());
        } catch (JsonProcessingException e) {
            throw new SchemaRegistryException(
                    request.uri() + " did not answer with JSON: is it a Schema Registry?", e);
        }
    }

    private static SchemaRegistryException refusal(
            HttpRequest request, HttpResponse<String> response) {
        return new SchemaRegistryException(
                request.method()
                        + " "
                        + request.uri()
                        + " answered "
                        + response.statusCode()
                        + ": "
                        + response.body().strip(),
                null,
                passing(response.statusCode()));
    }

    /** Whether it is to be asked again: it fails, or has too much to do. */
    private static boolean passing(int status) {
        return status >= 500
                || status == HttpURLConnection.HTTP_CLIENT_TIMEOUT
                || status == TOO_MANY_REQUESTS;
    }

    private static void sleep(Duration pause, String path) {
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SchemaRegistryException("interrupted while waiting for " + path, e);
        }
    }
}
