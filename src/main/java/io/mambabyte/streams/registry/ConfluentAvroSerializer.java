package io.mambabyte.streams.registry;

import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaCompatibility.SchemaCompatibilityType;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
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
 * or {@code topic-key}, unless another of Confluent's strategies is configured.
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
    private final Map<String, SchemaRegistry.Registered> bySubject = new ConcurrentHashMap<>();
    private @Nullable SchemaRegistry registry;
    private boolean autoRegister;
    private boolean useLatestVersion;
    private SubjectNameStrategy strategy = SubjectNameStrategy.TOPIC;
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
        useLatestVersion = config.useLatestVersion();
        strategy = config.subjectNameStrategy(isKey);
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
        return registered(topic).id();
    }

    private SchemaRegistry.Registered registered(String topic) {
        return bySubject.computeIfAbsent(strategy.subject(topic, isKey, schema), this::known);
    }

    private SchemaRegistry.Registered known(String subject) {
        if (!useLatestVersion) {
            int id =
                    autoRegister
                            ? registry().register(subject, schema)
                            : registry().lookUp(subject, schema);
            return new SchemaRegistry.Registered(id, schema);
        }
        SchemaRegistry.Registered latest = registry().latest(subject);
        if (SchemaCompatibility.checkReaderWriterCompatibility(latest.schema(), schema).getType()
                != SchemaCompatibilityType.COMPATIBLE) {
            throw new SchemaRegistryException(
                    "the newest schema of subject "
                            + subject
                            + " (number "
                            + latest.id()
                            + ") cannot hold a "
                            + schema.getFullName()
                            + " of this version",
                    null);
        }
        // The very object where they are equal, so that a record need not compare them.
        return latest.schema().equals(schema)
                ? new SchemaRegistry.Registered(latest.id(), schema)
                : latest;
    }

    @Override
    public byte @Nullable [] serialize(String topic, @Nullable T record) {
        if (record == null) {
            return null;
        }
        SchemaRegistry.Registered registered = registered(topic);
        Buffer buffer = buffers.get();
        buffer.reset();
        buffer.writeBytes(
                ByteBuffer.allocate(HEADER_BYTES).put(MAGIC).putInt(registered.id()).array());
        try {
            if (registered.schema().equals(schema)) {
                writer.write(record, buffer.encoder);
            } else {
                writeAs(registered.schema(), record, buffer.encoder);
            }
            buffer.encoder.flush();
        } catch (IOException | RuntimeException e) {
            throw new SerializationException(
                    "cannot write a " + schema.getFullName() + " for topic " + topic, e);
        }
        return buffer.toByteArray();
    }

    /** By Avro's schema resolution: what a reader with the other schema would have read. */
    private void writeAs(Schema other, T record, BinaryEncoder encoder) throws IOException {
        ByteArrayOutputStream own = new ByteArrayOutputStream();
        BinaryEncoder ownEncoder = EncoderFactory.get().directBinaryEncoder(own, null);
        writer.write(record, ownEncoder);
        ownEncoder.flush();
        GenericRecord resolved =
                new GenericDatumReader<GenericRecord>(schema, other)
                        .read(null, DecoderFactory.get().binaryDecoder(own.toByteArray(), null));
        new GenericDatumWriter<GenericRecord>(other).write(resolved, encoder);
    }

    private SchemaRegistry registry() {
        if (registry == null) {
            throw new IllegalStateException("configure was not called");
        }
        return registry;
    }
}
