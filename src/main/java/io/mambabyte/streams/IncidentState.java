package io.mambabyte.streams;

import io.mambabyte.avro.Incident;
import io.mambabyte.streams.registry.GeneratedData;

import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.kafka.common.utils.Bytes;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;

/** An incident in progress: what is sent of it, and what decides when. */
final class IncidentState {
    private static final GeneratedData DATA = new GeneratedData(Incident.class);
    private static final int HEADER_BYTES = 5 + Long.BYTES + 2;

    /** What is sent. */
    final Incident incident;

    /** Whether that was enough, and the incident was sent. */
    boolean open;

    /** Whether it grew since it was sent. */
    boolean changed;

    /** Records' time at which it was sent. */
    long sentMs;

    IncidentState(Incident incident) {
        this.incident = incident;
    }

    /** What is sent, as it is now: the incident itself goes on to change. */
    Incident copy() {
        // Not the builder's copy, which asks the JVM whether the records within are to be trusted.
        return DATA.deepCopy(DATA.schema(), incident);
    }

    byte[] encode(Bytes storeKey) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(1024);
        try {
            DataOutputStream out = new DataOutputStream(bytes);
            out.write(new byte[5]);
            out.writeLong(sentMs);
            out.writeBoolean(open);
            out.writeBoolean(changed);
            BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(bytes, null);
            new SpecificDatumWriter<Incident>(DATA.schema(), DATA).write(incident, encoder);
            encoder.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e); // memory does not fail
        }
        return AnomalyKey.sealed(storeKey, bytes.toByteArray());
    }

    static IncidentState decode(Bytes storeKey, byte[] value) {
        ByteBuffer in = ByteBuffer.wrap(value);
        in.position(AnomalyKey.open(storeKey, value));
        if (value.length < HEADER_BYTES) {
            throw StoredStateException.corrupt("a stored incident of " + value.length + " bytes");
        }
        long sentMs = in.getLong();
        boolean open = in.get() != 0;
        boolean changed = in.get() != 0;
        try {
            Incident incident = DATA.read(value, HEADER_BYTES, Incident.class);
            IncidentState state = new IncidentState(incident);
            state.sentMs = sentMs;
            state.open = open;
            state.changed = changed;
            return state;
        } catch (IOException e) {
            throw StoredStateException.corrupt("a stored incident: " + e.getMessage());
        }
    }
}
