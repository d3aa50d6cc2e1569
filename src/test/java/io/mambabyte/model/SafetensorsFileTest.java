package io.mambabyte.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

class SafetensorsFileTest {
    private static SafetensorsFile open(byte[] content) throws CheckpointException {
        return SafetensorsFile.open("f", MemorySegment.ofArray(content));
    }

    private static float[] read(SafetensorsFile file, String name) throws CheckpointException {
        return file.read(Objects.requireNonNull(file.tensors().get(name)));
    }

    @Test
    void shouldReadTensorsInAnyOrderOfOffsets() throws Exception {
        String header =
                "{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]},"
                        + "\"a\":{\"dtype\":\"BF16\",\"shape\":[1,1],\"data_offsets\":[0,2]}}  ";
        byte[] data =
                ByteBuffer.allocate(6)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putShort((short) 0x4049)
                        .putFloat(-0.0f)
                        .array();
        SafetensorsFile file = open(ModelFiles.safetensors(header, data));
        assertArrayEquals(new float[] {3.140625f}, read(file, "a"));
        assertArrayEquals(new float[] {-0.0f}, read(file, "b"));
    }

    @Test
    void shouldReadEveryFiniteHalf() throws Exception {
        for (Dtype dtype : new Dtype[] {Dtype.F16, Dtype.BF16}) {
            float[] values = new float[1 << 16];
            int count = 0;
            for (int bits = 0; bits < 1 << 16; bits++) {
                float value =
                        dtype == Dtype.F16
                                ? Float.float16ToFloat((short) bits)
                                : Float.intBitsToFloat(bits << 16);
                if (Float.isFinite(value)) {
                    values[count++] = value;
                }
            }
            float[] finite = Arrays.copyOf(values, count);
            byte[] content =
                    ModelFiles.safetensors(
                            List.of(new ModelFiles.Tensor("x", dtype, new long[] {count}, finite)));
            SafetensorsFile file = open(content);
            assertArrayEquals(finite, read(file, "x"));
        }
    }

    private static Arguments lie(String header, int dataBytes, String message) {
        return arguments(header, dataBytes, message);
    }

    private static String tensor(String fields) {
        return "{\"x\":{" + fields + "}}";
    }

    static Stream<Arguments> lies() {
        return Stream.of(
                lie("", 0, "f: expected a header that begins with '{', found an empty header"),
                lie("[]", 0, "f: expected a header that begins with '{', found byte 0x5b"),
                lie(
                        "{\"x\":",
                        0,
                        "f: header: expected JSON, found: Unexpected end-of-input within/between"
                                + " Object entries (line 1, column 6)"),
                lie("{} {}", 0, "f: expected nothing after the header's JSON, found an object"),
                lie(
                        "{\"x\":3}",
                        0,
                        "f: tensor x: expected an object with dtype, shape, data_offsets, found a"
                                + " number"),
                lie(
                        tensor("\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]"),
                        8,
                        "f: tensor x: expected dtype F32, F16 or BF16, found F64"),
                lie(
                        tensor("\"dtype\":1,\"shape\":[1],\"data_offsets\":[0,8]"),
                        8,
                        "f: tensor x: expected dtype as text, found a number"),
                lie(
                        tensor("\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]"),
                        4,
                        "f: tensor x: expected shape as an array, found a number"),
                lie(
                        tensor("\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]"),
                        4,
                        "f: tensor x: expected shape of whole numbers from 0 to 2^63 - 1, found"
                                + " -1"),
                lie(
                        tensor("\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]"),
                        4,
                        "f: tensor x: expected shape of whole numbers from 0 to 2^63 - 1, found"
                                + " 1.5"),
                lie(
                        tensor(
                                "\"dtype\":\"F32\",\"shape\":[9223372036854775808],"
                                        + "\"data_offsets\":[0,4]"),
                        4,
                        "f: tensor x: expected shape of whole numbers from 0 to 2^63 - 1, found"
                                + " 9223372036854775808"),
                lie(
                        tensor(
                                "\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],"
                                        + "\"data_offsets\":[0,4]"),
                        4,
                        "f: tensor x: expected a shape of fewer than 2^63 bytes, found"
                                + " [4294967296, 4294967296]"),
                lie(
                        tensor("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]"),
                        4,
                        "f: tensor x: expected 8 bytes (F32 [2]), found 4 bytes at [0, 4]"),
                lie(
                        tensor("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]"),
                        4,
                        "f: tensor x: expected two data_offsets, found 3"),
                lie(
                        tensor("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]"),
                        4,
                        "f: tensor x: expected data_offsets within the 4 bytes of data, found"
                                + " [4, 0]"),
                lie(
                        tensor("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]"),
                        4,
                        "f: tensor x: expected data_offsets within the 4 bytes of data, found"
                                + " [4, 8]"),
                lie(
                        tensor("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]"),
                        8,
                        "f: tensor x: expected data from byte 0 on, found a gap up to byte 4"),
                lie(
                        tensor("\"dtype\":\"F32\",\"shape\":[1]"),
                        4,
                        "f: tensor x: expected the fields dtype, shape, data_offsets, found no"
                                + " data_offsets"),
                lie(
                        tensor("\"dtype\":\"F32\",\"dtype\":\"F32\""),
                        4,
                        "f: tensor x: expected each field once, found a second dtype"),
                lie(
                        tensor("\"dtype\":\"F32\",\"stride\":[1]"),
                        4,
                        "f: tensor x: expected the fields dtype, shape, data_offsets, found"
                                + " stride"),
                lie(
                        "{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                                + "\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
                        8,
                        "f: tensor x: expected each name once, found a second tensor of that name"),
                lie(
                        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                                + "\"y\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
                        8,
                        "f: tensor y: expected data from byte 8 on, where x ends, found an overlap"
                                + " from byte 4"),
                lie(
                        "{\"__metadata__\":{},\"__metadata__\":{}}",
                        0,
                        "f: expected one __metadata__, found a second one"));
    }

    @ParameterizedTest
    @MethodSource("lies")
    void shouldNameWhatIsWrong(String header, int dataBytes, String message) {
        byte[] content = ModelFiles.safetensors(header, new byte[dataBytes]);
        CheckpointException e = assertThrows(CheckpointException.class, () -> open(content));
        assertEquals(message, e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(longs = {2_147_483_648L, 100_000_001L, Long.MAX_VALUE, -1})
    void shouldRefuseHugeHeader(long length) {
        byte[] content =
                ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array();
        CheckpointException e = assertThrows(CheckpointException.class, () -> open(content));
        assertEquals(
                "f: expected a header of at most 100000000 bytes, found a header length of "
                        + Long.toUnsignedString(length),
                e.getMessage());
    }

    @Test
    void shouldRefuseHeaderLongerThanFile() {
        byte[] content = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN).putLong(57).array();
        CheckpointException e = assertThrows(CheckpointException.class, () -> open(content));
        assertEquals(
                "f: expected a header within the 64 bytes of the file, found a header length of 57",
                e.getMessage());
    }

    @Test
    void shouldRefuseHeaderThatIsNotUtf8() {
        byte[] content = ModelFiles.safetensors("{\"x\":{}}", new byte[0]);
        content[10] = (byte) 0xff;
        CheckpointException e = assertThrows(CheckpointException.class, () -> open(content));
        assertEquals("f: header is not UTF-8", e.getMessage());
    }
}
