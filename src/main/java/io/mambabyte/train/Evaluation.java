package io.mambabyte.train;

/**
 * Where training was at an evaluation.
 *
 * @param step steps done
 * @param bytes bytes learnt from
 * @param seconds since training began, pauses left out
 * @param rate learning rate of the last step
 * @param gradientNorm norm of the last gradient, before it was clipped
 * @param trainBits mean surprisal of a byte since the evaluation before, in bits; NaN at the start
 * @param heldOutBits that of held-out bytes now
 */
public record Evaluation(
        long step,
        long bytes,
        double seconds,
        double rate,
        double gradientNorm,
        double trainBits,
        double heldOutBits) {}
