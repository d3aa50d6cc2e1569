package io.mambabyte.app;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.mambabyte.avro.Likelihood;
import io.mambabyte.streams.LikelihoodSerde;
import io.mambabyte.streams.registry.ConfluentAvroConfig;

import org.apache.avro.Schema;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/** {@code read}: likelihoods of a topic as JSON lines. */
@Command(
        name = "read",
        description = {"Prints a topic of likelihoods, a JSON object a line.", ""},
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class ReadCommand implements Callable<Integer> {
    private static final Duration POLL = Duration.ofMillis(200);

    @Spec private CommandSpec spec = CommandSpec.create();

    @Parameters(paramLabel = "TOPIC", description = "The topic.")
    private String topic = "";

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description =
                    "Properties of the consumer and the Schema Registry; those in the environment"
                            + " (KAFKA_BOOTSTRAP_SERVERS ...) go before them.")
    private @Nullable Path config;

    @Option(names = "--bootstrap-server", paramLabel = "HOST:PORT", description = "The cluster.")
    private @Nullable String bootstrapServer;

    @Option(names = "--schema-registry", paramLabel = "URL", description = "The Schema Registry.")
    private @Nullable String schemaRegistry;

    @Option(names = "--follow", description = "Wait for more at the end of the topic.")
    private boolean follow;

    @Option(names = "--max", paramLabel = "N", description = "Stop after N records.")
    private long max = Long.MAX_VALUE;

    @Override
    public Integer call() throws IOException {
        Logging.toConsole();
        RunSettings settings = new RunSettings();
        if (config != null) {
            settings.addFile(config);
        }
        settings.addEnvironment(System.getenv());
        if (bootstrapServer != null) {
            settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServer);
        }
        if (schemaRegistry != null) {
            settings.put(ConfluentAvroConfig.SCHEMA_REGISTRY_URL_CONFIG, schemaRegistry);
        }
        Map<String, Object> client = new HashMap<>(settings.values());
        client.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        client.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        client.putIfAbsent(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        LikelihoodSerde serde = new LikelihoodSerde();
        serde.configure(settings.values(), false);
        Output out = new Output(Terminal.system().out());
        try (KafkaConsumer<byte[], Likelihood> consumer =
                new KafkaConsumer<>(client, new ByteArrayDeserializer(), serde.deserializer())) {
            print(consumer, out);
        } catch (Output.Closed e) {
            return CommandLine.ExitCode.OK; // the reader, such as head, has enough
        }
        out.flush();
        return CommandLine.ExitCode.OK;
    }

    private void print(KafkaConsumer<byte[], Likelihood> consumer, Output out) throws IOException {
        List<PartitionInfo> partitions = consumer.partitionsFor(topic);
        if (partitions.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "no topic " + topic);
        }
        List<TopicPartition> assigned =
                partitions.stream()
                        .map(partition -> new TopicPartition(topic, partition.partition()))
                        .toList();
        consumer.assign(assigned);
        Map<TopicPartition, Long> ends = consumer.endOffsets(assigned);
        ObjectMapper json = new ObjectMapper();
        long printed = 0;
        while (printed < max) {
            for (ConsumerRecord<byte[], Likelihood> record : consumer.poll(POLL)) {
                if (printed++ < max) {
                    out.write(json.writeValueAsBytes(object(json, record)));
                    out.endLine();
                }
            }
            out.flush();
            if (!follow && ends.entrySet().stream().allMatch(end -> reached(consumer, end))) {
                return;
            }
        }
    }

    private static boolean reached(
            KafkaConsumer<?, ?> consumer, Map.Entry<TopicPartition, Long> end) {
        return consumer.position(end.getKey()) >= end.getValue();
    }

    private static ObjectNode object(ObjectMapper json, ConsumerRecord<byte[], Likelihood> record) {
        ObjectNode object = json.createObjectNode();
        byte @Nullable [] key = record.key();
        object.put("key", key == null ? null : new String(key, StandardCharsets.UTF_8));
        object.put("timestamp", record.timestamp());
        object.put("partition", record.partition());
        object.put("offset", record.offset());
        @Nullable Likelihood likelihood = record.value();
        if (likelihood != null) {
            for (Schema.Field field : likelihood.getSchema().getFields()) {
                Object value = likelihood.get(field.pos());
                if (value instanceof List<?> list) {
                    ArrayNode array = object.putArray(field.name());
                    list.forEach(
                            element -> {
                                // JSON has no NaN: null says that there was no prediction.
                                if (element instanceof Float bits && !bits.isNaN()) {
                                    array.add(bits);
                                } else {
                                    array.addNull();
                                }
                            });
                } else {
                    object.putPOJO(field.name(), value);
                }
            }
        }
        return object;
    }
}
