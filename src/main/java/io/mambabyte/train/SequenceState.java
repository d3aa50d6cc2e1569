package io.mambabyte.train;

import io.mambabyte.kernels.Rows;
import io.mambabyte.model.MambaConfig;

import java.util.Arrays;

/**
 * What a sequence carries from chunk to chunk: per block the state of the scan and the last inputs
 * of the convolution. Gradients do not pass through it.
 */
final class SequenceState {
    private final int rowsPerLayer;
    private final int states;
    private final int history;
    private final int width;
    private final float[] values;

    SequenceState(MambaConfig config) {
        states = config.dState();
        history = config.dConv() - 1;
        rowsPerLayer = states + history;
        width = Rows.padded(config.dInner());
        values = new float[Math.multiplyExact(rowsPerLayer * config.nLayer(), width)];
    }

    /** The state of the scan, {@code [d_state][d_inner]}: the array itself. */
    Rows scan(int layer) {
        return new Rows(values, layer * rowsPerLayer * width, width, width, states);
    }

    /** The last inputs of the convolution, {@code [d_conv - 1][d_inner]}: the array itself. */
    Rows convolution(int layer) {
        return new Rows(values, (layer * rowsPerLayer + states) * width, width, width, history);
    }

    /** The floats, to be saved and restored. */
    float[] values() {
        return values;
    }

    void clear() {
        Arrays.fill(values, 0f);
    }
}
