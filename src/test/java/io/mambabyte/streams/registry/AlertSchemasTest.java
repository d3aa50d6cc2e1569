package io.mambabyte.streams.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.mambabyte.avro.Alternative;
import io.mambabyte.avro.Anomaly;
import io.mambabyte.avro.Incident;
import io.mambabyte.avro.Likelihood;
import io.mambabyte.avro.Span;
import io.mambabyte.avro.Verdict;

import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaCompatibility.SchemaCompatibilityType;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.avro.specific.SpecificRecord;
import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;

class AlertSchemasTest {
    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    private static <T extends SpecificRecord> T there(Class<T> type, T value) {
        ConfluentAvroSerde<T> serde =
                ConfluentAvroSerde.ofValues(type, Map.of("schema.registry.url", "mock://alerts"));
        return serde.deserializer().deserialize("t", serde.serializer().serialize("t", value));
    }

    @Test
    void shouldReadAnIncidentWithTheRecordsWithinIt() {
        Span span = new Span(3, 40.5, bytes("refused"), List.of(new Alternative(0.5, bytes("ok"))));
        Incident incident =
                Incident.newBuilder()
                        .setId("00ff-7")
                        .setKey(bytes("broker-1"))
                        .setKind("anomalies")
                        .setStatus("open")
                        .setRevision(1)
                        .setModel("m")
                        .setTopic("logs")
                        .setPartition(2)
                        .setFirstOffset(10)
                        .setLastOffset(12)
                        .setFirstLine(7)
                        .setLastLine(9)
                        .setFirstTimeMs(1000)
                        .setLastTimeMs(2000)
                        .setLines(3)
                        .setPeakPValue(1e-7)
                        .setPeakScore(23)
                        .setPeakLine(8)
                        .setPeakOffset(11)
                        .setPeakText(bytes("connection refused"))
                        .setSpans(List.of(span))
                        .build();
        assertEquals(incident, there(Incident.class, incident));
    }

    @Test
    void shouldFillInWhatAVerdictLeavesOut() {
        Verdict verdict = Verdict.newBuilder().setIncident("00ff-7").build();
        assertEquals("not_an_anomaly", there(Verdict.class, verdict).getVerdict());
        assertNull(verdict.getFirstLine());
    }

    /** Likelihood before alerts: whoever reads with it must not notice the fields added since. */
    @Test
    void shouldLetOldReadersReadNewLikelihoodsAndNewReadersOldOnes() throws IOException {
        Schema current = Likelihood.getClassSchema();
        Schema before =
                Schema.createRecord(
                        current.getName(),
                        null,
                        current.getNamespace(),
                        false,
                        current.getFields().stream()
                                .filter(
                                        field ->
                                                !List.of(
                                                                "context",
                                                                "calibration",
                                                                "score",
                                                                "p_value")
                                                        .contains(field.name()))
                                .map(field -> new Schema.Field(field, field.schema()))
                                .toList());
        for (List<Schema> pair : List.of(List.of(before, current), List.of(current, before))) {
            assertEquals(
                    SchemaCompatibilityType.COMPATIBLE,
                    SchemaCompatibility.checkReaderWriterCompatibility(pair.get(0), pair.get(1))
                            .getType());
        }
        Likelihood written =
                new Likelihood(
                        "m", 7L, 3, 2, 1.5, 0.75, 2.5, -1.0, -0.5, 1, 1.25, null, "record", "key",
                        9.0, 0.25);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
        new SpecificDatumWriter<>(Likelihood.class).write(written, encoder);
        encoder.flush();
        GenericRecord read =
                new GenericDatumReader<GenericRecord>(current, before)
                        .read(null, DecoderFactory.get().binaryDecoder(out.toByteArray(), null));
        assertEquals(7L, read.get("position"));
        assertEquals(1.25, read.get("worst_bits"));
    }

    @Test
    void shouldDescribeEveryField() {
        for (Schema schema :
                List.of(
                        Anomaly.getClassSchema(),
                        Incident.getClassSchema(),
                        Verdict.getClassSchema(),
                        Likelihood.getClassSchema())) {
            for (Schema.Field field : schema.getFields()) {
                assertEquals(
                        true,
                        field.doc() != null && field.doc().length() > 10,
                        schema.getName() + "." + field.name());
            }
        }
    }
}
