package io.mambabyte.app.eval;

import java.util.function.LongConsumer;

/** Is told how far an evaluation is. */
@FunctionalInterface
public interface EvaluationProgress {
    /**
     * A stage begins.
     *
     * @param stage what is done in it
     * @param bytes what there is to do
     * @return takes the bytes that are done so far, from any thread
     */
    LongConsumer begin(String stage, long bytes);
}
