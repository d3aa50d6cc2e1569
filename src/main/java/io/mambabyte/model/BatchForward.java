package io.mambabyte.model;

import io.mambabyte.kernels.Kernels;
import io.mambabyte.kernels.Rows;
import io.mambabyte.kernels.ScanBlock;

import java.util.Arrays;
import java.util.Objects;

/**
 * Feeds several states together, and lets each take back what it was fed: a segment is the next
 * bytes of one state. All rows of all segments pass through each matrix product at once, so that a
 * weight is read once for them all; convolution and scan go segment by segment. Results are those
 * of {@link Forward}, to the bit.
 *
 * <p>One turn is {@link #clear}, {@link #add} for each state, {@link #forward}, then {@link #keep}
 * for each segment: how many of its bytes the state shall have seen. Where that is not all of them,
 * the scan is repeated over those that are kept, from what it read the first time: the products,
 * which are nearly all of the work, are not. The state before a segment of more than one byte is
 * kept beside it for that: its copy takes 2 to 3% of the pass (78 KB, eight bytes, d_model 128).
 *
 * <p>Holds all scratch memory, so that a turn allocates nothing once as many segments were used as
 * ever will be; one instance a thread.
 */
public final class BatchForward {
    private final MambaModel model;
    private final MambaConfig config;
    private final Kernels kernels;
    private final int maxRows;
    private final int maxSegments;
    private final int history;

    /** Residual stream, {@code [rows][d_model]}. */
    private final Rows residual;

    /** Input or output of a block, {@code [rows][d_model]}. */
    private final Rows mixed;

    /** {@code [rows][2 * d_inner]}: x and z, what the input projection writes. */
    private final Rows projected;

    /** {@code [rows][d_inner]}: x after the convolution. */
    private final Rows convolved;

    /** {@code [rows][d_inner]}: output of the scan. */
    private final Rows scanned;

    /** Views of z from each row on; the same below for the other rows that a segment works on. */
    private final Rows[] zFrom;

    private final Rows[] convolvedFrom;
    private final Rows[] scannedFrom;

    /** What each block keeps until it is known how many rows of a segment stay. */
    private final Kept[] kept;

    private final Rows[] logitsFrom;
    private final Rows logits;

    private final int[] inputs;
    private final ScanBlock scanBlock;
    private final RecurrentState[] states;
    private final RecurrentState[] before;
    private final int[] firstRow;
    private final int[] length;
    private int segments;
    private int rows;

    /** Per block: x with the history of each segment before it, and what the scan reads. */
    private static final class Kept {
        final Rows taps;
        final Rows delta;
        final Rows input;
        final Rows selection;
        final Rows[] tapsFrom;
        final Rows[] deltaFrom;
        final Rows[] inputFrom;
        final Rows[] selectionFrom;

        Kept(MambaConfig config, int width, int maxRows, int maxSegments) {
            taps = Rows.allocate(width, maxRows + (config.dConv() - 1) * maxSegments);
            delta = Rows.allocate(width, maxRows);
            input = Rows.allocate(width, maxRows);
            selection = Rows.allocate(config.dtRank() + 2 * config.dState(), maxRows);
            tapsFrom = views(taps);
            deltaFrom = views(delta);
            inputFrom = views(input);
            selectionFrom = views(selection);
        }
    }

    /**
     * Allocates the scratch memory.
     *
     * @param model the model
     * @param maxSegments the most states of a turn
     * @param maxRows the most bytes of a turn, of all segments together
     */
    public BatchForward(MambaModel model, int maxSegments, int maxRows) {
        if (maxSegments < 1 || maxRows < maxSegments) {
            throw new IllegalArgumentException(
                    "maxSegments " + maxSegments + ", maxRows " + maxRows);
        }
        this.model = model;
        this.config = model.config();
        this.kernels = model.kernels();
        this.maxRows = maxRows;
        this.maxSegments = maxSegments;
        int width = Rows.padded(config.dInner());
        history = config.dConv() - 1;
        residual = Rows.allocate(config.dModel(), maxRows);
        mixed = Rows.allocate(config.dModel(), maxRows);
        projected = Rows.allocate(2 * width, maxRows);
        convolved = Rows.allocate(width, maxRows);
        scanned = Rows.allocate(width, maxRows);
        zFrom = views(projected.columns(width, width));
        convolvedFrom = views(convolved);
        scannedFrom = views(scanned);
        scanBlock = new ScanBlock(width, config.dState());
        kept = new Kept[config.nLayer()];
        for (int i = 0; i < kept.length; i++) {
            kept[i] = new Kept(config, width, maxRows, maxSegments);
        }
        logits =
                new Rows(
                        new float[Math.multiplyExact(maxRows, model.vocabulary())],
                        0,
                        model.vocabulary(),
                        model.vocabulary(),
                        maxRows);
        logitsFrom = views(logits);
        inputs = new int[maxRows];
        states = new RecurrentState[maxSegments];
        before = new RecurrentState[maxSegments];
        firstRow = new int[maxSegments];
        length = new int[maxSegments];
    }

    private static Rows[] views(Rows rows) {
        Rows[] views = new Rows[rows.count()];
        for (int row = 0; row < views.length; row++) {
            views[row] = rows.from(row);
        }
        return views;
    }

    /**
     * The most bytes of a turn.
     *
     * @return rows of all segments together
     */
    public int maxRows() {
        return maxRows;
    }

    /**
     * The most states of a turn.
     *
     * @return segments
     */
    public int maxSegments() {
        return maxSegments;
    }

    /** Begins a turn. */
    public void clear() {
        Arrays.fill(states, 0, segments, null);
        segments = 0;
        rows = 0;
    }

    /**
     * Adds a segment. Its index is the number of segments before it.
     *
     * @param state whose next bytes these are; its pending byte is neither used nor changed. No two
     *     segments of a turn may have the same
     * @param bytes where the bytes are
     * @param offset index of the first
     * @param count how many, at least 1
     * @return the segment's first row in {@link #logits}
     * @throws IllegalArgumentException if there is no room for it, or the state is one of another
     *     shape
     */
    public int add(RecurrentState state, byte[] bytes, int offset, int count) {
        Objects.checkFromIndexSize(offset, count, bytes.length);
        int first = addSegment(state, count);
        for (int i = 0; i < count; i++) {
            inputs[first + i] = bytes[offset + i] & 0xff;
        }
        return first;
    }

    /**
     * Adds a segment of a model whose vocabulary is tokens.
     *
     * @param state whose next tokens these are
     * @param tokens their numbers
     * @param offset index of the first
     * @param count how many, at least 1
     * @return the segment's first row in {@link #logits}
     * @throws IllegalArgumentException if there is no room for it, or the state is one of another
     *     shape
     * @throws IndexOutOfBoundsException if there is no such token
     */
    public int add(RecurrentState state, int[] tokens, int offset, int count) {
        Objects.checkFromIndexSize(offset, count, tokens.length);
        for (int i = 0; i < count; i++) {
            Objects.checkIndex(tokens[offset + i], model.vocabulary());
        }
        int first = addSegment(state, count);
        System.arraycopy(tokens, offset, inputs, first, count);
        return first;
    }

    private int addSegment(RecurrentState state, int count) {
        if (count < 1 || segments == maxSegments || rows + count > maxRows) {
            throw new IllegalArgumentException(
                    "segment "
                            + segments
                            + " of at most "
                            + maxSegments
                            + ": "
                            + count
                            + " bytes after "
                            + rows
                            + " of at most "
                            + maxRows);
        }
        if (!state.fits(config)) {
            throw new IllegalArgumentException("state of another shape than " + config);
        }
        int first = rows;
        states[segments] = state;
        firstRow[segments] = first;
        length[segments] = count;
        segments++;
        rows += count;
        return first;
    }

    /** Computes the turn; afterwards {@link #logits} has a row for each byte of each segment. */
    public void forward() {
        Rows embedding = model.embedding;
        for (int row = 0; row < rows; row++) {
            System.arraycopy(
                    embedding.values(),
                    embedding.start(inputs[row]),
                    residual.values(),
                    residual.start(row),
                    embedding.width());
        }
        for (int s = 0; s < segments; s++) {
            if (length[s] > 1) {
                if (before[s] == null) {
                    before[s] = model.newState();
                }
                before[s].copyFrom(states[s]);
            }
        }
        for (int i = 0; i < config.nLayer(); i++) {
            MambaModel.Layer layer = model.layers.get(i);
            Kept keep = kept[i];
            kernels.normalize(layer.norm, rows, residual, mixed);
            kernels.multiply(layer.inProj, rows, mixed, projected);
            for (int s = 0; s < segments; s++) {
                int from = firstRow[s];
                int taps = from + s * history;
                copyRows(states[s].convolution(i), 0, keep.taps, taps, history);
                copyRows(projected, from, keep.taps, taps + history, length[s]);
                kernels.convolveSilu(
                        layer.conv, length[s], keep.tapsFrom[taps], convolvedFrom[from]);
            }
            kernels.multiply(layer.xProj, rows, convolved, keep.selection);
            kernels.multiply(layer.dtProj, rows, keep.selection, keep.delta);
            kernels.timeSteps(rows, keep.delta, convolved, keep.input);
            for (int s = 0; s < segments; s++) {
                scan(i, s, length[s]);
            }
            kernels.multiply(layer.outProj, rows, scanned, mixed);
            kernels.add(rows, residual, mixed);
        }
        kernels.normalize(model.normF, rows, residual, mixed);
        kernels.multiply(model.lmHead, rows, mixed, logits);
    }

    private void scan(int layer, int segment, int count) {
        int from = firstRow[segment];
        Kept keep = kept[layer];
        kernels.scan(
                model.layers.get(layer).scan,
                count,
                keep.deltaFrom[from],
                convolvedFrom[from],
                keep.inputFrom[from],
                keep.selectionFrom[from],
                config.dtRank(),
                zFrom[from],
                states[segment].ssm(layer),
                scannedFrom[from],
                scanBlock);
    }

    /**
     * Ends a segment: its state becomes what it is after the first bytes of the segment.
     *
     * @param segment index of the segment
     * @param count how many of its bytes stay, at least 1
     */
    public void keep(int segment, int count) {
        Objects.checkIndex(segment, segments);
        if (count < 1 || count > length[segment]) {
            throw new IllegalArgumentException(
                    "keep " + count + " bytes of a segment of " + length[segment]);
        }
        RecurrentState state = states[segment];
        int taps = firstRow[segment] + segment * history;
        for (int i = 0; i < config.nLayer(); i++) {
            if (count < length[segment]) {
                copyRows(before[segment].ssm(i), 0, state.ssm(i), 0, config.dState());
                scan(i, segment, count);
            }
            copyRows(kept[i].taps, taps + count, state.convolution(i), 0, history);
        }
        state.advance(count);
    }

    /** The columns that both have. */
    private static void copyRows(Rows from, int fromRow, Rows to, int toRow, int count) {
        int width = Math.min(from.width(), to.width());
        for (int row = 0; row < count; row++) {
            System.arraycopy(
                    from.values(),
                    from.start(fromRow + row),
                    to.values(),
                    to.start(toRow + row),
                    width);
        }
    }

    /**
     * The distributions after the bytes of the turn, from a row on.
     *
     * @param firstRow what {@link #add} gave, or a row after it
     * @return row-major {@code [rows][256]}, or as wide as the model's vocabulary, valid until the
     *     next turn
     */
    public Rows logits(int firstRow) {
        return logitsFrom[firstRow];
    }

    /**
     * Rows of the turn.
     *
     * @return bytes of all segments
     */
    public int rows() {
        return rows;
    }
}
