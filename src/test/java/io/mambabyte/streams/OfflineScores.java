package io.mambabyte.streams;

import io.mambabyte.avro.Likelihood;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.model.StateRounding;
import io.mambabyte.score.Framing;
import io.mambabyte.score.RecordScore;
import io.mambabyte.score.Scorer;
import io.mambabyte.score.Surprisals;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a topology must give, computed without Kafka: each key's records, one after the other. To be
 * compared with equality, since Avro's equality of floats and doubles is that of their bits.
 */
public final class OfflineScores {
    private final MambaModel model;
    private final Scorer scorer;
    private final Framing framing;
    private final boolean perByte;
    private final Map<String, RecurrentState> states = new HashMap<>();

    /**
     * Scores of keys that were never seen.
     *
     * @param model the model
     * @param framing what is added to a record
     * @param perByte whether likelihoods carry the surprisal of every byte
     */
    public OfflineScores(MambaModel model, Framing framing, boolean perByte) {
        this(model, framing, perByte, new MambaByteConfig(Map.of()).stateRounding());
    }

    /**
     * Scores of keys that were never seen.
     *
     * @param model the model
     * @param framing what is added to a record
     * @param perByte whether likelihoods carry the surprisal of every byte
     * @param rounding of the states
     */
    public OfflineScores(
            MambaModel model, Framing framing, boolean perByte, StateRounding rounding) {
        this.model = model;
        this.framing = framing;
        this.perByte = perByte;
        scorer = new Scorer(model, rounding);
    }

    /**
     * Scores the next record.
     *
     * @param key its key; null scores it on its own
     * @param value its value; null forgets the key
     * @return its likelihood, null for a null value
     */
    public @Nullable Likelihood scoreOrForget(@Nullable String key, byte @Nullable [] value) {
        if (value == null) {
            states.remove(key);
            return null;
        }
        return key == null
                ? likelihood(model, scorer.scoreAlone(value, framing, perByte), "record")
                : score(key, value);
    }

    /**
     * Scores the next record of a key.
     *
     * @param key its key
     * @param value its value
     * @return its likelihood
     */
    public Likelihood score(String key, byte[] value) {
        RecurrentState state = states.computeIfAbsent(key, _ -> model.newState());
        return likelihood(model, scorer.score(state, value, framing, perByte));
    }

    /**
     * What the next record of a key would give, were it this one.
     *
     * @param key its key
     * @param value its value
     * @return its likelihood
     */
    public Likelihood peek(String key, byte[] value) {
        RecurrentState state = states.get(key);
        return likelihood(
                model,
                scorer.score(
                        state == null ? model.newState() : state.copy(), value, framing, perByte));
    }

    /**
     * The likelihood that says what a score says.
     *
     * @param model the model
     * @param score the score
     * @return the likelihood
     */
    public static Likelihood likelihood(MambaModel model, RecordScore score) {
        return likelihood(model, score, "key");
    }

    /**
     * The likelihood that says what a score says.
     *
     * @param model the model
     * @param score the score
     * @param context what the bytes were predicted from
     * @return the likelihood
     */
    public static Likelihood likelihood(MambaModel model, RecordScore score, String context) {
        return new Likelihood(
                model.fingerprint(),
                score.position(),
                score.bytes(),
                score.scoredBytes(),
                score.bits(),
                score.bitsPerByte(),
                score.expectedBits(),
                score.excessBits(),
                score.z(),
                score.worstOffset(),
                score.worstBits(),
                list(score.surprisal()),
                context,
                null,
                null,
                null);
    }

    private static @Nullable List<Float> list(@Nullable Surprisals surprisals) {
        if (surprisals == null) {
            return null;
        }
        List<Float> list = new ArrayList<>();
        for (int i = 0; i < surprisals.size(); i++) {
            list.add(surprisals.get(i));
        }
        return list;
    }
}
