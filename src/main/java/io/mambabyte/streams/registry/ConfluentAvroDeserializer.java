package io.mambabyte.streams.registry;

import org.apache.avro.Schema;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Reads one generated Avro class from Confluent's wire format, whatever version of its schema the
 * record was written with, as Avro's schema resolution allows. Safe for use by several threads.
 *
 * @param <T> the generated class
 */
public final class ConfluentAvroDeserializer<T extends SpecificRecord> implements Deserializer<T> {

    // Newer Confluent clients can put a GUID in place of the number, marked by this byte.
    private static final byte GUID_MAGIC = 1;

    private final Schema schema;
    private final GeneratedData data;
    private final Map<Integer, SpecificDatumReader<T>> readerById = new ConcurrentHashMap<>();
    private @Nullable SchemaRegistry registry;

    /**
     * A deserializer that {@link #configure} must be called on.
     *
     * @param type the generated class
     */
    public ConfluentAvroDeserializer(Class<T> type) {
        data = new GeneratedData(type);
        schema = data.schema();
    }

    @Override
    public void configure(Map<String, ?> configs, boolean isKey) {
        registry = SchemaRegistry.open(new ConfluentAvroConfig(configs));
    }

    @Override
    public @Nullable T deserialize(String topic, byte @Nullable [] bytes) {
        if (bytes == null) {
            return null;
        }
        if (bytes.length < ConfluentAvroSerializer.HEADER_BYTES
                || bytes[0] != ConfluentAvroSerializer.MAGIC) {
            throw new SerializationException(
                    "a value of topic "
                            + topic
                            + " is not in Confluent's wire format: "
                            + (bytes.length > 0 && bytes[0] == GUID_MAGIC
                                    ? "it names its schema by GUID, which is not supported"
                                    : "expected a zero byte and the number of a schema, found "
                                            + bytes.length
                                            + " bytes"));
        }
        int id = ByteBuffer.wrap(bytes, 1, Integer.BYTES).getInt();
        SpecificDatumReader<T> reader = readerById.computeIfAbsent(id, this::reader);
        BoundedDecoder decoder =
                new BoundedDecoder(
                        bytes,
                        ConfluentAvroSerializer.HEADER_BYTES,
                        bytes.length - ConfluentAvroSerializer.HEADER_BYTES);
        try {
            return reader.read(null, decoder);
        } catch (IOException | RuntimeException e) {
            // Avro's own exceptions, and what Java makes of lengths that lie.
            throw new SerializationException(
                    "a value of topic " + topic + " is not a " + schema.getFullName(), e);
        }
    }

    private SpecificDatumReader<T> reader(int id) {
        if (registry == null) {
            throw new IllegalStateException("configure was not called");
        }
        return new SpecificDatumReader<>(registry.schema(id), schema, data);
    }
}
