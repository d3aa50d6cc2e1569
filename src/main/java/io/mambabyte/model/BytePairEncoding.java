package io.mambabyte.model;

import static io.mambabyte.model.CheckpointException.printable;

import com.fasterxml.jackson.databind.JsonNode;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Byte-level byte pair encoding, as tokenizer.json of Hugging Face's tokenizers has it (Sennrich et
 * al. 2016; GPT-2's splitting into words): every byte is a token, a word's bytes are merged pair by
 * pair in the order of the list, and no token reaches over the end of a word. Any bytes can be
 * encoded: a byte that is not UTF-8 counts as punctuation.
 *
 * <p>Immutable and shared by threads.
 */
public final class BytePairEncoding {
    /** The file that it is in, beside the weights. */
    public static final String NAME = "tokenizer.json";

    private static final int BYTES = 256;

    /** A token is a short piece of text; longer ones are no use and may be meant to harm. */
    private static final int TOKEN_BYTES_MAX = 256;

    private static final int TOKENS_MAX = 1 << 20;

    private final byte[][] tokens;
    private final int[] ofByte = new int[BYTES];

    /** Pairs of tokens that are merged, {@code left << 32 | right}, ascending. */
    private final long[] pairs;

    /** Of each of them, its place in the list, and what it becomes. */
    private final int[] ranks;

    private final int[] merged;

    private BytePairEncoding(byte[][] tokens, Map<Long, int[]> merges) {
        this.tokens = tokens;
        for (int id = 0; id < tokens.length; id++) {
            if (tokens[id].length == 1) {
                ofByte[tokens[id][0] & 0xff] = id;
            }
        }
        pairs = merges.keySet().stream().mapToLong(Long::longValue).sorted().toArray();
        ranks = new int[pairs.length];
        merged = new int[pairs.length];
        for (int i = 0; i < pairs.length; i++) {
            int[] merge = Objects.requireNonNull(merges.get(pairs[i]));
            ranks[i] = merge[0];
            merged[i] = merge[1];
        }
    }

    /** Reads tokenizer.json; refuses anything but byte-level BPE with GPT-2's words. */
    static BytePairEncoding read(CheckpointFiles files) throws CheckpointException {
        JsonNode root = ConfigFile.object(files, NAME);
        String path = files.path(NAME);
        JsonNode model = root.path("model");
        require(path, "model.type", model.path("type"), "BPE");
        JsonNode words = root.path("pre_tokenizer");
        require(path, "pre_tokenizer.type", words.path("type"), "ByteLevel");
        if (words.path("add_prefix_space").asBoolean(true)
                || !words.path("use_regex").asBoolean(true)) {
            throw CheckpointException.file(
                    path,
                    "pre_tokenizer without add_prefix_space and with use_regex",
                    printable(words.toString()));
        }
        if (!root.path("normalizer").isNull() && !root.path("normalizer").isMissingNode()) {
            throw CheckpointException.file(
                    path, "no normalizer", printable(root.path("normalizer").toString()));
        }
        Map<String, Integer> ids = new HashMap<>();
        byte[][] tokens = tokens(path, model.path("vocab"), ids);
        return new BytePairEncoding(tokens, merges(path, model.path("merges"), ids));
    }

    private static void require(String path, String field, JsonNode value, String wanted)
            throws CheckpointException {
        if (!value.asText().equals(wanted)) {
            throw CheckpointException.file(path, field + " " + wanted, printable(value.toString()));
        }
    }

    private static byte[][] tokens(String path, JsonNode vocabulary, Map<String, Integer> ids)
            throws CheckpointException {
        int count = vocabulary.size();
        if (!vocabulary.isObject() || count < BYTES || count > TOKENS_MAX) {
            throw CheckpointException.file(
                    path,
                    "model.vocab with 256 to " + TOKENS_MAX + " tokens",
                    vocabulary.isObject() ? count + " tokens" : "no object");
        }
        byte[][] tokens = new byte[count][];
        boolean[] singles = new boolean[BYTES];
        int[] byteOf = byteOfCharacter();
        for (Map.Entry<String, JsonNode> entry : vocabulary.properties()) {
            int id = entry.getValue().isInt() ? entry.getValue().intValue() : -1;
            if (id < 0 || id >= count || tokens[id] != null) {
                throw CheckpointException.file(
                        path,
                        "each number from 0 to " + (count - 1) + " for one token",
                        printable(entry.getKey()) + ": " + printable(entry.getValue().toString()));
            }
            tokens[id] = bytes(path, entry.getKey(), byteOf);
            ids.put(entry.getKey(), id);
            if (tokens[id].length == 1) {
                singles[tokens[id][0] & 0xff] = true;
            }
        }
        for (int value = 0; value < BYTES; value++) {
            if (!singles[value]) {
                throw CheckpointException.file(path, "a token for each byte", "none for " + value);
            }
        }
        return tokens;
    }

    private static Map<Long, int[]> merges(String path, JsonNode list, Map<String, Integer> ids)
            throws CheckpointException {
        Map<Long, int[]> merges = new HashMap<>();
        int rank = 0;
        for (JsonNode entry : list) {
            // A pair, or in older files two words with a space between.
            String[] pair =
                    entry.isTextual()
                            ? entry.textValue().split(" ", -1)
                            : new String[] {entry.path(0).asText(), entry.path(1).asText()};
            Integer left = pair.length == 2 ? ids.get(pair[0]) : null;
            Integer right = pair.length == 2 ? ids.get(pair[1]) : null;
            Integer both = pair.length == 2 ? ids.get(pair[0] + pair[1]) : null;
            if (left == null || right == null || both == null) {
                throw CheckpointException.file(
                        path,
                        "merges of tokens to a token",
                        printable(entry.toString()) + " at " + rank);
            }
            merges.putIfAbsent(pair(left, right), new int[] {rank, both});
            rank++;
        }
        return merges;
    }

    private static long pair(int left, int right) {
        return (long) left << Integer.SIZE | right;
    }

    /**
     * The tokenizers library writes a byte as a character that can be seen: itself where it is one
     * of Latin-1's, else the next of those from 256 on.
     */
    private static int[] byteOfCharacter() {
        int[] byteOf = new int[2 * BYTES];
        Arrays.fill(byteOf, -1);
        int next = BYTES;
        for (int value = 0; value < BYTES; value++) {
            boolean seen =
                    (value >= '!' && value <= '~')
                            || (value >= 0xa1 && value <= 0xac)
                            || value >= 0xae;
            byteOf[seen ? value : next++] = value;
        }
        return byteOf;
    }

    private static byte[] bytes(String path, String token, int[] byteOf)
            throws CheckpointException {
        byte[] bytes = new byte[token.length()];
        for (int i = 0; i < bytes.length; i++) {
            char c = token.charAt(i);
            if (c >= byteOf.length || byteOf[c] < 0 || bytes.length > TOKEN_BYTES_MAX) {
                throw CheckpointException.file(
                        path,
                        "tokens of 1 to " + TOKEN_BYTES_MAX + " bytes, written as GPT-2 does",
                        printable(token));
            }
            bytes[i] = (byte) byteOf[c];
        }
        if (bytes.length == 0) {
            throw CheckpointException.file(path, "tokens of at least a byte", "an empty one");
        }
        return bytes;
    }

    /**
     * Number of tokens.
     *
     * @return how many; tokens are numbered from 0
     */
    public int size() {
        return tokens.length;
    }

    /**
     * Bytes of a token.
     *
     * @param token its number
     * @return how many
     */
    public int length(int token) {
        return tokens[token].length;
    }

    /**
     * A byte of a token.
     *
     * @param token its number
     * @param index of the byte
     * @return the byte
     */
    public byte byteAt(int token, int index) {
        return tokens[token][index];
    }

    /**
     * Compares tokens by their bytes, as unsigned numbers, so that those with a common beginning
     * are neighbours.
     *
     * @param one number of a token
     * @param other number of a token
     * @return negative, 0 or positive
     */
    public int compare(int one, int other) {
        return Arrays.compareUnsigned(tokens[one], tokens[other]);
    }

    /**
     * Encodes a text.
     *
     * @param text where the bytes are
     * @param from index of the first
     * @param to index after the last
     * @param ids becomes their tokens; has room for one a byte
     * @return number of tokens
     */
    public int encode(byte[] text, int from, int to, int[] ids) {
        int count = 0;
        for (int start = from; start < to; ) {
            int end = wordEnd(text, start, to);
            count += encodeWord(text, start, end, ids, count);
            start = end;
        }
        return count;
    }

    /**
     * Encodes one word: something that {@link #wordEnd} ends.
     *
     * @param text where the bytes are
     * @param from index of the first
     * @param to index after the last
     * @param ids becomes its tokens from {@code at} on; has room for one a byte
     * @param at index of the first token
     * @return number of tokens
     */
    public int encodeWord(byte[] text, int from, int to, int[] ids, int at) {
        int count = to - from;
        for (int i = 0; i < count; i++) {
            ids[at + i] = ofByte[text[from + i] & 0xff];
        }
        while (count > 1) {
            int best = -1;
            for (int i = 0; i + 1 < count; i++) {
                int found = Arrays.binarySearch(pairs, pair(ids[at + i], ids[at + i + 1]));
                if (found >= 0 && (best < 0 || ranks[found] < ranks[best])) {
                    best = found;
                }
            }
            if (best < 0) {
                break;
            }
            count = merge(best, ids, at, count);
        }
        return count;
    }

    /** Merges a pair wherever it is, from the left. */
    private int merge(int pair, int[] ids, int at, int count) {
        int kept = 0;
        for (int i = 0; i < count; i++) {
            if (i + 1 < count && pair(ids[at + i], ids[at + i + 1]) == pairs[pair]) {
                ids[at + kept++] = merged[pair];
                i++;
            } else {
                ids[at + kept++] = ids[at + i];
            }
        }
        return kept;
    }

    /** What GPT-2's expression tells apart. */
    private enum Kind {
        LETTER,
        NUMBER,
        SPACE,
        OTHER
    }

    /**
     * Ends the word that begins at an index: {@code 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+|
     * ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+}.
     *
     * @param text where the bytes are
     * @param from index of the word's first byte
     * @param to index after the last byte of the text, more than {@code from}
     * @return index after its last byte
     */
    public int wordEnd(byte[] text, int from, int to) {
        int contraction = contraction(text, from, to);
        if (contraction > 0) {
            return from + contraction;
        }
        int start = text[from] == ' ' && from + 1 < to ? from + 1 : from;
        Kind kind = kind(text, start, to);
        if (kind != Kind.SPACE) {
            return runEnd(kind, text, start, to);
        }
        int end = runEnd(Kind.SPACE, text, from, to);
        if (end == to) {
            return end;
        }
        // The last space belongs to what follows, unless it is alone.
        int last = from;
        for (int i = from; i < end; i += characterLength(text, i, to)) {
            last = i;
        }
        return last > from ? last : end;
    }

    private static int runEnd(Kind kind, byte[] text, int from, int to) {
        int end = from;
        while (end < to && kind(text, end, to) == kind) {
            end += characterLength(text, end, to);
        }
        return end;
    }

    private static int contraction(byte[] text, int from, int to) {
        if (text[from] != '\'' || from + 1 == to) {
            return 0;
        }
        return switch (text[from + 1]) {
            case 's', 't', 'm', 'd' -> 2;
            case 'r', 'v' -> from + 2 < to && text[from + 2] == 'e' ? 3 : 0;
            case 'l' -> from + 2 < to && text[from + 2] == 'l' ? 3 : 0;
            default -> 0;
        };
    }

    private static Kind kind(byte[] text, int index, int to) {
        int character = character(text, index, to);
        if (character < 0) {
            return Kind.OTHER;
        }
        if (isSpace(character)) {
            return Kind.SPACE;
        }
        if (Character.isLetter(character)) {
            return Kind.LETTER;
        }
        int type = Character.getType(character);
        boolean number =
                type == Character.DECIMAL_DIGIT_NUMBER
                        || type == Character.LETTER_NUMBER
                        || type == Character.OTHER_NUMBER;
        return number ? Kind.NUMBER : Kind.OTHER;
    }

    /** Unicode's White_Space. */
    private static boolean isSpace(int c) {
        return (c >= 0x09 && c <= 0x0d)
                || c == 0x20
                || c == 0x85
                || c == 0xa0
                || c == 0x1680
                || (c >= 0x2000 && c <= 0x200a)
                || c == 0x2028
                || c == 0x2029
                || c == 0x202f
                || c == 0x205f
                || c == 0x3000;
    }

    /** Bytes of the character at an index; 1 where there is none. */
    private static int characterLength(byte[] text, int index, int to) {
        int character = character(text, index, to);
        return character < 0x80
                ? 1
                : character < 0x800
                        ? 2
                        : character < Character.MIN_SUPPLEMENTARY_CODE_POINT ? 3 : 4;
    }

    /** The character at an index; -1 where the bytes are not UTF-8. */
    private static int character(byte[] text, int index, int to) {
        int first = text[index] & 0xff;
        if (first < 0x80) {
            return first;
        }
        int length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
        if (first < 0xc2 || first > 0xf4 || index + length > to) {
            return -1;
        }
        int character = first & (0xff >> (length + 1));
        for (int i = 1; i < length; i++) {
            int next = text[index + i] & 0xff;
            if ((next & 0xc0) != 0x80) {
                return -1;
            }
            character = character << 6 | (next & 0x3f);
        }
        boolean tooLong =
                character < (length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000)
                        || character > Character.MAX_CODE_POINT;
        return tooLong || Character.getType(character) == Character.SURROGATE ? -1 : character;
    }
}
