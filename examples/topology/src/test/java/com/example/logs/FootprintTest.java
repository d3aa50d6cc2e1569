package com.example.logs;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.File;
import java.util.List;
import java.util.stream.Stream;

/** What a project inherits with the component: Kafka Streams, Avro, Jackson, t-digest, SLF4J, and no part of the application. */
class FootprintTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "kafka.server.KafkaRaftServer", // the embedded broker
                "scala.Option",
                "picocli.CommandLine",
                "io.micrometer.core.instrument.MeterRegistry",
                "org.apache.logging.log4j.core.LoggerContext", // nobody's choice of a logger but the user's
                "org.apache.logging.slf4j.SLF4JServiceProvider"
            })
    void shouldNotInheritTheApplication(String name) {
        assertThrows(ClassNotFoundException.class, () -> Class.forName(name));
    }

    @Test
    void shouldWorkWithoutIt() {
        // Loading it links what it needs.
        assertDoesNotThrow(
                () -> Class.forName("io.mambabyte.streams.LikelihoodProcessorSupplier"));
    }

    /** The jars that come with it, by the beginnings of their names; a new one is to be noticed. */
    @Test
    void shouldInheritFewJars() {
        List<String> known =
                List.of(
                        "mambabyte-kafka-streams-",
                        "kafka-streams-",
                        "kafka-clients-",
                        "rocksdbjni-",
                        "lz4-java-",
                        "snappy-java-",
                        "zstd-jni-",
                        "avro-",
                        "commons-compress-",
                        "commons-codec-",
                        "commons-io-",
                        "commons-lang3-",
                        "jackson-",
                        "t-digest-",
                        "slf4j-api-",
                        "jspecify-",
                        "metrics-core-", // of kafka-streams-test-utils
                        // What the tests bring.
                        "junit-",
                        "opentest4j-",
                        "apiguardian-",
                        "surefire",
                        "maven-surefire-");
        List<String> jars =
                Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                        .map(path -> new File(path).getName())
                        .filter(name -> name.endsWith(".jar"))
                        .toList();
        assertTrue(jars.stream().anyMatch(name -> name.startsWith("rocksdbjni-")), jars::toString);
        List<String> others =
                jars.stream()
                        .filter(name -> known.stream().noneMatch(name::startsWith))
                        .toList();
        assertTrue(others.isEmpty(), () -> "not expected: " + others);
    }
}
