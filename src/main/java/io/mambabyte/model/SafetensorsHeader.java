package io.mambabyte.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** What a safetensors file begins with: where each tensor is. */
final class SafetensorsHeader {
    /**
     * A tensor that is to be written.
     *
     * @param name its name
     * @param dtype how its numbers are stored
     * @param shape its dimensions
     * @param elements the product of the shape
     */
    record Entry(String name, Dtype dtype, List<? extends Number> shape, long elements) {}

    private SafetensorsHeader() {}

    /** The length and the header; the data of the tensors follows, in this order and packed. */
    static byte[] bytes(List<Entry> entries) throws JsonProcessingException {
        ObjectNode root = ConfigFile.JSON.createObjectNode();
        root.putObject("__metadata__").put("format", "pt");
        long begin = 0;
        for (Entry entry : entries) {
            long end = begin + entry.elements() * entry.dtype().bytes();
            ObjectNode tensor = root.putObject(entry.name());
            tensor.put("dtype", entry.dtype().name());
            ArrayNode shape = tensor.putArray("shape");
            entry.shape().forEach(dimension -> shape.add(dimension.longValue()));
            tensor.putArray("data_offsets").add(begin).add(end);
            begin = end;
        }
        byte[] json = ConfigFile.JSON.writeValueAsString(root).getBytes(StandardCharsets.UTF_8);
        // The data then begins at a multiple of 8, as the format's own writers have it.
        int padded = (json.length + Long.BYTES - 1) / Long.BYTES * Long.BYTES;
        ByteBuffer out =
                ByteBuffer.allocate(Long.BYTES + padded)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(padded)
                        .put(json);
        while (out.hasRemaining()) {
            out.put((byte) ' ');
        }
        return out.array();
    }
}
