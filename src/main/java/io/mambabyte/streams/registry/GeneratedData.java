package io.mambabyte.streams.registry;

import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.message.BinaryMessageEncoder;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificRecord;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Avro's view of one generated class. A schema that arrives with the data names the class to make
 * an object of; Avro therefore trusts no class that the JVM's configuration does not list. Here the
 * class is known beforehand, and so are those of the records within it: they need no such trust,
 * and no other class gets any.
 */
public final class GeneratedData extends SpecificData {
    /** Of Avro's single-object encoding, little-endian: its marker. */
    private static final short MESSAGE_MARKER = 0x01c3;

    private static final int MESSAGE_HEADER_BYTES = Short.BYTES + Long.BYTES;

    private final Schema schema;
    private final long fingerprint;

    // The generated class and those of the records within it, by the full name of their schema.
    private final Map<String, Class<?>> types = new HashMap<>();

    /**
     * The view of a class.
     *
     * @param type the generated class
     */
    public GeneratedData(Class<? extends SpecificRecord> type) {
        super(type.getClassLoader());
        // The generated code reads and writes its own fields; the default goes through reflection.
        setCustomCoders(true);
        schema = getSchema(type);
        fingerprint = SchemaNormalization.parsingFingerprint64(schema);
        types.put(schema.getFullName(), type);
        schema.getFields().forEach(field -> addWithin(field.schema()));
    }

    private void addWithin(Schema part) {
        switch (part.getType()) {
            case ARRAY -> addWithin(part.getElementType());
            case MAP -> addWithin(part.getValueType());
            case UNION -> part.getTypes().forEach(this::addWithin);
            case RECORD -> {
                if (types.putIfAbsent(part.getFullName(), generated(part.getFullName())) == null) {
                    part.getFields().forEach(field -> addWithin(field.schema()));
                }
            }
            default -> {} // holds no other schema
        }
    }

    private Class<?> generated(String name) {
        try {
            return Class.forName(name, true, getClassLoader());
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException("no class was generated for " + name, e);
        }
    }

    /**
     * The schema of the class.
     *
     * @return the schema
     */
    public Schema schema() {
        return schema;
    }

    /**
     * Reads what {@link BinaryMessageEncoder} wrote of this class and this schema. Lengths are
     * believed only as far as there are bytes.
     *
     * @param message where the bytes are, to the end
     * @param offset index of the first
     * @param type the class
     * @param <T> the class
     * @return what was written
     * @throws IOException if it is damaged or of another schema
     */
    public <T extends SpecificRecord> T decode(byte[] message, int offset, Class<T> type)
            throws IOException {
        ByteBuffer header = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
        if (message.length - offset < MESSAGE_HEADER_BYTES
                || header.getShort(offset) != MESSAGE_MARKER
                || header.getLong(offset + Short.BYTES) != fingerprint) {
            throw new IOException("no message of schema " + schema.getFullName());
        }
        return read(message, offset + MESSAGE_HEADER_BYTES, type);
    }

    /**
     * Reads Avro's binary encoding of this class and this schema, without a header. Lengths are
     * believed only as far as there are bytes.
     *
     * @param encoded where the bytes are, to the end
     * @param offset index of the first
     * @param type the class
     * @param <T> the class
     * @return what was written
     * @throws IOException if it is damaged
     */
    public <T extends SpecificRecord> T read(byte[] encoded, int offset, Class<T> type)
            throws IOException {
        try {
            return type.cast(
                    new SpecificDatumReader<>(schema, schema, this)
                            .read(
                                    null,
                                    new BoundedDecoder(encoded, offset, encoded.length - offset)));
        } catch (RuntimeException e) {
            // Avro's own exceptions, and what Java makes of lengths that lie.
            throw new IOException("a damaged message of schema " + schema.getFullName(), e);
        }
    }

    /**
     * Reads the first field of a message, damaged behind it or of another version of the schema.
     *
     * @param message where the bytes are, to the end
     * @param offset index of the first
     * @return it, if it can be read as a string
     */
    public Optional<String> firstString(byte[] message, int offset) {
        int from = offset + MESSAGE_HEADER_BYTES;
        if (schema.getFields().getFirst().schema().getType() != Schema.Type.STRING
                || message.length <= from) {
            return Optional.empty();
        }
        try {
            return Optional.of(
                    new BoundedDecoder(message, from, message.length - from).readString());
        } catch (IOException | RuntimeException e) {
            return Optional.empty(); // damaged there too
        }
    }

    @Override
    @SuppressWarnings("rawtypes") // as inherited
    public Class getClass(Schema requested) {
        Class<?> known =
                requested.getType() == Schema.Type.RECORD
                        ? types.get(requested.getFullName())
                        : null;
        return known != null ? known : super.getClass(requested);
    }
}
