package io.mambabyte.train;

import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.MambaWeights;
import io.mambabyte.model.NamedTensor;

import java.util.List;

/**
 * AdamW: Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101), after clipping
 * the gradient to a global norm.
 *
 * <p>With gradient g, step t: {@code m = b1 * m + (1 - b1) * g}, {@code v = b2 * v + (1 - b2) *
 * g^2}, {@code w = w * (1 - rate * decay) - rate / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) +
 * epsilon)}.
 */
final class AdamW {
    /**
     * Settings.
     *
     * @param beta1 decay of the first moment
     * @param beta2 decay of the second moment
     * @param epsilon added to the root of the second moment
     * @param weightDecay per step, times the rate
     * @param decayAll whether every parameter decays; otherwise A_log, D, norms and biases do not,
     *     since zero is not where they should be drawn to
     * @param clipNorm the gradient's norm over all parameters is brought down to it
     */
    record Settings(
            float beta1,
            float beta2,
            float epsilon,
            float weightDecay,
            boolean decayAll,
            float clipNorm) {
        /** As the MambaByte paper and its reference case have them, decay on matrices only. */
        static final Settings DEFAULT = new Settings(0.9f, 0.95f, 1e-8f, 0.1f, false, 1f);
    }

    private final Settings settings;
    private final List<NamedTensor> weights;
    private final List<NamedTensor> gradients;
    private final MambaWeights firstMoments;
    private final MambaWeights secondMoments;
    private final List<NamedTensor> first;
    private final List<NamedTensor> second;
    private final double[] squares;
    private long step;

    /**
     * Starts before the first step.
     *
     * @param config shape of the model
     * @param weights its parameters, updated by each step
     * @param gradient where each step finds the gradient
     * @param settings settings
     */
    AdamW(MambaConfig config, MambaWeights weights, MambaWeights gradient, Settings settings) {
        this.settings = settings;
        this.weights = NamedTensor.of(config, weights);
        gradients = NamedTensor.of(config, gradient);
        firstMoments = TrainableModel.zerosLike(weights);
        secondMoments = TrainableModel.zerosLike(weights);
        first = NamedTensor.of(config, firstMoments);
        second = NamedTensor.of(config, secondMoments);
        squares = new double[this.weights.size()];
    }

    /** Whether weight decay applies to a parameter: to what multiplies, not to what shifts. */
    private boolean decays(NamedTensor tensor) {
        return settings.decayAll
                || !(tensor.name().endsWith(".A_log")
                        || tensor.name().endsWith(".D")
                        || tensor.name().endsWith(".bias")
                        || tensor.name().contains("norm"));
    }

    /**
     * Changes the weights by the gradient.
     *
     * @param workers who computes
     * @param rate learning rate
     * @return norm of the gradient before it was clipped
     */
    double step(Workers workers, double rate) {
        workers.run(squares.length, (worker, i) -> squares[i] = square(gradients.get(i).values()));
        double square = 0;
        for (double s : squares) {
            square += s;
        }
        double norm = Math.sqrt(square);
        if (!Double.isFinite(norm)) {
            return norm;
        }
        step++;
        float factor = (float) Math.min(1, settings.clipNorm / (norm + 1e-6));
        double correction1 = 1 - StrictMath.pow(settings.beta1, (double) step);
        double correction2 = 1 - StrictMath.pow(settings.beta2, (double) step);
        float stepSize = (float) (rate / correction1);
        float rootFactor = (float) (1 / Math.sqrt(correction2));
        workers.run(
                squares.length,
                (worker, i) -> {
                    float kept =
                            decays(weights.get(i)) ? (float) (1 - rate * settings.weightDecay) : 1f;
                    update(i, factor, kept, stepSize, rootFactor);
                });
        return norm;
    }

    private void update(int i, float factor, float kept, float stepSize, float rootFactor) {
        float[] w = weights.get(i).values();
        float[] gradient = gradients.get(i).values();
        float[] m = first.get(i).values();
        float[] v = second.get(i).values();
        float beta1 = settings.beta1;
        float beta2 = settings.beta2;
        float rest1 = (float) (1 - (double) beta1);
        float rest2 = (float) (1 - (double) beta2);
        float epsilon = settings.epsilon;
        for (int j = 0; j < w.length; j++) {
            float g = gradient[j] * factor;
            m[j] = beta1 * m[j] + rest1 * g;
            v[j] = beta2 * v[j] + rest2 * g * g;
            float root = (float) Math.sqrt(v[j]) * rootFactor + epsilon;
            w[j] = w[j] * kept - stepSize * (m[j] / root);
        }
    }

    /** Eight chains: one would wait for each addition. */
    private static double square(float[] values) {
        double[] sums = new double[8];
        for (int i = 0; i < values.length; i++) {
            sums[i & 7] += (double) values[i] * values[i];
        }
        double sum = 0;
        for (double s : sums) {
            sum += s;
        }
        return sum;
    }

    /** Number of steps that were done. */
    long steps() {
        return step;
    }

    /** Sets the number of steps, of an optimizer that is restored. */
    void steps(long steps) {
        step = steps;
    }

    /** The first and then the second moments, to be saved and restored. */
    List<List<NamedTensor>> moments() {
        return List.of(first, second);
    }
}
