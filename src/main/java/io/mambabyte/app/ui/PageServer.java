package io.mambabyte.app.ui;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.kafka.common.utils.Bytes;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpURI;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.Fields;
import org.eclipse.jetty.util.VirtualThreads;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Serves the page, and tells the browsers what happens by server-sent events. Whatever a browser
 * does, the stream does not wait: events are made by one thread of the server, between it and each
 * browser is a bounded queue, and nothing of it is written on a stream thread.
 */
public final class PageServer implements AutoCloseable {
    /** More browsers than this are sent away. */
    static final int BROWSERS_MAX = 256;

    private static final int REQUEST_BYTES_MAX = 64 << 10;
    private static final long TICK_MS = 100;
    private static final int TICKS_PER_STATUS = 10;
    private static final int LINES_AT_THE_START = 60;

    /** A browser that takes nothing for so long is cut off. */
    private static final long IDLE_TIMEOUT_MS = 30_000;

    private static final int SERVER_THREADS_MAX = 8;

    /** Nothing from elsewhere, nothing inline, no frame around it. */
    static final String CONTENT_SECURITY_POLICY =
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src"
                    + " 'self' data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

    private final Server server;
    private final ServerConnector connector;
    private final Access access;
    private final PageSources sources;
    private final PageFiles files = new PageFiles();
    private final Optional<IncidentBoard> incidents;
    private final ScheduledExecutorService ticker;
    private final Set<Subscription> subscriptions = ConcurrentHashMap.newKeySet();

    // The ticker's.
    private long lastLine;
    private long lastRecords;
    private long lastBytes;
    private long lastNanos;
    private long ticks;

    private PageServer(InetSocketAddress address, Access access, PageSources sources) {
        this.access = access;
        this.sources = sources;
        incidents = sources.incidents().map(IncidentBoard::new);
        QueuedThreadPool threads = new QueuedThreadPool(SERVER_THREADS_MAX, 2);
        threads.setName("mambabyte-page");
        threads.setDaemon(true);
        threads.setVirtualThreadsExecutor(
                VirtualThreads.getNamedVirtualThreadsExecutor("mambabyte-page-request-"));
        server = new Server(threads);
        HttpConfiguration http = new HttpConfiguration();
        http.setSendServerVersion(false);
        connector = new ServerConnector(server, 1, 1, new HttpConnectionFactory(http));
        connector.setHost(address.getHostString());
        connector.setPort(address.getPort());
        connector.setIdleTimeout(IDLE_TIMEOUT_MS);
        server.addConnector(connector);
        server.setHandler(new Requests());
        ticker =
                Executors.newSingleThreadScheduledExecutor(
                        Thread.ofPlatform().daemon().name("mambabyte-page-events").factory());
    }

    /**
     * Starts to serve.
     *
     * @param address where; port 0 for any that is free
     * @param access who may look
     * @param sources what is shown
     * @return the running server
     * @throws IOException if it cannot listen there
     */
    public static PageServer start(InetSocketAddress address, Access access, PageSources sources)
            throws IOException {
        PageServer page = new PageServer(address, access, sources);
        try {
            page.server.start();
        } catch (Exception e) {
            page.close();
            throw e instanceof IOException io ? io : new IOException(e.getMessage(), e);
        }
        var _ =
                page.ticker.scheduleAtFixedRate(
                        page::tick, TICK_MS, TICK_MS, TimeUnit.MILLISECONDS);
        return page;
    }

    /**
     * Where the page is.
     *
     * @return its address
     */
    public URI address() {
        String host = connector.getHost();
        return URI.create("http://" + host + ":" + connector.getLocalPort() + "/");
    }

    @Override
    public void close() {
        ticker.shutdownNow();
        incidents.ifPresent(IncidentBoard::close);
        List.copyOf(subscriptions).forEach(Subscription::end);
        try {
            server.stop();
        } catch (Exception e) {
            System.getLogger(PageServer.class.getName())
                    .log(System.Logger.Level.WARNING, "The page's server did not stop", e);
        }
    }

    // ---------------------------------------------------------------- telling the browsers

    private void tick() {
        try {
            tell();
        } catch (RuntimeException e) {
            // One tick that failed must not be the last one.
            System.getLogger(PageServer.class.getName())
                    .log(System.Logger.Level.WARNING, "The page was not told what happened", e);
        }
    }

    private void tell() {
        List<ScoredLine> lines = sources.feed().after(lastLine);
        if (!lines.isEmpty()) {
            lastLine = lines.getLast().id();
        }
        boolean statusDue = ticks++ % TICKS_PER_STATUS == 0;
        if (!subscriptions.isEmpty() && !lines.isEmpty()) {
            tellLines(lines);
        }
        if (statusDue) {
            tellStatus();
        }
    }

    /** Browsers that want the same are sent the same bytes. */
    private void tellLines(List<ScoredLine> lines) {
        Map<LineFilter, Optional<byte[]>> events = new HashMap<>();
        for (Subscription subscription : subscriptions) {
            events.computeIfAbsent(
                            subscription.filter(),
                            filter -> {
                                List<ScoredLine> wanted = wanted(lines, filter);
                                return wanted.isEmpty()
                                        ? Optional.empty()
                                        : Optional.of(
                                                PageJson.event("lines", PageJson.lines(wanted)));
                            })
                    .ifPresent(subscription::offer);
        }
    }

    private static List<ScoredLine> wanted(List<ScoredLine> lines, LineFilter filter) {
        boolean all = filter.equals(LineFilter.ALL);
        return lines.stream().filter(line -> all ? line.sample() : filter.matches(line)).toList();
    }

    private void tellStatus() {
        long records = sources.feed().records();
        long bytes = sources.feed().bytes();
        long nanos = System.nanoTime();
        double seconds = Math.max(1e-3, (nanos - lastNanos) / 1e9);
        double recordsPerSecond = (records - lastRecords) / seconds;
        double bytesPerSecond = (bytes - lastBytes) / seconds;
        lastRecords = records;
        lastBytes = bytes;
        lastNanos = nanos;
        if (subscriptions.isEmpty()) {
            return;
        }
        long now = System.currentTimeMillis();
        byte[] keys = PageJson.event("keys", PageJson.keys(sources.feed().keys().rows(now), now));
        byte[] board =
                PageJson.event(
                        "incidents",
                        incidents.map(IncidentBoard::json).orElseGet(IncidentBoard::none));
        String state = sources.streams().get().state().name();
        int browsers = subscriptions.size();
        for (Subscription subscription : subscriptions) {
            ObjectNode status = PageJson.object();
            status.put("records", records);
            status.put("bytes", bytes);
            status.put("recordsPerSecond", PageJson.rounded(recordsPerSecond));
            status.put("bytesPerSecond", PageJson.rounded(bytesPerSecond));
            status.put("state", state);
            status.put("dropped", subscription.dropped());
            status.put("browsers", browsers);
            subscription.offer(PageJson.event("status", status));
            subscription.offer(keys);
            subscription.offer(board);
        }
    }

    private void subscribe(LineFilter filter, Response response, Callback callback) {
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, "text/event-stream");
        Subscription subscription =
                new Subscription(
                        filter,
                        (bytes, written) -> response.write(false, bytes, written),
                        ended -> {
                            subscriptions.remove(ended);
                            sources.feed().end(filter);
                            callback.failed(new IOException("the browser is gone"));
                        });
        sources.feed().begin(filter);
        List<ScoredLine> last =
                sources.feed().after(0).stream()
                        .filter(
                                filter.equals(LineFilter.ALL)
                                        ? ScoredLine::sample
                                        : filter::matches)
                        .toList();
        subscription.offer(
                PageJson.event(
                        "lines",
                        PageJson.lines(
                                last.subList(
                                        Math.max(0, last.size() - LINES_AT_THE_START),
                                        last.size()))));
        subscriptions.add(subscription);
    }

    // ---------------------------------------------------------------- answering

    private final class Requests extends Handler.Abstract {
        private final CompletionRequests completions = new CompletionRequests(sources);
        private final ModelView model = new ModelView(sources);
        private final KeyView keys = new KeyView(sources);

        @Override
        public boolean handle(Request request, Response response, Callback callback)
                throws Exception {
            HttpFields.Mutable headers = response.getHeaders();
            headers.put("Content-Security-Policy", CONTENT_SECURITY_POLICY);
            headers.put("X-Content-Type-Options", "nosniff");
            headers.put("X-Frame-Options", "DENY");
            headers.put("Referrer-Policy", "no-referrer");
            headers.put("Cross-Origin-Resource-Policy", "same-origin");
            headers.put("Cross-Origin-Opener-Policy", "same-origin");
            headers.put(HttpHeader.CACHE_CONTROL, "no-store");
            if (!access.allows(request.getHeaders())) {
                refuse(response, callback);
                return true;
            }
            try {
                switch (request.getMethod()) {
                    case "GET" -> get(request, response, callback);
                    case "POST" -> post(request, response, callback);
                    default -> error(response, callback, 405, "GET and POST only");
                }
            } catch (IllegalArgumentException e) {
                error(response, callback, 400, String.valueOf(e.getMessage()));
            } catch (PageUnavailableException e) {
                error(response, callback, 503, String.valueOf(e.getMessage()));
            }
            return true;
        }

        private void refuse(Response response, Callback callback) {
            switch (access) {
                case Access.Token _ -> {
                    response.getHeaders()
                            .put(
                                    HttpHeader.WWW_AUTHENTICATE,
                                    "Basic realm=\"mambabyte\", charset=\"UTF-8\"");
                    error(response, callback, 401, "a token is needed");
                }
                case Access.Loopback _ ->
                        error(response, callback, 403, "this page is for this machine only");
            }
        }

        private void get(Request request, Response response, Callback callback)
                throws PageUnavailableException {
            String path = request.getHttpURI().getCanonicalPath();
            PageFiles.PageFile file = path == null ? null : files.at(path);
            if (file != null) {
                send(response, callback, 200, file.type(), file.bytes());
                return;
            }
            switch (String.valueOf(path)) {
                case "/api/events" -> {
                    if (subscriptions.size() >= BROWSERS_MAX) {
                        throw new PageUnavailableException(BROWSERS_MAX + " browsers look already");
                    }
                    subscribe(filter(request), response, callback);
                }
                case "/api/history" ->
                        send(response, callback, keys.history(parameter(request, "key")));
                case "/api/model" -> send(response, callback, model.json());
                default -> error(response, callback, 404, "nothing is there");
            }
        }

        private void post(Request request, Response response, Callback callback)
                throws IOException, PageUnavailableException {
            if (!fromThisPage(request)) {
                error(response, callback, 403, "not from this page");
                return;
            }
            switch (String.valueOf(request.getHttpURI().getCanonicalPath())) {
                case "/api/complete" -> {
                    JsonNode asked = body(request);
                    response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/x-ndjson");
                    completions.answer(asked, Content.Sink.asOutputStream(response));
                    callback.succeeded();
                }
                case "/api/verdicts" -> {
                    JsonNode asked = body(request);
                    if (incidents.isEmpty()) {
                        throw new PageUnavailableException("anomalies are not looked for");
                    }
                    incidents.get().notAnAnomaly(asked.path("incident").asText());
                    send(response, callback, PageJson.object());
                }
                case "/api/model/measure" -> {
                    body(request);
                    send(response, callback, model.measure());
                }
                default -> error(response, callback, 404, "nothing is there");
            }
        }

        private static LineFilter filter(Request request) {
            Fields fields = Request.extractQueryParameters(request);
            String key = fields.getValue("key");
            String least = fields.getValue("min");
            Optional<Bytes> wanted =
                    key == null ? Optional.empty() : Optional.of(PageJson.key(key));
            if (least == null) {
                return new LineFilter(wanted, 0);
            }
            try {
                return new LineFilter(wanted, Double.parseDouble(least));
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("min is not a number: " + least, e);
            }
        }

        private static String parameter(Request request, String name) {
            String value = Request.extractQueryParameters(request).getValue(name);
            if (value == null) {
                throw new IllegalArgumentException(name + " is missing");
            }
            return value;
        }
    }

    /**
     * Whether a request that does something comes from this page: browsers say where it comes from,
     * and a form of another page cannot send JSON without asking first.
     */
    private static boolean fromThisPage(Request request) {
        HttpFields headers = request.getHeaders();
        String origin = headers.get(HttpHeader.ORIGIN);
        String site = headers.get("Sec-Fetch-Site");
        HttpURI uri = request.getHttpURI();
        String type = headers.get(HttpHeader.CONTENT_TYPE);
        return (origin == null
                        || origin.equals(uri.getScheme() + "://" + uri.getAuthority())
                        || origin.equals("https://" + uri.getAuthority()))
                && (site == null || site.equals("same-origin"))
                && type != null
                && type.startsWith("application/json");
    }

    private static JsonNode body(Request request) throws IOException {
        byte[] body;
        try (InputStream in = Content.Source.asInputStream(request)) {
            body = in.readNBytes(REQUEST_BYTES_MAX + 1);
        }
        if (body.length > REQUEST_BYTES_MAX) {
            throw new IllegalArgumentException("more than " + REQUEST_BYTES_MAX + " bytes");
        }
        try {
            return PageJson.mapper().readTree(body);
        } catch (JacksonException e) {
            throw new IllegalArgumentException("not JSON: " + e.getOriginalMessage(), e);
        }
    }

    private static void error(Response response, Callback callback, int status, String message) {
        send(
                response,
                callback,
                status,
                "application/json",
                PageJson.object()
                        .put("error", message)
                        .toString()
                        .getBytes(StandardCharsets.UTF_8));
    }

    private static void send(Response response, Callback callback, ObjectNode body) {
        send(
                response,
                callback,
                200,
                "application/json",
                body.toString().getBytes(StandardCharsets.UTF_8));
    }

    private static void send(
            Response response, Callback callback, int status, String type, byte[] body) {
        response.setStatus(status);
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, type);
        response.write(true, ByteBuffer.wrap(body), callback);
    }
}
