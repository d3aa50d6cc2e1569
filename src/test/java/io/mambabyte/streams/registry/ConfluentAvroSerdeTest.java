package io.mambabyte.streams.registry;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.app.EmbeddedSchemaRegistry;
import io.mambabyte.avro.Likelihood;

import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.SerializationException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

class ConfluentAvroSerdeTest {
    private static final List<@Nullable List<Float>> SURPRISALS =
            Arrays.asList(null, List.of(), List.of(Float.NaN, 0.5f, 8f));

    private static ConfluentAvroSerde<Likelihood> serde(String url) {
        return ConfluentAvroSerde.ofValues(Likelihood.class, Map.of("schema.registry.url", url));
    }

    private static Likelihood likelihood(@Nullable List<Float> surprisal) {
        return new Likelihood(
                "model", 7L, 3, 2, 1.5, 0.75, 2.5, -1.0, -0.5, 1, 1.25, surprisal, "key", null,
                null, null);
    }

    @Test
    void shouldReadWhatItWrote() {
        ConfluentAvroSerde<Likelihood> serde = serde("mock://round-trip");
        for (List<Float> surprisal : SURPRISALS) {
            Likelihood written = likelihood(surprisal);
            byte[] bytes = serde.serializer().serialize("t", written);
            assertEquals(written, serde.deserializer().deserialize("t", bytes));
        }
    }

    @Test
    void shouldWriteMagicByteThenSchemaNumberThenAvro() throws IOException {
        ConfluentAvroSerde<Likelihood> serde = serde("mock://wire-format");
        byte[] bytes = serde.serializer().serialize("t", likelihood(List.of(0.5f)));

        int id = InProcessSchemaRegistry.named("wire-format").versions("t-value").getFirst();
        ByteArrayOutputStream expected = new ByteArrayOutputStream();
        expected.writeBytes(ByteBuffer.allocate(5).put((byte) 0).putInt(id).array());
        // The generic writer knows nothing of generated classes: an independent encoding.
        Schema schema = Likelihood.getClassSchema();
        GenericRecord generic = new GenericData.Record(schema);
        Likelihood likelihood = likelihood(List.of(0.5f));
        schema.getFields().forEach(f -> generic.put(f.pos(), likelihood.get(f.pos())));
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(expected, null);
        new GenericDatumWriter<GenericRecord>(schema).write(generic, encoder);
        encoder.flush();
        assertArrayEquals(expected.toByteArray(), bytes);
    }

    @Test
    void shouldPassNullThrough() {
        ConfluentAvroSerde<Likelihood> serde = serde("mock://null");
        assertNull(serde.serializer().serialize("t", null));
        assertNull(serde.deserializer().deserialize("t", null));
    }

    @Test
    void shouldTalkToARegistryOverHttp() throws IOException {
        try (EmbeddedSchemaRegistry registry = EmbeddedSchemaRegistry.start()) {
            ConfluentAvroSerde<Likelihood> writer = serde(registry.url() + "/");
            assertEquals(1, writer.register("topic with/odd name"));
            byte[] bytes = writer.serializer().serialize("topic with/odd name", likelihood(null));
            // Another instance knows the schema only through the registry.
            assertEquals(
                    likelihood(null), serde(registry.url()).deserializer().deserialize("t", bytes));
        }
    }

    @Test
    void shouldReadARecordOfAnOlderSchema() throws IOException {
        InProcessSchemaRegistry registry = InProcessSchemaRegistry.named("older");
        SchemaBuilder.FieldAssembler<Schema> fields =
                SchemaBuilder.record("Likelihood").namespace("io.mambabyte.avro").fields();
        for (Schema.Field field : Likelihood.getClassSchema().getFields()) {
            if (!field.hasDefaultValue()) {
                fields = fields.name(field.name()).type(field.schema()).noDefault();
            }
        }
        Schema older = fields.endRecord();
        GenericRecord record = new GenericData.Record(older);
        Likelihood expected = likelihood(null);
        older.getFields().forEach(f -> record.put(f.pos(), expected.get(f.pos())));
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes(
                ByteBuffer.allocate(5)
                        .put((byte) 0)
                        .putInt(registry.register("t-value", older))
                        .array());
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(bytes, null);
        new GenericDatumWriter<GenericRecord>(older).write(record, encoder);
        encoder.flush();

        assertEquals(
                expected,
                serde("mock://older").deserializer().deserialize("t", bytes.toByteArray()));
    }

    @Test
    void shouldLookUpInsteadOfRegisteringWhenToldSo() {
        Map<String, String> configs =
                Map.of("schema.registry.url", "mock://look-up", "auto.register.schemas", "false");
        ConfluentAvroSerde<Likelihood> serde =
                ConfluentAvroSerde.ofValues(Likelihood.class, configs);
        SchemaRegistryException e =
                assertThrows(SchemaRegistryException.class, () -> serde.register("t"));
        assertEquals("subject t-value has no schema io.mambabyte.avro.Likelihood", e.getMessage());

        int id = serde("mock://look-up").register("t");
        assertEquals(id, serde.register("t"));
    }

    @Test
    void shouldRefuseWhatIsNotInTheWireFormat() {
        ConfluentAvroSerde<Likelihood> serde = serde("mock://not-wire");
        SerializationException text =
                assertThrows(
                        SerializationException.class,
                        () ->
                                serde.deserializer()
                                        .deserialize("t", new byte[] {'{', '}', 1, 2, 3, 4}));
        assertEquals(
                "a value of topic t is not in Confluent's wire format: expected a zero byte and the"
                        + " number of a schema, found 6 bytes",
                text.getMessage());
        assertThrows(
                SerializationException.class,
                () -> serde.deserializer().deserialize("t", new byte[] {0, 0}));
    }

    @Test
    void shouldSayWhichRegistryDoesNotAnswer() {
        ConfluentAvroSerde<Likelihood> serde = serde("http://127.0.0.1:1");
        SchemaRegistryException e =
                assertThrows(SchemaRegistryException.class, () -> serde.register("t"));
        assertTrue(
                String.valueOf(e.getMessage())
                        .startsWith(
                                "no answer from"
                                        + " http://127.0.0.1:1/subjects/t-value/versions: "),
                e.getMessage());
    }

    @Test
    void shouldRefuseAMissingOrOddAddress() {
        assertThrows(
                ConfigException.class,
                () -> ConfluentAvroSerde.ofValues(Likelihood.class, Map.of()));
        assertThrows(ConfigException.class, () -> serde("localhost:8081"));
    }
}
