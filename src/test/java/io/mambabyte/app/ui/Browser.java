package io.mambabyte.app.ui;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.openqa.selenium.By;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;
import org.openqa.selenium.support.ui.WebDriverWait;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.logging.Level;
import java.util.stream.Stream;

/** Debian's Chromium without a window, driven through its own driver: nothing is downloaded. */
public final class Browser implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final ChromeDriver driver;

    private Browser(ChromeDriver driver) {
        this.driver = driver;
    }

    /** Starts one; the test is skipped where there is none. */
    public static Browser start() {
        File chromium = find("chromium", "chromium-browser", "google-chrome");
        File chromedriver = find("chromedriver");
        assumeTrue(
                chromium.exists() && chromedriver.exists(),
                "no chromium and chromedriver on this machine: apt-get install chromium"
                        + " chromium-driver");
        ChromeOptions options = new ChromeOptions();
        options.setBinary(chromium);
        options.addArguments(
                "--headless=new",
                "--no-sandbox",
                "--disable-dev-shm-usage",
                "--disable-gpu",
                // Colours are looked at right after a click, not while they fade.
                "--force-prefers-reduced-motion",
                "--window-size=1440,900");
        LoggingPreferences logging = new LoggingPreferences();
        logging.enable(LogType.BROWSER, Level.ALL);
        options.setCapability("goog:loggingPrefs", logging);
        ChromeDriverService service =
                new ChromeDriverService.Builder()
                        .usingDriverExecutable(chromedriver)
                        .usingAnyFreePort()
                        .withSilent(true)
                        .build();
        ChromeDriver driver = new ChromeDriver(service, options);
        driver.manage().timeouts().scriptTimeout(PATIENCE);
        return new Browser(driver);
    }

    private static File find(String... names) {
        String path = Objects.requireNonNullElse(System.getenv("PATH"), "/usr/bin");
        return Stream.of(names)
                .flatMap(
                        name ->
                                Stream.of(path.split(File.pathSeparator))
                                        .map(folder -> new File(folder, name)))
                .filter(File::canExecute)
                .findFirst()
                .orElse(new File("/nonexistent"));
    }

    public void open(URI page) {
        driver.get(page.toString());
    }

    /** Goes to a view by its link. */
    public void view(String name) {
        one("nav a[data-view=" + name + "]").click();
    }

    public void size(int width, int height) {
        // A headless window cannot be narrower than 500 pixels; its content can.
        driver.executeCdpCommand(
                "Emulation.setDeviceMetricsOverride",
                Map.of(
                        "width",
                        width,
                        "height",
                        height,
                        "deviceScaleFactor",
                        1,
                        "mobile",
                        width < 500));
        driver.manage().window().setSize(new Dimension(Math.max(500, width), height));
    }

    public void colorScheme(String scheme) {
        driver.executeCdpCommand(
                "Emulation.setEmulatedMedia",
                Map.of(
                        "features",
                        List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
    }

    public WebElement one(String css) {
        return driver.findElement(By.cssSelector(css));
    }

    public List<WebElement> all(String css) {
        return driver.findElements(By.cssSelector(css));
    }

    public String text(String css) {
        return one(css).getText();
    }

    /** Waits until something is so. */
    public void await(String what, Predicate<Browser> condition) {
        new WebDriverWait(driver, PATIENCE, Duration.ofMillis(100))
                .ignoring(org.openqa.selenium.StaleElementReferenceException.class)
                .withMessage(what)
                .until(_ -> condition.test(this));
    }

    public Object script(String script, Object... arguments) {
        return Objects.requireNonNull(driver.executeScript(script, arguments));
    }

    /** Runs a script whose last argument is called with its result. */
    public Object asyncScript(String script, Object... arguments) {
        return Objects.requireNonNull(driver.executeAsyncScript(script, arguments));
    }

    public ChromeDriver driver() {
        return driver;
    }

    /** What the browser complained about since it was last asked: errors and refusals. */
    public List<String> complaints() {
        return driver.manage().logs().get(LogType.BROWSER).getAll().stream()
                .filter(entry -> entry.getLevel().intValue() >= Level.WARNING.intValue())
                .map(LogEntry::getMessage)
                .toList();
    }

    /** The texts of all that match, read at once: the page goes on meanwhile. */
    @SuppressWarnings("unchecked")
    public List<String> texts(String css) {
        return (List<String>)
                script(
                        "return [...document.querySelectorAll(arguments[0])].map(e =>"
                                + " e.textContent)",
                        css);
    }

    /**
     * Serious and critical findings of axe on what is shown; of the lines, which are all alike, the
     * first.
     */
    @SuppressWarnings("unchecked")
    public List<String> accessibilityFindings() throws IOException {
        try (InputStream in = Browser.class.getResourceAsStream("/axe.min.js")) {
            String axe =
                    new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
            driver.executeScript(axe);
        }
        return (List<String>)
                Objects.requireNonNull(
                        driver.executeAsyncScript(
                                """
                                const done = arguments[arguments.length - 1];
                                axe.run({exclude: [['.line:nth-child(n+25)']]}, {resultTypes: ['violations']}).then((result) => done(result.violations
                                  .filter((v) => v.impact === 'serious' || v.impact === 'critical')
                                  .flatMap((v) => v.nodes.slice(0, 3).map((n) => v.id + ': '
                                    + n.html.slice(0, 160) + ' ' + n.failureSummary))),
                                  (failure) => done(['axe failed: ' + failure]));
                                """));
    }

    public void screenshot(Path file) throws IOException {
        Files.write(file, driver.getScreenshotAs(OutputType.BYTES));
    }

    @Override
    public void close() {
        driver.quit();
    }
}
