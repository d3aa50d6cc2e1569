package io.mambabyte.app;

import io.mambabyte.streams.AnomalyConfig;
import io.mambabyte.streams.CompletionConfig;
import io.mambabyte.streams.MambaByteConfig;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.streams.StreamsConfig;
import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Looks at the topics before the topology starts, and creates those that are missing if asked. */
final class TopicCheck {
    private static final int TIMEOUT_S = 15;
    private static final Duration VISIBLE_PAUSE = Duration.ofMillis(100);

    private final RunSettings settings;
    private final MambaByteConfig component;
    private final Optional<String> deadLetters;
    private final List<String> advice = new ArrayList<>();

    TopicCheck(RunSettings settings) {
        this.settings = settings;
        component = settings.component();
        deadLetters =
                settings.get(StreamsConfig.ERRORS_DEAD_LETTER_QUEUE_TOPIC_NAME_CONFIG)
                        .filter(name -> !name.isEmpty());
    }

    /**
     * Checks the topics.
     *
     * @param create whether missing topics are created
     * @param partitions partitions of an input topic that is created; empty for the broker's
     *     default
     * @return the largest record that an input topic takes, in bytes
     * @throws ConfigException if the cluster does not answer or a topic is missing
     * @throws InterruptedException if interrupted while waiting
     */
    long check(boolean create, Optional<Integer> partitions) throws InterruptedException {
        Map<String, Object> client = new HashMap<>(settings.values());
        StreamsConfig streams = new StreamsConfig(settings.values());
        client.putAll(streams.getAdminConfigs("topic-check"));
        try (Admin admin = Admin.create(client)) {
            Set<String> names = new LinkedHashSet<>(component.inputTopics());
            names.add(component.outputTopic());
            CompletionConfig completions = component.completions();
            if (!completions.requestsTopic().isEmpty()) {
                names.add(completions.requestsTopic());
                names.add(completions.topic());
            }
            AnomalyConfig anomalies = component.anomalies();
            if (anomalies.enabled()) {
                names.add(anomalies.topic());
                names.add(anomalies.incidentsTopic());
                if (!anomalies.verdictsTopic().isEmpty()) {
                    names.add(anomalies.verdictsTopic());
                }
            }
            deadLetters.ifPresent(names::add);
            Map<String, TopicDescription> found = describe(admin, names);
            List<String> missing = names.stream().filter(n -> !found.containsKey(n)).toList();
            if (!missing.isEmpty() && !create) {
                throw new ConfigException(
                        "Missing on "
                                + bootstrap()
                                + ": "
                                + String.join(", ", missing)
                                + ". Create them, or let this command do it with --create-topics");
            }
            Map<String, Long> maxBytes = new HashMap<>(maxMessageBytes(admin, found.keySet()));
            create(admin, missing, found, maxBytes, partitions);
            requireSamePartitions(found, completions.requestsTopic(), "requests need");
            requireSamePartitions(found, anomalies.verdictsTopic(), "verdicts need");
            long inputMaxBytes =
                    component.inputTopics().stream()
                            .mapToLong(t -> maxBytes.getOrDefault(t, 0L))
                            .max()
                            .orElseThrow();
            deadLetters.ifPresent(topic -> requireRoom(topic, maxBytes, inputMaxBytes));
            return inputMaxBytes;
        }
    }

    /**
     * What to look at, found by {@link #check}.
     *
     * @return a sentence each
     */
    List<String> advice() {
        return List.copyOf(advice);
    }

    // What is known of a key is on the task of the partition that its key falls into.
    private void requireSamePartitions(
            Map<String, TopicDescription> found, String other, String need) {
        TopicDescription description = found.get(other);
        for (String topic : component.inputTopics()) {
            TopicDescription input = found.get(topic);
            if (description != null
                    && input != null
                    && input.partitions().size() != description.partitions().size()) {
                throw new ConfigException(
                        "%s has %d partitions and %s %d: %s as many as the input"
                                .formatted(
                                        other,
                                        description.partitions().size(),
                                        topic,
                                        input.partitions().size(),
                                        need));
            }
        }
    }

    private void requireRoom(String topic, Map<String, Long> maxBytes, long inputMaxBytes) {
        long needed = inputMaxBytes + RunSettings.DEAD_LETTER_HEADER_BYTES;
        if (maxBytes.getOrDefault(topic, Long.MAX_VALUE) < needed) {
            advice.add(
                    "a record of the largest size that the input takes does not fit into the dead"
                            + " letter topic "
                            + topic
                            + " with its headers: set its max.message.bytes to "
                            + needed);
        }
    }

    private void create(
            Admin admin,
            List<String> missing,
            Map<String, TopicDescription> found,
            Map<String, Long> maxBytes,
            Optional<Integer> partitions)
            throws InterruptedException {
        // Inputs first: the others are sized after them.
        for (String topic : missing) {
            if (component.inputTopics().contains(topic)) {
                create(admin, new NewTopic(topic, partitions, NO_FACTOR));
            }
        }
        awaitVisible(admin, component.inputTopics());
        found.putAll(describe(admin, component.inputTopics()));
        maxBytes.putAll(maxMessageBytes(admin, component.inputTopics()));
        long inputMaxBytes =
                component.inputTopics().stream()
                        .mapToLong(t -> maxBytes.getOrDefault(t, 0L))
                        .max()
                        .orElseThrow();
        int inputPartitions =
                component.inputTopics().stream()
                        .map(found::get)
                        .filter(Objects::nonNull)
                        .mapToInt(description -> description.partitions().size())
                        .max()
                        .orElseThrow();
        for (String topic : missing) {
            if (!component.inputTopics().contains(topic)) {
                long needed = inputMaxBytes + RunSettings.DEAD_LETTER_HEADER_BYTES;
                if (component.perByte() && topic.equals(component.outputTopic())) {
                    needed =
                            Math.max(
                                    needed,
                                    (long) Float.BYTES * component.maxRecordBytes()
                                            + RunSettings.DEAD_LETTER_HEADER_BYTES);
                }
                NewTopic created =
                        new NewTopic(topic, Optional.of(inputPartitions), NO_FACTOR)
                                .configs(
                                        Map.of(
                                                TopicConfig.MAX_MESSAGE_BYTES_CONFIG,
                                                Long.toString(needed)));
                create(admin, created);
            }
        }
        awaitVisible(admin, missing);
        maxBytes.putAll(maxMessageBytes(admin, missing));
        if (!missing.isEmpty()) {
            advice.add("created " + String.join(", ", missing));
        }
    }

    private void create(Admin admin, NewTopic topic) throws InterruptedException {
        try {
            admin.createTopics(List.of(topic)).all().get(TIMEOUT_S, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            // By another instance, or by an attempt of this one that was not answered in time.
            if (!(e.getCause() instanceof TopicExistsException)) {
                throw failure(e.getCause());
            }
        } catch (TimeoutException e) {
            throw failure(e);
        }
    }

    // A topic is created at the controller; the broker that is asked next may not know it yet.
    private void awaitVisible(Admin admin, List<String> topics) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(TIMEOUT_S);
        while (true) {
            try {
                if (describe(admin, topics).size() == topics.size()) {
                    maxMessageBytes(admin, topics);
                    return;
                }
            } catch (UnknownTopicOrPartitionException e) {
                // Not yet.
            }
            if (System.nanoTime() >= deadline) {
                throw new NoAnswerException(
                        "%s created %s and does not know of them after %d s"
                                .formatted(bootstrap(), String.join(", ", topics), TIMEOUT_S));
            }
            Thread.sleep(VISIBLE_PAUSE);
        }
    }

    // The replication factor is the broker's default.
    private static final Optional<Short> NO_FACTOR = Optional.empty();

    private Map<String, TopicDescription> describe(Admin admin, Iterable<String> names)
            throws InterruptedException {
        Set<String> asked = new LinkedHashSet<>();
        names.forEach(asked::add);
        Map<String, TopicDescription> found = new HashMap<>();
        for (var entry : admin.describeTopics(asked).topicNameValues().entrySet()) {
            try {
                found.put(entry.getKey(), entry.getValue().get(TIMEOUT_S, TimeUnit.SECONDS));
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof UnknownTopicOrPartitionException)) {
                    throw failure(e.getCause());
                }
            } catch (TimeoutException e) {
                throw failure(e);
            }
        }
        return found;
    }

    private Map<String, Long> maxMessageBytes(Admin admin, Iterable<String> names)
            throws InterruptedException {
        List<ConfigResource> resources = new ArrayList<>();
        names.forEach(n -> resources.add(new ConfigResource(ConfigResource.Type.TOPIC, n)));
        Map<String, Long> bytes = new HashMap<>();
        await(admin.describeConfigs(resources).all())
                .forEach(
                        (resource, config) ->
                                bytes.put(
                                        resource.name(),
                                        Long.parseLong(
                                                config.get(TopicConfig.MAX_MESSAGE_BYTES_CONFIG)
                                                        .value())));
        return bytes;
    }

    private <T> T await(KafkaFuture<T> future) throws InterruptedException {
        try {
            return future.get(TIMEOUT_S, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownTopicOrPartitionException unknown) {
                throw unknown;
            }
            throw failure(e.getCause());
        } catch (TimeoutException e) {
            throw failure(e);
        }
    }

    private ConfigException failure(@Nullable Throwable cause) {
        return cause instanceof TimeoutException
                        || cause instanceof org.apache.kafka.common.errors.TimeoutException
                ? new NoAnswerException(
                        "No answer from "
                                + bootstrap()
                                + " within "
                                + TIMEOUT_S
                                + " s: is a broker listening there, with the security settings that"
                                + " it expects?")
                : new ConfigException(
                        bootstrap()
                                + " answered: "
                                + (cause == null || cause.getMessage() == null
                                        ? cause
                                        : cause.getMessage()));
    }

    private String bootstrap() {
        return settings.get(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG).orElse("");
    }
}
