package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.app.DemoRecording.Line;
import io.mambabyte.app.ui.Browser;
import io.mambabyte.app.ui.LineFeed;
import io.mambabyte.app.ui.PageServer;
import io.mambabyte.app.ui.PageSources;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.score.ByteDetails;
import io.mambabyte.score.Framing;
import io.mambabyte.score.RecordScore;
import io.mambabyte.score.Scorer;
import io.mambabyte.streams.MambaByteConfig;

import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.streams.StreamsConfig;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What the page costs, and what it bears: figures for docs/page.md. Needs a machine of its own; a
 * time limit would say more about the machine than about the page, so that only what must hold
 * anywhere is asserted, and the rest printed.
 */
@Tag("soak")
class PageLoadIT {
    private static final int LINES_PER_SECOND = 10_000;
    private static final int SECONDS = Integer.getInteger("page.seconds", 60);
    private static final int TURNS = Integer.getInteger("page.turns", 6);
    private static final int WINDOW_SECONDS = 3;
    private static final int BROWSERS = 200;
    private static final List<Boolean> FIRST_ALONE = List.of(false, true);
    private static final List<Boolean> FIRST_WATCHED = List.of(true, false);

    private final List<AutoCloseable> open = new ArrayList<>();
    private volatile boolean ended;

    @AfterEach
    void close() throws Exception {
        ended = true;
        for (AutoCloseable one : open.reversed()) {
            one.close();
        }
    }

    /** A line with the score and the details that scoring it gave. */
    @SuppressWarnings("ArrayRecordComponent") // only ever read
    private record Scored(byte[] key, byte[] line, RecordScore score, ByteDetails details) {}

    private static List<Scored> scored(MambaModel model) throws IOException {
        Scorer scorer = new Scorer(model);
        ByteDetails.Collector collector = new ByteDetails.Collector();
        List<Scored> scored = new ArrayList<>();
        for (Line line : DemoRecording.load().first(1500).lines()) {
            RecordScore score = scorer.scoreAlone(line.bytes(), Framing.LINES, false, collector);
            scored.add(
                    new Scored(
                            line.key().getBytes(StandardCharsets.UTF_8),
                            line.bytes(),
                            score,
                            collector.details()));
        }
        return scored;
    }

    /**
     * The page alone: lines that were scored before are told to it as fast as a topology on a
     * larger machine would.
     */
    @Test
    void framesAndMemoryOfThePage() throws Exception {
        ModelSource source = ModelSource.of("logs-nano");
        MambaModel model = MambaModel.load(source);
        LineFeed feed = new LineFeed();
        LocalPipeline pipeline = pipeline(model, feed, 1);
        PageServer server = serve(pipeline, feed, source, model);
        List<Scored> lines = scored(model);
        Thread telling = Thread.ofPlatform().start(() -> tell(feed, lines));
        open.add(telling::join);
        open.add(() -> ended = true);
        Browser browser = Browser.start();
        open.add(browser);
        browser.size(1440, 900);
        browser.open(server.address());
        browser.await("lines", b -> b.all(".line").size() > 50);
        browser.await("the rate", b -> number(b.text("#f-lines")) > LINES_PER_SECOND / 2);
        List<Long> heaps = new ArrayList<>();
        List<Double> rates = new ArrayList<>();
        double longest = 0;
        for (int part = 0; part < 6; part++) {
            heaps.add(heap(browser));
            @SuppressWarnings("unchecked")
            Map<String, Number> frames =
                    (Map<String, Number>)
                            browser.asyncScript(
                                    """
                                            const [seconds, done] = arguments;
                                            const start = performance.now();
                                            let last = start, frames = 0, longest = 0;
                                            function frame(now) {
                                              frames++;
                                              longest = Math.max(longest, now - last);
                                              last = now;
                                              if (now - start < seconds * 1000) requestAnimationFrame(frame);
                                              else done({fps: 1000 * frames / (now - start), longest});
                                            }
                                            requestAnimationFrame(frame);
                                            """,
                                    SECONDS / 6.0);
            rates.add(number(frames, "fps"));
            longest = Math.max(longest, number(frames, "longest"));
        }
        heaps.add(heap(browser));
        System.out.printf(
                Locale.ROOT,
                "{\"page\":\"frames\",\"lines_per_s\":%d,\"seconds\":%d,\"fps\":%s,"
                        + "\"longest_frame_ms\":%.0f,\"heap_bytes\":%s,\"sampling\":\"%s\"}%n",
                number(browser.text("#f-lines")),
                SECONDS,
                rates.stream().map(r -> String.format(Locale.ROOT, "%.1f", r)).toList(),
                longest,
                heaps,
                browser.text("#sampling"));
        assertTrue(browser.all(".line").size() <= 120);
        assertEquals(List.of(), browser.complaints());
    }

    private static long heap(Browser browser) {
        browser.driver().executeCdpCommand("HeapProfiler.collectGarbage", Map.of());
        return ((Number) browser.script("return performance.memory.usedJSHeapSize")).longValue();
    }

    private void tell(LineFeed feed, List<Scored> lines) {
        long start = System.nanoTime();
        long told = 0;
        while (!ended) {
            long due = (long) ((System.nanoTime() - start) * 1e-9 * LINES_PER_SECOND);
            for (; told < due; told++) {
                Scored line = lines.get((int) (told % lines.size()));
                boolean wanted = feed.wantsDetails(line.key());
                feed.scored(
                        line.key(),
                        line.line(),
                        System.currentTimeMillis(),
                        line.score(),
                        wanted ? line.details() : null);
            }
            try {
                Thread.sleep(1);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    /** The topology, by turns with nobody looking, with one browser, and at last with 200. */
    @Test
    void throughputOfTheTopology() throws Exception {
        ModelSource source = ModelSource.of("logs-nano");
        MambaModel model = MambaModel.load(source);
        LineFeed feed = new LineFeed();
        LocalPipeline pipeline = pipeline(model, feed, 1);
        PageServer server = serve(pipeline, feed, source, model);
        Thread producing = Thread.ofPlatform().start(() -> produce(pipeline));
        producing.join();
        pipeline.startTopology();
        while (pipeline.totals().records() < 3000) {
            Thread.sleep(100);
        }
        List<Double> alone = new ArrayList<>();
        List<Double> watched = new ArrayList<>();
        for (int turn = 0; turn < TURNS; turn++) {
            // By turns, and each first as often as the other.
            for (boolean watching : turn % 2 == 0 ? FIRST_ALONE : FIRST_WATCHED) {
                if (watching) {
                    try (Reader reader = Reader.of(server.address(), true)) {
                        watched.add(rate(pipeline));
                        assertTrue(reader.read.get() > 0);
                    }
                } else {
                    alone.add(rate(pipeline));
                }
            }
        }
        long heapBefore = liveHeap();
        List<Reader> readers = new ArrayList<>();
        for (int i = 0; i < BROWSERS; i++) {
            Reader reader = Reader.of(server.address(), i % 2 == 0);
            readers.add(reader);
            open.add(reader);
        }
        List<Double> crowded = new ArrayList<>();
        for (int turn = 0; turn < Math.max(1, TURNS / 2); turn++) {
            crowded.add(rate(pipeline));
        }
        long heapAfter = liveHeap();
        long read = readers.stream().filter(r -> r.reads).filter(r -> r.read.get() > 0).count();
        double gone = median(alone);
        System.out.printf(
                Locale.ROOT,
                "{\"page\":\"topology\",\"bytes_per_s_alone\":%.0f,\"one_page\":%.0f,"
                        + "\"loss_one_page\":%.4f,\"browsers_200\":%.0f,\"loss_200\":%.4f,"
                        + "\"readers_served\":%d,\"heap_before\":%d,\"heap_with_200\":%d,"
                        + "\"alone\":%s,\"watched\":%s,\"crowded\":%s}%n",
                gone,
                median(watched),
                1 - median(watched) / gone,
                median(crowded),
                1 - median(crowded) / gone,
                read,
                heapBefore,
                heapAfter,
                rounded(alone),
                rounded(watched),
                rounded(crowded));
        assertEquals(BROWSERS / 2, read);
    }

    private static List<Long> rounded(List<Double> rates) {
        return rates.stream().map(Math::round).toList();
    }

    private static double rate(LocalPipeline pipeline) throws InterruptedException {
        Thread.sleep(300);
        long before = pipeline.totals().bytes();
        long start = System.nanoTime();
        Thread.sleep(WINDOW_SECONDS * 1000L);
        return (pipeline.totals().bytes() - before) * 1e9 / (System.nanoTime() - start);
    }

    private static long liveHeap() {
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    private static double median(List<Double> values) {
        double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }

    private static double number(Map<String, Number> values, String name) {
        return values.getOrDefault(name, Double.NaN).doubleValue();
    }

    private static long number(String text) {
        String digits = text.replaceAll("[^0-9]", "");
        return digits.isEmpty() ? 0 : Long.parseLong(digits);
    }

    /** A browser without a screen: asks for the events, and reads them or never does. */
    private static final class Reader implements AutoCloseable {
        final Socket socket;
        final boolean reads;
        private final AtomicLong read = new AtomicLong();

        private Reader(Socket socket, boolean reads) {
            this.socket = socket;
            this.reads = reads;
        }

        static Reader of(URI page, boolean reads) throws IOException {
            Socket socket = new Socket(page.getHost(), page.getPort());
            socket.getOutputStream()
                    .write(
                            "GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
                                    .getBytes(StandardCharsets.UTF_8));
            Reader reader = new Reader(socket, reads);
            if (reads) {
                Thread.startVirtualThread(reader::readAll);
            }
            return reader;
        }

        private void readAll() {
            byte[] buffer = new byte[1 << 16];
            try (InputStream in = socket.getInputStream()) {
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    read.addAndGet(n);
                }
            } catch (IOException e) {
                // Closed.
            }
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    private LocalPipeline pipeline(MambaModel model, LineFeed feed, int partitions)
            throws IOException, InterruptedException {
        LocalPipeline pipeline =
                LocalPipeline.start(
                        LocalPipeline.temporaryFolder(),
                        model,
                        Map.of(
                                MambaByteConfig.MODEL_CONFIG,
                                "logs-nano",
                                StreamsConfig.NUM_STREAM_THREADS_CONFIG,
                                "1"),
                        partitions,
                        feed);
        open.add(pipeline);
        return pipeline;
    }

    private PageServer serve(
            LocalPipeline pipeline, LineFeed feed, ModelSource source, MambaModel model)
            throws IOException {
        PageServer server =
                PageAddress.of("0", Map.of())
                        .start(
                                new PageSources(
                                        feed,
                                        pipeline::streams,
                                        pipeline.component(),
                                        source,
                                        model,
                                        Optional.empty()));
        open.add(server);
        return server;
    }

    /** More than the topology scores in the time. */
    private static void produce(LocalPipeline pipeline) {
        try (RawProducer producer = pipeline.producer()) {
            List<Line> lines = DemoRecording.load().lines();
            for (int round = 0; round < 12; round++) {
                for (Line line : lines) {
                    producer.send(
                            new ProducerRecord<>(
                                    LocalPipeline.INPUT,
                                    0,
                                    line.timeMs(),
                                    line.key().getBytes(StandardCharsets.UTF_8),
                                    line.bytes()));
                }
            }
            producer.flush();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
