package io.mambabyte.app.eval;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.mambabyte.model.MambaModel;
import io.mambabyte.train.Corpus;
import io.mambabyte.train.UnusableDataException;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.LongConsumer;

/**
 * The evaluation of a folder: {@code train.jsonl} and {@code test.jsonl}, or logs and {@code
 * error_lines.json}.
 */
public final class EvaluationRun {
    /** What is in a folder. */
    private sealed interface Content {
        /** Samples in order of time. */
        record Samples(LabelledSet set) implements Content {}

        /** Whole logs, nothing to learn from. */
        record Logs(List<ErrorLog> logs) implements Content {}
    }

    private static final List<Integer> TOP = List.of(10, 100, 1000);

    private final Content content;

    private EvaluationRun(Content content) {
        this.content = content;
    }

    /**
     * Reads a folder.
     *
     * @param folder where the files are
     * @return what there is to evaluate
     * @throws IOException if a file cannot be read
     * @throws UnusableDataException if there is neither, or it is not what it should be
     */
    public static EvaluationRun read(Path folder) throws IOException, UnusableDataException {
        if (Files.exists(folder.resolve("train.jsonl"))) {
            return new EvaluationRun(new Content.Samples(LabelledSet.read(folder)));
        }
        if (Files.exists(folder.resolve(ErrorLog.INDEX))) {
            return new EvaluationRun(new Content.Logs(ErrorLog.read(folder)));
        }
        throw new UnusableDataException(
                folder + ": has neither train.jsonl and test.jsonl nor " + ErrorLog.INDEX);
    }

    /**
     * What the model is to be adapted to.
     *
     * @return the earlier normal samples as text, later ones held out
     * @throws UnusableDataException if there is nothing normal to learn from, or too little
     */
    public Corpus corpus() throws UnusableDataException {
        return switch (content) {
            case Content.Samples(LabelledSet set) ->
                    Corpus.of(
                            List.of(new Corpus.Text("train.jsonl", text(set.fit()))),
                            List.of(new Corpus.Text("train.jsonl", text(set.calibration()))));
            case Content.Logs _ ->
                    throw new UnusableDataException("logs come without normal ones to learn from");
        };
    }

    private static byte[] text(List<Sample> samples) {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        for (Sample sample : samples) {
            for (byte[] line : sample.lines()) {
                text.writeBytes(line);
                text.write('\n');
            }
        }
        return text.toByteArray();
    }

    /**
     * Bytes that the model will score.
     *
     * @return their number
     */
    public long bytes() {
        return scored().stream().mapToLong(Sample::bytes).sum();
    }

    private List<Sample> scored() {
        List<Sample> scored = new ArrayList<>();
        switch (content) {
            case Content.Samples(LabelledSet set) -> {
                scored.addAll(set.calibration());
                scored.addAll(set.test());
            }
            case Content.Logs(List<ErrorLog> logs) ->
                    logs.forEach(log -> scored.addAll(log.lines()));
        }
        return scored;
    }

    /**
     * Evaluates the product and every simple detector.
     *
     * @param model the model
     * @param threads how many score
     * @param progress is told the bytes that the model has scored
     * @return the figures: {@code prevalence}, {@code default}, {@code detectors}
     * @throws InterruptedException if the thread is told to end
     */
    public ObjectNode run(MambaModel model, int threads, LongConsumer progress)
            throws InterruptedException {
        Lines lines = Lines.score(model, scored(), threads, progress);
        ObjectNode root = new ObjectMapper().createObjectNode();
        switch (content) {
            case Content.Samples(LabelledSet set) -> samples(set, lines, root);
            case Content.Logs(List<ErrorLog> logs) -> logs(logs, lines, root);
        }
        return root;
    }

    /** All detectors, none of which has learnt anything. */
    private static List<Detector> detectors(Lines lines) {
        return List.of(
                new MambaByte(lines),
                new Keywords(),
                new TemplateRarity(),
                new WordRarity(),
                new UnseenTrigrams(),
                new Ngrams(false, false),
                new Ngrams(true, false),
                new Ngrams(false, true),
                new Ngrams(true, true),
                new CountVectors(),
                new Length());
    }

    private static void samples(LabelledSet set, Lines lines, ObjectNode root) {
        root.put("prevalence", set.prevalence());
        root.put("default", MambaByte.DEFAULT);
        root.put("samples", set.test().size());
        root.put("normal_fit", set.fit().size());
        root.put("normal_calibration", set.calibration().size());
        ArrayNode array = root.putArray("detectors");
        for (Detector detector : detectors(lines)) {
            for (Evaluation.Figures figures : Evaluation.of(detector, set)) {
                ObjectNode node = array.addObject();
                node.put("name", figures.name());
                node.put("auroc", figures.auroc());
                node.putArray("auroc_95").add(figures.aurocLow()).add(figures.aurocHigh());
                node.put("average_precision", figures.averagePrecision());
                ObjectNode recall = node.putObject("recall_at_alerts_per_million");
                ObjectNode alerts = node.putObject("normal_alerts_per_million");
                for (int i = 0; i < Evaluation.ALERTS_PER_MILLION.length; i++) {
                    String perMillion = Integer.toString(Evaluation.ALERTS_PER_MILLION[i]);
                    recall.put(perMillion, figures.recall().get(i));
                    alerts.put(perMillion, Math.round(1e6 * figures.alerts().get(i)));
                }
            }
        }
    }

    private static void logs(List<ErrorLog> logs, Lines lines, ObjectNode root) {
        List<List<LogFigures>> found = new ArrayList<>();
        double prevalence = 0;
        for (ErrorLog log : logs) {
            boolean[] labels = Evaluation.labels(log.lines());
            long errors = log.lines().stream().filter(Sample::anomaly).count();
            prevalence += errors / (double) labels.length / logs.size();
            List<LogFigures> ofLog = new ArrayList<>();
            for (Detector detector : detectors(lines)) {
                List<double[]> scores = Evaluation.of(detector, log);
                for (int i = 0; i < detector.names().size(); i++) {
                    ofLog.add(
                            LogFigures.of(
                                    detector.names().get(i), Evaluation.column(scores, i), labels));
                }
            }
            found.add(ofLog);
        }
        root.put("prevalence", prevalence);
        root.put("default", MambaByte.DEFAULT);
        root.put("logs", logs.size());
        ArrayNode array = root.putArray("detectors");
        for (int i = 0; i < found.getFirst().size(); i++) {
            int detector = i;
            List<LogFigures> perLog = found.stream().map(log -> log.get(detector)).toList();
            ObjectNode node = array.addObject();
            node.put("name", perLog.getFirst().name());
            node.put("auroc", mean(perLog.stream().mapToDouble(LogFigures::auroc).toArray()));
            node.put(
                    "average_precision",
                    mean(perLog.stream().mapToDouble(LogFigures::averagePrecision).toArray()));
            ObjectNode recall = node.putObject("recall_at_alerts_per_million");
            for (int a = 0; a < Evaluation.ALERTS_PER_MILLION.length; a++) {
                int at = a;
                recall.put(
                        Integer.toString(Evaluation.ALERTS_PER_MILLION[a]),
                        mean(perLog.stream().mapToDouble(log -> log.recall().get(at)).toArray()));
            }
            ObjectNode first = node.putObject("first_error_rank");
            for (int log = 0; log < logs.size(); log++) {
                first.put(logs.get(log).name(), perLog.get(log).rankOfFirst());
            }
            ObjectNode within = node.putObject("logs_with_first_error_in_top");
            for (int top : TOP) {
                within.put(
                        String.format(Locale.ROOT, "%d", top),
                        perLog.stream().filter(log -> log.rankOfFirst() <= top).count());
            }
        }
    }

    private static double mean(double[] values) {
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        return sum / values.length;
    }

    /** How well a detector ranks the lines of a log; recall with as many lines of it as alerts. */
    private record LogFigures(
            String name,
            double auroc,
            double averagePrecision,
            double rankOfFirst,
            List<Double> recall) {
        static LogFigures of(String name, double[] scores, boolean[] labels) {
            Ranking ranking = new Ranking(scores, labels);
            List<Double> recall = new ArrayList<>();
            for (int perMillion : Evaluation.ALERTS_PER_MILLION) {
                double alerts = perMillion / 1e6 * scores.length;
                recall.add(ranking.recallInTop((int) Math.max(1, Math.round(alerts))));
            }
            return new LogFigures(
                    name,
                    ranking.auroc(),
                    ranking.averagePrecision(),
                    ranking.rankOfFirst(),
                    List.copyOf(recall));
        }
    }
}
