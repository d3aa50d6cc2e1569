package io.mambabyte.streams.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.mambabyte.avro.Likelihood;
import io.mambabyte.score.Framing;
import io.mambabyte.streams.OfflineScores;
import io.mambabyte.streams.StreamsModels;

import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaCompatibility.SchemaCompatibilityType;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificDatumWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * Schemas may grow and never break: a consumer with the first version of a schema ({@code
 * src/test/resources/schemas/v1}) reads today's records, and today's consumer reads the first ones.
 * That is what a registry calls FULL compatibility, and what its check would refuse otherwise.
 */
class SchemaEvolutionTest {
    private static Schema first(String name) throws IOException {
        try (InputStream in =
                Objects.requireNonNull(
                        SchemaEvolutionTest.class.getResourceAsStream(
                                "/schemas/v1/" + name + ".avsc"))) {
            return new Schema.Parser().parse(in);
        }
    }

    /** Every schema that there is: one without a first version beside it fails. */
    static List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("schemas"))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".avsc"))
                    .map(name -> name.substring(0, name.length() - ".avsc".length()))
                    .sorted()
                    .toList();
        }
    }

    private static Schema today(String name) throws IOException {
        return new Schema.Parser().parse(Path.of("schemas", name + ".avsc").toFile());
    }

    @ParameterizedTest
    @MethodSource("names")
    void shouldStayCompatibleInBothDirections(String name) throws IOException {
        Schema first = first(name);
        Schema today = today(name);
        assertCompatible(first, today);
        assertCompatible(today, first);
    }

    private static void assertCompatible(Schema reader, Schema writer) {
        var result = SchemaCompatibility.checkReaderWriterCompatibility(reader, writer);
        assertEquals(
                SchemaCompatibilityType.COMPATIBLE,
                result.getType(),
                () -> result.getResult().getIncompatibilities().toString());
    }

    /** What scoring emits today, as a consumer sees it that was built when there was less. */
    @Test
    void shouldBeReadWithTheFirstVersion() throws IOException {
        OfflineScores offline = new OfflineScores(StreamsModels.random(1), Framing.LINES, true);
        for (String line : List.of("one", "", "one")) {
            Likelihood written = offline.score("k", line.getBytes(StandardCharsets.UTF_8));
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
            new SpecificDatumWriter<>(Likelihood.class).write(written, encoder);
            encoder.flush();
            Schema first = first("Likelihood");
            GenericRecord read =
                    new GenericDatumReader<GenericRecord>(written.getSchema(), first)
                            .read(
                                    null,
                                    DecoderFactory.get().binaryDecoder(out.toByteArray(), null));
            for (Schema.Field field : first.getFields()) {
                assertEquals(
                        String.valueOf(written.get(field.name())),
                        String.valueOf(read.get(field.name())),
                        field.name());
            }
        }
    }

    /** What is in a topic from the first version, as today's consumer reads it. */
    @Test
    void shouldReadWhatTheFirstVersionWrote() throws IOException {
        Schema first = first("Likelihood");
        GenericRecord written =
                new GenericRecordBuilder(first)
                        .set("model", "m")
                        .set("position", 7L)
                        .set("bytes", 3)
                        .set("scored_bytes", 2)
                        .set("bits", 1.5)
                        .set("bits_per_byte", 0.75)
                        .set("expected_bits", 2.5)
                        .set("excess_bits", -1.0)
                        .set("z", -0.5)
                        .set("worst_offset", 1)
                        .set("worst_bits", 1.25)
                        .build();
        int id = InProcessSchemaRegistry.named("evolution").register("t-value", first);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(ByteBuffer.allocate(5).putInt(1, id).array());
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
        new GenericDatumWriter<GenericRecord>(first).write(written, encoder);
        encoder.flush();
        Likelihood read =
                ConfluentAvroSerde.ofValues(
                                Likelihood.class, Map.of("schema.registry.url", "mock://evolution"))
                        .deserializer()
                        .deserialize("t", out.toByteArray());
        assertEquals(7, read.getPosition());
        assertEquals(1.25, read.getWorstBits());
    }

    /** A schema that broke the contract would be found out: the test can fail. */
    @Test
    void shouldNoticeAFieldThatIsGone() throws IOException {
        Schema first = first("Likelihood");
        Schema without =
                Schema.createRecord(
                        first.getName(),
                        null,
                        first.getNamespace(),
                        false,
                        first.getFields().stream()
                                .filter(field -> !field.name().equals("bits"))
                                .map(field -> new Schema.Field(field, field.schema()))
                                .toList());
        assertFalse(
                SchemaCompatibility.checkReaderWriterCompatibility(first, without).getType()
                        == SchemaCompatibilityType.COMPATIBLE);
    }
}
