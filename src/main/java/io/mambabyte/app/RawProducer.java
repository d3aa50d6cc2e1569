package io.mambabyte.app;

import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.Future;

/** Sends raw records without waiting for each; what went wrong is said at {@link #flush}. */
final class RawProducer implements AutoCloseable {
    private final KafkaProducer<byte[], byte[]> producer;
    private volatile @Nullable Exception failure;

    RawProducer(String bootstrapServers, int maxRequestBytes) {
        producer =
                new KafkaProducer<>(
                        Map.of(
                                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                                (Object) bootstrapServers,
                                ProducerConfig.LINGER_MS_CONFIG,
                                5,
                                ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
                                maxRequestBytes),
                        new ByteArraySerializer(),
                        new ByteArraySerializer());
    }

    void send(ProducerRecord<byte[], byte[]> record) {
        // The callback tells of a failure; there is nothing else to wait for.
        Future<?> _ =
                producer.send(
                        record,
                        (_, e) -> {
                            if (e != null) {
                                failure = e;
                            }
                        });
    }

    void flush() throws IOException {
        producer.flush();
        Exception e = failure;
        if (e != null) {
            throw new IOException("a record could not be produced: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        producer.close();
    }
}
