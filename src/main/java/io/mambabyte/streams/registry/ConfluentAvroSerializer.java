package io.mambabyte.streams.registry;

import org.apache.avro.Schema;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Serializer;
import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Writes one generated Avro class in Confluent's wire format: a zero byte, the number of the schema
 * (big-endian, 4 bytes), the record in Avro's binary encoding. The subject is {@code topic-value}
 * or {@code topic-key}.
 *
 * <p>Safe for use by several threads: a topology shares one serializer between its stream threads.
 *
 * @param <T> the generated class
 */
public final class ConfluentAvroSerializer<T extends SpecificRecord> implements Serializer<T> {

    static final byte MAGIC = 0;
    static final int HEADER_BYTES = 1 + Integer.BYTES;

    private static final class Buffer extends ByteArrayOutputStream {
        final BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(this, null);
    }

    private final Schema schema;
    private final SpecificDatumWriter<T> writer;
    private final ThreadLocal<Buffer> buffers = ThreadLocal.withInitial(Buffer::new);
    private final Map<String, Integer> idBySubject = new ConcurrentHashMap<>();
    private @Nullable SchemaRegistry registry;
    private boolean autoRegister;
    private boolean isKey;

    /**
     * A serializer that {@link #configure} must be called on.
     *
     * @param type the generated class
     */
    public ConfluentAvroSerializer(Class<T> type) {
        GeneratedData data = new GeneratedData(type);
        schema = data.schema();
        writer = new SpecificDatumWriter<>(schema, data);
    }

    @Override
    public void configure(Map<String, ?> configs, boolean isKey) {
        ConfluentAvroConfig config = new ConfluentAvroConfig(configs);
        registry = SchemaRegistry.open(config);
        autoRegister = config.autoRegister();
        this.isKey = isKey;
    }

    /**
     * Makes the schema known for a topic before the first record is written, so that a registry
     * that is away or refuses the schema is noticed at start-up.
     *
     * @param topic the topic that records will go to
     * @return the number of the schema
     * @throws SchemaRegistryException if the registry cannot be reached or refuses the schema
     */
    public int register(String topic) {
        return idBySubject.computeIfAbsent(
                subject(topic, isKey),
                subject ->
                        autoRegister
                                ? registry().register(subject, schema)
                                : registry().lookUp(subject, schema));
    }

    @Override
    public byte @Nullable [] serialize(String topic, @Nullable T record) {
        if (record == null) {
            return null;
        }
        int id = register(topic);
        Buffer buffer = buffers.get();
        buffer.reset();
        buffer.writeBytes(ByteBuffer.allocate(HEADER_BYTES).put(MAGIC).putInt(id).array());
        try {
            writer.write(record, buffer.encoder);
            buffer.encoder.flush();
        } catch (IOException | RuntimeException e) {
            throw new SerializationException(
                    "cannot write a " + schema.getFullName() + " for topic " + topic, e);
        }
        return buffer.toByteArray();
    }

    static String subject(String topic, boolean isKey) {
        return topic + (isKey ? "-key" : "-value");
    }

    private SchemaRegistry registry() {
        if (registry == null) {
            throw new IllegalStateException("configure was not called");
        }
        return registry;
    }
}
