import io.mambabyte.app.EmbeddedBroker;
import io.mambabyte.app.EmbeddedSchemaRegistry;

import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/**
 * Starts {@code run} of a given command against a broker and a Schema Registry in this process, with
 * the recorded log of the demo in the input topic; says how long it took from the start of the
 * process to the first likelihood in the output topic; waits for as many likelihoods as asked for,
 * looks at its metrics and stops it with SIGTERM. That is a measurement, and the run that an AOT
 * cache is made from. With {@code -Dkeys=N} the lines are dealt out to so many keys in turn instead
 * of the recording's three, and the memory of the process, which must be Java itself, is told.
 *
 * <pre>
 * # In the root of a clone, after mvn package.
 * java -cp 'target/*:target/lib/*' docker/FirstRecord.java TIMES LIKELIHOODS java ... io.mambabyte.app.Main
 * </pre>
 */
final class FirstRecord {
    private static final String INPUT = "logs";
    private static final String LOG = "demo/kafka-cluster.log.gz";
    private static final String OUTPUT = "likelihoods";
    private static final int PARTITIONS = 3;
    private static final int KEYS = Integer.getInteger("keys", 0);
    private static final Duration PATIENCE = Duration.ofMinutes(15);

    private FirstRecord() {}

    public static void main(String[] args) throws Exception {
        if (args.length < 3) {
            System.err.println("usage: FirstRecord TIMES LIKELIHOODS COMMAND...");
            System.exit(2);
        }
        int times = Integer.parseInt(args[0]);
        int likelihoods = Integer.parseInt(args[1]);
        List<String> command = List.of(args).subList(2, args.length);
        List<Double> seconds = new ArrayList<>();
        try (EmbeddedBroker broker = EmbeddedBroker.start();
                EmbeddedSchemaRegistry registry = EmbeddedSchemaRegistry.start()) {
            EmbeddedBroker.createTopics(
                    broker.bootstrapServers(), List.of(new NewTopic(INPUT, PARTITIONS, (short) 1)));
            play(broker.bootstrapServers(), likelihoods);
            for (int i = 0; i < times; i++) {
                seconds.add(measure(
                                command,
                                likelihoods,
                                broker.bootstrapServers(),
                                registry.url(),
                                i));
                System.out.printf(Locale.ROOT, "%.2f s%n", seconds.getLast());
            }
        }
        seconds.sort(Comparator.naturalOrder());
        System.out.printf(
                Locale.ROOT,
                "first likelihood after %.2f s, the median of %d (%.2f to %.2f)%n",
                (seconds.get((times - 1) / 2) + seconds.get(times / 2)) / 2,
                times,
                seconds.getFirst(),
                seconds.getLast());
        // Clients and the broker leave threads behind that are no daemons.
        System.exit(0);
    }

    private static double measure(
            List<String> command,
            int likelihoods,
            String bootstrapServers,
            String registry,
            int run)
            throws Exception {
        Path state = Files.createTempDirectory("first-record-");
        int metrics;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            metrics = free.getLocalPort();
        }
        // A topic and a group of its own, so that nothing is left of the run before.
        String output = OUTPUT + "-" + run;
        List<String> full = new ArrayList<>(command);
        full.addAll(
                List.of(
                        "run",
                        "--bootstrap-server=" + bootstrapServers,
                        "--schema-registry=" + registry,
                        "--input=" + INPUT,
                        "--output=" + output,
                        "--create-topics",
                        // Both the states of keys and what alerts keep.
                        "--alerts-per-million=100",
                        "-Dmambabyte.context=key",
                        "--metrics=" + metrics,
                        "-Dapplication.id=first-record-" + run,
                        "-Dauto.offset.reset=earliest",
                        "-Dnum.stream.threads=2",
                        "-Dstate.dir=" + state));
        Path said = state.resolve("said.txt");
        long start = System.nanoTime();
        Process process =
                new ProcessBuilder(full)
                        .redirectErrorStream(true)
                        .redirectOutput(said.toFile())
                        .start();
        double first;
        try {
            first = awaitLikelihoods(process, bootstrapServers, output, likelihoods, start);
            String text =
                    HttpClient.newHttpClient()
                            .send(
                                    HttpRequest.newBuilder(
                                                    URI.create(
                                                            "http://127.0.0.1:"
                                                                    + metrics
                                                                    + "/metrics"))
                                            .build(),
                                    HttpResponse.BodyHandlers.ofString())
                            .body();
            if (KEYS > 0) {
                tellMemory(process.pid());
                text.lines()
                        .filter(line -> line.startsWith("mambabyte_live_states"))
                        .forEach(System.out::println);
            }
        } catch (IOException | IllegalStateException e) {
            process.destroyForcibly();
            System.err.print(Files.readString(said));
            throw e;
        }
        process.destroy();
        if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new IllegalStateException("does not stop: " + Files.readString(said));
        }
        Files.readAllLines(said).stream()
                .filter(line -> line.startsWith("AOTCache "))
                .forEach(System.err::println);
        try (Stream<Path> files = Files.walk(state)) {
            for (Path path : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
        return first;
    }

    private static void tellMemory(long pid) throws IOException, InterruptedException {
        String resident =
                Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                        .filter(line -> line.startsWith("VmRSS"))
                        .findFirst()
                        .orElse("");
        System.out.println(KEYS + " keys, " + resident);
        for (String command : List.of("GC.run", "GC.heap_info")) {
            new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                            Long.toString(pid),
                            command)
                    .inheritIO()
                    .start()
                    .waitFor();
        }
    }

    /** Waits for so many likelihoods, returns the seconds until the first. */
    private static double awaitLikelihoods(
            Process process, String bootstrapServers, String topic, int likelihoods, long start) {
        double first = Double.NaN;
        long count = 0;
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(
                        Map.of(
                                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                                (Object) bootstrapServers,
                                ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
                                "earliest"),
                        new ByteArrayDeserializer(),
                        new ByteArrayDeserializer())) {
            while (consumer.listTopics().get(topic) == null) {
                check(process, start);
            }
            consumer.assign(
                    consumer.partitionsFor(topic).stream()
                            .map(info -> new TopicPartition(topic, info.partition()))
                            .toList());
            while (count < likelihoods) {
                int polled = consumer.poll(Duration.ofMillis(100)).count();
                if (count == 0 && polled > 0) {
                    first = (System.nanoTime() - start) / 1e9;
                }
                count += polled;
                check(process, start);
            }
            System.out.printf(
                    Locale.ROOT,
                    "%,d likelihoods after %.2f s%n",
                    count,
                    (System.nanoTime() - start) / 1e9);
        }
        return first;
    }

    private static void check(Process process, long start) {
        if (!process.isAlive()) {
            throw new IllegalStateException("ended with " + process.exitValue());
        }
        if (System.nanoTime() - start > PATIENCE.toNanos()) {
            throw new IllegalStateException("not done after " + PATIENCE.toSeconds() + " s");
        }
        try {
            Thread.sleep(10);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void play(String bootstrapServers, int records) {
        try (KafkaProducer<String, String> producer =
                        new KafkaProducer<>(
                                Map.of(
                                        ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                                        (Object) bootstrapServers),
                                new StringSerializer(),
                                new StringSerializer());
                BufferedReader lines =
                        new BufferedReader(
                                new InputStreamReader(
                                        new GZIPInputStream(
                                                Files.newInputStream(Path.of(LOG))),
                                        StandardCharsets.UTF_8))) {
            for (int i = 0; i < records; i++) {
                String[] keyAndLine = lines.readLine().split("\t", 2);
                producer.send(
                        new ProducerRecord<>(
                                INPUT,
                                KEYS == 0 ? keyAndLine[0] : "key-" + i % KEYS,
                                keyAndLine[1]));
            }
            producer.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
