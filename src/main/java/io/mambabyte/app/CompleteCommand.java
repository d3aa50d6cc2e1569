package io.mambabyte.app;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.mambabyte.generate.Continuation;
import io.mambabyte.generate.DraftMode;
import io.mambabyte.generate.Drafter;
import io.mambabyte.generate.DrafterFactory;
import io.mambabyte.generate.HistoryIndex;
import io.mambabyte.generate.Sampling;
import io.mambabyte.generate.StopSequences;
import io.mambabyte.generate.SubwordDrafter;
import io.mambabyte.generate.Verification;
import io.mambabyte.model.CheckpointException;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.model.SubwordModel;

import org.jline.terminal.TerminalBuilder;
import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Supplier;

/** {@code complete}: how a text goes on, without Kafka. */
@Command(
        name = "complete",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = {
            "Continues a text with a model, written as it is made.",
            "",
            "Bytes are drafted and then checked several at a time; that saves time and changes none of"
                    + " them: what is written is what one byte at a time would have given, for the same"
                    + " seed, on every machine. (Only --accept top-beta gives another text.)"
        })
final class CompleteCommand implements Callable<Integer> {
    private enum Format {
        TEXT,
        JSON
    }

    /** How bytes are drafted: a mode, or the hidden one that measures what useless drafts cost. */
    private enum Drafting {
        NONE,
        HISTORY,
        MODEL,
        SUBWORD,
        BOTH,
        NEVER
    }

    private static final String STDIN = "-";

    private static final String DRAFT_MODEL = "logs-nano";

    /** Of the paper. */
    private static final int DRAFT_SUBWORDS = 3;

    /** Places of the index: more than the bytes of a usual prompt and what is made. */
    private static final int INDEX_BITS = 13;

    private static final long QUIET_NS = 2_000_000_000L;

    @Parameters(
            paramLabel = "PROMPT",
            arity = "0..1",
            description =
                    "The text to continue. Default: -, which is all of standard input; from a"
                            + " terminal, you and the model write by turns.")
    private @Nullable String prompt;

    @Option(
            names = {"-i", "--interactive"},
            description =
                    "Write by turns with the model, on a terminal: type, Enter, and it goes on. With"
                            + " PROMPT, it begins. Ctrl-C ends what is being made, Ctrl-D the"
                            + " program.")
    private boolean interactive;

    @Option(
            names = "--model",
            paramLabel = "DIR|NAME",
            description =
                    "A model folder, or the name of a shipped model. Default: ${DEFAULT-VALUE}.",
            defaultValue = ModelSource.DEFAULT)
    private String model = ModelSource.DEFAULT;

    @Option(
            names = "--max-bytes",
            paramLabel = "N",
            description = "End after so many bytes. Default: ${DEFAULT-VALUE}.",
            defaultValue = "256")
    private int maxBytes = 256;

    @Option(
            names = "--temperature",
            paramLabel = "T",
            description =
                    "0 takes the most probable byte; above, bytes are drawn, the more freely the"
                            + " higher. Default: ${DEFAULT-VALUE}.",
            defaultValue = "0.7")
    private double temperature = 0.7;

    @Option(
            names = "--top-k",
            paramLabel = "K",
            description = "Draw from the K most probable bytes only. Default: from all.")
    private int topK;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description =
                    "Draw from the most probable bytes that together have a probability of P."
                            + " Default: ${DEFAULT-VALUE}.",
            defaultValue = "1")
    private double topP = 1;

    @Option(
            names = "--min-p",
            paramLabel = "P",
            description =
                    "Draw from bytes at least P times as probable as the most probable one. Default:"
                            + " ${DEFAULT-VALUE}.",
            defaultValue = "0")
    private double minP;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description =
                    "The same seed gives the same bytes, everywhere. Default: ${DEFAULT-VALUE}.",
            defaultValue = "0")
    private long seed;

    @Option(
            names = "--stop",
            paramLabel = "TEXT",
            description =
                    "End after this text was made (\\n, \\t, \\\\ and \\xHH are understood). May be"
                            + " given more than once.")
    private List<String> stops = List.of();

    @Option(names = "--utf8", description = "Make well-formed UTF-8 only.")
    private boolean utf8;

    @Option(
            names = "--draft",
            paramLabel = "none|history|model|subword|both",
            description =
                    "How bytes are drafted. history: what followed the same bytes earlier in the text;"
                            + " model: what a small model would make with the same random numbers;"
                            + " subword: the same by a model over subwords, as the paper drafts;"
                            + " both: the surer of history and model. Each is left off where it costs"
                            + " more time than it saves. Default: both.")
    private @Nullable Drafting chosenDraft;

    @Option(
            names = "--accept",
            paramLabel = "exact|top-beta=N",
            description =
                    "When a drafted byte is kept. exact: when it is the byte that would have been made;"
                            + " nothing changes. top-beta=N: when it is among the N most probable"
                            + " ones, as the paper does it; this is lossy: the text is another one."
                            + " Default: exact.")
    private @Nullable String accept;

    @Option(
            names = "--draft-subwords",
            paramLabel = "M",
            description =
                    "With --accept top-beta: subwords that are drafted at a time. Default: 3.")
    private @Nullable Integer draftSubwords;

    private Drafting draft = Drafting.BOTH;
    private Verification verification = Verification.EXACT;

    @Option(
            names = "--draft-model",
            paramLabel = "DIR|NAME",
            description =
                    "The small model, a folder or the name of a shipped one; one over subwords has a"
                            + " tokenizer.json. Default: "
                            + DRAFT_MODEL
                            + ", for subword "
                            + SubwordModel.DEFAULT
                            + ".")
    private @Nullable String draftModel;

    @Option(
            names = "--show-draft",
            description = "Colour bytes that were drafted: accepted green, corrected red.")
    private boolean showDraft;

    @Option(
            names = "--color",
            paramLabel = "auto|always|never",
            description =
                    "With --show-draft. Default: auto, which colours on a terminal unless NO_COLOR is"
                            + " set.")
    private Terminal.Color color = Terminal.Color.AUTO;

    @Option(
            names = "--compare",
            description =
                    "Continue each prompt with and without drafts: are bytes and states the same, and"
                            + " how much faster is it?")
    private boolean compare;

    @Option(
            names = "--prompts",
            paramLabel = "FILE",
            description = "With --compare: a prompt per line; empty lines are left out.")
    private @Nullable Path prompts;

    @Option(
            names = "--escapes",
            description =
                    "With --prompts or when typed: \\n, \\r, \\t, \\\\ and \\xHH stand for bytes, so"
                            + " that a prompt may have several lines.")
    private boolean escapes;

    @Option(
            names = "--format",
            paramLabel = "text|json",
            description = "Of the result of --compare. Default: text.")
    private Format format = Format.TEXT;

    @Spec private @Nullable CommandSpec spec;

    private final Terminal terminal;

    CompleteCommand() {
        this(Terminal.system());
    }

    CompleteCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws Exception {
        if (prompts != null && !compare) {
            throw usage("--prompts needs --compare");
        }
        if (maxBytes < 1) {
            throw usage("--max-bytes must be at least 1, not " + maxBytes);
        }
        boolean typed = isInteractive();
        decideDrafts();
        Sampling sampling = sampling();
        StopSequences stopSequences = stopSequences();
        MambaModel loaded = MambaModel.load(ModelSource.of(model));
        Output out = new Output(terminal.out());
        try {
            if (typed) {
                interact(loaded, sampling, stopSequences);
            } else if (compare) {
                compare(loaded, sampling, out);
            } else {
                complete(loaded, sampling, stopSequences, out);
            }
            out.flush();
        } catch (Output.Closed e) {
            // Whoever read has seen enough.
        }
        return 0;
    }

    private void decideDrafts() {
        verification = accept == null ? Verification.EXACT : verification(accept);
        boolean lossy = isLossy();
        draft = chosenDraft != null ? chosenDraft : lossy ? Drafting.SUBWORD : Drafting.BOTH;
        if (lossy && draft != Drafting.SUBWORD) {
            throw usage("--accept top-beta needs --draft subword");
        }
        if (draftSubwords != null && (!lossy || draftSubwords < 1)) {
            throw usage(
                    lossy
                            ? "--draft-subwords must be at least 1, not " + draftSubwords
                            : "--draft-subwords needs --accept top-beta");
        }
    }

    private Verification verification(String text) {
        if (text.equals("exact")) {
            return Verification.EXACT;
        }
        String name = "top-beta=";
        try {
            if (text.startsWith(name)) {
                return new Verification.TopBeta(Integer.parseInt(text.substring(name.length())));
            }
        } catch (NumberFormatException e) {
            // Said below.
        } catch (IllegalArgumentException e) {
            throw usage("--accept: " + e.getMessage());
        }
        throw usage("--accept must be exact or top-beta=N, not " + text);
    }

    private Sampling sampling() {
        try {
            return new Sampling(temperature, topK, topP, minP, seed, utf8);
        } catch (IllegalArgumentException e) {
            throw usage(String.valueOf(e.getMessage()));
        }
    }

    private StopSequences stopSequences() {
        try {
            return new StopSequences(stops.stream().map(EscapedBytes::parse).toList());
        } catch (IllegalArgumentException e) {
            throw usage("--stop: " + e.getMessage());
        }
    }

    private ParameterException usage(String message) {
        if (spec == null) {
            throw new IllegalStateException(message);
        }
        return new ParameterException(spec.commandLine(), message);
    }

    private byte[] prompt() throws IOException {
        return prompt == null || prompt.equals(STDIN)
                ? terminal.in().readAllBytes()
                : prompt.getBytes(StandardCharsets.UTF_8);
    }

    /** Drafters, each with an index and a model's scratch memory of its own. */
    private Supplier<Drafter> drafters() throws CheckpointException {
        if (draft == Drafting.NEVER) {
            return NeverDrafter::new;
        }
        DraftMode mode = DraftMode.valueOf(draft.name());
        MambaModel small = null;
        SubwordModel subwords = null;
        if (asksModel()) {
            ModelSource source = ModelSource.ofDrafter(draftModelName());
            if (mode == DraftMode.SUBWORD || SubwordModel.isAt(source)) {
                subwords = SubwordModel.load(source);
            } else {
                small = MambaModel.load(source);
            }
        }
        MambaModel ofBytes = small;
        SubwordModel ofSubwords = subwords;
        if (isLossy() && ofSubwords != null) {
            int count = draftSubwords == null ? DRAFT_SUBWORDS : draftSubwords;
            return () -> new SubwordDrafter(ofSubwords, count);
        }
        return () -> new DrafterFactory(new HistoryIndex(INDEX_BITS), ofBytes, ofSubwords).of(mode);
    }

    private boolean isLossy() {
        return verification instanceof Verification.TopBeta;
    }

    private boolean asksModel() {
        return switch (draft) {
            case MODEL, SUBWORD, BOTH -> true;
            case NONE, HISTORY, NEVER -> false;
        };
    }

    private String draftModelName() {
        if (draftModel != null) {
            return draftModel;
        }
        return draft == Drafting.SUBWORD ? SubwordModel.DEFAULT : DRAFT_MODEL;
    }

    private void complete(
            MambaModel loaded, Sampling sampling, StopSequences stopSequences, Output out)
            throws IOException, CheckpointException {
        byte[] given = prompt();
        boolean colors = showDraft && terminal.colors(color);
        CompletionText shown = new CompletionText(out, !terminal.outIsTerminal(), colors);
        if (terminal.outIsTerminal()) {
            out.print(Heat.dim(CompletionText.printable(given), terminal.colors(color)));
            out.flush();
        }
        CompletionSession session = new CompletionSession(loaded, drafters().get(), verification);
        session.clear();
        // Nothing predicts the first byte of all: without a prompt, a line begins.
        session.append(given.length == 0 ? new byte[] {'\n'} : given);
        Continuation made = session.begin(sampling, stopSequences, maxBytes);
        long start = System.nanoTime();
        while (made.finished() == null) {
            session.advance(made);
            shown.show(made, false);
        }
        long took = System.nanoTime() - start;
        shown.show(made, true);
        if (terminal.errIsTerminal()) {
            if (terminal.outIsTerminal()) {
                out.print("\n");
                out.flush();
            }
            String summary =
                    CompletionText.summary(made, took, isLossy())
                            + "\n"
                            + (colors ? "  " + CompletionText.legend() + "\n" : "");
            terminal.err().write(summary.getBytes(StandardCharsets.UTF_8));
        }
    }

    /** Whether a person is to type: on demand, or where nothing else was given. */
    private boolean isInteractive() {
        boolean possible = terminal.inIsTerminal() && terminal.outIsTerminal();
        if (interactive && (compare || !possible)) {
            throw usage(
                    compare
                            ? "--interactive and --compare exclude each other"
                            : "--interactive needs a terminal; without one, give the prompt as an"
                                    + " argument or on standard input");
        }
        return interactive || (possible && prompt == null && !compare);
    }

    private void interact(MambaModel loaded, Sampling sampling, StopSequences stopSequences)
            throws IOException, CheckpointException {
        byte[] first = prompt == null ? new byte[0] : prompt.getBytes(StandardCharsets.UTF_8);
        try (org.jline.terminal.Terminal system =
                TerminalBuilder.builder().system(true).encoding(StandardCharsets.UTF_8).build()) {
            new InteractiveCompletion(
                            system,
                            new CompletionSession(loaded, drafters().get(), verification),
                            new InteractiveCompletion.Settings(
                                    sampling,
                                    stopSequences,
                                    maxBytes,
                                    escapes,
                                    showDraft,
                                    terminal.colors(color)))
                    .run(first);
        }
    }

    private void compare(MambaModel loaded, Sampling sampling, Output out)
            throws IOException, CheckpointException {
        List<byte[]> texts = prompts == null ? List.of(prompt()) : lines(prompts);
        if (escapes) {
            texts = unescaped(texts);
        }
        if (texts.isEmpty() || texts.getFirst().length == 0) {
            throw new IOException((prompts == null ? "standard input" : prompts) + ": no prompt");
        }
        int count = texts.size();
        long start = System.nanoTime();
        Comparison.Result result =
                new Comparison(loaded, sampling, maxBytes, drafters(), verification)
                        .run(texts, done -> progress(done, count, start));
        if (terminal.errIsTerminal()) {
            terminal.err().write("\r\u001b[K".getBytes(StandardCharsets.UTF_8));
        }
        switch (format) {
            case JSON -> out.print(json(result) + "\n");
            case TEXT -> out.print(text(result));
        }
    }

    private void progress(int done, int count, long start) {
        if (!terminal.errIsTerminal() || System.nanoTime() - start < QUIET_NS) {
            return;
        }
        try {
            terminal.err()
                    .write(
                            ("\r\u001b[Kprompt " + done + " of " + count)
                                    .getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // Nobody looks at the progress any more.
        }
    }

    private static List<byte[]> lines(Path file) throws IOException {
        byte[] content = Files.readAllBytes(file);
        List<byte[]> lines = new ArrayList<>();
        int start = 0;
        for (int i = 0; i <= content.length; i++) {
            if (i == content.length || content[i] == '\n') {
                if (i > start) {
                    lines.add(Arrays.copyOfRange(content, start, i));
                }
                start = i + 1;
            }
        }
        return lines;
    }

    private static List<byte[]> unescaped(List<byte[]> lines) {
        return lines.stream()
                .map(line -> EscapedBytes.parse(new String(line, StandardCharsets.UTF_8)))
                .toList();
    }

    private String json(Comparison.Result result) {
        ObjectNode node = new ObjectMapper().createObjectNode();
        node.put("model", model);
        node.put("draft", draft.name().toLowerCase(Locale.ROOT));
        if (asksModel()) {
            node.put("draft_model", draftModelName());
        }
        node.put("accept", accept == null ? "exact" : accept);
        node.put("lossy", isLossy());
        node.put("temperature", temperature);
        node.put("max_bytes", maxBytes);
        node.put("prompts", result.prompts());
        node.put("identical", result.identical());
        node.put("ratio_median", result.ratioMedian());
        node.put("ratio_min", result.ratioMin());
        node.put("acceptance", result.acceptance());
        node.put("bytes_per_pass", result.bytesPerPass());
        node.put("plain_bytes_per_s", result.plainBytesPerSecond());
        node.put("speculative_bytes_per_s", result.speculativeBytesPerSecond());
        node.put("bytes", result.bytes());
        if (isLossy()) {
            node.put("log_odds_bits_per_byte", result.logOdds());
        }
        ObjectNode ceiling = node.putObject("ceiling");
        result.ceiling().forEach(c -> ceiling.put(Integer.toString(c.bytes()), c.ratio()));
        return node.toString();
    }

    private String text(Comparison.Result result) {
        StringBuilder text = new StringBuilder();
        if (isLossy()) {
            text.append(
                    String.format(
                            Locale.ROOT,
                            "lossy        log-odds of the text against plain decoding: %.3f bits"
                                    + " per byte%n",
                            result.logOdds()));
        }
        text.append(
                String.format(
                        Locale.ROOT,
                        "prompts      %,d, %,d bytes made%n"
                                + "identical    %,d, bytes and states%n"
                                + "plain        %,.0f bytes/s (median)%n"
                                + "speculative  %,.0f bytes/s (median)%n"
                                + "ratio        %.2f median, %.2f least%n"
                                + "acceptance   %.1f%% of the drafted bytes, %.2f bytes a pass%n"
                                + "ceiling     ",
                        result.prompts(),
                        result.bytes(),
                        result.identical(),
                        result.plainBytesPerSecond(),
                        result.speculativeBytesPerSecond(),
                        result.ratioMedian(),
                        result.ratioMin(),
                        100 * result.acceptance(),
                        result.bytesPerPass()));
        for (Comparison.Ceiling ceiling : result.ceiling()) {
            text.append(
                    String.format(
                            Locale.ROOT, " %.2f at %d bytes,", ceiling.ratio(), ceiling.bytes()));
        }
        text.setLength(text.length() - 1);
        return text.append(System.lineSeparator()).toString();
    }
}
