package io.mambabyte.generate;

/**
 * Bytes that a {@link Drafter} proposes to come next, and how likely each is to be right. Which of
 * them are tried is decided by what trying costs; none of it changes what is made.
 */
public final class Draft {
    private final byte[] bytes;

    /** Probability that the byte and all before it are right. */
    private final double[] survival;

    /** Confidence that each byte was added with. */
    private final double[] claims;

    private long position;
    private double first;
    private double usual;
    private double floor;
    private int room;
    private int length;
    private boolean unsure;
    private Sampling sampling = Sampling.GREEDY;
    private double byteNanos;
    private double rowNanos;
    private double firstTrust = 1;
    private double trust = 1;

    Draft(int capacity) {
        bytes = new byte[capacity];
        survival = new double[capacity];
        claims = new double[capacity];
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
     * What the draft is for.
     *
     * @param sampling how bytes are drawn
     * @param byteNanos time in which a byte is made at present
     * @param rowNanos time that checking one more byte takes
     * @param firstTrust what the first byte's confidence is multiplied by
     * @param trust the same of those after it
     */
    void terms(
            Sampling sampling, double byteNanos, double rowNanos, double firstTrust, double trust) {
        this.firstTrust = firstTrust;
        this.trust = trust;
        this.sampling = sampling;
        this.byteNanos = byteNanos;
        this.rowNanos = rowNanos;
    }

    /**
     * How the bytes are drawn that the draft foresees: with {@link #position} and {@link
     * CounterRandom}, a drafter can draw with the same numbers.
     *
     * @return the settings
     */
    public Sampling sampling() {
        return sampling;
    }

    /**
     * Time in which a byte is made at present: what a byte that is drafted right saves.
     *
     * @return nanoseconds, as measured lately
     */
    public double byteNanos() {
        return byteNanos;
    }

    /**
     * Time that it takes to check a byte more.
     *
     * @return nanoseconds, as measured lately
     */
    public double rowNanos() {
        return rowNanos;
    }

    /**
     * Probability that all bytes so far are right.
     *
     * @return 0 to 1
     */
    public double survival() {
        return length == 0 ? 1 : survival[length - 1];
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
        return length < room && survival() > floor;
    }

    /**
     * Proposes the next byte, as likely to be right as this drafter's bytes were so far.
     *
     * @param value the byte
     * @return whether another one is worth proposing
     */
    public boolean add(byte value) {
        unsure = true;
        put(value, length == 0 ? first : usual, 1);
        return wantsMore();
    }

    /**
     * Proposes the next byte.
     *
     * @param value the byte
     * @param confidence probability that it is right if all before it are, 0 to 1; where fewer
     *     bytes were right than this drafter said, it is believed less
     * @return whether another one is worth proposing
     * @throws IllegalStateException if there is no room: see {@link #wantsMore}
     */
    public boolean add(byte value, double confidence) {
        put(value, confidence, length == 0 ? firstTrust : trust);
        return wantsMore();
    }

    private void put(byte value, double confidence, double worth) {
        if (length == room) {
            throw new IllegalStateException("a draft has room for " + room + " bytes");
        }
        bytes[length] = value;
        claims[length] = Math.clamp(confidence, 0, 1);
        survival[length] = survival() * claims[length] * worth;
        length++;
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

    /** The confidence that a byte was added with. */
    double claim(int index) {
        return claims[index];
    }

    double survival(int index) {
        return survival[index];
    }
}
