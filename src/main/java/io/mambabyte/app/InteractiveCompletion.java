package io.mambabyte.app;

import static java.util.Objects.requireNonNull;

import io.mambabyte.generate.Continuation;
import io.mambabyte.generate.Sampling;
import io.mambabyte.generate.StopSequences;

import org.jline.keymap.KeyMap;
import org.jline.reader.Binding;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.Reference;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal.Signal;
import org.jline.terminal.Terminal.SignalHandler;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * A text that a person and the model write by turns: a line is typed, the model goes on from it,
 * and so on. Lines are edited and found again as in a shell; Ctrl-C ends what is being made and not
 * the program, Ctrl-D ends the program.
 */
final class InteractiveCompletion {
    private static final String PROMPT = "» ";

    private static final String HELP =
            """
            Type a text and press Enter: the model goes on from its last byte.
              Enter alone   goes on with more
              Alt-Enter     begins a new line of what you type
              Ctrl-C        ends what is being made, and drops what is being typed
              Ctrl-D        ends the program
              :new          begins a new text
              :help         shows this; a line that is to begin with a colon begins with two
            """;

    /** How bytes are made, and shown. */
    record Settings(
            Sampling sampling,
            StopSequences stops,
            int maxBytes,
            boolean escapes,
            boolean showDraft,
            boolean colors) {}

    private final org.jline.terminal.Terminal terminal;
    private final CompletionSession session;
    private final Settings settings;
    private final Output out;
    private final LineReader lines;
    private volatile boolean interrupted;
    private int turn;

    InteractiveCompletion(
            org.jline.terminal.Terminal terminal, CompletionSession session, Settings settings) {
        this.terminal = terminal;
        this.session = session;
        this.settings = settings;
        out = new Output(terminal.output());
        lines =
                LineReaderBuilder.builder()
                        .terminal(terminal)
                        // What is typed is text: no exclamation mark stands for an earlier line.
                        .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
                        .option(LineReader.Option.HISTORY_IGNORE_SPACE, false)
                        .variable(LineReader.SECONDARY_PROMPT_PATTERN, "  ")
                        .build();
        KeyMap<Binding> keys = requireNonNull(lines.getKeyMaps().get(LineReader.MAIN));
        // There is nothing to complete names with, and logs have tabs.
        keys.bind(new Reference(LineReader.SELF_INSERT), "\t");
    }

    /**
     * Reads and continues until the person ends it.
     *
     * @param first a text that is continued before anything is typed; empty for none
     */
    void run(byte[] first) throws IOException {
        session.clear();
        if (first.length > 0) {
            out.print(Heat.dim(CompletionText.printable(first), settings.colors()));
            out.print("\n");
            proceed(first);
        } else {
            out.print(Heat.dim(":help says what can be typed", settings.colors()) + "\n");
            out.flush();
        }
        while (true) {
            String line;
            try {
                line = lines.readLine(PROMPT);
            } catch (UserInterruptException e) {
                continue;
            } catch (EndOfFileException e) {
                return;
            }
            obey(line);
        }
    }

    private void obey(String line) throws IOException {
        switch (line) {
            case ":help" -> {
                out.print(HELP);
                out.flush();
            }
            case ":new" -> session.clear();
            default -> {
                if (line.startsWith(":") && !line.startsWith("::")) {
                    out.print(
                            "unknown: "
                                    + CompletionText.printable(
                                            line.getBytes(StandardCharsets.UTF_8))
                                    + "; a text that begins with a colon begins with two\n");
                    out.flush();
                    return;
                }
                String text = line.startsWith("::") ? line.substring(1) : line;
                byte[] bytes;
                try {
                    bytes =
                            settings.escapes()
                                    ? EscapedBytes.parse(text)
                                    : text.getBytes(StandardCharsets.UTF_8);
                } catch (IllegalArgumentException e) {
                    out.print(e.getMessage() + "\n");
                    out.flush();
                    return;
                }
                proceed(bytes);
            }
        }
    }

    /** Takes over what was typed and makes what follows. */
    private void proceed(byte[] typed) throws IOException {
        interrupted = false;
        SignalHandler before = terminal.handle(Signal.INT, signal -> interrupted = true);
        boolean echo = terminal.echo(false);
        try {
            session.append(typed);
            if (session.isEmpty()) {
                // Nothing predicts the first byte of all: a line begins.
                session.append(new byte[] {'\n'});
            }
            Continuation made =
                    session.begin(ofTurn(turn++), settings.stops(), settings.maxBytes());
            CompletionText shown =
                    new CompletionText(out, false, settings.showDraft() && settings.colors());
            long start = System.nanoTime();
            while (made.finished() == null && !interrupted) {
                session.advance(made);
                shown.show(made, false);
            }
            long took = System.nanoTime() - start;
            shown.show(made, true);
            String summary =
                    CompletionText.summary(made, took, session.isLossy())
                            + (interrupted ? "; interrupted" : "");
            out.print("\n" + Heat.dim(summary, settings.colors()) + "\n");
            if (turn == 1 && settings.showDraft() && settings.colors()) {
                out.print(CompletionText.legend() + "\n");
            }
            out.flush();
        } finally {
            terminal.echo(echo);
            terminal.handle(Signal.INT, before);
        }
    }

    /** Each turn draws with numbers of its own; the first with those of a lone completion. */
    private Sampling ofTurn(int number) {
        Sampling one = settings.sampling();
        return new Sampling(
                one.temperature(),
                one.topK(),
                one.topP(),
                one.minP(),
                one.seed() + number,
                one.utf8Only());
    }
}
