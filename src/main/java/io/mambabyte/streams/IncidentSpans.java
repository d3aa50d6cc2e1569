package io.mambabyte.streams;

import io.mambabyte.avro.Alternative;
import io.mambabyte.avro.Span;
import io.mambabyte.model.Forward;
import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.score.Framing;
import io.mambabyte.score.RecordScore;
import io.mambabyte.score.Scorer;
import io.mambabyte.score.Surprisals;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * The parts of a line that surprised the model, and what it would rather have had there. The line
 * is read on its own, as in the context 'record', whatever it was scored in.
 */
final class IncidentSpans {
    private static final int SPANS = 3;
    private static final int SPAN_BYTES = 16;
    private static final int ALTERNATIVES = 3;
    private static final int ALTERNATIVE_BYTES = 16;
    private static final int ROWS = 64;

    /** A byte that surprised the model; one that did not begins no span. */
    private static final double SURPRISING_BITS = 2;

    private final Framing framing;
    private final Scorer scorer;
    private final Forward chunks;
    private final Forward steps;
    private final RecurrentState state;

    IncidentSpans(MambaModel model, Framing framing) {
        this.framing = framing;
        scorer = new Scorer(model, ROWS);
        chunks = new Forward(model, ROWS);
        steps = new Forward(model, 1);
        state = model.newState();
    }

    /** The most surprising parts, the most surprising first, that do not overlap. */
    List<Span> of(byte[] line) {
        RecordScore score = scorer.scoreAlone(line, framing, true);
        Surprisals surprisal = score.surprisal();
        if (surprisal == null) {
            throw new IllegalStateException("a score without surprisals");
        }
        double[] bits = new double[line.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.isNaN(surprisal.get(i)) ? 0 : surprisal.get(i);
        }
        double[] rest = bits.clone();
        List<int[]> windows = new ArrayList<>();
        while (windows.size() < SPANS) {
            int[] window = largest(rest, bits);
            if (window[1] <= window[0]) {
                break;
            }
            windows.add(window);
            // The bytes beside it as well: a span that touches another says the same.
            Arrays.fill(rest, window[0], window[1], Double.NEGATIVE_INFINITY);
        }
        List<Span> spans = new ArrayList<>();
        for (int[] window : windows) {
            double sum = 0;
            for (int i = window[0]; i < window[1]; i++) {
                sum += bits[i];
            }
            spans.add(
                    new Span(
                            window[0],
                            sum,
                            ByteBuffer.wrap(line, window[0], window[1] - window[0]).slice(),
                            expected(line, window[0])));
        }
        spans.sort(Comparator.comparingDouble(Span::getBits).reversed());
        return spans;
    }

    /** The window with the most bits, cut to where it begins and ends with a surprise. */
    private static int[] largest(double[] rest, double[] bits) {
        double best = SURPRISING_BITS;
        int from = 0;
        int to = 0;
        for (int i = 0; i < rest.length; i++) {
            double sum = 0;
            for (int j = i; j < Math.min(rest.length, i + SPAN_BYTES); j++) {
                sum += rest[j];
                if (sum > best) {
                    best = sum;
                    from = i;
                    to = j + 1;
                }
            }
        }
        while (from < to && bits[from] < SURPRISING_BITS) {
            from++;
        }
        while (to > from && bits[to - 1] < SURPRISING_BITS) {
            to--;
        }
        return new int[] {from, to};
    }

    private List<Alternative> expected(byte[] line, int at) {
        Scorer.beginAlone(state, framing);
        int pending = state.pendingByte();
        byte[] before = new byte[at + (pending == RecurrentState.NONE ? 0 : 1)];
        if (pending != RecurrentState.NONE) {
            before[0] = (byte) pending;
        }
        System.arraycopy(line, 0, before, before.length - at, at);
        if (before.length == 0) {
            return List.of(); // nothing precedes the byte, so nothing was expected
        }
        int fed = 0;
        while (fed < before.length) {
            int rows = Math.min(ROWS, before.length - fed);
            chunks.forward(state, before, fed, rows);
            fed += rows;
        }
        float[] logits =
                Arrays.copyOfRange(
                        chunks.logits(),
                        (chunks.rows() - 1) * MambaConfig.VOCABULARY,
                        chunks.rows() * MambaConfig.VOCABULARY);
        List<Alternative> alternatives = new ArrayList<>();
        for (int next : largest(logits, ALTERNATIVES)) {
            alternatives.add(
                    new Alternative(
                            probability(logits, next),
                            ByteBuffer.wrap(continued(state.copy(), (byte) next))));
        }
        return alternatives;
    }

    private byte[] continued(RecurrentState from, byte first) {
        byte[] text = new byte[ALTERNATIVE_BYTES];
        text[0] = first;
        int length = 1;
        while (length < text.length && !endsWord(text[length - 1])) {
            steps.forward(from, text, length - 1, 1);
            text[length++] = (byte) largest(steps.logits(), 1)[0];
        }
        return Arrays.copyOf(text, length);
    }

    private static boolean endsWord(byte value) {
        return value == ' ' || value == '\n' || value == '\t';
    }

    private static int[] largest(float[] logits, int count) {
        int[] best = new int[count];
        boolean[] taken = new boolean[MambaConfig.VOCABULARY];
        for (int i = 0; i < count; i++) {
            int at = -1;
            for (int b = 0; b < MambaConfig.VOCABULARY; b++) {
                if (!taken[b] && (at < 0 || logits[b] > logits[at])) {
                    at = b;
                }
            }
            taken[at] = true;
            best[i] = at;
        }
        return best;
    }

    private static double probability(float[] logits, int value) {
        double sum = 0;
        for (int b = 0; b < MambaConfig.VOCABULARY; b++) {
            sum += Math.exp(logits[b] - (double) logits[value]);
        }
        return 1 / sum;
    }
}
