package io.mambabyte.kernels;

/**
 * Rows of a matrix inside a float array: row {@code r} is {@code values[offset + r * stride]} and
 * the {@code width - 1} floats after it. Several may share one array (the two halves of a
 * projection, rows after their history).
 *
 * <p>Widths are multiples of {@value #LANES}, so that no kernel has a tail: a matrix that has fewer
 * columns is padded, and what the padding holds never reaches a result.
 */
public final class Rows {
    /** What every width is a multiple of: one 512-bit vector, or one cache line of floats. */
    public static final int LANES = 16;

    final float[] values;
    final int offset;
    final int stride;
    final int width;
    final int count;

    /**
     * Views rows of an array.
     *
     * @param values the array, shared and not copied
     * @param offset index of the first row's first float
     * @param stride floats from a row to the next
     * @param width floats of a row, a multiple of {@value #LANES}
     * @param count number of rows
     * @throws IllegalArgumentException if the rows are not inside the array or the width is not a
     *     multiple of {@value #LANES}
     */
    public Rows(float[] values, int offset, int stride, int width, int count) {
        if (width < 0 || width % LANES != 0) {
            throw new IllegalArgumentException(
                    "width is not a multiple of " + LANES + ": " + width);
        }
        if (stride < width) {
            throw new IllegalArgumentException(
                    "stride is less than the width: " + stride + " < " + width);
        }
        long end = count == 0 ? offset : offset + (count - 1L) * stride + width;
        if (offset < 0 || count < 0 || end > values.length) {
            throw new IllegalArgumentException(
                    "rows are not inside the array: offset "
                            + offset
                            + ", "
                            + count
                            + " rows of "
                            + stride
                            + " floats, length "
                            + values.length);
        }
        this.values = values;
        this.offset = offset;
        this.stride = stride;
        this.width = width;
        this.count = count;
    }

    /**
     * Allocates rows of zeros.
     *
     * <p>Rows lie one cache line further apart than they are wide where the width is a multiple of
     * 64 floats: rows at a distance of a power of two fall into the same few sets of a first level
     * cache and evict each other.
     *
     * @param width floats of a row before padding
     * @param count number of rows
     * @return rows of the padded width
     */
    public static Rows allocate(int width, int count) {
        int padded = padded(width);
        int stride = padded % 64 == 0 ? padded + LANES : padded;
        return new Rows(new float[Math.multiplyExact(stride, count)], 0, stride, padded, count);
    }

    /**
     * Rounds a width up.
     *
     * @param width a number of floats
     * @return the smallest multiple of {@value #LANES} that is not less
     */
    public static int padded(int width) {
        return Math.addExact(width, LANES - 1) / LANES * LANES;
    }

    /**
     * Views columns of these rows.
     *
     * @param column the first column
     * @param columns how many, a multiple of {@value #LANES}
     * @return a view of the same array
     */
    public Rows columns(int column, int columns) {
        if (column < 0 || columns < 0 || column + columns > width) {
            throw new IllegalArgumentException(
                    "columns " + column + " to " + (column + columns) + " of " + width);
        }
        return new Rows(values, offset + column, stride, columns, count);
    }

    /**
     * Views the rows from a given one on.
     *
     * @param row the first row of the view
     * @return a view of the same array
     */
    public Rows from(int row) {
        if (row < 0 || row > count) {
            throw new IllegalArgumentException("row " + row + " of " + count);
        }
        return new Rows(values, offset + row * stride, stride, width, count - row);
    }

    /**
     * The array.
     *
     * @return the array itself, not a copy
     */
    public float[] values() {
        return values;
    }

    /**
     * Where a row starts.
     *
     * @param row index of the row
     * @return index of its first float in the array
     */
    public int start(int row) {
        return offset + row * stride;
    }

    /**
     * Floats of a row.
     *
     * @return the width
     */
    public int width() {
        return width;
    }

    /**
     * Number of rows.
     *
     * @return the count
     */
    public int count() {
        return count;
    }
}
