package io.mambabyte.app.eval;

import com.fasterxml.jackson.databind.node.ObjectNode;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * How well a score ranks the lines of a log.
 *
 * @param log its name
 * @param name of the score
 * @param auroc area under the ROC curve
 * @param averagePrecision to be compared with the prevalence
 * @param rankOfFirst place of the first error line when the lines are sorted by score
 * @param recall share of the error lines found with as many lines as alerts, at each of {@link
 *     Figures#ALERTS_PER_MILLION} but at least one
 */
record LogFigures(
        String log,
        String name,
        double auroc,
        double averagePrecision,
        double rankOfFirst,
        List<Double> recall) {
    private static final int[] TOP = {10, 100, 1000};

    /**
     * Figures of a score.
     *
     * @param log the log
     * @param scores of its lines
     */
    static LogFigures of(ErrorLog log, Evaluation.Scores scores) {
        boolean[] labels = Evaluation.labels(log.lines());
        Ranking ranking = new Ranking(scores.test(), labels);
        List<Double> recall = new ArrayList<>();
        for (int perMillion : Figures.ALERTS_PER_MILLION) {
            double alerts = perMillion / 1e6 * labels.length;
            recall.add(ranking.recallInTop((int) Math.max(1, Math.round(alerts))));
        }
        return new LogFigures(
                log.name(),
                scores.name(),
                ranking.auroc(),
                ranking.averagePrecision(),
                ranking.rankOfFirst(),
                List.copyOf(recall));
    }

    /** Writes the means over logs, and the rank in each, as the fields of an object. */
    static void into(ObjectNode node, List<LogFigures> logs) {
        node.put("name", logs.getFirst().name());
        node.put("auroc", mean(logs, LogFigures::auroc));
        node.put("average_precision", mean(logs, LogFigures::averagePrecision));
        ObjectNode recalls = node.putObject("recall_at_alerts_per_million");
        for (int i = 0; i < Figures.ALERTS_PER_MILLION.length; i++) {
            int at = i;
            recalls.put(
                    Integer.toString(Figures.ALERTS_PER_MILLION[i]),
                    mean(logs, log -> log.recall().get(at)));
        }
        ObjectNode first = node.putObject("first_error_rank");
        logs.forEach(log -> first.put(log.log(), log.rankOfFirst()));
        ObjectNode aurocs = node.putObject("auroc_per_log");
        logs.forEach(log -> aurocs.put(log.log(), log.auroc()));
        ObjectNode within = node.putObject("logs_with_first_error_in_top");
        for (int top : TOP) {
            within.put(
                    Integer.toString(top),
                    logs.stream().filter(log -> log.rankOfFirst() <= top).count());
        }
    }

    private static double mean(List<LogFigures> logs, ToDoubleFunction<LogFigures> figure) {
        return logs.stream().mapToDouble(figure).sum() / logs.size();
    }
}
