package io.mambabyte.train;

import java.io.ByteArrayOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * The bytes of a training run: some to learn from, some held out. Of each text the end is held out,
 * in one piece and from the beginning of a line: logs repeat themselves, and lines taken out of the
 * middle would be told by their neighbours.
 */
public final class Corpus {
    /** Share of each text that is held out. */
    public static final double HELD_OUT_SHARE = 0.1;

    /** More would only make every evaluation slower. */
    static final int HELD_OUT_BYTES_MAX = 1 << 18;

    /** Fewer say nothing: a tenth of a bit more or less is chance. */
    static final int HELD_OUT_BYTES_MIN = 1 << 10;

    /**
     * One text.
     *
     * @param name what messages call it
     * @param content its bytes
     */
    @SuppressWarnings("ArrayRecordComponent") // a carrier, never compared
    public record Text(String name, byte[] content) {}

    private final byte[] training;
    private final byte[] heldOut;
    private final List<String> names;

    private Corpus(byte[] training, byte[] heldOut, List<String> names) {
        this.training = training;
        this.heldOut = heldOut;
        this.names = names;
    }

    /**
     * Splits texts.
     *
     * @param texts the texts
     * @return what is learnt from and what is held out
     * @throws UnusableDataException if there is too little of either
     */
    public static Corpus split(List<Text> texts) throws UnusableDataException {
        ByteArrayOutputStream training = new ByteArrayOutputStream();
        ByteArrayOutputStream heldOut = new ByteArrayOutputStream();
        long total = texts.stream().mapToLong(text -> text.content().length).sum();
        double share = Math.min(HELD_OUT_SHARE, HELD_OUT_BYTES_MAX / (double) Math.max(1, total));
        for (Text text : texts) {
            byte[] content = text.content();
            int border = lineAfter(content, content.length - (int) (content.length * share));
            training.write(content, 0, border);
            heldOut.write(content, border, content.length - border);
            endLine(training, content, border);
            endLine(heldOut, content, content.length);
        }
        return of(
                training.toByteArray(),
                heldOut.toByteArray(),
                texts.stream().map(Text::name).toList());
    }

    /**
     * Takes the split that somebody else made.
     *
     * @param training texts to learn from
     * @param heldOut texts that are held out
     * @return both
     * @throws UnusableDataException if there is too little of either
     */
    public static Corpus of(List<Text> training, List<Text> heldOut) throws UnusableDataException {
        return of(joined(training), joined(heldOut), training.stream().map(Text::name).toList());
    }

    private static Corpus of(byte[] training, byte[] heldOut, List<String> names)
            throws UnusableDataException {
        if (training.length == 0) {
            throw new UnusableDataException("there is no data: all of " + names + " is empty");
        }
        if (heldOut.length < HELD_OUT_BYTES_MIN) {
            throw new UnusableDataException(
                    "only "
                            + heldOut.length
                            + " bytes would be held out, and without them nobody can tell learning"
                            + " from learning by heart: give at least "
                            + (int) (HELD_OUT_BYTES_MIN / HELD_OUT_SHARE)
                            + " bytes (there are "
                            + ((long) training.length + heldOut.length)
                            + "), or held-out files of their own");
        }
        return new Corpus(
                training,
                Arrays.copyOf(heldOut, Math.min(heldOut.length, HELD_OUT_BYTES_MAX)),
                names);
    }

    private static byte[] joined(List<Text> texts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (Text text : texts) {
            all.writeBytes(text.content());
            endLine(all, text.content(), text.content().length);
        }
        return all.toByteArray();
    }

    /** A text that does not end with a line must not run into the next. */
    private static void endLine(ByteArrayOutputStream out, byte[] content, int end) {
        if (end > 0 && content[end - 1] != '\n') {
            out.write('\n');
        }
    }

    /** Where the first line after a position begins; the position itself where there is none. */
    private static int lineAfter(byte[] content, int position) {
        for (int i = Math.max(position, 1); i < content.length; i++) {
            if (content[i - 1] == '\n') {
                return i;
            }
        }
        return position;
    }

    /**
     * What is learnt from.
     *
     * @return the array itself
     */
    public byte[] training() {
        return training;
    }

    /**
     * What is held out.
     *
     * @return the array itself
     */
    public byte[] heldOut() {
        return heldOut;
    }

    /**
     * What the texts are called.
     *
     * @return their names
     */
    public List<String> names() {
        return names;
    }

    /** What tells these bytes from others: a run goes on with its own only. */
    String fingerprint() {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(training);
            digest.update(new byte[] {(byte) (training.length >>> 8), (byte) training.length});
            digest.update(heldOut);
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
