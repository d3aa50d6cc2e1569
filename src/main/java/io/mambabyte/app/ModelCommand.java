package io.mambabyte.app;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;

import io.mambabyte.model.Checkpoint;
import io.mambabyte.model.CheckpointImport;
import io.mambabyte.model.Dtype;
import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelCard;
import io.mambabyte.model.ModelSource;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

/** {@code model}: what a model folder holds, and how to get one. */
@Command(
        name = "model",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = "Shows and imports models.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            ModelCommand.Show.class,
            ModelCommand.ListShipped.class,
            ModelCommand.Import.class
        })
final class ModelCommand {
    private enum Format {
        TEXT,
        JSON
    }

    private ModelCommand() {}

    /** {@code model show}. */
    @Command(
            name = "show",
            mixinStandardHelpOptions = true,
            versionProvider = Version.class,
            description = "Shows shape, size, fingerprint and card of a model.")
    static final class Show implements Callable<Integer> {
        @Parameters(
                paramLabel = "DIR|NAME",
                arity = "0..1",
                description =
                        "A model folder, or the name of a shipped model. Default: ${DEFAULT-VALUE}.",
                defaultValue = ModelSource.DEFAULT)
        private String model = ModelSource.DEFAULT;

        @Option(names = "--format", description = "One of ${COMPLETION-CANDIDATES}. Default: text.")
        private Format format = Format.TEXT;

        private final Terminal terminal;

        Show() {
            this(Terminal.system());
        }

        Show(Terminal terminal) {
            this.terminal = terminal;
        }

        @Override
        public Integer call() throws Exception {
            ModelSource source = ModelSource.of(model);
            Checkpoint checkpoint = Checkpoint.read(source);
            Optional<ModelCard> card = ModelCard.read(source);
            MambaModel loaded = MambaModel.of(checkpoint.config(), checkpoint.weights());
            Output out = new Output(terminal.out());
            try {
                switch (format) {
                    case TEXT -> text(out, checkpoint, loaded, card);
                    case JSON -> json(out, checkpoint, loaded, card);
                }
                out.flush();
            } catch (Output.Closed e) {
                // Whoever read has seen enough.
            }
            return 0;
        }

        private static String dtypes(Checkpoint checkpoint) {
            return checkpoint.dtypes().stream().map(Dtype::name).collect(Collectors.joining(", "));
        }

        private static void text(
                Output out, Checkpoint checkpoint, MambaModel model, Optional<ModelCard> card)
                throws IOException {
            MambaConfig config = checkpoint.config();
            row(out, "model", checkpoint.source().toString());
            row(out, "fingerprint", model.fingerprint());
            row(
                    out,
                    "shape",
                    "d_model %d, n_layer %d, d_inner %d, d_state %d, d_conv %d, dt_rank %d"
                            .formatted(
                                    config.dModel(),
                                    config.nLayer(),
                                    config.dInner(),
                                    config.dState(),
                                    config.dConv(),
                                    config.dtRank()));
            row(out, "parameters", String.format(Locale.ROOT, "%,d", checkpoint.parameters()));
            row(out, "state", String.format(Locale.ROOT, "%,d bytes a key", config.stateBytes()));
            row(
                    out,
                    "norm",
                    switch (config.norm()) {
                                case RMS -> "RMSNorm";
                                case LAYER -> "LayerNorm with bias";
                            }
                            + ", epsilon "
                            + config.normEpsilon());
            row(out, "head", checkpoint.tied() ? "tied to the embedding" : "of its own");
            row(
                    out,
                    "files",
                    String.join(", ", checkpoint.files())
                            + " ("
                            + dtypes(checkpoint)
                            + ", "
                            + switch (checkpoint.layout()) {
                                case HUGGING_FACE -> "Hugging Face layout";
                                case MAMBA_SSM -> "mamba-ssm layout";
                            }
                            + ")");
            if (card.isEmpty()) {
                row(out, "card", "none");
                return;
            }
            row(out, "card", card.get().file());
            for (ModelCard.Entry entry : card.get().entries()) {
                out.print(
                        entry.name().isEmpty()
                                ? "  " + entry.value()
                                : "  " + entry.name() + ": " + entry.value());
                out.endLine();
            }
        }

        private static void row(Output out, String name, String value) throws IOException {
            out.print(String.format("%-12s %s", name, value));
            out.endLine();
        }

        private static void json(
                Output out, Checkpoint checkpoint, MambaModel model, Optional<ModelCard> card)
                throws IOException {
            ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
            MambaConfig config = checkpoint.config();
            ObjectNode root = mapper.createObjectNode();
            root.put("model", checkpoint.source().toString());
            root.put("fingerprint", model.fingerprint());
            root.put("d_model", config.dModel());
            root.put("n_layer", config.nLayer());
            root.put("d_inner", config.dInner());
            root.put("d_state", config.dState());
            root.put("d_conv", config.dConv());
            root.put("dt_rank", config.dtRank());
            root.put("parameters", checkpoint.parameters());
            root.put("state_bytes", config.stateBytes());
            root.put("norm", config.norm().name().toLowerCase(Locale.ROOT));
            root.put("norm_epsilon", config.normEpsilon());
            root.put("tied", checkpoint.tied());
            root.put("layout", checkpoint.layout().name().toLowerCase(Locale.ROOT));
            checkpoint.files().forEach(root.putArray("files")::add);
            checkpoint.dtypes().forEach(dtype -> root.withArray("dtypes").add(dtype.name()));
            if (card.isPresent()) {
                root.set(
                        "card",
                        card.get().isJson()
                                ? mapper.readTree(card.get().text())
                                : TextNode.valueOf(card.get().text()));
            }
            out.print(mapper.writeValueAsString(root));
            out.endLine();
        }
    }

    /** {@code model list}. */
    @Command(
            name = "list",
            mixinStandardHelpOptions = true,
            versionProvider = Version.class,
            description = "Names the models that are shipped, which --model takes by name.")
    static final class ListShipped implements Callable<Integer> {
        private final Terminal terminal;

        ListShipped() {
            this(Terminal.system());
        }

        ListShipped(Terminal terminal) {
            this.terminal = terminal;
        }

        @Override
        public Integer call() throws Exception {
            Output out = new Output(terminal.out());
            for (String name : ModelSource.shipped()) {
                MambaConfig config = Checkpoint.read(new ModelSource.Shipped(name)).config();
                out.print(
                        "%-16s d_model %d, n_layer %d, d_state %d%s"
                                .formatted(
                                        name,
                                        config.dModel(),
                                        config.nLayer(),
                                        config.dState(),
                                        name.equals(ModelSource.DEFAULT) ? " (default)" : ""));
                out.endLine();
            }
            out.flush();
            return 0;
        }
    }

    /** {@code model import}. */
    @Command(
            name = "import",
            mixinStandardHelpOptions = true,
            versionProvider = Version.class,
            description =
                    "Makes a model folder out of a checkpoint: a folder of Hugging Face or of"
                            + " mamba-ssm, a published MambaByte among them. Safetensors are copied;"
                            + " PyTorch pickles are read as data, nothing in them is run.")
    static final class Import implements Callable<Integer> {
        @Parameters(
                paramLabel = "SOURCE",
                description =
                        "A folder with config.json and the weights (model.safetensors or"
                                + " pytorch_model.bin, in shards or not), or a weight file that"
                                + " has config.json beside it.")
        private Path source = Path.of("");

        @Option(
                names = "--out",
                required = true,
                paramLabel = "DIR",
                description = "The folder to make. It must not exist, or be empty.")
        private Path out = Path.of("");

        private final Terminal terminal;

        Import() {
            this(Terminal.system());
        }

        Import(Terminal terminal) {
            this.terminal = terminal;
        }

        @Override
        public Integer call() throws Exception {
            Progress progress =
                    new Progress(
                            terminal.err(),
                            terminal.errIsTerminal(),
                            CheckpointImport.bytes(source),
                            System::nanoTime);
            Checkpoint checkpoint;
            try {
                checkpoint = CheckpointImport.run(source, out, progress::at);
            } finally {
                progress.clear();
            }
            Output text = new Output(terminal.out());
            text.print(
                    String.format(
                            Locale.ROOT,
                            "%s: %,d parameters, d_model %d, n_layer %d",
                            out,
                            checkpoint.parameters(),
                            checkpoint.config().dModel(),
                            checkpoint.config().nLayer()));
            text.endLine();
            text.print("./mambabyte model show " + out + " shows it, --model " + out + " uses it");
            text.endLine();
            text.flush();
            return 0;
        }
    }
}
