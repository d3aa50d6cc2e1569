package io.mambabyte.app.eval;

import io.mambabyte.score.AnomalyScore;
import io.mambabyte.score.KindCounts;
import io.mambabyte.score.LineKind;
import io.mambabyte.score.LineStatistics;
import io.mambabyte.score.SessionKind;
import io.mambabyte.score.SeverityCounts;
import io.mambabyte.score.SeverityWords;
import io.mambabyte.score.TailProbability;

import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * The product: the model's likelihoods, one statistic at a time, and the default that combines them
 * with the rarity of kinds. Kinds are counted on as the stream goes by, the model stays as it is.
 */
final class MambaByte implements Detector {
    static final String DEFAULT = "mambabyte";

    private static final List<String> NAMES =
            List.of(
                    DEFAULT,
                    "mambabyte-novelty",
                    "mambabyte-tail",
                    "mambabyte-words",
                    "mambabyte-excess",
                    "mambabyte-bits",
                    "mambabyte-worst-window",
                    "kind-rarity",
                    "session-kind-rarity");

    // Where the parts that are combined stand among those of score.
    private static final int NOVELTY = 0;
    private static final int TAIL = 1;
    private static final int SIZE = 4;
    private static final int SESSION = 7;

    private final Lines lines;
    private final KindCounts kinds = new KindCounts();
    private final SeverityCounts severities = new SeverityCounts();
    private final KindCounts sessions = new KindCounts();

    /**
     * The product.
     *
     * @param lines what the model thinks of the lines of all samples
     */
    MambaByte(Lines lines) {
        this.lines = lines;
    }

    /** Whether a score is one of the product's. */
    static boolean isName(String score) {
        int suffix = score.indexOf('@');
        return NAMES.contains(suffix < 0 ? score : score.substring(0, suffix));
    }

    @Override
    public List<String> names() {
        return NAMES.stream().map(name -> name + lines.context().suffix()).toList();
    }

    @Override
    public void learn(Sample sample) {
        long[] kind = sample.lines().stream().mapToLong(LineKind::of).toArray();
        Arrays.stream(kind).forEach(kinds::add);
        sample.lines().forEach(line -> severities.add(SeverityWords.count(line)));
        sessions.add(SessionKind.of(kind));
    }

    @Override
    public boolean follows() {
        return true;
    }

    @Override
    public double[] score(Sample sample) {
        double novelty = 0;
        double tail = 0;
        double words = 0;
        double excess = Double.NEGATIVE_INFINITY;
        double bits = 0;
        double worst = 0;
        double rarest = 0;
        long[] kind = new long[sample.lines().size()];
        int i = 0;
        for (LineStatistics line : lines.of(sample)) {
            kind[i++] = line.kind();
            double rarity = kinds.bits(line.kind());
            novelty =
                    Math.max(
                            novelty,
                            AnomalyScore.novelty(line, rarity, severities.bits(line.severity())));
            tail = Math.max(tail, line.tailBits());
            words = Math.max(words, line.wordBits());
            excess = Math.max(excess, line.excessBits());
            bits = Math.max(bits, line.bits());
            worst = Math.max(worst, line.worstBits());
            rarest = Math.max(rarest, rarity);
        }
        // A session of one line says nothing that the line does not.
        double session = kind.length == 1 ? 0 : sessions.bits(SessionKind.of(kind));
        return new double[] {novelty, tail, words, excess, bits, worst, rarest, session};
    }

    /**
     * Puts the default before its parts: the strongest of what its lines say and of what it says as
     * a session.
     */
    @Override
    public UnaryOperator<double[]> calibrated(List<double[]> normal) {
        TailProbability novelty = part(normal, NOVELTY);
        TailProbability tail = part(normal, TAIL);
        TailProbability size =
                new TailProbability(
                        normal.stream().mapToDouble(one -> logarithm(one[SIZE])).toArray());
        TailProbability session = part(normal, SESSION);
        double newKinds = kinds.newKinds();
        return parts -> {
            double lines =
                    AnomalyScore.strongest(
                            novelty.bits(parts[NOVELTY]),
                            tail.bits(parts[TAIL]),
                            size.bits(logarithm(parts[SIZE])),
                            normal.size(),
                            newKinds);
            double[] all = new double[parts.length + 1];
            all[0] = Math.max(lines, session.bits(parts[SESSION]));
            System.arraycopy(parts, 0, all, 1, parts.length);
            return all;
        };
    }

    private static TailProbability part(List<double[]> normal, int part) {
        return new TailProbability(normal.stream().mapToDouble(one -> one[part]).toArray());
    }

    /** Of one bit and more: fewer are as good as none. */
    private static double logarithm(double bits) {
        return Math.log(Math.max(bits, 1));
    }
}
