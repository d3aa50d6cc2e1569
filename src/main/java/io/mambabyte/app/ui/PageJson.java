package io.mambabyte.app.ui;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.mambabyte.score.ByteDetails;
import io.mambabyte.score.RecordScore;

import org.apache.kafka.common.utils.Bytes;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;

/**
 * What is sent to the browser. Bytes are base64, because a record need not be text; what there is
 * to say about each byte goes with its line, packed, so that a line can be looked at however long
 * ago it was.
 */
final class PageJson {
    /** Bits are sent in steps of 1/1000, which two bytes hold up to here. */
    private static final float BITS_MAX = 65.534f;

    private static final int NO_BITS = 0xffff;
    private static final int PROBABILITY_STEPS = 0xffff;

    private static final ObjectMapper JSON = new ObjectMapper();

    private PageJson() {}

    static ObjectNode object() {
        return JSON.createObjectNode();
    }

    static ObjectMapper mapper() {
        return JSON;
    }

    /** A server-sent event. */
    static byte[] event(String name, ObjectNode data) {
        return ("event: " + name + "\ndata: " + data + "\n\n").getBytes(StandardCharsets.UTF_8);
    }

    static String base64(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    static byte[] bytes(String base64) {
        try {
            return Base64.getUrlDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("not base64url: " + base64, e);
        }
    }

    /** Lines with the details of their bytes. */
    static ObjectNode lines(List<ScoredLine> lines) {
        ObjectNode root = object();
        ArrayNode array = root.putArray("lines");
        for (ScoredLine line : lines) {
            RecordScore score = line.score();
            ObjectNode node = array.addObject();
            node.put("id", line.id());
            node.put("key", base64(line.key().get()));
            node.put("time", line.timestampMs());
            node.put("bytes", line.valueBytes());
            node.put("bits", rounded(score.bits()));
            node.put("bpb", rounded(score.bitsPerByte()));
            node.put("expected", rounded(score.expectedBits()));
            node.put("z", rounded(score.z()));
            node.put("value", base64(line.value().get()));
            details(node, line);
        }
        return root;
    }

    private static void details(ObjectNode node, ScoredLine line) {
        ByteDetails details = line.details();
        // The framing newline is shown where the whole line is.
        int size =
                line.value().get().length < line.valueBytes()
                        ? line.value().get().length
                        : details.size();
        int alternatives = size * ByteDetails.ALTERNATIVES;
        ByteBuffer bits = ByteBuffer.allocate(2 * size).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer values = ByteBuffer.allocate(alternatives);
        ByteBuffer probabilities =
                ByteBuffer.allocate(2 * alternatives).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < size; i++) {
            float surprisal = details.bits(i);
            bits.putShort(
                    (short)
                            (Float.isNaN(surprisal)
                                    ? NO_BITS
                                    : Math.round(Math.clamp(surprisal, 0, BITS_MAX) * 1000)));
            for (int rank = 0; rank < ByteDetails.ALTERNATIVES; rank++) {
                values.put((byte) details.alternative(i, rank));
                probabilities.putShort(
                        (short) Math.round(details.probability(i, rank) * PROBABILITY_STEPS));
            }
        }
        node.put("surprisal", base64(bits.array()));
        node.put("instead", base64(values.array()));
        node.put("probability", base64(probabilities.array()));
    }

    /** Keys with their last minute. */
    static ObjectNode keys(List<KeyTable.Row> rows, long nowMs) {
        ObjectNode root = object();
        ArrayNode array = root.putArray("keys");
        for (KeyTable.Row row : rows) {
            ObjectNode node = array.addObject();
            node.put("key", base64(row.key().get()));
            node.put("records", row.records());
            node.put("bytes", row.bytes());
            node.put("bpb", rounded(row.bitsPerByteOfAll()));
            node.put("silentMs", nowMs - row.lastMs());
            node.put("rate", rounded(row.recordsPerSecond()));
            series(node.putArray("bits"), row.bitsPerByte());
            series(node.putArray("peak"), row.peakZ());
        }
        return root;
    }

    private static void series(ArrayNode array, List<Double> values) {
        for (double value : values) {
            if (Double.isNaN(value)) {
                array.addNull();
            } else {
                array.add(rounded(value));
            }
        }
    }

    static double rounded(double value) {
        return Math.round(value * 1000) / 1000.0;
    }

    static Bytes key(String base64) {
        return Bytes.wrap(bytes(base64));
    }
}
