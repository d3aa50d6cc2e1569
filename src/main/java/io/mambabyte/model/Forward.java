package io.mambabyte.model;

import io.mambabyte.kernels.Kernels;
import io.mambabyte.kernels.Rows;
import io.mambabyte.kernels.ScanBlock;

import java.util.Objects;

/**
 * Feeds bytes to a model: advances a state and gives, after every byte, the distribution of the
 * next.
 *
 * <p>Holds all scratch memory, so that a call allocates nothing; one instance a thread. Results are
 * the same to the bit however bytes are cut into calls.
 */
public final class Forward {
    /**
     * Rows that pass through the blocks together: enough for the weights that were brought close to
     * be used often, few enough for the activations to stay close themselves. Results do not depend
     * on it.
     */
    private static final int BLOCK_ROWS = 64;

    private final MambaModel model;
    private final Kernels kernels;
    private final int maxRows;
    private final int history;

    /** Residual stream, {@code [block][d_model]}. */
    private final Rows residual;

    /** Input or output of a block, {@code [block][d_model]}. */
    private final Rows mixed;

    /** {@code [d_conv - 1 + block][2 * d_inner]}: x after its history, and z. */
    private final Rows xz;

    /** {@code [block][2 * d_inner]}: what the input projection writes. */
    private final Rows projected;

    /** {@code [d_conv - 1 + block][d_inner]}: x, with what came before it. */
    private final Rows x;

    /** {@code [block][d_inner]}: the gate. */
    private final Rows z;

    /** {@code [block][d_inner]}: x after the convolution. */
    private final Rows convolved;

    /** {@code [block][dt_rank + 2 * d_state]}: dt, B, C. */
    private final Rows selection;

    /** {@code [block][d_inner]}: delta before softplus. */
    private final Rows delta;

    private final ScanBlock scanBlock;

    /** {@code [block][d_inner]}: output of the scan. */
    private final Rows scanned;

    private final float[] logits;
    private final Rows logitRows;

    /** {@link #logitRows} from each multiple of the block's rows on. */
    private final Rows[] logitBlocks;

    private int rows;

    /**
     * Allocates the scratch memory.
     *
     * @param model the model
     * @param maxRows the most bytes of one call
     */
    public Forward(MambaModel model, int maxRows) {
        if (maxRows < 1) {
            throw new IllegalArgumentException("maxRows: " + maxRows);
        }
        if (model.vocabulary() != MambaConfig.VOCABULARY) {
            throw new IllegalArgumentException(
                    "a model over " + model.vocabulary() + " tokens is not fed bytes");
        }
        MambaConfig config = model.config();
        this.model = model;
        this.kernels = model.kernels();
        this.maxRows = maxRows;
        int block = Math.min(maxRows, BLOCK_ROWS);
        int width = Rows.padded(config.dInner());
        history = config.dConv() - 1;
        residual = Rows.allocate(config.dModel(), block);
        mixed = Rows.allocate(config.dModel(), block);
        xz = Rows.allocate(2 * width, history + block);
        projected = xz.from(history);
        x = xz.columns(0, width);
        z = projected.columns(width, width);
        convolved = Rows.allocate(width, block);
        selection = Rows.allocate(config.dtRank() + 2 * config.dState(), block);
        delta = Rows.allocate(width, block);
        scanBlock = new ScanBlock(width, config.dState());
        scanned = Rows.allocate(width, block);
        logits = new float[Math.multiplyExact(maxRows, MambaConfig.VOCABULARY)];
        logitRows = new Rows(logits, 0, MambaConfig.VOCABULARY, MambaConfig.VOCABULARY, maxRows);
        logitBlocks = new Rows[(maxRows + block - 1) / block];
        for (int i = 0; i < logitBlocks.length; i++) {
            logitBlocks[i] = logitRows.from(i * block);
        }
    }

    /**
     * Feeds bytes. Afterwards {@link #logits()} has one row for each.
     *
     * @param state advanced over the bytes; its pending byte is neither used nor changed
     * @param bytes where the bytes are
     * @param offset index of the first
     * @param length how many, possibly none
     * @throws IllegalArgumentException if there are more than this instance was made for, or the
     *     state is one of another shape
     * @throws IndexOutOfBoundsException if the bytes are not inside the array
     */
    public void forward(RecurrentState state, byte[] bytes, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        if (length > maxRows) {
            throw new IllegalArgumentException(
                    "length is more than maxRows: " + length + " > " + maxRows);
        }
        if (!state.fits(model.config())) {
            throw new IllegalArgumentException("state of another shape than " + model.config());
        }
        rows = length;
        int block = Math.min(maxRows, BLOCK_ROWS);
        for (int done = 0, i = 0; done < length; done += block, i++) {
            forwardBlock(
                    state, bytes, offset + done, Math.min(block, length - done), logitBlocks[i]);
        }
        state.advance(length);
    }

    private void forwardBlock(
            RecurrentState state, byte[] bytes, int offset, int count, Rows blockLogits) {
        MambaConfig config = model.config();
        Rows embedding = model.embedding;
        for (int row = 0; row < count; row++) {
            System.arraycopy(
                    embedding.values(),
                    embedding.start(bytes[offset + row] & 0xff),
                    residual.values(),
                    residual.start(row),
                    embedding.width());
        }
        for (int i = 0; i < config.nLayer(); i++) {
            MambaModel.Layer layer = model.layers.get(i);
            Rows past = state.convolution(i);
            kernels.normalize(layer.norm, count, residual, mixed);
            copyRows(past, 0, x, 0, history);
            kernels.multiply(layer.inProj, count, mixed, projected);
            kernels.convolveSilu(layer.conv, count, x, convolved);
            copyRows(x, count, past, 0, history);
            kernels.multiply(layer.xProj, count, convolved, selection);
            kernels.multiply(layer.dtProj, count, selection, delta);
            kernels.selectiveScan(
                    layer.scan,
                    count,
                    delta,
                    convolved,
                    selection,
                    config.dtRank(),
                    z,
                    state.ssm(i),
                    scanned,
                    scanBlock);
            kernels.multiply(layer.outProj, count, scanned, mixed);
            kernels.add(count, residual, mixed);
        }
        kernels.normalize(model.normF, count, residual, mixed);
        kernels.multiply(model.lmHead, count, mixed, blockLogits);
    }

    private static void copyRows(Rows from, int fromRow, Rows to, int toRow, int count) {
        for (int row = 0; row < count; row++) {
            System.arraycopy(
                    from.values(),
                    from.start(fromRow + row),
                    to.values(),
                    to.start(toRow + row),
                    from.width());
        }
    }

    /**
     * The distribution after each byte of the last call: row r holds the 256 logits of what follows
     * byte r.
     *
     * @return row-major {@code [rows][256]}, valid until the next call; the array itself, which is
     *     longer than the rows of the last call
     */
    public float[] logits() {
        return logits;
    }

    /**
     * Number of rows of {@link #logits()} that the last call filled.
     *
     * @return the bytes of the last call
     */
    public int rows() {
        return rows;
    }

    /**
     * How surprising bytes are after those of the last call: target r against row r of {@link
     * #logits()}. Formulas are in {@link Kernels#surprisal}.
     *
     * @param targets where the targets are
     * @param offset index of the first: what followed the first byte of the last call
     * @param length how many, at most as many as the last call fed
     * @param surprisal its first {@code length} floats become {@code -log2 p(target)}, in bits
     * @param entropy its first {@code length} floats become the entropy, the expected surprisal, in
     *     bits
     * @param variance its first {@code length} floats become the variance of the surprisal, in bits
     *     squared
     */
    public void surprisal(
            byte[] targets,
            int offset,
            int length,
            float[] surprisal,
            float[] entropy,
            float[] variance) {
        if (length > rows) {
            throw new IllegalArgumentException(
                    "length is more than the rows of the last call: " + length + " > " + rows);
        }
        kernels.surprisal(length, logitRows, targets, offset, surprisal, entropy, variance, 0);
    }
}
