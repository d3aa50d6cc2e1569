package com.example.peer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.app.EmbeddedSchemaRegistry;
import io.mambabyte.avro.CompletionRequest;
import io.mambabyte.avro.Likelihood;
import io.mambabyte.streams.registry.ConfluentAvroSerde;

import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.CachedSchemaRegistryClient;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException;
import org.apache.flink.avro.shaded.org.apache.avro.Schema;
import org.apache.flink.avro.shaded.org.apache.avro.generic.GenericData;
import org.apache.flink.avro.shaded.org.apache.avro.generic.GenericDatumReader;
import org.apache.flink.avro.shaded.org.apache.avro.generic.GenericDatumWriter;
import org.apache.flink.avro.shaded.org.apache.avro.generic.GenericRecord;
import org.apache.flink.avro.shaded.org.apache.avro.generic.GenericRecordBuilder;
import org.apache.flink.avro.shaded.org.apache.avro.io.BinaryEncoder;
import org.apache.flink.avro.shaded.org.apache.avro.io.DecoderFactory;
import org.apache.flink.avro.shaded.org.apache.avro.io.EncoderFactory;
import org.apache.flink.formats.avro.registry.confluent.ConfluentSchemaRegistryCoder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/**
 * Confluent's registry client and Flink's reader and writer of the wire format, as Flink shades them,
 * on the other side of the same registry: the one in the JVM, or with {@code
 * -Dschema.registry.url=URL} one that is there already.
 */
class ConfluentPeerTest {
    private static final int CACHED = 100;

    private final String topic = "peer-" + System.nanoTime();
    private EmbeddedSchemaRegistry embedded;
    private String url;
    private CachedSchemaRegistryClient client;

    @BeforeEach
    void startRegistry() throws IOException {
        url = System.getProperty("schema.registry.url");
        if (url == null) {
            embedded = EmbeddedSchemaRegistry.start();
            url = embedded.url();
        }
        client = new CachedSchemaRegistryClient(url, CACHED);
    }

    @AfterEach
    void stopRegistry() throws IOException {
        client.close();
        if (embedded != null) {
            embedded.close();
        }
    }

    private static Likelihood likelihood() {
        Likelihood likelihood = new Likelihood();
        likelihood.setModel("m\u00f6del");
        likelihood.setPosition(1L << 40);
        likelihood.setBytes(12);
        likelihood.setScoredBytes(11);
        likelihood.setBits(31.25);
        likelihood.setBitsPerByte(31.25 / 11);
        likelihood.setExpectedBits(30.5);
        likelihood.setExcessBits(0.75);
        likelihood.setZ(-0.0);
        likelihood.setWorstOffset(3);
        likelihood.setWorstBits(Double.MAX_VALUE);
        likelihood.setSurprisal(List.of(Float.NaN, 0.5f, Float.MIN_VALUE));
        likelihood.setContext("key");
        return likelihood;
    }

    private <T extends org.apache.avro.specific.SpecificRecord> ConfluentAvroSerde<T> own(
            Class<T> type) {
        return ConfluentAvroSerde.ofValues(type, Map.of("schema.registry.url", url));
    }

    @Test
    void shouldBeReadByConfluentsClient() throws Exception {
        Likelihood written = likelihood();
        byte[] bytes = own(Likelihood.class).serializer().serialize(topic, written);
        ByteArrayInputStream in = new ByteArrayInputStream(bytes);
        Schema schema = new ConfluentSchemaRegistryCoder(client).readSchema(in);
        GenericRecord read =
                new GenericDatumReader<GenericRecord>(schema)
                        .read(null, DecoderFactory.get().binaryDecoder(in, null));
        assertEquals("io.mambabyte.avro.Likelihood", schema.getFullName());
        for (var field : written.getSchema().getFields()) {
            Object expected = written.get(field.pos());
            Object actual = read.get(field.name());
            // Strings of Avro's own class there.
            assertEquals(
                    String.valueOf(expected), String.valueOf(actual), () -> "field " + field.name());
        }
        assertTrue(client.getAllSubjects().contains(topic + "-value"));
    }

    @Test
    void shouldReadWhatConfluentsClientWrote() throws Exception {
        // An application that brings the schema itself and registers it by Confluent's client.
        Schema schema =
                new Schema.Parser().parse(CompletionRequest.getClassSchema().toString());
        GenericRecord request =
                new GenericRecordBuilder(schema)
                        .set("id", "r-1")
                        .set("prompt", ByteBuffer.wrap("ERROR ".getBytes(StandardCharsets.UTF_8)))
                        .set("max_bytes", 99)
                        .set("seed", -7L)
                        .set("stop", new GenericData.Array<>(
                                schema.getField("stop").schema(),
                                List.of(ByteBuffer.wrap(new byte[] {'\n'}))))
                        .build();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        new ConfluentSchemaRegistryCoder(topic + "-value", client).writeSchema(schema, out);
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
        new GenericDatumWriter<GenericRecord>(schema).write(request, encoder);
        encoder.flush();
        CompletionRequest read =
                own(CompletionRequest.class).deserializer().deserialize(topic, out.toByteArray());
        assertEquals("r-1", read.getId());
        assertEquals("ERROR ", StandardCharsets.UTF_8.decode(read.getPrompt()).toString());
        assertEquals(99, read.getMaxBytes());
        assertEquals(-7, read.getSeed());
        assertEquals(List.of(ByteBuffer.wrap(new byte[] {'\n'})), read.getStop());
    }

    /** The same schema has the same number for both, so the same record has the same bytes. */
    @Test
    void shouldWriteTheSameBytes() throws Exception {
        Likelihood record = likelihood();
        byte[] own = own(Likelihood.class).serializer().serialize(topic, record);
        ByteArrayInputStream in = new ByteArrayInputStream(own);
        ConfluentSchemaRegistryCoder coder =
                new ConfluentSchemaRegistryCoder(topic + "-value", client);
        Schema schema = coder.readSchema(in);
        GenericRecord read =
                new GenericDatumReader<GenericRecord>(schema)
                        .read(null, DecoderFactory.get().binaryDecoder(in, null));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        coder.writeSchema(schema, out);
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
        new GenericDatumWriter<GenericRecord>(schema).write(read, encoder);
        encoder.flush();
        assertArrayEquals(own, out.toByteArray());
    }

    @Test
    void shouldSayThatASchemaIsNotThereAsConfluentsClientExpects() {
        RestClientException e =
                assertThrows(RestClientException.class, () -> client.getSchemaById(4711));
        assertEquals(404, e.getStatus());
        assertEquals(40403, e.getErrorCode());
    }
}
