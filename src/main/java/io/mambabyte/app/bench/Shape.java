package io.mambabyte.app.bench;

import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.Norm;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.util.regex.Pattern;

/**
 * The shape of a model to measure; the rest follows the usual proportions.
 *
 * @param dModel width of the residual stream
 * @param layers number of blocks
 * @param states states of a channel
 */
record Shape(int dModel, int layers, int states) {
    private static final Pattern FORM = Pattern.compile("(\\d{1,5}),(\\d{1,4}),(\\d{1,4})");

    /** Keeps a mistyped shape from taking all memory: 8 GB of weights. */
    private static final long MOST_WEIGHTS = 1L << 31;

    /** {@code d_inner = 2 * d_model}, four taps, {@code dt_rank = ceil(d_model / 16)}. */
    MambaConfig config() {
        return new MambaConfig(
                dModel, layers, 2 * dModel, states, 4, (dModel + 15) / 16, Norm.RMS, 1e-5f);
    }

    /** Weights of the projections, which every byte is multiplied with. */
    long projectionWeights() {
        return ModelThroughput.projectionWeights(config());
    }

    @Override
    public String toString() {
        return dModel + "," + layers + "," + states;
    }

    /** Reads {@code D,LAYERS,STATE}. */
    static final class Converter implements ITypeConverter<Shape> {
        @Override
        public Shape convert(String value) {
            var match = FORM.matcher(value.replace(" ", ""));
            if (!match.matches()) {
                throw new TypeConversionException(
                        "'" + value + "' is not of the form D,LAYERS,STATE, such as 256,8,16");
            }
            Shape shape =
                    new Shape(
                            Integer.parseInt(match.group(1)),
                            Integer.parseInt(match.group(2)),
                            Integer.parseInt(match.group(3)));
            if (shape.dModel == 0 || shape.layers == 0 || shape.states == 0) {
                throw new TypeConversionException("'" + value + "': no number may be 0");
            }
            if (shape.projectionWeights() > MOST_WEIGHTS) {
                throw new TypeConversionException(
                        "'"
                                + value
                                + "' has "
                                + shape.projectionWeights()
                                + " projection weights, at most "
                                + MOST_WEIGHTS
                                + " are measured");
            }
            return shape;
        }
    }
}
