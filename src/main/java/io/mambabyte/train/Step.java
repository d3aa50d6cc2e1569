package io.mambabyte.train;

import io.mambabyte.kernels.Kernels;
import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.MambaWeights;
import io.mambabyte.model.NamedTensor;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * One step of training over a batch of sequences, shared by threads: passes, sum of the gradients,
 * optimizer, packing. The result does not depend on the number of threads.
 */
final class Step {
    /**
     * Gradients that are kept apart until they are added in order. More would serve more threads,
     * each costs the memory of the model.
     */
    static final int SLOTS_MAX = 8;

    /**
     * What a step did.
     *
     * @param nats sum of the cross-entropies
     * @param gradientNorm norm of the mean gradient before clipping
     */
    record Result(double nats, double gradientNorm) {}

    private final TrainableModel model;
    private final Workers workers;
    private final int rows;
    private final List<BackPropagation> passes;
    private final List<SlotGradient> slots;
    private final MambaWeights gradient;
    private final List<NamedTensor> gradientTensors;
    private final AdamW optimizer;
    private final List<SequenceState> states;
    private final double[] nats;

    /**
     * Allocates everything that a step needs.
     *
     * @param config shape of the model
     * @param weights its parameters, changed by each step
     * @param kernels what computes
     * @param settings of the optimizer
     * @param workers the threads
     * @param sequences sequences of a batch
     * @param rows bytes, or tokens, of a sequence in a step
     */
    Step(
            MambaConfig config,
            MambaWeights weights,
            Kernels kernels,
            AdamW.Settings settings,
            Workers workers,
            int sequences,
            int rows) {
        this.workers = workers;
        this.rows = rows;
        model = new TrainableModel(config, weights, kernels);
        int slotCount = Math.min(SLOTS_MAX, sequences);
        passes =
                Stream.generate(() -> new BackPropagation(config, weights.vocabulary(), rows))
                        .limit(Math.min(workers.count(), slotCount))
                        .toList();
        slots =
                Stream.generate(() -> new SlotGradient(config, weights.vocabulary()))
                        .limit(slotCount)
                        .toList();
        gradient = TrainableModel.zerosLike(weights);
        gradientTensors = NamedTensor.of(config, gradient);
        optimizer = new AdamW(config, weights, gradient, settings);
        states = Stream.generate(() -> new SequenceState(config)).limit(sequences).toList();
        nats = new double[sequences];
    }

    /** States of the sequences, to be cleared where a new one begins. */
    List<SequenceState> states() {
        return states;
    }

    AdamW optimizer() {
        return optimizer;
    }

    /** The gradient of the last step: mean over the bytes or tokens of the batch. */
    List<NamedTensor> gradient() {
        return gradientTensors;
    }

    /** Packs all weights again, after they were changed from outside. */
    void pack() {
        workers.run(model.parts(), (worker, part) -> model.pack(part));
    }

    /**
     * Feeds the next bytes or tokens of every sequence and changes the weights. Where the gradient
     * is not finite they stay as they are.
     *
     * @param text where the sequences are
     * @param offsets where each goes on; what comes after the last that is fed is a target too
     * @param rate learning rate
     * @return loss and norm
     */
    Result step(TokenText text, int[] offsets, double rate) {
        gradient(text, offsets);
        double norm = optimizer.step(workers, rate);
        pack();
        return new Result(Arrays.stream(nats).sum(), norm);
    }

    /** Computes the gradient and leaves the weights. */
    double gradient(TokenText text, int[] offsets) {
        if (offsets.length != states.size()) {
            throw new IllegalArgumentException(
                    offsets.length + " offsets for " + states.size() + " sequences");
        }
        float scale = 1f / ((float) rows * states.size());
        workers.run(
                slots.size(),
                (worker, slot) -> {
                    SlotGradient sum = slots.get(slot);
                    sum.clear();
                    for (int i = slot; i < offsets.length; i += slots.size()) {
                        nats[i] =
                                passes.get(worker)
                                        .run(
                                                model,
                                                states.get(i),
                                                text,
                                                offsets[i],
                                                rows,
                                                scale,
                                                sum);
                    }
                });
        gradientTensors.forEach(tensor -> Arrays.fill(tensor.values(), 0f));
        workers.run(
                model.parts(),
                (worker, part) -> {
                    for (SlotGradient slot : slots) {
                        slot.addTo(part, gradient);
                    }
                    SlotGradient.complete(part, model.weights(), gradient);
                });
        return IntStream.range(0, nats.length).mapToDouble(i -> nats[i]).sum();
    }
}
