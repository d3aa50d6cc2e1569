package io.mambabyte.train;

import io.mambabyte.kernels.Gradients;
import io.mambabyte.kernels.Kernels;
import io.mambabyte.kernels.Rows;
import io.mambabyte.kernels.ScanBlock;
import io.mambabyte.kernels.ScanScratch;
import io.mambabyte.model.MambaConfig;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Forward and backward pass over a chunk of one sequence. Holds the activations that the backward
 * pass needs; one instance a thread.
 *
 * <p>The forward pass is the operations of {@link io.mambabyte.model.Forward} in their order, so
 * that what is trained is what is run.
 */
final class BackPropagation {
    private static final int STEPS = Gradients.CHECKPOINT_STEPS;

    /** What a block computed, row by row. */
    private static final class Activations {
        /** {@code [rows][d_model]}: what the block was given. */
        final Rows residual;

        /** {@code [rows][d_model]}: normalised. */
        final Rows normed;

        /** {@code [d_conv - 1 + rows][2 * d_inner]}: x after its history, and z. */
        final Rows xz;

        final Rows projected;
        final Rows x;
        final Rows z;

        /** {@code [rows][d_inner]}: x after the convolution. */
        final Rows convolved;

        /** {@code [rows][dt_rank + 2 * d_state]}: dt, B, C. */
        final Rows selection;

        /** {@code [rows][d_inner]}: delta before softplus. */
        final Rows raw;

        final Rows delta;

        /** {@code [rows][d_inner]}: delta * x. */
        final Rows input;

        /** {@code [rows][d_inner]}: output of the scan. */
        final Rows scanned;

        /** {@code [pieces * d_state][d_inner]}: the state before every piece of 16 rows. */
        final Rows checkpoints;

        final List<Piece> pieces;

        Activations(MambaConfig config, int rows) {
            int width = Rows.padded(config.dInner());
            int history = config.dConv() - 1;
            int count = (rows + STEPS - 1) / STEPS;
            residual = Rows.allocate(config.dModel(), rows);
            normed = Rows.allocate(config.dModel(), rows);
            xz = Rows.allocate(2 * width, history + rows);
            projected = xz.from(history);
            x = xz.columns(0, width);
            z = projected.columns(width, width);
            convolved = Rows.allocate(width, rows);
            selection = Rows.allocate(config.dtRank() + 2 * config.dState(), rows);
            raw = Rows.allocate(width, rows);
            delta = Rows.allocate(width, rows);
            input = Rows.allocate(width, rows);
            scanned = Rows.allocate(width, rows);
            checkpoints = Rows.allocate(width, count * config.dState());
            pieces = IntStream.range(0, count).mapToObj(i -> new Piece(this, i * STEPS)).toList();
        }
    }

    /** What the scan reads and writes from a given row on. */
    private static final class Piece {
        final Rows delta;
        final Rows convolved;
        final Rows input;
        final Rows selection;
        final Rows z;
        final Rows scanned;

        Piece(Activations a, int row) {
            delta = a.delta.from(row);
            convolved = a.convolved.from(row);
            input = a.input.from(row);
            selection = a.selection.from(row);
            z = a.z.from(row);
            scanned = a.scanned.from(row);
        }
    }

    private final MambaConfig config;
    private final int maxRows;
    private final int history;
    private final List<Activations> activations;

    /** {@code [rows][d_model]}: after the last block. */
    private final Rows residual;

    /** {@code [rows][d_model]}: what a block adds, or the last normalisation's output. */
    private final Rows mixed;

    /** {@code [rows][vocabulary]}: logits, then the gradient by them. */
    private final Rows logits;

    private final float[] nats;

    /** What is fed, and the one after the last. */
    private final int[] tokens;

    private final int vocabulary;

    // Gradients by what has the name without the d.
    private final Rows dResidual;
    private final Rows dMixed;
    private final Rows dScanned;
    private final Rows dDelta;
    private final Rows dInput;
    private final Rows dConvolved;
    private final Rows dSelection;
    private final Rows dTimeStep;
    private final Rows dXz;
    private final Rows dX;
    private final Rows dZ;

    /** {@code [rows][d_inner]}: output of a product that is added to another gradient. */
    private final Rows addend;

    /** {@code [rows + d_conv - 1][d_inner]}. */
    private final Rows dPreActivation;

    private final ScanScratch scratch;
    private final ScanBlock scanBlock;

    /**
     * Allocates all memory.
     *
     * @param config shape of the model
     * @param vocabulary number of values that the model is fed
     * @param maxRows the longest chunk
     */
    BackPropagation(MambaConfig config, int vocabulary, int maxRows) {
        this.vocabulary = vocabulary;
        tokens = new int[maxRows + 1];
        this.config = config;
        this.maxRows = maxRows;
        history = config.dConv() - 1;
        int width = Rows.padded(config.dInner());
        activations =
                Stream.generate(() -> new Activations(config, maxRows))
                        .limit(config.nLayer())
                        .toList();
        residual = Rows.allocate(config.dModel(), maxRows);
        mixed = Rows.allocate(config.dModel(), maxRows);
        logits = Rows.allocate(vocabulary, maxRows);
        nats = new float[maxRows];
        dResidual = Rows.allocate(config.dModel(), maxRows);
        dMixed = Rows.allocate(config.dModel(), maxRows);
        dScanned = Rows.allocate(width, maxRows);
        dDelta = Rows.allocate(width, maxRows);
        dInput = Rows.allocate(width, maxRows);
        dConvolved = Rows.allocate(width, maxRows);
        dSelection = Rows.allocate(config.dtRank() + 2 * config.dState(), maxRows);
        dTimeStep = Rows.allocate(config.dtRank(), maxRows);
        dXz = Rows.allocate(2 * width, maxRows);
        dX = dXz.columns(0, width);
        dZ = dXz.columns(width, width);
        addend = Rows.allocate(width, maxRows);
        dPreActivation = Rows.allocate(width, maxRows + history);
        scratch = new ScanScratch(width, config.dState());
        scanBlock = new ScanBlock(width, config.dState());
    }

    /**
     * The floats that an instance holds, so that what does not fit is refused before it is
     * allocated.
     *
     * @param config shape of the model
     * @param vocabulary number of values that the model is fed
     * @param maxRows the longest chunk
     * @return bytes, padding left out
     */
    static long bytes(MambaConfig config, int vocabulary, int maxRows) {
        long d = config.dModel();
        long e = config.dInner();
        long selection = config.dtRank() + 2L * config.dState();
        long layer = 2 * d + 7 * e + selection + e * config.dState() / STEPS;
        long ends = 4 * d + vocabulary + 8 * e + selection + config.dtRank();
        return (long) Float.BYTES * maxRows * (config.nLayer() * layer + ends);
    }

    /**
     * Feeds tokens, which may be bytes, and adds the gradient of their loss.
     *
     * @param model the weights
     * @param state advanced over the tokens
     * @param text the token after each of those that are fed is its target
     * @param offset index of the first that is fed
     * @param length how many are fed
     * @param scale weight of a token in the loss, whose unit is nats
     * @param gradient updated
     * @return sum of the cross-entropies, in nats, without the weight
     */
    double run(
            TrainableModel model,
            SequenceState state,
            TokenText text,
            int offset,
            int length,
            float scale,
            SlotGradient gradient) {
        if (length > maxRows) {
            throw new IllegalArgumentException("length: " + length + " > " + maxRows);
        }
        text.copy(offset, length + 1, tokens);
        forward(model, state, length);
        hidePadding(length);
        model.gradients().crossEntropy(length, logits, tokens, 1, scale, logits, nats);
        double loss = 0;
        for (int row = 0; row < length; row++) {
            loss += nats[row];
        }
        backward(model, length, gradient);
        return loss;
    }

    /** Columns that stand for nothing must not count: nothing is as likely as never. */
    private void hidePadding(int length) {
        for (int row = 0; row < length && vocabulary < logits.width(); row++) {
            int start = logits.start(row);
            Arrays.fill(
                    logits.values(),
                    start + vocabulary,
                    start + logits.width(),
                    Float.NEGATIVE_INFINITY);
        }
    }

    private void forward(TrainableModel model, SequenceState state, int length) {
        Kernels kernels = model.kernels();
        TrainableModel.Ends ends = model.ends();
        for (int row = 0; row < length; row++) {
            copyRow(ends.embedding, tokens[row], input(0), row);
        }
        for (int i = 0; i < config.nLayer(); i++) {
            TrainableModel.Layer layer = model.layer(i);
            Activations a = activations.get(i);
            Rows past = state.convolution(i);
            kernels.normalize(layer.norm, length, a.residual, a.normed);
            copyRows(past, 0, a.x, 0, history);
            kernels.multiply(layer.inProj, length, a.normed, a.projected);
            kernels.convolveSilu(layer.conv, length, a.x, a.convolved);
            copyRows(a.x, length, past, 0, history);
            kernels.multiply(layer.xProj, length, a.convolved, a.selection);
            kernels.multiply(layer.dtProj, length, a.selection, a.raw);
            copyRows(a.raw, 0, a.delta, 0, length);
            kernels.timeSteps(length, a.delta, a.convolved, a.input);
            scan(kernels, layer, a, state.scan(i), length);
            kernels.multiply(layer.outProj, length, a.scanned, mixed);
            copyRows(a.residual, 0, input(i + 1), 0, length);
            kernels.add(length, input(i + 1), mixed);
        }
        kernels.normalize(ends.normF, length, residual, mixed);
        kernels.multiply(ends.lmHead, length, mixed, logits);
    }

    private void scan(
            Kernels kernels, TrainableModel.Layer layer, Activations a, Rows state, int length) {
        for (int row = 0, i = 0; row < length; row += STEPS, i++) {
            Piece piece = a.pieces.get(i);
            copyRows(state, 0, a.checkpoints, i * config.dState(), config.dState());
            kernels.scan(
                    layer.scan,
                    Math.min(STEPS, length - row),
                    piece.delta,
                    piece.convolved,
                    piece.input,
                    piece.selection,
                    config.dtRank(),
                    piece.z,
                    state,
                    piece.scanned,
                    scanBlock);
        }
    }

    /** What block i is given; after the last block, what the last normalisation is given. */
    private Rows input(int i) {
        return i == config.nLayer() ? residual : activations.get(i).residual;
    }

    private void backward(TrainableModel model, int length, SlotGradient gradient) {
        Kernels kernels = model.kernels();
        Gradients gradients = model.gradients();
        TrainableModel.Ends ends = model.ends();
        gradients.accumulateWeights(gradient.lmHead, length, mixed, logits);
        kernels.multiply(ends.lmHeadTransposed, length, logits, dMixed);
        clear(dResidual, length);
        gradients.normalize(
                ends.normF,
                length,
                residual,
                dMixed,
                gradient.normF,
                gradient.normFBias,
                dResidual);
        for (int i = config.nLayer() - 1; i >= 0; i--) {
            backward(
                    model.layer(i),
                    kernels,
                    gradients,
                    activations.get(i),
                    length,
                    gradient.layers.get(i));
        }
        float[] sum = gradient.embedding.values();
        for (int row = 0; row < length; row++) {
            int to = tokens[row] * gradient.embedding.stride();
            int from = dResidual.start(row);
            for (int c = 0; c < dResidual.width(); c++) {
                sum[to + c] += dResidual.values()[from + c];
            }
        }
    }

    private void backward(
            TrainableModel.Layer layer,
            Kernels kernels,
            Gradients gradients,
            Activations a,
            int length,
            SlotGradient.Layer gradient) {
        gradients.accumulateWeights(gradient.outProj, length, a.scanned, dResidual);
        if (layer.outProjBias) {
            gradients.accumulateColumns(length, dResidual, gradient.outProjBias);
        }
        kernels.multiply(layer.outProjTransposed, length, dResidual, dScanned);
        gradients.scan(
                layer.scan,
                length,
                a.delta,
                a.convolved,
                a.input,
                a.selection,
                config.dtRank(),
                a.z,
                a.checkpoints,
                dScanned,
                scratch,
                gradient.decay,
                gradient.skip,
                dDelta,
                dInput,
                dConvolved,
                dSelection,
                dZ);
        gradients.timeSteps(length, a.raw, a.delta, a.convolved, dInput, dDelta, dConvolved);
        gradients.accumulateWeights(gradient.dtProj, length, a.selection, dDelta);
        gradients.accumulateColumns(length, dDelta, gradient.dtProjBias);
        kernels.multiply(layer.dtProjTransposed, length, dDelta, dTimeStep);
        for (int row = 0; row < length; row++) {
            System.arraycopy(
                    dTimeStep.values(),
                    dTimeStep.start(row),
                    dSelection.values(),
                    dSelection.start(row),
                    config.dtRank());
        }
        gradients.accumulateWeights(gradient.xProj, length, a.convolved, dSelection);
        kernels.multiply(layer.xProjTransposed, length, dSelection, addend);
        kernels.add(length, dConvolved, addend);
        gradients.convolveSilu(
                layer.conv,
                length,
                a.x,
                dConvolved,
                dPreActivation,
                gradient.conv,
                gradient.convBias,
                dX);
        gradients.accumulateWeights(gradient.inProj, length, a.normed, dXz);
        if (layer.inProjBias) {
            gradients.accumulateColumns(length, dXz, gradient.inProjBias);
        }
        kernels.multiply(layer.inProjTransposed, length, dXz, dMixed);
        gradients.normalize(
                layer.norm,
                length,
                a.residual,
                dMixed,
                gradient.normWeight,
                gradient.normBias,
                dResidual);
    }

    private static void clear(Rows rows, int count) {
        for (int row = 0; row < count; row++) {
            int start = rows.start(row);
            Arrays.fill(rows.values(), start, start + rows.width(), 0f);
        }
    }

    private static void copyRow(Rows from, int fromRow, Rows to, int toRow) {
        System.arraycopy(
                from.values(), from.start(fromRow), to.values(), to.start(toRow), from.width());
    }

    private static void copyRows(Rows from, int fromRow, Rows to, int toRow, int count) {
        for (int row = 0; row < count; row++) {
            copyRow(from, fromRow + row, to, toRow + row);
        }
    }
}
