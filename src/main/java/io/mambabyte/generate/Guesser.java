package io.mambabyte.generate;

/**
 * Says of a text what comes next, and of what it supposed to come, what comes after that. What was
 * supposed and did not come is taken back.
 */
interface Guesser {
    /** A new text begins. */
    void begin();

    /** Tells what the text goes on with; what was supposed is forgotten where it differs. */
    void append(byte[] bytes, int offset, int length);

    /** Forgets all that was supposed. */
    void rewind();

    /** Supposes the next byte. */
    void suppose(int value);

    /**
     * What follows everything told and supposed.
     *
     * @param sampling how the byte is drawn
     * @param position of the random number
     * @return 0 to 255
     */
    int guess(Sampling sampling, long position);

    /**
     * How far the last guess was from being another one: odds, from 0 up, not calibrated.
     *
     * @return the larger the surer
     */
    double odds();

    /** Bytes that the last guess was fed, to catch up with the text and what was supposed. */
    int fed();
}
