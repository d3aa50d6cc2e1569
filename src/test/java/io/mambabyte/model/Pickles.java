package io.mambabyte.model;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Pickles opcode by opcode, and archives around them, for tests. */
final class Pickles {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private Pickles() {}

    static Pickles protocol2() {
        return new Pickles().bytes(0x80, 2);
    }

    Pickles bytes(int... bytes) {
        for (int b : bytes) {
            out.write(b);
        }
        return this;
    }

    Pickles op(char opcode) {
        return bytes(opcode);
    }

    Pickles text(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        return op('X').int32(utf8.length).raw(utf8);
    }

    Pickles whole(int value) {
        return op('J').int32(value);
    }

    Pickles global(String module, String name) {
        return raw(("c" + module + "\n" + name + "\n").getBytes(StandardCharsets.UTF_8));
    }

    Pickles tuple(int... values) {
        op('(');
        for (int value : values) {
            whole(value);
        }
        return op('t');
    }

    /** A tensor as _rebuild_tensor_v2 makes it. */
    Pickles tensor(String storage, int elements, int offset, int[] shape, int[] stride) {
        global("torch._utils", "_rebuild_tensor_v2").op('(');
        op('(').text("storage").global("torch", storage).text("0").text("cpu").whole(elements);
        op('t').op('Q').whole(offset).tuple(shape).tuple(stride).bytes(0x89);
        return global("collections", "OrderedDict").bytes(')', 'R').op('t').op('R');
    }

    private Pickles int32(int value) {
        return raw(
                ByteBuffer.allocate(Integer.BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(value)
                        .array());
    }

    private Pickles raw(byte[] bytes) {
        out.writeBytes(bytes);
        return this;
    }

    byte[] stop() {
        return op('.').out.toByteArray();
    }

    /** An archive with these entries, stored. */
    static byte[] archive(Map<String, byte[]> entries) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                ZipEntry header = new ZipEntry(entry.getKey());
                CRC32 crc = new CRC32();
                crc.update(entry.getValue());
                header.setMethod(ZipEntry.STORED);
                header.setSize(entry.getValue().length);
                header.setCrc(crc.getValue());
                zip.putNextEntry(header);
                zip.write(entry.getValue());
                zip.closeEntry();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }
}
