package io.mambabyte.streams.registry;

import org.apache.avro.AvroRuntimeException;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.Decoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.util.Utf8;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Avro's binary format with lengths that are believed only as far as there are bytes: Avro's own
 * decoder makes room for what a length says before it looks, two gibibytes for a value of ten
 * bytes.
 */
final class BoundedDecoder extends Decoder {
    private final BinaryDecoder in;

    BoundedDecoder(byte[] bytes, int offset, int length) {
        in = DecoderFactory.get().binaryDecoder(bytes, offset, length, null);
    }

    private int bounded(long length) throws IOException {
        int remaining = in.inputStream().available();
        if (length < 0 || length > remaining) {
            throw new AvroRuntimeException(
                    "a length of " + length + " where " + remaining + " bytes are left");
        }
        return (int) length;
    }

    // An item of ours takes a byte at least, so a block has no more items than there are bytes.
    private long items(long count) throws IOException {
        return bounded(count);
    }

    @Override
    public void readNull() throws IOException {
        in.readNull();
    }

    @Override
    public boolean readBoolean() throws IOException {
        return in.readBoolean();
    }

    @Override
    public int readInt() throws IOException {
        return in.readInt();
    }

    @Override
    public long readLong() throws IOException {
        return in.readLong();
    }

    @Override
    public float readFloat() throws IOException {
        return in.readFloat();
    }

    @Override
    public double readDouble() throws IOException {
        return in.readDouble();
    }

    private byte[] readLengthAndBytes() throws IOException {
        byte[] bytes = new byte[bounded(in.readLong())];
        in.readFixed(bytes, 0, bytes.length);
        return bytes;
    }

    @Override
    public Utf8 readString(@Nullable Utf8 old) throws IOException {
        return new Utf8(readLengthAndBytes());
    }

    @Override
    public String readString() throws IOException {
        return new String(readLengthAndBytes(), StandardCharsets.UTF_8);
    }

    @Override
    public void skipString() throws IOException {
        in.skipFixed(bounded(in.readLong()));
    }

    @Override
    public ByteBuffer readBytes(@Nullable ByteBuffer old) throws IOException {
        return ByteBuffer.wrap(readLengthAndBytes());
    }

    @Override
    public void skipBytes() throws IOException {
        in.skipFixed(bounded(in.readLong()));
    }

    @Override
    public void readFixed(byte[] bytes, int start, int length) throws IOException {
        in.readFixed(bytes, start, length);
    }

    @Override
    public void skipFixed(int length) throws IOException {
        in.skipFixed(bounded(length));
    }

    @Override
    public int readEnum() throws IOException {
        return in.readEnum();
    }

    @Override
    public long readArrayStart() throws IOException {
        return items(in.readArrayStart());
    }

    @Override
    public long arrayNext() throws IOException {
        return items(in.arrayNext());
    }

    @Override
    public long skipArray() throws IOException {
        return items(in.skipArray());
    }

    @Override
    public long readMapStart() throws IOException {
        return items(in.readMapStart());
    }

    @Override
    public long mapNext() throws IOException {
        return items(in.mapNext());
    }

    @Override
    public long skipMap() throws IOException {
        return items(in.skipMap());
    }

    @Override
    public int readIndex() throws IOException {
        return in.readIndex();
    }
}
