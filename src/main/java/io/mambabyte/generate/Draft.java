package io.mambabyte.generate;

/**
 * Bytes that a {@link Drafter} proposes to come next, and how likely each is to be right. Which of
 * them are tried is decided by what trying costs; none of it changes what is made.
 */
public final class Draft {
    private final byte[] bytes;

    /** Probability that the byte and all before it are right. */
    private final double[] survival;

    private long position;
    private double first;
    private double usual;
    private double floor;
    private int room;
    private int length;
    private boolean unsure;

    Draft(int capacity) {
        bytes = new byte[capacity];
        survival = new double[capacity];
    }

    /**
     * Empties it.
     *
     * @param position of the first byte
     * @param first confidence of a first byte that is added without one
     * @param usual the same of those after it
     * @param floor survival at which no more bytes are wanted
     * @param room most bytes
     */
    void begin(long position, double first, double usual, double floor, int room) {
        this.position = position;
        this.first = first;
        this.usual = usual;
        this.floor = floor;
        this.room = Math.min(room, bytes.length);
        length = 0;
        unsure = false;
    }

    /**
     * Position of the next byte to be added, from 0 for the first byte that is made: what its
     * random number is a function of.
     *
     * @return the position
     */
    public long position() {
        return position + length;
    }

    /**
     * Whether another byte is worth proposing.
     *
     * @return false when there is no room or the bytes so far are too unlikely to be right
     */
    public boolean wantsMore() {
        return length < room && (length == 0 ? 1 : survival[length - 1]) > floor;
    }

    /**
     * Proposes the next byte, as likely to be right as this drafter's bytes were so far.
     *
     * @param value the byte
     * @return whether another one is worth proposing
     */
    public boolean add(byte value) {
        unsure = true;
        return add(value, length == 0 ? first : usual);
    }

    /**
     * Proposes the next byte.
     *
     * @param value the byte
     * @param confidence probability that it is right if all before it are, 0 to 1
     * @return whether another one is worth proposing
     * @throws IllegalStateException if there is no room: see {@link #wantsMore}
     */
    public boolean add(byte value, double confidence) {
        if (length == room) {
            throw new IllegalStateException("a draft has room for " + room + " bytes");
        }
        bytes[length] = value;
        survival[length] = (length == 0 ? 1 : survival[length - 1]) * Math.clamp(confidence, 0, 1);
        length++;
        return wantsMore();
    }

    /**
     * Bytes proposed so far.
     *
     * @return how many
     */
    public int length() {
        return length;
    }

    /** Whether a byte was added without a confidence. */
    boolean unsure() {
        return unsure;
    }

    void unsure(boolean value) {
        unsure = value;
    }

    byte[] bytes() {
        return bytes;
    }

    double survival(int index) {
        return survival[index];
    }
}
