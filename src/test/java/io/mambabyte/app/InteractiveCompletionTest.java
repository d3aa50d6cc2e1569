package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.util.Objects.requireNonNull;

import io.mambabyte.generate.Continuation;
import io.mambabyte.generate.HistoryDrafter;
import io.mambabyte.generate.HistoryIndex;
import io.mambabyte.generate.Sampling;
import io.mambabyte.generate.StopSequences;
import io.mambabyte.generate.Verification;
import io.mambabyte.model.MambaModel;

import org.jline.terminal.Attributes;
import org.jline.terminal.Terminal.Signal;
import org.jline.terminal.impl.DumbTerminal;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** What is typed is a script; the terminal is JLine's own one without any abilities. */
@Timeout(60)
class InteractiveCompletionTest {
    private static final Sampling SAMPLING = Sampling.of(0.7, 5);
    private static final int MAX_BYTES = 40;
    private static final int CTRL_C = 3;
    private static final int CTRL_D = 4;

    private static MambaModel model;

    @BeforeAll
    static void load() throws Exception {
        model = MambaModel.load(Path.of("src/test/resources/reference/tiny"));
    }

    private static CompletionSession session() {
        return new CompletionSession(
                model, new HistoryDrafter(new HistoryIndex(8)), Verification.EXACT);
    }

    private static String typed(String script) throws IOException {
        return typed(script, "", SAMPLING, false, false);
    }

    private static String typed(
            String script, String first, Sampling sampling, boolean escapes, boolean colors)
            throws IOException {
        return typed("dumb", script, first, sampling, escapes, colors);
    }

    private static String typed(
            String type,
            String script,
            String first,
            Sampling sampling,
            boolean escapes,
            boolean colors)
            throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (DumbTerminal terminal =
                new DumbTerminal(
                        "test",
                        type,
                        new ByteArrayInputStream(script.getBytes(StandardCharsets.UTF_8)),
                        out,
                        StandardCharsets.UTF_8)) {
            Attributes attributes = terminal.getAttributes();
            attributes.setLocalFlag(Attributes.LocalFlag.ISIG, true);
            attributes.setControlChar(Attributes.ControlChar.VINTR, CTRL_C);
            attributes.setControlChar(Attributes.ControlChar.VEOF, CTRL_D);
            terminal.setAttributes(attributes);
            new InteractiveCompletion(
                            terminal,
                            session(),
                            new InteractiveCompletion.Settings(
                                    sampling,
                                    StopSequences.NONE,
                                    MAX_BYTES,
                                    escapes,
                                    colors,
                                    colors))
                    .run(first.getBytes(StandardCharsets.UTF_8));
        }
        return out.toString(StandardCharsets.UTF_8).replace("\r\n", "\n");
    }

    /** On a terminal that knows keys. */
    private static String keys(String script) throws IOException {
        return typed("vt100", script, "", SAMPLING, false, false);
    }

    /** What a model that was fed all of the text makes of it. */
    private static byte[] made(byte[] text, int turn) {
        CompletionSession fresh = session();
        fresh.clear();
        fresh.append(text);
        Continuation made =
                fresh.begin(
                        Sampling.of(SAMPLING.temperature(), SAMPLING.seed() + turn),
                        StopSequences.NONE,
                        MAX_BYTES);
        while (made.finished() == null) {
            fresh.advance(made);
        }
        return made.bytes(0, made.length());
    }

    private static byte[] joined(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void shouldGoOnFromEverythingThatWasTypedAndMade() throws IOException {
        String shown = typed("a prompt \n\nmore\n");
        byte[] first = made(utf8("a prompt "), 0);
        byte[] second = made(joined(utf8("a prompt "), first), 1);
        byte[] third = made(joined(utf8("a prompt "), first, second, utf8("more")), 2);
        int from = 0;
        for (byte[] each : new byte[][] {first, second, third}) {
            from = shown.indexOf(CompletionText.printable(each), from);
            assertTrue(from >= 0, shown);
        }
        assertEquals(3, shown.split("» 40 bytes in ", -1).length - 1, shown);
    }

    @Test
    void shouldBeginWithPromptThatIsGiven() throws IOException {
        String shown = typed("", "given", SAMPLING, false, false);
        assertTrue(shown.startsWith("given\n"), shown);
        assertTrue(shown.contains(CompletionText.printable(made(utf8("given"), 0))), shown);
    }

    @Test
    void shouldBeginALineWhereNothingIsTyped() throws IOException {
        assertTrue(typed("\n").contains(CompletionText.printable(made(utf8("\n"), 0))));
    }

    @Test
    void shouldBeginAnewOnDemand() throws IOException {
        String shown = typed("one\n:new\ntwo\n");
        assertTrue(shown.contains(CompletionText.printable(made(utf8("two"), 1))), shown);
    }

    @Test
    void shouldTakeTextAsItIsTyped() throws IOException {
        String shown = typed("!1 $x \\n \"it's\t~\n::x\n");
        assertTrue(
                shown.contains(CompletionText.printable(made(utf8("!1 $x \\n \"it's\t~"), 0))),
                shown);
        shown = typed("::x\n");
        assertTrue(shown.contains(CompletionText.printable(made(utf8(":x"), 0))), shown);
    }

    @Test
    void shouldUnderstandEscapesOnDemand() throws IOException {
        String shown = typed("a\\x41\\n\nb\\q\n", "", SAMPLING, true, false);
        assertTrue(shown.contains(CompletionText.printable(made(utf8("aA\n"), 0))), shown);
        assertTrue(shown.contains("a backslash is followed by"), shown);
    }

    @Test
    void shouldSayWhatCanBeTyped() throws IOException {
        String shown = typed(":help\n:nothing\n");
        assertTrue(shown.contains("Ctrl-D"), shown);
        assertTrue(shown.contains("unknown: :nothing; a text"), shown);
        assertFalse(shown.contains("bytes in"), shown);
    }

    @Test
    void shouldEndAtCtrlDAndDropWhatIsTypedAtCtrlC() throws IOException {
        String shown = keys("dropped\u0003kept\n\u0004never\n");
        assertTrue(shown.contains(CompletionText.printable(made(utf8("kept"), 0))), shown);
        assertEquals(1, shown.split("bytes in", -1).length - 1, shown);
    }

    @Test
    void shouldFindEarlierLinesAgainAndEditThem() throws IOException {
        // Ctrl-P takes the line before, Ctrl-B goes back by a character.
        String shown = keys("abcd\n:new\n\u0010\u0010\u0002\u0002X\n");
        assertTrue(shown.contains(CompletionText.printable(made(utf8("abXcd"), 1))), shown);
    }

    @Test
    void shouldColourWhatWasDraftedOnDemand() throws IOException {
        String shown = typed("abcabcabcabc\n", "", Sampling.of(0, 5), false, true);
        assertTrue(shown.contains("\u001b[32m") || shown.contains("\u001b[91m"), shown);
        assertTrue(shown.contains(CompletionText.legend()), shown);
    }

    /** A terminal on which Ctrl-C is pressed once something was made. */
    private static final class Interrupting extends OutputStream {
        private final ByteArrayOutputStream written = new ByteArrayOutputStream();
        private @Nullable DumbTerminal terminal;
        private int writes;

        @Override
        public void write(int value) {
            written.write(value);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            written.write(bytes, offset, length);
            if (new String(bytes, offset, length, StandardCharsets.UTF_8).contains("»")) {
                writes = 0;
            } else if (++writes == 20) {
                requireNonNull(terminal).raise(Signal.INT);
            }
        }
    }

    @Test
    void shouldEndWhatIsBeingMadeAtCtrlCAndGoOn() throws IOException {
        Interrupting out = new Interrupting();
        try (DumbTerminal terminal =
                new DumbTerminal(
                        "test",
                        "dumb",
                        new ByteArrayInputStream(utf8("endless\n:help\n")),
                        out,
                        StandardCharsets.UTF_8)) {
            out.terminal = terminal;
            new InteractiveCompletion(
                            terminal,
                            session(),
                            new InteractiveCompletion.Settings(
                                    SAMPLING, StopSequences.NONE, 1 << 30, false, false, false))
                    .run(new byte[0]);
        }
        String shown = out.written.toString(StandardCharsets.UTF_8);
        int end = shown.indexOf("; interrupted");
        assertTrue(end >= 0, shown);
        assertTrue(shown.indexOf("Ctrl-D", end) > 0, "goes on after it: " + shown);
    }
}
