package io.mambabyte.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.mambabyte.model.BytePairEncoding;
import io.mambabyte.model.CheckpointWriter;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.SubwordCheckpoint;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** What a run leaves in its folder beside the weights: figures, a picture of them and a card. */
final class TrainingFolder {
    private static final String METRICS = "metrics.jsonl";
    private static final String CURVE = "curve.svg";
    private static final String CARD = "card.json";
    private static final String README = "README.md";

    /**
     * Names of data in a card: a folder of a thousand files is no better described by all of them.
     */
    private static final int NAMES_MAX = 20;

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path folder;

    TrainingFolder(Path folder) {
        this.folder = folder;
    }

    Path path() {
        return folder;
    }

    /** Makes the folder and removes what an earlier run in it could be resumed from. */
    void begin(TrainingStart start) throws IOException {
        Files.createDirectories(folder);
        Files.deleteIfExists(folder.resolve(TrainingState.FILE));
        switch (start) {
            // A folder with tokens is taken for a model over them.
            case TrainingStart.Base _, TrainingStart.Shape _ ->
                    Files.deleteIfExists(folder.resolve(BytePairEncoding.NAME));
            case TrainingStart.Subwords(SubwordCheckpoint subwords) ->
                    subwords.writeTokenizer(folder);
        }
    }

    void writeMetrics(List<Evaluation> evaluations) throws IOException {
        StringBuilder lines = new StringBuilder();
        for (Evaluation e : evaluations) {
            ObjectNode line = JSON.createObjectNode();
            line.put("step", e.step());
            line.put("bytes_seen", e.bytes());
            line.put("seconds", rounded(e.seconds()));
            line.put("rate", e.rate());
            put(line, "gradient_norm", e.gradientNorm());
            put(line, "train_bits_per_byte", e.trainBits());
            put(line, "heldout_bits_per_byte", e.heldOutBits());
            lines.append(line).append('\n');
        }
        write(METRICS, lines.toString());
    }

    void writeCurve(String title, List<Evaluation> evaluations) throws IOException {
        write(CURVE, LearningCurve.svg(title, evaluations));
    }

    void writeCard(
            TrainingStart start,
            TrainingSettings settings,
            Corpus corpus,
            MambaModel model,
            TrainingResult result)
            throws IOException {
        ObjectNode card = JSON.createObjectNode();
        card.put("trained_from", start.description());
        card.put("vocabulary", model.vocabulary());
        card.put("fingerprint", model.fingerprint());
        ArrayNode data = card.putArray("data");
        corpus.names().stream().limit(NAMES_MAX).forEach(data::add);
        card.put("texts", corpus.names().size());
        card.put("training_bytes", corpus.training().length);
        card.put("heldout_bytes", corpus.heldOut().length);
        card.put("heldout_bytes_scored", result.heldOutBytes());
        card.put("bytes_seen", result.bytes());
        card.put("steps", result.steps());
        card.put("seconds", rounded(result.seconds()));
        card.put("ending", result.ending().text());
        card.put("seed", settings.seed());
        card.put("rate", settings.rate());
        card.put("sequences", settings.sequences());
        card.put(
                start instanceof TrainingStart.Subwords
                        ? "tokens_per_sequence"
                        : "bytes_per_sequence",
                settings.rows());
        put(card, "train_bits_per_byte", result.trainBits());
        put(card, "heldout_bits_per_byte", result.heldOutBits());
        put(card, "base_heldout_bits_per_byte", result.baseHeldOutBits());
        write(CARD, card.toPrettyString() + "\n");
        write(
                README,
                String.format(
                        Locale.ROOT,
                        """
                        # %s

                        A %s Mamba-1 model, d_model %d, %d layers, d_state %d, trained from %s on
                        %d bytes of %d text%s (card.json names them). Held out is the end of each text, %d bytes,
                        %s: %.4f bits per byte, %.4f before training. The curve is in curve.svg, its figures in
                        metrics.jsonl.

                        Use it with `./mambabyte %s DIR`. It has seen the data named in the card
                        and can give parts of it back: share it as you would share them.
                        """,
                        folder.toAbsolutePath().normalize().getFileName(),
                        start instanceof TrainingStart.Subwords
                                ? "subword (" + model.vocabulary() + " tokens, tokenizer.json)"
                                : "byte-level",
                        model.config().dModel(),
                        model.config().nLayer(),
                        model.config().dState(),
                        start.description(),
                        corpus.training().length,
                        corpus.names().size(),
                        corpus.names().size() == 1 ? "" : "s",
                        corpus.heldOut().length,
                        scored(corpus, result),
                        result.heldOutBits(),
                        result.baseHeldOutBits(),
                        start instanceof TrainingStart.Subwords
                                ? "complete --draft subword --draft-model"
                                : "score --model"));
    }

    private static String scored(Corpus corpus, TrainingResult result) {
        return result.heldOutBytes() == corpus.heldOut().length
                ? "all of them scored"
                : result.heldOutBytes()
                        + " of them scored, as a pass over all would have taken too much of the"
                        + " time";
    }

    private void write(String name, String text) throws IOException {
        CheckpointWriter.replace(
                folder.resolve(name), out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
    }

    /** JSON has no NaN. */
    private static void put(ObjectNode node, String name, double value) {
        if (Double.isFinite(value)) {
            node.put(name, value);
        } else {
            node.putNull(name);
        }
    }

    private static double rounded(double seconds) {
        return Math.round(seconds * 1000) / 1000.0;
    }
}
