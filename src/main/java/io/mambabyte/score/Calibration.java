package io.mambabyte.score;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayDeque;

/**
 * What is normal, learned from lines as they go by: the running distributions of the {@link
 * AnomalyScore}'s parts and of the score, and how often each kind of line came. A line is judged by
 * the lines before it and then learned.
 *
 * <ul>
 *   <li><b>p-value.</b> The share of lines before that scored as high: conformal, so where lines
 *       are exchangeable a share p of them have a p-value of p or less, whatever the score is.
 *       Beyond what was seen an exponential tail goes on.
 *   <li><b>Censoring.</b> Of a line that alerts, only that it is one such is learned: its score
 *       counts as that of a line that just alerts, so that the distribution does not lose its end.
 *       Where lines that are stranger than one in a hundred come more than four times as often as
 *       they should, they are held back altogether: a fault does not make itself normal.
 *   <li><b>Shifts.</b> Where strange lines stay more than four in a hundred for {@link
 *       #SHIFT_LINES} lines, this is how it is now: what was held back is learned, and what follows
 *       too, until the share is normal again. Their scores are not before they are compared with
 *       what is normal now.
 *   <li><b>Ageing.</b> Two generations: lines are compared with between one and two generations of
 *       lines before.
 * </ul>
 *
 * <p>A function of the lines and nothing else: no clock, no random numbers. Not safe for concurrent
 * use.
 */
public final class Calibration {
    /** Lines that strange lines must stay frequent for until they are what is normal. */
    public static final int SHIFT_LINES = 512;

    /** Lines with a p-value below this are strange. */
    public static final double STRANGE = 0.01;

    // Weight of a line in the share of strange lines: of the last 256, the nearer the more.
    private static final double SHARE_WEIGHT = 1.0 / 256;
    private static final double SHARE_SHIFTED = 4;
    private static final double SHARE_NORMAL = 2;
    private static final int HELD_MAX = SHIFT_LINES;

    // Distributions are brought up to date in these steps: often while there is little to go by.
    private static final int FOLD_LINES_YOUNG = 64;
    private static final int YOUNG_LINES = 512;
    private static final int FOLD_LINES = 256;

    private static final int KINDS_MAX = 1024;

    // How far beyond one in all lines so far tails are believed: that of the score eight bits,
    // those
    // of its parts not at all, since identifiers have tails that are heavier than exponential.
    private static final double PART_EXTRAPOLATION_BITS = -1;
    private static final double SCORE_EXTRAPOLATION_BITS = 8;

    private static final double MEAN_EXCESS_MIN = 1e-3;
    private static final double STEPS_PER_BIT = 8;

    private final int learningLines;
    private final int generationLines;
    private final double alertBits;
    private final double strangeBits;
    private final double strange;

    private final CalibrationKinds kinds;
    private final CalibrationSeverity severities = new CalibrationSeverity();
    private final CalibrationDistribution novelties =
            new CalibrationDistribution(PART_EXTRAPOLATION_BITS, MEAN_EXCESS_MIN);
    private final CalibrationDistribution tails =
            new CalibrationDistribution(PART_EXTRAPOLATION_BITS, MEAN_EXCESS_MIN);
    private final CalibrationDistribution sizes =
            new CalibrationDistribution(PART_EXTRAPOLATION_BITS, MEAN_EXCESS_MIN);
    private final CalibrationDistribution scores =
            new CalibrationDistribution(SCORE_EXTRAPOLATION_BITS, MEAN_EXCESS_MIN);
    private long lines;

    private double strangeShare;
    private int shiftedLines;
    private boolean shifted;

    // Since a shift, distributions were not yet brought up to date. Never so when it is written.
    private boolean stale;

    private final ArrayDeque<Judgement> held = new ArrayDeque<>();

    /**
     * What a line looks like beside those before it.
     *
     * @param kindBits how rare its kind is
     * @param novelty {@link AnomalyScore#novelty}
     * @param tail {@link LineStatistics#tailBits}
     * @param size logarithm of all its bits
     * @param score {@link AnomalyScore#strongest} of the three; NaN while nothing is known of them
     * @param bits {@code -log2} of the p-value; NaN while learning
     * @param compared lines that it was compared with
     */
    public record Judgement(
            double kindBits,
            double novelty,
            double tail,
            double size,
            double score,
            double bits,
            long compared) {
        /**
         * Whether there is a p-value.
         *
         * @return false while too few lines were seen
         */
        public boolean known() {
            return !Double.isNaN(bits);
        }

        /**
         * The p-value.
         *
         * @return share of normal lines that are expected to score as high; NaN while learning
         */
        public double pValue() {
            return Math.pow(2, -bits);
        }
    }

    /**
     * Knows nothing yet.
     *
     * @param learningLines lines to see before any is judged
     * @param generationLines lines of a generation
     * @param alertsPerLine share of normal lines that are to alert
     */
    public Calibration(int learningLines, int generationLines, double alertsPerLine) {
        this.learningLines = learningLines;
        this.generationLines = generationLines;
        kinds = new CalibrationKinds(KINDS_MAX, generationLines / 2);
        strange = Math.max(STRANGE, alertsPerLine);
        strangeBits = -Math.log(strange) / Math.log(2);
        alertBits = -Math.log(alertsPerLine) / Math.log(2);
        strangeShare = strange;
    }

    /**
     * A line as it is judged: what is kept of it when it is to be learned again is a float, so that
     * is what counts the first time too.
     *
     * @param line its statistics
     * @return the same with its bits, words and tail rounded to floats
     */
    public static LineStatistics rounded(LineStatistics line) {
        return new LineStatistics(
                line.kind(),
                line.severity(),
                (float) line.bits(),
                line.excessBits(),
                line.worstBits(),
                (float) line.wordBits(),
                (float) line.tailBits());
    }

    /**
     * Lines that were learned or held back.
     *
     * @return how many, since the beginning
     */
    public long lines() {
        return lines;
    }

    /**
     * Whether too few lines were seen to judge one.
     *
     * @return whether it still learns
     */
    public boolean learning() {
        return lines < learningLines || scores.count() < learningLines / 2;
    }

    /**
     * Judges a line by those before it. Changes nothing.
     *
     * @param line the line, {@link #rounded}
     * @return what it looks like
     */
    public Judgement judge(LineStatistics line) {
        double kindBits = kinds.bits(line.kind());
        double novelty =
                stepped(AnomalyScore.novelty(line, kindBits, severities.bits(line.severity())));
        double size = Math.log1p(line.bits());
        if (novelties.count() == 0) {
            return new Judgement(
                    kindBits, novelty, line.tailBits(), size, Double.NaN, Double.NaN, 0);
        }
        double score =
                AnomalyScore.strongest(
                        novelties.bits(novelty),
                        tails.bits(line.tailBits()),
                        sizes.bits(size),
                        novelties.count(),
                        kinds.newKinds());
        return new Judgement(
                kindBits,
                novelty,
                line.tailBits(),
                size,
                score,
                learning() ? Double.NaN : scores.bits(score),
                scores.count());
    }

    // Counts grow with every line, and the rarity of a kind with them, by next to nothing: lines
    // that
    // differ by no more than that are equals.
    private static double stepped(double bits) {
        return Math.round(bits * STEPS_PER_BIT) / STEPS_PER_BIT;
    }

    /**
     * Learns a line.
     *
     * @param line the line
     * @param judgement what {@link #judge} just said of it
     * @return whether distributions were brought up to date: only then can this be written
     */
    public boolean learn(LineStatistics line, Judgement judgement) {
        lines++;
        kinds.add(line.kind());
        severities.add(line.severity());
        boolean isStrange = judgement.known() && judgement.bits() > strangeBits;
        follow(isStrange);
        if (!isStrange) {
            add(judgement);
        } else if (shifted) {
            addShifted(judgement);
        } else if (strangeShare > SHARE_SHIFTED * strange) {
            held.add(judgement);
            if (held.size() > HELD_MAX) {
                held.remove();
            }
        } else if (judgement.bits() > alertBits) {
            addParts(judgement);
            scores.addAtLeast(Math.min(judgement.score(), scores.at(alertBits)));
        } else {
            add(judgement);
        }
        boolean due = lines % (lines < YOUNG_LINES ? FOLD_LINES_YOUNG : FOLD_LINES) == 0;
        if (due) {
            fold();
        }
        return due;
    }

    private void follow(boolean isStrange) {
        strangeShare += SHARE_WEIGHT * ((isStrange ? 1 : 0) - strangeShare);
        if (strangeShare > SHARE_SHIFTED * strange) {
            shiftedLines++;
        } else if (strangeShare < SHARE_NORMAL * strange) {
            shiftedLines = 0;
            shifted = false;
            held.clear();
        }
        if (!shifted && shiftedLines >= SHIFT_LINES) {
            shifted = true;
            stale = true;
            held.forEach(this::addShifted);
            held.clear();
        }
    }

    // Scores are those beside what was normal when the line came: learned after a shift, those
    // would
    // stand above all that come, and no line would be strange until they are forgotten.
    private void addShifted(Judgement judgement) {
        if (stale) {
            addParts(judgement);
        } else {
            add(judgement);
        }
    }

    private void addParts(Judgement judgement) {
        novelties.add(judgement.novelty());
        tails.add(judgement.tail());
        sizes.add(judgement.size());
    }

    private void add(Judgement judgement) {
        addParts(judgement);
        if (!Double.isNaN(judgement.score())) {
            scores.add(judgement.score());
        }
    }

    private void fold() {
        stale = false;
        novelties.fold();
        tails.fold();
        sizes.fold();
        scores.fold();
        if (novelties.currentCount() >= generationLines) {
            novelties.roll();
            tails.roll();
            sizes.roll();
            scores.roll();
            kinds.halve();
            severities.halve();
        }
    }

    /**
     * Learns that a line is normal, because somebody says so: its kind is counted as one that comes
     * in one line of a hundred, and its score and parts are learned as they are.
     *
     * @param line the line
     */
    public void learnNormal(LineStatistics line) {
        add(judge(line));
        kinds.add(line.kind(), (int) Math.max(1, kinds.total() / 100));
    }

    /**
     * Writes it all; possible right after {@link #learn} said so, or before anything was learned.
     *
     * @param out where to
     * @throws IOException if that fails
     */
    public void write(DataOutput out) throws IOException {
        out.writeLong(lines);
        out.writeDouble(strangeShare);
        out.writeInt(shiftedLines);
        out.writeBoolean(shifted);
        out.writeInt(held.size());
        for (Judgement one : held) {
            out.writeDouble(one.novelty());
            out.writeDouble(one.tail());
            out.writeDouble(one.size());
            out.writeDouble(one.score());
        }
        kinds.write(out);
        severities.write(out);
        novelties.write(out);
        tails.write(out);
        sizes.write(out);
        scores.write(out);
    }

    /**
     * Becomes what was written.
     *
     * @param in where from
     * @throws IOException if it is too short or not such a thing
     */
    public void read(DataInput in) throws IOException {
        lines = in.readLong();
        strangeShare = in.readDouble();
        shiftedLines = in.readInt();
        shifted = in.readBoolean();
        held.clear();
        int count = in.readInt();
        for (int i = 0; i < count; i++) {
            held.add(
                    new Judgement(
                            0,
                            in.readDouble(),
                            in.readDouble(),
                            in.readDouble(),
                            in.readDouble(),
                            Double.NaN,
                            0));
        }
        kinds.read(in);
        severities.read(in);
        novelties.read(in);
        tails.read(in);
        sizes.read(in);
        scores.read(in);
    }

    /**
     * Memory that it takes.
     *
     * @return bytes, nearly
     */
    public int bytes() {
        return kinds.bytes()
                + novelties.bytes()
                + tails.bytes()
                + sizes.bytes()
                + scores.bytes()
                + held.size() * 2 * Long.BYTES * 6;
    }
}
