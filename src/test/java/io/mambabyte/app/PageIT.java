package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.app.DemoRecording.Line;
import io.mambabyte.app.ui.Browser;
import io.mambabyte.app.ui.IncidentTopics;
import io.mambabyte.app.ui.LineFeed;
import io.mambabyte.app.ui.PageServer;
import io.mambabyte.app.ui.PageSources;
import io.mambabyte.avro.Alternative;
import io.mambabyte.avro.Incident;
import io.mambabyte.avro.Span;
import io.mambabyte.avro.Verdict;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.streams.MambaByteConfig;
import io.mambabyte.streams.registry.ConfluentAvroSerde;

import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.interactions.Actions;
import org.openqa.selenium.support.ui.Select;

import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The page in a real browser, on a real topology that scores the demo's log on a real broker. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PageIT {
    private static final int LINES_PER_SECOND = 60;
    private static final String INCIDENTS = "page-incidents";
    private static final String VERDICTS = "page-verdicts";

    private final List<AutoCloseable> open = new ArrayList<>();
    private Browser browser;
    private LocalPipeline pipeline;
    private URI page;
    private volatile boolean ended;

    @BeforeAll
    void start() throws Exception {
        browser = Browser.start();
        open.add(browser);
        Path folder = LocalPipeline.temporaryFolder();
        ModelSource source = ModelSource.of("logs-nano");
        MambaModel model = MambaModel.load(source);
        LineFeed feed = new LineFeed();
        DemoRecording recording = DemoRecording.load().first(12_000);
        pipeline =
                LocalPipeline.start(
                        folder,
                        model,
                        Map.of(MambaByteConfig.MODEL_CONFIG, "logs-nano"),
                        recording.keys().size(),
                        feed);
        open.add(pipeline);
        PageServer server =
                PageAddress.of("0", Map.of())
                        .start(
                                new PageSources(
                                        feed,
                                        pipeline::streams,
                                        pipeline.component(),
                                        source,
                                        model,
                                        Optional.of(incidentTopics())));
        open.add(server);
        page = server.address();
        pipeline.startTopology();
        Thread producing = Thread.ofPlatform().start(() -> produce(recording));
        open.add(
                () -> {
                    ended = true;
                    producing.join();
                });
    }

    private IncidentTopics incidentTopics() throws Exception {
        EmbeddedBroker.createTopics(
                pipeline.bootstrapServers(),
                List.of(
                        new NewTopic(INCIDENTS, 1, (short) 1),
                        new NewTopic(VERDICTS, 3, (short) 1)));
        return new IncidentTopics(
                INCIDENTS, VERDICTS, pipeline.streamsConfig(), pipeline.component().originals());
    }

    /** At a pace at which there is always something to see. */
    private void produce(DemoRecording recording) {
        Map<String, Integer> partitions = new HashMap<>();
        recording.keys().forEach(key -> partitions.put(key, partitions.size()));
        try (RawProducer producer = pipeline.producer()) {
            long start = System.nanoTime();
            long sent = 0;
            for (Iterator<Line> lines = recording.lines().iterator(); !ended; ) {
                // However long the tests take, there is more to see.
                if (!lines.hasNext()) {
                    lines = recording.lines().iterator();
                }
                Line line = lines.next();
                while (!ended && sent > (System.nanoTime() - start) * 1e-9 * LINES_PER_SECOND) {
                    Thread.sleep(10);
                }
                producer.send(
                        new ProducerRecord<>(
                                LocalPipeline.INPUT,
                                partitions.get(line.key()),
                                line.timeMs(),
                                line.key().getBytes(StandardCharsets.UTF_8),
                                line.bytes()));
                sent++;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @BeforeEach
    void openPage() {
        browser.size(1440, 900);
        browser.colorScheme("dark");
        browser.open(URI.create("about:blank"));
        browser.open(page);
        browser.await("lines are shown", b -> b.all(".line").size() >= 10);
    }

    @AfterEach
    void nothingToComplainAbout() {
        assertEquals(List.of(), browser.complaints());
    }

    @AfterAll
    void stop() throws Exception {
        for (AutoCloseable one : open.reversed()) {
            one.close();
        }
    }

    @Test
    void shouldColourEveryByteAndSayWhatWasExpectedInstead() {
        browser.await("it scores", b -> b.text("#state-text").equals("scoring"));
        browser.await("a rate", b -> !b.text("#f-lines").equals("–"));
        assertEquals(11, browser.all("#legend span").size());
        WebElement surprising = browser.all(".line .text span.s8, .line .text span.s9").getFirst();
        String shown = surprising.getText();
        new Actions(browser.driver()).moveToElement(surprising).perform();
        browser.await("bits", b -> !b.all("#byte-says .byte-bits").isEmpty());
        double bits =
                Double.parseDouble(browser.text("#byte-says .byte-bits").replace(" bits", ""));
        assertTrue(bits >= 8 && bits < 13, "the colour says 8 to 13: " + bits);
        String named = browser.text(".byte-char");
        assertTrue(
                shown.contains(named) || named.equals("space") || named.length() > 1,
                named + " of " + shown);
        assertEquals(5, browser.all("#byte-says .instead li").size());
        List<Double> probabilities =
                browser.all("#byte-says .instead li .p").stream()
                        .map(p -> Double.parseDouble(p.getText().replaceAll("[<% ]", "")))
                        .toList();
        assertEquals(
                probabilities.stream().sorted((a, b) -> Double.compare(b, a)).toList(),
                probabilities);
        String what = browser.text("#byte-says .byte-what");
        assertTrue(what.matches("(?s)(UTF-8|not UTF-8).*hex [0-9a-f ]+ · byte \\d+ of .*"), what);
        assertTrue(browser.text("#sampling").startsWith("Held while you look"));
    }

    @Test
    void shouldBeUsedByKeyboardAlone() {
        browser.one("#pause").click();
        WebElement line = browser.one(".line[tabindex='0']");
        line.sendKeys(Keys.HOME);
        String first = browser.text("#byte-says .byte-what");
        assertTrue(first.contains("byte 1 of"), first);
        line.sendKeys(Keys.ARROW_RIGHT);
        String second = browser.text("#byte-says .byte-what");
        assertTrue(second.contains("byte 2 of"), second);
        line.sendKeys(Keys.ARROW_LEFT);
        assertEquals(first, browser.text("#byte-says .byte-what"));
        String before = line.getDomAttribute("data-id");
        line.sendKeys(Keys.ARROW_UP);
        WebElement above = browser.driver().switchTo().activeElement();
        assertNotEquals(before, above.getDomAttribute("data-id"));
        assertEquals("listitem", above.getDomAttribute("role"));
        assertEquals("line selected", above.getDomAttribute("class"));
    }

    @Test
    void shouldPauseAndResume() {
        browser.one("#pause").click();
        assertEquals("true", browser.one("#pause").getDomAttribute("aria-pressed"));
        browser.await(
                "what went by is counted",
                b -> b.text("#sampling").matches("Paused; \\d+ lines went by\\."));
        String last = lastLine();
        browser.await("time goes on", b -> !b.text("#sampling").contains(" 0 lines"));
        assertEquals(last, lastLine());
        browser.one("#pause").click();
        browser.await("it goes on", _ -> !lastLine().equals(last));
    }

    private String lastLine() {
        return (String)
                browser.script("return [...document.querySelectorAll('.line')].pop().dataset.id");
    }

    @Test
    void shouldSaySampling() {
        browser.await(
                "60 lines a second are more than are shown",
                b -> b.text("#sampling").matches("Sampled: \\d+ of \\d+ lines a second.*"));
    }

    @Test
    void shouldFilterByKeyAndBySurprise() {
        browser.await("keys are known", b -> b.all("#key-filter option").size() >= 3);
        new Select(browser.one("#key-filter")).selectByVisibleText("broker-2");
        browser.await("its lines", b -> b.all(".line").size() >= 5);
        assertEquals(Set.of("broker-2"), Set.copyOf(browser.texts(".line .who")));
        new Select(browser.one("#key-filter")).selectByValue("");
        new Select(browser.one("#min-filter")).selectByValue("1");
        browser.await("surprising lines", b -> b.all(".line").size() >= 3);
        assertTrue(browser.texts(".line .mean").stream().allMatch(m -> Double.parseDouble(m) >= 1));
        assertTrue(browser.text("#sampling").contains("pass the filter"));
    }

    @Test
    void shouldShowKeysAndTheirHistoryFromTheStore() {
        browser.view("keys");
        browser.await("a row for each broker", b -> b.all("#key-rows tr").size() >= 2);
        assertEquals(
                List.of("broker-1", "broker-2"),
                browser.texts("#key-rows button").stream().sorted().limit(2).toList());
        assertTrue(
                List.of("learning", "normal", "silent", "anomalous")
                        .containsAll(browser.texts("#key-rows .state")));
        browser.await(
                "curves",
                b ->
                        (Boolean)
                                b.script(
                                        "return [...document.querySelectorAll('.spark.bits path')]"
                                                + ".some(p => p.getAttribute('d').includes('L'))"));
        browser.one("#key-find").sendKeys("broker-2");
        browser.await("one row", b -> b.all("#key-rows tr").size() == 1);
        browser.one("#key-rows button").click();
        browser.await("history", b -> !b.all("#key-detail .facts").isEmpty());
        String facts = browser.text("#key-detail .facts");
        assertTrue(facts.matches("[\\d,]+ bytes so far, \\d\\.\\d+ bits a byte; .*"), facts);
        browser.driver().findElement(By.xpath("//button[text()='See its lines']")).click();
        browser.await("its lines", b -> b.all(".line").size() >= 3);
        assertEquals(Set.of("broker-2"), Set.copyOf(browser.texts(".line .who")));
    }

    @Test
    void shouldShowIncidentsAndTakeAVerdict() throws Exception {
        byte[] line = "WARN the disk <is full> again".getBytes(StandardCharsets.UTF_8);
        Incident incident =
                Incident.newBuilder()
                        .setId("cafe-17")
                        .setKey(bytes("broker-1"))
                        .setKind("anomalies")
                        .setStatus("open")
                        .setRevision(1)
                        .setModel("m")
                        .setTopic("logs")
                        .setPartition(2)
                        .setFirstOffset(40)
                        .setLastOffset(47)
                        .setFirstLine(17)
                        .setLastLine(24)
                        .setFirstTimeMs(1_764_000_000_000L)
                        .setLastTimeMs(1_764_000_060_000L)
                        .setLines(3)
                        .setPeakPValue(0.00012)
                        .setPeakScore(21.5)
                        .setPeakLine(18)
                        .setPeakOffset(41)
                        .setPeakText(ByteBuffer.wrap(line))
                        .setSpans(
                                List.of(
                                        new Span(
                                                15,
                                                44.4,
                                                bytes("is full"),
                                                List.of(
                                                        new Alternative(0.62, bytes("was cleaned")),
                                                        new Alternative(0.2, bytes("-1 of"))))))
                        .build();
        try (KafkaProducer<byte[], Incident> producer =
                new KafkaProducer<>(
                        Map.of("bootstrap.servers", pipeline.bootstrapServers()),
                        new ByteArraySerializer(),
                        ConfluentAvroSerde.ofValues(
                                        Incident.class, pipeline.component().originals())
                                .serializer())) {
            producer.send(
                            new ProducerRecord<>(
                                    INCIDENTS,
                                    "cafe-17".getBytes(StandardCharsets.UTF_8),
                                    incident))
                    .get();
        }
        browser.view("incidents");
        browser.await("the incident", b -> b.all(".incident").size() == 1);
        assertEquals("1", browser.text("#incident-count"));
        String shown = browser.text(".incident");
        assertTrue(shown.contains("broker-1"), shown);
        assertTrue(shown.contains("logs-2, offset 40 to 47"), shown);
        assertTrue(shown.contains("3 lines; the strangest scores 21.5 bits"), shown);
        assertTrue(shown.contains("WARN the disk <is full> again"), shown);
        assertEquals("is full", browser.text(".incident mark"));
        assertTrue(shown.contains("is full 44 bits; expected was cleaned 62 %, -1 of 20 %"), shown);
        assertEquals(List.of(), browser.accessibilityFindings());
        browser.one(".incident button").click();
        browser.await(
                "the verdict is taken",
                b -> b.text(".incident .buttons .note").equals("said: not an anomaly"));
        try (KafkaConsumer<byte[], Verdict> consumer =
                new KafkaConsumer<>(
                        Map.of("bootstrap.servers", pipeline.bootstrapServers()),
                        new ByteArrayDeserializer(),
                        ConfluentAvroSerde.ofValues(Verdict.class, pipeline.component().originals())
                                .deserializer())) {
            TopicPartition partition = new TopicPartition(VERDICTS, 2);
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            ConsumerRecord<byte[], Verdict> taken =
                    consumer.poll(Duration.ofSeconds(60)).iterator().next();
            assertEquals("broker-1", new String(taken.key(), StandardCharsets.UTF_8));
            assertEquals("cafe-17", taken.value().getIncident());
            assertEquals("not_an_anomaly", taken.value().getVerdict());
        }
        browser.view("keys");
        browser.await("its state", b -> b.texts("#key-rows .state").contains("anomalous"));
    }

    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void shouldContinueATextAndAKey() {
        browser.view("complete");
        browser.one("#max-bytes").clear();
        browser.one("#max-bytes").sendKeys("120");
        browser.one("#complete-go").click();
        String says = continued();
        assertTrue(says.startsWith("120 bytes at "), says);
        assertTrue(says.contains("The bytes are the same with and without."), says);
        String made =
                (String)
                        browser.script(
                                "return [...document.querySelectorAll('#made .made')]"
                                        + ".map(e => e.textContent).join('')");
        assertTrue(made.length() >= 100, made);
        assertTrue(browser.text("#made .prompt").startsWith("[2026-11-24"));

        browser.await("keys", b -> b.all("#complete-key option").size() >= 2);
        new Select(browser.one("#complete-key")).selectByVisibleText("broker-1");
        browser.one("#complete-go").click();
        browser.await("begun", b -> !b.text("#complete-says").equals(says));
        continued();
        // Log text repeats itself: something of it is drafted.
        assertFalse(browser.all("#made .made.a, #made .made.c").isEmpty());
        assertEquals(3, browser.all(".legend-made .made").size());
    }

    private String continued() {
        browser.await(
                "the ratio", b -> b.text("#complete-says").matches(".*ratio \\d+\\.\\d\\d\\..*"));
        return browser.text("#complete-says");
    }

    @Test
    void shouldDescribeTheModelAndMeasureIt() {
        browser.view("model");
        browser.await("the card", b -> !b.all(".facts-list").isEmpty());
        assertTrue(browser.text(".tiles").contains("logs-nano"));
        assertTrue(browser.text(".facts-list").contains("d_model 48"));
        browser.one(".speed button").click();
        browser.await(
                "a measurement",
                b -> b.text(".speed .note").matches("[\\d,]+ bytes/s on one core: .* GFLOP/s.*"));
        assertTrue(browser.one(".speed .gauge .fill").getSize().getWidth() > 0);
    }

    @Test
    void shouldBeAccessibleInEveryViewLightDarkAndNarrow() throws Exception {
        List<String> findings = new ArrayList<>();
        for (String view : List.of("stream", "keys", "incidents", "complete", "model")) {
            for (String scheme : List.of("dark", "light")) {
                browser.colorScheme(scheme);
                browser.size(1440, 900);
                browser.view(view);
                if (view.equals("stream")) {
                    pauseOnce();
                    new Actions(browser.driver())
                            .moveToElement(browser.all(".line .text span").getLast())
                            .perform();
                }
                for (String finding : browser.accessibilityFindings()) {
                    findings.add(view + ", " + scheme + ": " + finding);
                }
            }
            browser.size(390, 844);
            for (String finding : browser.accessibilityFindings()) {
                findings.add(view + ", narrow: " + finding);
            }
            Object overflow =
                    browser.script(
                            "return document.documentElement.scrollWidth"
                                    + " - document.documentElement.clientWidth");
            assertEquals(0L, overflow, view + " is wider than a narrow screen");
        }
        assertEquals(List.of(), findings);
    }

    private void pauseOnce() {
        WebElement pause = browser.one("#pause");
        if (pause.getText().equals("Pause")) {
            pause.click();
        }
    }

    @Test
    void shouldGoThroughViewsAndThemesByKeyboard() {
        assertEquals("dark", theme());
        browser.one("#theme").sendKeys(Keys.ENTER);
        assertEquals("light", theme());
        browser.one("nav a[data-view=keys]").sendKeys(Keys.ENTER);
        browser.await("the view", b -> b.one("#view-keys").isDisplayed());
        assertEquals("page", browser.one("nav a[data-view=keys]").getDomAttribute("aria-current"));
        assertFalse(browser.one("#view-stream").isDisplayed());
        assertEquals("Keys · MambaByte", browser.driver().getTitle());
    }

    private String theme() {
        return (String) browser.script("return document.documentElement.dataset.theme");
    }

    @Test
    void shouldAskNothingOfAnybodyElse() {
        Object hosts =
                browser.script(
                        "return [...new Set(performance.getEntriesByType('resource')"
                                + ".map(e => new URL(e.name).host))]");
        assertEquals(List.of(page.getAuthority()), hosts);
    }
}
