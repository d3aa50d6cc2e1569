package io.mambabyte.streams.registry;

import org.apache.avro.Schema;
import org.apache.kafka.common.config.ConfigException;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * How the subject of a schema is called: Confluent's three strategies, chosen by the names of their
 * classes, which need not be there.
 */
enum SubjectNameStrategy {
    /** {@code topic-value}: one type for each topic. */
    TOPIC("TopicNameStrategy") {
        @Override
        String subject(String topic, boolean isKey, Schema schema) {
            return topic + (isKey ? "-key" : "-value");
        }
    },
    /** {@code namespace.Name}: one history for each type, whatever the topic. */
    RECORD("RecordNameStrategy") {
        @Override
        String subject(String topic, boolean isKey, Schema schema) {
            return schema.getFullName();
        }
    },
    /** {@code topic-namespace.Name}. */
    TOPIC_RECORD("TopicRecordNameStrategy") {
        @Override
        String subject(String topic, boolean isKey, Schema schema) {
            return topic + "-" + schema.getFullName();
        }
    };

    static final String PACKAGE = "io.confluent.kafka.serializers.subject.";

    private final String simpleName;

    SubjectNameStrategy(String simpleName) {
        this.simpleName = simpleName;
    }

    abstract String subject(String topic, boolean isKey, Schema schema);

    String className() {
        return PACKAGE + simpleName;
    }

    /** The strategy of a class name. */
    static SubjectNameStrategy of(String config, String className) {
        for (SubjectNameStrategy strategy : values()) {
            if (className.equals(strategy.className())) {
                return strategy;
            }
        }
        throw new ConfigException(
                config,
                className,
                "expected one of "
                        + Arrays.stream(values())
                                .map(SubjectNameStrategy::className)
                                .collect(Collectors.joining(", ")));
    }
}
