package io.mambabyte.model;

import static io.mambabyte.model.CheckpointException.printable;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonParser.NumberType;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The tensors of one safetensors file: 8 bytes with the length of a JSON header, the header, the
 * data. Everything that the header claims is checked before a tensor is read, so that what is
 * allocated is bounded by the size of the file.
 */
final class SafetensorsFile {
    /** The format's own limit. */
    static final long HEADER_BYTES_MAX = 100_000_000;

    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Names out of a file are not worth a symbol table, and one can be made to collide. */
    private static final JsonFactory JSON =
            JsonFactory.builder().disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES).build();

    /**
     * What the header says about a tensor.
     *
     * @param name its name
     * @param dtype how its numbers are stored
     * @param shape its dimensions, row-major
     * @param elements the product of the shape
     * @param begin first byte, from the start of the data
     * @param end byte after the last
     */
    record Tensor(
            String name, Dtype dtype, List<Long> shape, long elements, long begin, long end) {}

    private final String file;
    private final MemorySegment content;
    private final long dataStart;
    private final Map<String, Tensor> tensors;

    private SafetensorsFile(
            String file, MemorySegment content, long dataStart, Map<String, Tensor> tensors) {
        this.file = file;
        this.content = content;
        this.dataStart = dataStart;
        this.tensors = tensors;
    }

    String file() {
        return file;
    }

    /** By name, in the order of the header. */
    Map<String, Tensor> tensors() {
        return tensors;
    }

    /**
     * Reads and checks the header.
     *
     * @param file what messages call the file
     * @param content all of it; must stay alive as long as tensors are read
     */
    static SafetensorsFile open(String file, MemorySegment content) throws CheckpointException {
        long size = content.byteSize();
        if (size < Long.BYTES) {
            throw CheckpointException.file(
                    file, "at least 8 bytes (the length of the header)", size + " bytes");
        }
        long headerBytes = content.get(LONG, 0);
        if (headerBytes < 0 || headerBytes > HEADER_BYTES_MAX) {
            throw CheckpointException.file(
                    file,
                    "a header of at most " + HEADER_BYTES_MAX + " bytes",
                    "a header length of " + Long.toUnsignedString(headerBytes));
        }
        if (headerBytes > size - Long.BYTES) {
            throw CheckpointException.file(
                    file,
                    "a header within the " + size + " bytes of the file",
                    "a header length of " + headerBytes);
        }
        byte[] header = content.asSlice(Long.BYTES, headerBytes).toArray(ValueLayout.JAVA_BYTE);
        if (headerBytes == 0 || header[0] != '{') {
            throw CheckpointException.file(
                    file,
                    "a header that begins with '{'",
                    headerBytes == 0
                            ? "an empty header"
                            : String.format("byte 0x%02x", header[0] & 0xff));
        }
        long dataStart = Long.BYTES + headerBytes;
        Map<String, Tensor> tensors = new HeaderReader(file, size - dataStart).read(header);
        checkLayout(file, tensors, size - dataStart);
        return new SafetensorsFile(file, content, dataStart, tensors);
    }

    /** The numbers of a tensor, row-major; refuses those that are not finite. */
    float[] read(Tensor tensor) throws CheckpointException {
        if (tensor.elements() > Integer.MAX_VALUE - 8) {
            throw CheckpointException.tensor(
                    file,
                    tensor.name(),
                    "at most " + (Integer.MAX_VALUE - 8) + " elements",
                    Long.toString(tensor.elements()));
        }
        float[] values;
        try {
            values =
                    tensor.dtype()
                            .read(content, dataStart + tensor.begin(), (int) tensor.elements());
        } catch (InternalError e) {
            // What the JVM makes of a page that is gone: somebody truncated the mapped file.
            throw new CheckpointException(
                    file + ": tensor " + tensor.name() + ": the file changed while it was read", e);
        }
        for (int i = 0; i < values.length; i++) {
            if (!Float.isFinite(values[i])) {
                throw CheckpointException.tensor(
                        file,
                        tensor.name(),
                        "finite numbers",
                        values[i] + " at index " + i + " of " + values.length);
            }
        }
        return values;
    }

    /** Every byte of the data belongs to exactly one tensor. */
    private static void checkLayout(String file, Map<String, Tensor> tensors, long dataBytes)
            throws CheckpointException {
        List<Tensor> byOffset = new ArrayList<>(tensors.values());
        byOffset.sort(Comparator.comparingLong(Tensor::begin).thenComparingLong(Tensor::end));
        long end = 0;
        @Nullable Tensor previous = null;
        for (Tensor tensor : byOffset) {
            if (tensor.begin() < end) {
                throw CheckpointException.tensor(
                        file,
                        tensor.name(),
                        "data from byte "
                                + end
                                + " on, where "
                                + (previous == null ? "the data" : printable(previous.name()))
                                + " ends",
                        "an overlap from byte " + tensor.begin());
            }
            if (tensor.begin() > end) {
                throw CheckpointException.tensor(
                        file,
                        tensor.name(),
                        "data from byte " + end + " on",
                        "a gap up to byte " + tensor.begin());
            }
            end = tensor.end();
            previous = tensor;
        }
        if (end != dataBytes) {
            throw CheckpointException.file(
                    file,
                    "data of " + end + " bytes",
                    (dataBytes - end) + " bytes more, which belong to no tensor");
        }
    }

    /** One pass over the JSON of the header. */
    private static final class HeaderReader {
        private final String file;
        private final long dataBytes;

        HeaderReader(String file, long dataBytes) {
            this.file = file;
            this.dataBytes = dataBytes;
        }

        Map<String, Tensor> read(byte[] header) throws CheckpointException {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            boolean metadata = false;
            // A strict decoder: Jackson itself would guess UTF-16 from zero bytes.
            try (Reader text =
                            new InputStreamReader(
                                    new ByteArrayInputStream(header),
                                    StandardCharsets.UTF_8.newDecoder());
                    JsonParser json = JSON.createParser(text)) {
                json.nextToken();
                while (json.nextToken() == JsonToken.FIELD_NAME) {
                    String name = json.currentName();
                    JsonToken value = json.nextToken();
                    if (value != JsonToken.START_OBJECT) {
                        throw CheckpointException.tensor(
                                file,
                                name,
                                "an object with dtype, shape, data_offsets",
                                kind(value));
                    }
                    if (name.equals("__metadata__")) {
                        if (metadata) {
                            throw CheckpointException.file(
                                    file, "one __metadata__", "a second one");
                        }
                        metadata = true;
                        json.skipChildren();
                    } else if (tensors.put(name, tensor(json, name)) != null) {
                        throw CheckpointException.tensor(
                                file, name, "each name once", "a second tensor of that name");
                    }
                }
                if (json.nextToken() != null) {
                    throw CheckpointException.file(
                            file, "nothing after the header's JSON", kind(json.currentToken()));
                }
            } catch (JsonProcessingException e) {
                throw notJson(file + ": header", e);
            } catch (IOException e) {
                throw new CheckpointException(file + ": header is not UTF-8", e);
            }
            return tensors;
        }

        private Tensor tensor(JsonParser json, String name)
                throws IOException, CheckpointException {
            @Nullable String dtype = null;
            @Nullable List<Long> shape = null;
            @Nullable List<Long> offsets = null;
            Set<String> seen = new HashSet<>();
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String field = json.currentName();
                JsonToken value = json.nextToken();
                if (!seen.add(field)) {
                    throw CheckpointException.tensor(
                            file, name, "each field once", "a second " + printable(field));
                }
                switch (field) {
                    case "dtype" -> {
                        if (value != JsonToken.VALUE_STRING) {
                            throw CheckpointException.tensor(
                                    file, name, "dtype as text", kind(value));
                        }
                        dtype = json.getText();
                    }
                    case "shape" -> shape = numbers(json, name, field);
                    case "data_offsets" -> offsets = numbers(json, name, field);
                    default ->
                            throw CheckpointException.tensor(
                                    file,
                                    name,
                                    "the fields dtype, shape, data_offsets",
                                    printable(field));
                }
            }
            if (dtype == null || shape == null || offsets == null) {
                throw CheckpointException.tensor(
                        file,
                        name,
                        "the fields dtype, shape, data_offsets",
                        "no "
                                + (dtype == null
                                        ? "dtype"
                                        : shape == null ? "shape" : "data_offsets"));
            }
            return checked(name, dtype, shape, offsets);
        }

        private Tensor checked(String name, String dtypeName, List<Long> shape, List<Long> offsets)
                throws CheckpointException {
            Dtype dtype =
                    switch (dtypeName) {
                        case "F32" -> Dtype.F32;
                        case "F16" -> Dtype.F16;
                        case "BF16" -> Dtype.BF16;
                        default ->
                                throw CheckpointException.tensor(
                                        file, name, "dtype F32, F16 or BF16", printable(dtypeName));
                    };
            if (offsets.size() != 2) {
                throw CheckpointException.tensor(
                        file, name, "two data_offsets", Integer.toString(offsets.size()));
            }
            long begin = offsets.get(0);
            long end = offsets.get(1);
            if (begin > end || end > dataBytes) {
                throw CheckpointException.tensor(
                        file,
                        name,
                        "data_offsets within the " + dataBytes + " bytes of data",
                        offsets.toString());
            }
            long bytes = bytes(dtype, shape);
            if (bytes < 0) {
                throw CheckpointException.tensor(
                        file, name, "a shape of fewer than 2^63 bytes", shape.toString());
            }
            if (bytes != end - begin) {
                throw CheckpointException.tensor(
                        file,
                        name,
                        bytes + " bytes (" + dtype + " " + shape + ")",
                        (end - begin) + " bytes at " + offsets);
            }
            return new Tensor(name, dtype, List.copyOf(shape), bytes / dtype.bytes(), begin, end);
        }

        /** Bytes of a tensor, -1 where they do not fit a long. */
        private static long bytes(Dtype dtype, List<Long> shape) {
            if (shape.contains(0L)) {
                return 0;
            }
            long bytes = dtype.bytes();
            for (long dimension : shape) {
                if (dimension > Long.MAX_VALUE / bytes) {
                    return -1;
                }
                bytes *= dimension;
            }
            return bytes;
        }

        private List<Long> numbers(JsonParser json, String name, String field)
                throws IOException, CheckpointException {
            if (json.currentToken() != JsonToken.START_ARRAY) {
                throw CheckpointException.tensor(
                        file, name, field + " as an array", kind(json.currentToken()));
            }
            List<Long> numbers = new ArrayList<>();
            while (json.nextToken() != JsonToken.END_ARRAY) {
                boolean whole =
                        json.currentToken() == JsonToken.VALUE_NUMBER_INT
                                && json.getNumberType() != NumberType.BIG_INTEGER;
                if (!whole || json.getLongValue() < 0) {
                    throw CheckpointException.tensor(
                            file,
                            name,
                            field + " of whole numbers from 0 to 2^63 - 1",
                            printable(json.getText()));
                }
                numbers.add(json.getLongValue());
            }
            return numbers;
        }

        private static String kind(@Nullable JsonToken token) {
            return token == null
                    ? "the end"
                    : switch (token) {
                        case START_OBJECT -> "an object";
                        case START_ARRAY -> "an array";
                        case VALUE_STRING -> "text";
                        case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> "a number";
                        case VALUE_TRUE, VALUE_FALSE -> "a truth value";
                        case VALUE_NULL -> "null";
                        default -> "the end of an object";
                    };
        }
    }

    /** A parse error in one line: what Jackson says without the source it repeats. */
    static CheckpointException notJson(String where, JsonProcessingException e) {
        String place =
                e.getLocation() == null
                        ? ""
                        : " (line "
                                + e.getLocation().getLineNr()
                                + ", column "
                                + e.getLocation().getColumnNr()
                                + ")";
        String what = e.getOriginalMessage().lines().findFirst().orElse("");
        return new CheckpointException(
                where + ": expected JSON, found: " + printable(what) + place, e);
    }
}
