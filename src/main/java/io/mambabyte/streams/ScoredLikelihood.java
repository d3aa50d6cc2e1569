package io.mambabyte.streams;

import io.mambabyte.avro.Likelihood;
import io.mambabyte.score.RecordScore;

/**
 * A likelihood with the line that it is of, for the processor right behind: what a topic holds of
 * it is the likelihood. The line and the surprisal of each byte are not written.
 */
@SuppressWarnings("serial") // Java never serializes it, Avro does
final class ScoredLikelihood extends Likelihood {
    private static final long serialVersionUID = 1L;

    private final transient byte[] line;
    private final transient RecordScore score;

    ScoredLikelihood(byte[] line, RecordScore score, Likelihood likelihood) {
        for (int i = 0; i < likelihood.getSchema().getFields().size(); i++) {
            put(i, likelihood.get(i));
        }
        this.line = line;
        this.score = score;
    }

    /** The line; not to be changed. */
    byte[] line() {
        return line;
    }

    /** Its score, with the surprisal of every byte. */
    RecordScore score() {
        return score;
    }

    /** What is written: equal to another likelihood, whatever line it came from. */
    @Override
    public boolean equals(Object other) {
        return super.equals(other);
    }

    @Override
    public int hashCode() {
        return super.hashCode();
    }
}
