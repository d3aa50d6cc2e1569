package io.mambabyte.generate;

/**
 * How a byte is drawn from the model's distribution. The filters are defined on the probabilities
 * at the temperature, each on all of them, and a byte has to pass every filter; the most probable
 * one always does. Of equally probable bytes the lower counts as more probable.
 *
 * @param temperature 0 takes the most probable byte; otherwise logits are divided by it
 * @param topK only the so many most probable bytes; 0 for all
 * @param topP only the smallest set of most probable bytes whose probabilities reach this sum; 1
 *     for all
 * @param minP only bytes that are at least so probable as a share of the most probable one; 0 for
 *     all
 * @param seed what the random numbers are a function of, with the position
 * @param utf8Only only bytes that keep the text well-formed UTF-8; what cannot follow has
 *     probability 0 before all else
 */
public record Sampling(
        double temperature, int topK, double topP, double minP, long seed, boolean utf8Only) {

    private static final double TEMPERATURE_MAX = 100;

    /** Below this a float's logits overflow; what would differ from temperature 0 is nothing. */
    private static final double TEMPERATURE_MIN = 1e-6;

    /** The most probable byte, always. */
    public static final Sampling GREEDY = new Sampling(0, 0, 1, 0, 0, false);

    /**
     * Checks the settings.
     *
     * @throws IllegalArgumentException if one is out of its range: names it, what it is and the
     *     range
     */
    public Sampling {
        if (!(temperature == 0
                || (temperature >= TEMPERATURE_MIN && temperature <= TEMPERATURE_MAX))) {
            throw new IllegalArgumentException(
                    "temperature must be 0 or from 0.000001 to 100, not " + temperature);
        }
        if (topK < 0 || topK > 256) {
            throw new IllegalArgumentException("top-k must be from 0 to 256, not " + topK);
        }
        if (!(topP > 0 && topP <= 1)) {
            throw new IllegalArgumentException("top-p must be above 0 and at most 1, not " + topP);
        }
        if (!(minP >= 0 && minP <= 1)) {
            throw new IllegalArgumentException("min-p must be from 0 to 1, not " + minP);
        }
    }

    /**
     * Draws from all bytes at a temperature.
     *
     * @param temperature 0 for the most probable byte
     * @param seed of the random numbers
     * @return the settings
     */
    public static Sampling of(double temperature, long seed) {
        return new Sampling(temperature, 0, 1, 0, seed, false);
    }
}
