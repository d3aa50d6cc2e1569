package io.mambabyte.train;

import io.mambabyte.model.Checkpoint;
import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.SubwordCheckpoint;

/** What training begins with. */
public sealed interface TrainingStart {
    /**
     * A model that is there already.
     *
     * @param checkpoint the model
     */
    record Base(Checkpoint checkpoint) implements TrainingStart {}

    /**
     * A model over subwords that is there already, and stays over its tokens.
     *
     * @param subwords the model
     */
    record Subwords(SubwordCheckpoint subwords) implements TrainingStart {}

    /**
     * Random weights.
     *
     * @param config shape of the model
     */
    record Shape(MambaConfig config) implements TrainingStart {
        /**
         * The shape that three numbers stand for; everything else as in the MambaByte paper.
         *
         * @param dModel width
         * @param layers blocks
         * @param states states of a channel
         * @return the start
         */
        public static Shape of(int dModel, int layers, int states) {
            return new Shape(Initialization.shape(dModel, layers, states));
        }
    }

    /**
     * Shape of the model.
     *
     * @return the configuration
     */
    default MambaConfig config() {
        return switch (this) {
            case Base(Checkpoint checkpoint) -> checkpoint.config();
            case Subwords(SubwordCheckpoint subwords) -> subwords.checkpoint().config();
            case Shape(MambaConfig config) -> config;
        };
    }

    /**
     * Number of values that the model is fed.
     *
     * @return 256 for bytes
     */
    default int vocabulary() {
        return switch (this) {
            case Base _, Shape _ -> MambaConfig.VOCABULARY;
            case Subwords(SubwordCheckpoint subwords) -> subwords.encoding().size();
        };
    }

    /**
     * What to call it.
     *
     * @return name or folder of the base, or the shape
     */
    default String description() {
        return switch (this) {
            case Base(Checkpoint checkpoint) -> checkpoint.source().toString();
            case Subwords(SubwordCheckpoint subwords) -> subwords.checkpoint().source().toString();
            case Shape(MambaConfig config) ->
                    "random weights, shape "
                            + config.dModel()
                            + ","
                            + config.nLayer()
                            + ","
                            + config.dState();
        };
    }
}
