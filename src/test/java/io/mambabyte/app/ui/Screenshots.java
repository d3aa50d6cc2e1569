package io.mambabyte.app.ui;

import org.openqa.selenium.WebElement;
import org.openqa.selenium.interactions.Actions;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Takes pictures of a page that is running: {@code Screenshots ADDRESS FOLDER}. Not a test; the
 * README's pictures are from it, while {@code ./mambabyte demo --keep} runs.
 */
final class Screenshots {
    private Screenshots() {}

    public static void main(String[] args) throws Exception {
        Path folder = Files.createDirectories(Path.of(args[1]));
        try (Browser browser = Browser.start()) {
            browser.size(1440, 900);
            browser.colorScheme("dark");
            browser.open(URI.create(args[0]));
            browser.await("lines", b -> b.all(".line").size() > 20);
            Thread.sleep(4000);
            List<WebElement> hot = browser.all(".line .s9, .line .s10, .line .s8");
            if (!hot.isEmpty()) {
                new Actions(browser.driver()).moveToElement(hot.getLast()).perform();
            }
            Thread.sleep(300);
            browser.screenshot(folder.resolve("stream-dark.png"));
            browser.colorScheme("light");
            Thread.sleep(300);
            browser.screenshot(folder.resolve("stream-light.png"));
            for (String view : List.of("keys", "incidents", "complete", "model")) {
                browser.view(view);
                if (view.equals("keys")) {
                    browser.await("a row", b -> !b.all("#key-rows button").isEmpty());
                    browser.one("#key-rows button").click();
                    browser.await("history", b -> !b.all("#key-detail .buttons").isEmpty());
                }
                if (view.equals("complete")) {
                    browser.one("#complete-go").click();
                    browser.await("ratio", b -> b.text("#complete-says").contains("ratio"));
                }
                if (view.equals("model")) {
                    browser.await("measure", b -> !b.all(".speed button").isEmpty());
                    browser.one(".speed button").click();
                    browser.await("measured", b -> b.text(".speed .note").contains("GFLOP"));
                }
                Thread.sleep(500);
                browser.screenshot(folder.resolve(view + "-light.png"));
                browser.colorScheme("dark");
                Thread.sleep(300);
                browser.screenshot(folder.resolve(view + "-dark.png"));
                browser.colorScheme("light");
            }
            browser.size(390, 844);
            browser.view("stream");
            browser.colorScheme("dark");
            Thread.sleep(1500);
            browser.screenshot(folder.resolve("narrow.png"));
            browser.view("keys");
            Thread.sleep(800);
            browser.screenshot(folder.resolve("narrow-keys.png"));
            browser.complaints().forEach(System.out::println);
        }
    }
}
