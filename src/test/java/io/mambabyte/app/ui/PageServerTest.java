package io.mambabyte.app.ui;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.score.ByteDetails;
import io.mambabyte.score.Framing;
import io.mambabyte.score.RecordScore;
import io.mambabyte.score.Scorer;
import io.mambabyte.streams.MambaByteConfig;

import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;

/** What the server answers, over a plain socket: nothing is added to what a test writes. */
@Timeout(120)
class PageServerTest {
    private static final byte[] LINE = "a line of a log".getBytes(StandardCharsets.UTF_8);

    private static MambaModel model = loaded();
    private static KafkaStreams streams = notStarted();

    private final LineFeed feed = new LineFeed();
    private final List<AutoCloseable> open = new ArrayList<>();

    private static MambaModel loaded() {
        try {
            return MambaModel.load(ModelSource.of("logs-nano"));
        } catch (io.mambabyte.model.CheckpointException e) {
            throw new IllegalStateException(e);
        }
    }

    private static KafkaStreams notStarted() {
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream("in").to("out");
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, "page-server-test");
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "localhost:1");
        return new KafkaStreams(builder.build(), properties);
    }

    @BeforeAll
    static void isReady() {
        assertEquals(KafkaStreams.State.CREATED, streams.state());
    }

    @AfterEach
    void closeAll() throws Exception {
        for (AutoCloseable one : open.reversed()) {
            one.close();
        }
    }

    private PageServer start(Access access) throws IOException {
        PageServer server =
                PageServer.start(
                        new InetSocketAddress("localhost", 0),
                        access,
                        new PageSources(
                                feed,
                                () -> streams,
                                new MambaByteConfig(Map.of()),
                                ModelSource.of("logs-nano"),
                                model,
                                Optional.empty()));
        open.add(server);
        return server;
    }

    /** An answer: the status line, the headers, the body. */
    private record Answer(int status, String headers, String body) {}

    private Answer ask(PageServer server, String request) throws IOException {
        try (Socket socket = new Socket("localhost", server.address().getPort())) {
            socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
            socket.getOutputStream().flush();
            String all = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            int end = all.indexOf("\r\n\r\n");
            return new Answer(
                    Integer.parseInt(all.substring(9, 12)),
                    all.substring(0, end),
                    all.substring(end + 4));
        }
    }

    private Answer get(PageServer server, String path, String... headers) throws IOException {
        return ask(
                server,
                "GET "
                        + path
                        + " HTTP/1.1\r\nHost: localhost:"
                        + server.address().getPort()
                        + "\r\nConnection: close\r\n"
                        + lines(headers)
                        + "\r\n");
    }

    private Answer post(PageServer server, String path, String body, String... headers)
            throws IOException {
        return ask(
                server,
                "POST "
                        + path
                        + " HTTP/1.1\r\nHost: localhost:"
                        + server.address().getPort()
                        + "\r\nConnection: close\r\nContent-Length: "
                        + body.length()
                        + "\r\n"
                        + lines(headers)
                        + "\r\n"
                        + body);
    }

    private static String lines(String... headers) {
        return headers.length == 0 ? "" : String.join("\r\n", headers) + "\r\n";
    }

    private void scoreLines(int count) {
        Scorer scorer = new Scorer(model);
        ByteDetails.Collector collector = new ByteDetails.Collector();
        RecordScore score = scorer.scoreAlone(LINE, Framing.LINES, false, collector);
        for (int i = 0; i < count; i++) {
            byte[] key = "key".getBytes(StandardCharsets.UTF_8);
            boolean wanted = feed.wantsDetails(key);
            feed.scored(key, LINE, 1, score, wanted ? collector.details() : null);
        }
    }

    @Test
    void shouldServeThePageWithAStrictPolicy() throws IOException {
        PageServer server = start(new Access.Loopback());
        Answer page = get(server, "/");
        assertEquals(200, page.status());
        assertTrue(
                page.headers().contains("Content-Type: text/html;charset=utf-8")
                        || page.headers().contains("Content-Type: text/html; charset=utf-8"),
                page.headers());
        for (Answer answer : List.of(page, get(server, "/nothing"), get(server, "/app.js"))) {
            assertTrue(
                    answer.headers()
                            .contains(
                                    "Content-Security-Policy: default-src 'none'; script-src"
                                            + " 'self'; style-src 'self'; connect-src 'self';"
                                            + " img-src 'self' data:; form-action 'none';"
                                            + " frame-ancestors 'none'; base-uri 'none'"),
                    answer.headers());
            assertTrue(answer.headers().contains("X-Content-Type-Options: nosniff"));
            assertFalse(answer.headers().contains("Server:"), answer.headers());
        }
        assertFalse(page.body().contains("style="), "no inline style");
        assertFalse(page.body().matches("(?s).*<script(?! type=\"module\" src=\"app.js\").*"));
        assertFalse(page.body().contains("http://") || page.body().contains("https://"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/../app.js",
                "/%2e%2e/%2e%2e/etc/passwd",
                "/..%2f..%2fetc/passwd",
                "//etc/passwd",
                "/ui/index.html",
                "/index.html/../../demo/faults.json",
                "/app.js%00",
                "/demo/faults.json"
            })
    void shouldServeNothingButThePagesFiles(String path) throws IOException {
        Answer answer = get(start(new Access.Loopback()), path);
        assertTrue(answer.status() == 404 || answer.status() == 400, answer.toString());
        assertFalse(answer.body().contains("root:"), answer.body());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"evil.example", "evil.example:8686", "localhost.evil.example", "10.0.0.1"})
    void shouldRefuseAnotherNameForThisMachine(String host) throws IOException {
        PageServer server = start(new Access.Loopback());
        Answer answer =
                ask(server, "GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
        assertEquals(403, answer.status());
        assertTrue(answer.body().contains("this page is for this machine only"), answer.body());
    }

    @Test
    void shouldAskForTheToken() throws IOException {
        PageServer server = start(new Access.Token("s3cret"));
        Answer stranger = get(server, "/");
        assertEquals(401, stranger.status());
        assertTrue(stranger.headers().contains("WWW-Authenticate: Basic realm=\"mambabyte\""));
        assertEquals(401, get(server, "/api/model", "Authorization: Bearer wrong").status());
        assertEquals(401, get(server, "/", "Authorization: Basic ???").status());
        assertEquals(200, get(server, "/", "Authorization: Bearer s3cret").status());
        String basic =
                Base64.getEncoder().encodeToString("me:s3cret".getBytes(StandardCharsets.UTF_8));
        assertEquals(200, get(server, "/", "Authorization: Basic " + basic).status());
        assertFalse(new Access.Token("s3cret").toString().contains("s3cret"));
    }

    @Test
    void shouldNeedATokenWhereOthersCanReachThePage(@TempDir Path folder) throws IOException {
        InetSocketAddress everywhere = new InetSocketAddress("0.0.0.0", 0);
        assertEquals(
                "the page could be reached from other machines and shows what is in the topics: put"
                        + " a secret into MAMBABYTE_UI_TOKEN or its file's name into"
                        + " MAMBABYTE_UI_TOKEN_FILE (browsers ask for it as password), or give a"
                        + " port only",
                assertThrows(IllegalArgumentException.class, () -> Access.of(everywhere, Map.of()))
                        .getMessage());
        Path file = Files.writeString(folder.resolve("token"), "from a file\n");
        assertEquals(
                new Access.Token("from a file"),
                Access.of(everywhere, Map.of(Access.TOKEN_FILE_VARIABLE, file.toString())));
        assertEquals(
                new Access.Loopback(), Access.of(new InetSocketAddress("localhost", 1), Map.of()));
    }

    @Test
    void shouldRefuseWhatAnotherPageSends() throws IOException {
        PageServer server = start(new Access.Loopback());
        String json = "Content-Type: application/json";
        String body = "{\"prompt\":\"YQ\",\"maxBytes\":3}";
        assertEquals(
                403,
                post(server, "/api/complete", body, json, "Origin: http://evil.example").status());
        assertEquals(
                403,
                post(server, "/api/complete", body, json, "Sec-Fetch-Site: cross-site").status());
        assertEquals(403, post(server, "/api/complete", body, "Content-Type: text/plain").status());
        Answer own =
                post(
                        server,
                        "/api/complete",
                        body,
                        json,
                        "Origin: http://localhost:" + server.address().getPort(),
                        "Sec-Fetch-Site: same-origin");
        assertEquals(200, own.status());
        assertTrue(own.body().contains("\"done\":true"), own.body());
        assertTrue(own.body().contains("\"identical\":true"), own.body());
    }

    @Test
    void shouldSayWhatIsWrongWithARequest() throws IOException {
        PageServer server = start(new Access.Loopback());
        String json = "Content-Type: application/json";
        assertEquals(400, post(server, "/api/complete", "{", json).status());
        Answer many = post(server, "/api/complete", "{\"maxBytes\":5000}", json);
        assertEquals(400, many.status());
        assertEquals("{\"error\":\"maxBytes must be from 1 to 1000\"}", many.body());
        Answer key = get(server, "/api/history");
        assertEquals(400, key.status());
        assertEquals("{\"error\":\"key is missing\"}", key.body());
        assertEquals(503, get(server, "/api/history?key=YQ").status(), "not running");
        assertEquals(
                405,
                ask(
                                server,
                                "DELETE / HTTP/1.1\r\nHost: localhost\r\nConnection:"
                                        + " close\r\n\r\n")
                        .status());
    }

    @Test
    void shouldDescribeTheModel() throws IOException {
        Answer answer = get(start(new Access.Loopback()), "/api/model");
        assertEquals(200, answer.status());
        assertTrue(answer.body().contains("\"d_model\":48"), answer.body());
        assertTrue(answer.body().contains("\"stateBytes\":"), answer.body());
        assertTrue(answer.body().contains(model.fingerprint()), answer.body());
    }

    @Test
    void shouldTellALateComerTheLastLines() throws IOException {
        PageServer server = start(new Access.Loopback());
        scoreLines(1);
        try (Socket socket = subscribe(server, "/api/events")) {
            BufferedReader in = reader(socket);
            assertEquals("lines", nextEvent(in));
            String data = Objects.requireNonNull(in.readLine());
            assertTrue(
                    data.contains(
                            "\"value\":\""
                                    + Base64.getUrlEncoder().withoutPadding().encodeToString(LINE)
                                    + "\""),
                    data);
        }
    }

    @Test
    void shouldGoOnWhateverOtherBrowsersDo() throws IOException {
        PageServer server = start(new Access.Loopback());
        List<Socket> silent = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            // They ask and never read.
            Socket socket = subscribe(server, "/api/events");
            silent.add(socket);
            open.add(socket);
        }
        try (Socket socket = subscribe(server, "/api/events?min=0.1")) {
            BufferedReader in = reader(socket);
            int seen = 0;
            while (seen < 5) {
                scoreLines(200);
                if (nextEvent(in).equals("lines")) {
                    seen++;
                }
            }
            while (!nextEvent(in).equals("status")) {
                scoreLines(1);
            }
            String status = Objects.requireNonNull(in.readLine());
            assertTrue(status.contains("\"browsers\":21"), status);
            assertTrue(status.contains("\"dropped\":0"), status);
        }
        assertEquals(20, silent.size());
    }

    private static Socket subscribe(PageServer server, String path) throws IOException {
        Socket socket = new Socket("localhost", server.address().getPort());
        socket.getOutputStream()
                .write(
                        ("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
                                .getBytes(StandardCharsets.UTF_8));
        socket.getOutputStream().flush();
        return socket;
    }

    private static BufferedReader reader(Socket socket) throws IOException {
        return new BufferedReader(
                new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
    }

    /** Reads to the next event's name. */
    private static String nextEvent(BufferedReader in) throws IOException {
        while (true) {
            String line = Objects.requireNonNull(in.readLine(), "the server ended it");
            if (line.startsWith("event: ")) {
                return line.substring(7);
            }
        }
    }
}
