package io.mambabyte.score;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.model.Forward;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.model.RecurrentState;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.Objects;
import java.util.stream.IntStream;

/** The details of each byte against all 256 probabilities, sorted. */
class ByteDetailsTest {
    private static final byte[] LINE =
            "2026-11-24 WARN [ReplicaFetcher replicaId=1] disk is full\u00e9"
                    .getBytes(StandardCharsets.UTF_8);

    @Test
    void tellsTheFiveMostLikelyBytesWithoutChangingTheScore() throws Exception {
        MambaModel model = MambaModel.load(ModelSource.of(ModelSource.DEFAULT));
        ByteDetails.Collector collector = new ByteDetails.Collector();
        Scorer scorer = new Scorer(model);
        RecordScore plain = scorer.scoreAlone(LINE, Framing.LINES, true);
        RecordScore score = scorer.scoreAlone(LINE, Framing.LINES, true, collector);
        assertEquals(plain, score);
        ByteDetails details = collector.details();
        assertEquals(LINE.length + 1, details.size());

        Forward forward = new Forward(model, LINE.length + 1);
        RecurrentState state = model.newState();
        byte[] fed = new byte[LINE.length + 1];
        fed[0] = '\n';
        System.arraycopy(LINE, 0, fed, 1, LINE.length);
        forward.forward(state, fed, 0, fed.length);
        for (int i = 0; i < details.size(); i++) {
            assertEquals(Objects.requireNonNull(plain.surprisal()).get(i), details.bits(i));
            double[] p = softmax(forward.logits(), i * 256);
            int[] sorted =
                    IntStream.range(0, 256)
                            .boxed()
                            .sorted(Comparator.comparingDouble(b -> -p[b]))
                            .mapToInt(Integer::intValue)
                            .toArray();
            double sum = 0;
            for (int rank = 0; rank < ByteDetails.ALTERNATIVES; rank++) {
                assertEquals(sorted[rank], details.alternative(i, rank), "byte " + i);
                assertEquals(p[sorted[rank]], details.probability(i, rank), 1e-4);
                sum += details.probability(i, rank);
            }
            assertTrue(sum <= 1 + 1e-5);
        }
    }

    @Test
    void theFirstByteOfAllWasNotPredicted() throws Exception {
        MambaModel model = MambaModel.load(ModelSource.of(ModelSource.DEFAULT));
        ByteDetails.Collector collector = new ByteDetails.Collector();
        new Scorer(model).scoreAlone(LINE, Framing.NONE, false, collector);
        ByteDetails details = collector.details();
        assertEquals(LINE.length, details.size());
        assertTrue(Float.isNaN(details.bits(0)));
        assertEquals(0f, details.probability(0, 0));
        assertTrue(details.probability(1, 0) > 0);
    }

    private static double[] softmax(float[] logits, int from) {
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < 256; i++) {
            max = Math.max(max, logits[from + i]);
        }
        double[] p = new double[256];
        double sum = 0;
        for (int i = 0; i < 256; i++) {
            p[i] = Math.exp(logits[from + i] - max);
            sum += p[i];
        }
        for (int i = 0; i < 256; i++) {
            p[i] /= sum;
        }
        return p;
    }
}
