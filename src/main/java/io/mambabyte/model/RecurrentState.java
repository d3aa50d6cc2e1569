package io.mambabyte.model;

import io.mambabyte.kernels.Rows;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What a model remembers of the bytes that it was fed: per block the SSM state {@code
 * [d_state][d_inner]} and the last {@code d_conv - 1} inputs of the convolution {@code [d_conv -
 * 1][d_inner]}, oldest first. Together they are a function of those bytes alone.
 *
 * <p>Mutable and not safe for concurrent use. Of a constant size, whatever was fed.
 */
public final class RecurrentState {
    /** What {@link #pendingByte()} is when there is none. */
    public static final int NONE = -1;

    private final int layers;
    private final int channels;
    private final int states;
    private final int history;

    /** Rows of channels: per layer the states, then the inputs of the convolution. */
    private final float[] values;

    private final List<Rows> ssm;
    private final List<Rows> convolution;
    private final int width;
    private long position;
    private int pendingByte = NONE;

    /**
     * The state before the first byte.
     *
     * @param config shape of the model
     */
    public RecurrentState(MambaConfig config) {
        layers = config.nLayer();
        channels = config.dInner();
        states = config.dState();
        history = config.dConv() - 1;
        width = Rows.padded(channels);
        int layer = Math.multiplyExact(states + history, width);
        values = new float[Math.multiplyExact(layer, layers)];
        ssm =
                IntStream.range(0, layers)
                        .mapToObj(i -> new Rows(values, i * layer, width, width, states))
                        .toList();
        convolution =
                IntStream.range(0, layers)
                        .mapToObj(
                                i ->
                                        new Rows(
                                                values,
                                                i * layer + states * width,
                                                width,
                                                width,
                                                history))
                        .toList();
    }

    /**
     * Number of bytes that were fed.
     *
     * @return how many bytes this state is a function of
     */
    public long position() {
        return position;
    }

    /**
     * Sets the number of bytes that were fed, of a state that is restored.
     *
     * @param position how many bytes this state is a function of
     */
    public void position(long position) {
        if (position < 0) {
            throw new IllegalArgumentException("position: " + position);
        }
        this.position = position;
    }

    /**
     * The last byte that was seen and not yet fed.
     *
     * @return 0 to 255, or {@link #NONE}
     */
    public int pendingByte() {
        return pendingByte;
    }

    /**
     * Keeps a byte that was seen and not yet fed.
     *
     * @param value 0 to 255, or {@link #NONE}
     */
    public void pendingByte(int value) {
        if (value < NONE || value > 255) {
            throw new IllegalArgumentException("pending byte: " + value);
        }
        pendingByte = value;
    }

    /**
     * A state of its own with the same content.
     *
     * @return a copy
     */
    public RecurrentState copy() {
        return new RecurrentState(this);
    }

    private RecurrentState(RecurrentState other) {
        this(
                new MambaConfig(
                        1,
                        other.layers,
                        other.channels,
                        other.states,
                        other.history + 1,
                        1,
                        Norm.RMS,
                        0f));
        copyFrom(other);
    }

    /**
     * Takes over the content of another state of the same shape.
     *
     * @param other the state to copy
     * @throws IllegalArgumentException if the shapes differ
     */
    public void copyFrom(RecurrentState other) {
        if (!sameShape(other)) {
            throw new IllegalArgumentException(
                    "state shapes differ: " + other.shape() + " and " + shape());
        }
        System.arraycopy(other.values, 0, values, 0, values.length);
        position = other.position;
        pendingByte = other.pendingByte;
    }

    /** Goes back to before the first byte. */
    public void reset() {
        Arrays.fill(values, 0f);
        position = 0;
        pendingByte = NONE;
    }

    /**
     * Whether two states are the same to the bit: floats, position and pending byte.
     *
     * @param other the state to compare with
     * @return false also where the shapes differ
     */
    public boolean bitsEqual(RecurrentState other) {
        if (!sameShape(other) || position != other.position || pendingByte != other.pendingByte) {
            return false;
        }
        for (int row = 0; row < values.length; row += width) {
            for (int e = row; e < row + channels; e++) {
                if (Float.floatToRawIntBits(values[e])
                        != Float.floatToRawIntBits(other.values[e])) {
                    return false;
                }
            }
        }
        return true;
    }

    /**
     * Number of floats that {@link #read} gives and {@link #write} takes.
     *
     * @return {@code n_layer * (d_state + d_conv - 1) * d_inner}
     */
    public int floats() {
        return layers * (states + history) * channels;
    }

    /**
     * Copies the floats out, without padding: per layer {@code [d_state][d_inner]} of the SSM, then
     * {@code [d_conv - 1][d_inner]} of the convolution, oldest input first.
     *
     * @param target where the floats go
     * @param offset index of the first
     */
    public void read(float[] target, int offset) {
        int to = offset;
        for (int row = 0; row < values.length; row += width) {
            System.arraycopy(values, row, target, to, channels);
            to += channels;
        }
    }

    /**
     * Copies the floats in, in the order of {@link #read}.
     *
     * @param source where the floats come from
     * @param offset index of the first
     */
    public void write(float[] source, int offset) {
        int from = offset;
        for (int row = 0; row < values.length; row += width) {
            System.arraycopy(source, from, values, row, channels);
            from += channels;
        }
    }

    /** The SSM state of a layer, {@code [d_state][padded d_inner]}: the array itself. */
    Rows ssm(int layer) {
        return ssm.get(layer);
    }

    /** The inputs of a layer's convolution, {@code [d_conv - 1][padded d_inner]}: itself. */
    Rows convolution(int layer) {
        return convolution.get(layer);
    }

    void advance(int bytes) {
        position += bytes;
    }

    /** Whether this is a state of models of that shape. */
    boolean fits(MambaConfig config) {
        return layers == config.nLayer()
                && channels == config.dInner()
                && states == config.dState()
                && history == config.dConv() - 1;
    }

    private boolean sameShape(RecurrentState other) {
        return layers == other.layers
                && channels == other.channels
                && states == other.states
                && history == other.history;
    }

    private String shape() {
        return layers + " x (" + states + " + " + history + ") x " + channels;
    }
}
