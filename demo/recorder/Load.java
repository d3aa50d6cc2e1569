import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.SaslConfigs;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Clients of a small cluster that is being recorded: producers (plain, transactional, authenticated), consumer groups
 * that come, go and crash, and an administrator who creates, changes and deletes topics. Runs until {@code quit} or the
 * end of standard input. One command a line is read from standard input and answered with one line:
 *
 * <pre>
 * await-healthy SECONDS    until three brokers are there and every replica of every partition is in sync
 * controller               the node id of the active controller
 * wrong-password SECONDS   services that start with a stale password, fail and are started again
 * garbage NODE SECONDS     what is not Kafka's protocol, or far too large, sent to the client port of one broker
 * quit
 * </pre>
 *
 * Started by record-cluster as {@code java -cp 'lib/*' Load.java SEED NAMES RECORDS_PER_SECOND PORT,PORT,PORT SASL_PORT,...}.
 */
final class Load {
  private static final Logger LOG = LoggerFactory.getLogger("load");
  private static final String USER = "svc-ledger";
  private static final String PASSWORD = "correct-horse";

  /** What a business calls its topics and services, so that two recordings do not share their words. */
  private record Names(List<String> topics, String compacted, List<String> groups, String ephemeral) {
    static Names of(String business) {
      return switch (business) {
        case "shop" -> new Names(
            List.of("orders", "payments", "clickstream", "shipments"),
            "customer-profiles", List.of("billing", "fraud-check", "warehouse-sync", "search-indexer"), "nightly-report");
        case "fleet" -> new Names(
            List.of("vehicle-positions", "trips", "geofence-events", "telemetry-raw", "driver-shifts", "fuel-cards"),
            "vehicle-registry", List.of("eta-service", "dispatch", "maintenance-planner", "map-tiles"), "route-export");
        case "bank" -> new Names(
            List.of("transfers", "card-authorizations", "statements", "fx-rates"),
            "account-balances", List.of("ledger-writer", "risk-engine", "notification-sender"), "reconciliation");
        case "clinic" -> new Names(
            List.of("appointments", "lab-results", "device_readings", "audit.trail", "prescriptions"),
            "patient-index", List.of("scheduler", "results-router", "archive", "bedside-monitor"), "migration");
        case "media" -> new Names(
            List.of("plays.v2", "uploads", "transcode-jobs", "recommendations", "ad-impressions", "comments"),
            "catalog", List.of("royalties", "trending", "moderation", "cdn-warmer"), "backfill");
        default -> throw new IllegalArgumentException(
            "no names for '" + business + "'; known: shop, fleet, bank, clinic, media");
      };
    }
  }

  /** What a thread of the load does over and over; the brokers may fail under it at any time. */
  private interface Work {
    void run() throws Exception;
  }

  private final long seed;
  private final Names names;
  private final int recordsPerSecond;
  private final List<Integer> ports;
  private final String bootstrap;
  private final String saslBootstrap;
  private final Admin admin;
  private final AtomicLong sent = new AtomicLong();
  private final AtomicInteger threads = new AtomicInteger();

  private Load(long seed, Names names, int recordsPerSecond, String ports, String saslPorts) {
    this.seed = seed;
    this.names = names;
    this.recordsPerSecond = recordsPerSecond;
    this.ports = Arrays.stream(ports.split(",")).map(Integer::valueOf).toList();
    this.bootstrap = "127.0.0.1:" + ports.replace(",", ",127.0.0.1:");
    this.saslBootstrap = "127.0.0.1:" + saslPorts.replace(",", ",127.0.0.1:");
    this.admin = Admin.create(Map.of(
        CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, bootstrap, CommonClientConfigs.CLIENT_ID_CONFIG, "ops-admin"));
  }

  public static void main(String[] args) throws Exception {
    if (args.length != 5) {
      System.err.println("usage: Load SEED NAMES RECORDS_PER_SECOND PORT,PORT,PORT SASL_PORT,SASL_PORT,SASL_PORT");
      System.exit(2);
    }
    Load load = new Load(Long.parseLong(args[0]), Names.of(args[1]), Integer.parseInt(args[2]), args[3], args[4]);
    load.createTopics();
    load.start();
    load.obey(new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)));
    // Half-finished clients must not hold up the recording: the brokers see connections that break, as they do
    // whenever a service is stopped.
    Runtime.getRuntime().halt(0);
  }

  private void createTopics() throws Exception {
    Random random = new Random(seed);
    List<NewTopic> topics = new ArrayList<>();
    for (String name : names.topics()) {
      // Segments of 1 MiB (the smallest that Kafka takes) or of some minutes: logs roll and expire often
      // enough to be seen in a recording of minutes.
      topics.add(new NewTopic(name, 1 + random.nextInt(2), (short) 3).configs(Map.of(
          TopicConfig.SEGMENT_BYTES_CONFIG, "1048576",
          TopicConfig.SEGMENT_MS_CONFIG, String.valueOf(90_000 + 30_000 * random.nextInt(5)),
          TopicConfig.RETENTION_BYTES_CONFIG, String.valueOf((2 + random.nextInt(3)) * 1_048_576),
          TopicConfig.RETENTION_MS_CONFIG, String.valueOf(240_000 + 60_000 * random.nextInt(4)))));
    }
    topics.add(new NewTopic(names.compacted(), 2, (short) 3).configs(Map.of(
        TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_COMPACT,
        TopicConfig.SEGMENT_BYTES_CONFIG, "1048576",
        TopicConfig.SEGMENT_MS_CONFIG, "120000",
        TopicConfig.MIN_CLEANABLE_DIRTY_RATIO_CONFIG, "0.3")));
    admin.createTopics(topics).all().get(60, TimeUnit.SECONDS);
    admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(
        USER, new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), PASSWORD))).all().get(60, TimeUnit.SECONDS);
  }

  private void start() {
    forever("producer", random -> () -> producePlain(random));
    forever("transactions", random -> () -> produceTransactions(random));
    forever("authenticated", random -> () -> produceAuthenticated(random));
    for (int i = 0; i < names.groups().size(); i++) {
      String group = names.groups().get(i);
      // Both rebalance protocols that a cluster of today sees: the classic one and KIP-848's.
      boolean classic = i % 2 == 0;
      int members = 2 + i % 2;
      for (int m = 0; m < members; m++) {
        forever(group + "-" + m, random -> () -> consume(random, group, classic));
      }
    }
    forever("share", random -> () -> consumeShared(random));
    forever("administrator", random -> () -> administrate(random));
  }

  private void forever(String name, java.util.function.Function<Random, Work> work) {
    Work body = work.apply(new Random(seed * 31 + name.hashCode()));
    Thread thread = new Thread(() -> {
      while (true) {
        try {
          body.run();
        } catch (Exception e) {
          // A client that fails is started again, as a service manager would; what matters is what the brokers log.
          LOG.warn("{} failed, starting again", name, e);
          pause(2_000);
        }
      }
    }, name + "-" + threads.incrementAndGet());
    thread.setDaemon(true);
    thread.start();
  }

  // --- what the clients do ---

  private Map<String, Object> producerConfig(String clientId) {
    Map<String, Object> config = new HashMap<>();
    config.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
    config.put(ProducerConfig.CLIENT_ID_CONFIG, clientId);
    config.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
    config.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
    config.put(ProducerConfig.LINGER_MS_CONFIG, 20);
    return config;
  }

  private void producePlain(Random random) {
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(producerConfig("edge-gateway"))) {
      long until = in(120_000 + random.nextInt(240_000));
      while (System.nanoTime() < until) {
        long tick = System.nanoTime();
        for (int i = 0; i < Math.max(1, recordsPerSecond / 20); i++) {
          // The first topics get most of the traffic.
          int topic = (int) (names.topics().size() * Math.pow(random.nextDouble(), 1.7));
          send(producer, names.topics().get(topic), random);
          if (i % 4 == 0) {
            send(producer, names.compacted(), random);
          }
        }
        pause(Math.max(0, 50 - (System.nanoTime() - tick) / 1_000_000));
      }
    }
  }

  private void produceTransactions(Random random) throws Exception {
    Map<String, Object> config = producerConfig(names.groups().get(0) + "-tx");
    config.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, names.groups().get(0) + "-" + random.nextInt(3));
    config.put(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG, 30_000);
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(config)) {
      producer.initTransactions();
      long until = in(40_000 + random.nextInt(60_000));
      while (System.nanoTime() < until) {
        producer.beginTransaction();
        for (int i = 0; i < 5 + random.nextInt(20); i++) {
          send(producer, names.topics().get(random.nextInt(names.topics().size())), random);
        }
        if (random.nextInt(10) == 0) {
          producer.abortTransaction();
        } else {
          producer.commitTransaction();
        }
        pause(300 + random.nextInt(1_500));
      }
    }
  }

  private Map<String, Object> sasl(Map<String, Object> config, String user, String password) {
    config.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, saslBootstrap);
    config.put(CommonClientConfigs.SECURITY_PROTOCOL_CONFIG, "SASL_PLAINTEXT");
    config.put(SaslConfigs.SASL_MECHANISM, "SCRAM-SHA-256");
    config.put(SaslConfigs.SASL_JAAS_CONFIG, "org.apache.kafka.common.security.scram.ScramLoginModule required"
        + " username=\"" + user + "\" password=\"" + password + "\";");
    return config;
  }

  private void produceAuthenticated(Random random) {
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(sasl(producerConfig(USER), USER, PASSWORD))) {
      long until = in(30_000 + random.nextInt(60_000));
      while (System.nanoTime() < until) {
        send(producer, names.topics().get(0), random);
        pause(100 + random.nextInt(300));
      }
    }
  }

  private void send(KafkaProducer<byte[], byte[]> producer, String topic, Random random) {
    byte[] key = ("k" + random.nextInt(2_000)).getBytes(StandardCharsets.UTF_8);
    byte[] value = new byte[50 + random.nextInt(300)];
    random.nextBytes(value);
    producer.send(new ProducerRecord<>(topic, key, value), (metadata, e) -> {
      if (e == null) {
        sent.incrementAndGet();
      } else {
        LOG.warn("not sent to {}: {}", topic, e.toString());
      }
    });
  }

  private Map<String, Object> consumerConfig(String group, String clientId) {
    Map<String, Object> config = new HashMap<>();
    config.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
    config.put(ConsumerConfig.GROUP_ID_CONFIG, group);
    config.put(ConsumerConfig.CLIENT_ID_CONFIG, clientId);
    config.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
    config.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
    return config;
  }

  private void consume(Random random, String group, boolean classic) {
    Map<String, Object> config = consumerConfig(group, group + "-" + Integer.toHexString(random.nextInt(0x10000)));
    config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    config.put(ConsumerConfig.GROUP_PROTOCOL_CONFIG, classic ? "classic" : "consumer");
    if (classic) {
      config.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, 10_000);
    }
    KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(config);
    boolean crash = false;
    try {
      int topics = 1 + Math.floorMod(group.hashCode(), 3);
      consumer.subscribe(names.topics().subList(0, Math.min(topics, names.topics().size())));
      long until = in(30_000 + random.nextInt(150_000));
      while (System.nanoTime() < until) {
        consumer.poll(Duration.ofMillis(500));
      }
      crash = random.nextInt(4) == 0;
    } finally {
      // One member in four goes without a word, so that its session has to expire.
      consumer.close(CloseOptions.timeout(Duration.ofSeconds(5)).withGroupMembershipOperation(
          crash ? CloseOptions.GroupMembershipOperation.REMAIN_IN_GROUP
              : CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
    }
    pause(1_000 + random.nextInt(20_000));
  }

  private void consumeShared(Random random) {
    String group = names.groups().get(0) + "-share";
    try (KafkaShareConsumer<byte[], byte[]> consumer =
        new KafkaShareConsumer<>(consumerConfig(group, group + "-" + random.nextInt(100)))) {
      consumer.subscribe(List.of(names.topics().get(1)));
      long until = in(60_000 + random.nextInt(120_000));
      while (System.nanoTime() < until) {
        consumer.poll(Duration.ofMillis(500));
      }
    }
    pause(5_000 + random.nextInt(20_000));
  }

  private final Deque<String> ephemeral = new ArrayDeque<>();
  private int ephemeralNumber;

  private void administrate(Random random) throws Exception {
    pause(15_000 + random.nextInt(25_000));
    String topic = names.topics().get(random.nextInt(names.topics().size()));
    switch (random.nextInt(6)) {
      case 0, 1 -> {
        if (ephemeral.size() > 1) {
          return;
        }
        String name = names.ephemeral() + "-" + ++ephemeralNumber;
        admin.createTopics(List.of(new NewTopic(name, 1 + random.nextInt(2), (short) 3)
            .configs(Map.of(TopicConfig.SEGMENT_MS_CONFIG, "60000")))).all().get(30, TimeUnit.SECONDS);
        ephemeral.add(name);
        // Written to before its leaders are settled, a topic can leave the producer retrying a sequence number that
        // the broker refuses, for the two minutes of its delivery timeout: a fault, and not one that is asked for.
        pause(3_000);
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(producerConfig(name + "-writer"))) {
          for (int i = 0; i < 200; i++) {
            send(producer, name, random);
          }
        }
      }
      case 2 -> {
        if (!ephemeral.isEmpty()) {
          admin.deleteTopics(List.of(ephemeral.remove())).all().get(30, TimeUnit.SECONDS);
        }
      }
      case 3 -> admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.TOPIC, topic),
          List.of(new AlterConfigOp(new ConfigEntry(TopicConfig.RETENTION_MS_CONFIG,
              String.valueOf(180_000 + 1_000 * random.nextInt(120))), AlterConfigOp.OpType.SET))))
          .all().get(30, TimeUnit.SECONDS);
      case 4 -> {
        int partitions = describe(topic).partitions().size();
        if (partitions < 2) {
          admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(partitions + 1))).all().get(30, TimeUnit.SECONDS);
        } else {
          admin.deleteRecords(Map.of(new TopicPartition(topic, 0), RecordsToDelete.beforeOffset(-1))).all()
              .get(30, TimeUnit.SECONDS);
        }
      }
      default -> admin.electLeaders(ElectionType.PREFERRED, null).partitions().get(30, TimeUnit.SECONDS);
    }
  }

  private TopicDescription describe(String topic) throws Exception {
    return admin.describeTopics(List.of(topic)).allTopicNames().get(30, TimeUnit.SECONDS).get(topic);
  }

  // --- what the recorder asks for ---

  private void obey(BufferedReader commands) throws IOException {
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      String[] words = line.trim().split(" ");
      String answer;
      try {
        answer = switch (words[0]) {
          case "await-healthy" -> awaitHealthy(Integer.parseInt(words[1]));
          case "controller" -> String.valueOf(admin.describeMetadataQuorum().quorumInfo().get(30, TimeUnit.SECONDS).leaderId());
          case "wrong-password" -> wrongPassword(Integer.parseInt(words[1]));
          case "garbage" -> garbage(Integer.parseInt(words[1]), Integer.parseInt(words[2]));
          case "sent" -> String.valueOf(sent.get());
          case "quit" -> "bye";
          default -> "error: no command '" + words[0] + "'";
        };
      } catch (Exception e) {
        LOG.warn("{} failed", line, e);
        answer = "error: " + e;
      }
      System.out.println(answer);
      if (answer.equals("bye")) {
        return;
      }
    }
  }

  private String awaitHealthy(int seconds) {
    long until = in(seconds * 1_000L);
    String reason = "nothing heard yet";
    while (System.nanoTime() < until) {
      try {
        reason = ill();
        if (reason.isEmpty()) {
          return "ok";
        }
      } catch (Exception e) {
        reason = e.toString();
      }
      pause(1_000);
    }
    return "error: not healthy after " + seconds + " s: " + reason;
  }

  /** What is wrong with the cluster, or the empty string. */
  private String ill() throws Exception {
    int brokers = admin.describeCluster().nodes().get(10, TimeUnit.SECONDS).size();
    if (brokers != ports.size()) {
      return brokers + " of " + ports.size() + " brokers";
    }
    Set<String> topics = new TreeSet<>(admin.listTopics(
        new org.apache.kafka.clients.admin.ListTopicsOptions().listInternal(true)).names().get(10, TimeUnit.SECONDS));
    for (TopicDescription topic : admin.describeTopics(topics).allTopicNames().get(10, TimeUnit.SECONDS).values()) {
      for (var partition : topic.partitions()) {
        if (partition.isr().size() < partition.replicas().size()) {
          return topic.name() + "-" + partition.partition() + " has " + partition.isr().size() + " replicas in sync";
        }
      }
    }
    return "";
  }

  private String wrongPassword(int seconds) {
    Random random = new Random(seed + 1);
    long until = in(seconds * 1_000L);
    int attempts = 0;
    while (System.nanoTime() < until) {
      Map<String, Object> config = sasl(producerConfig("svc-reporting"), USER, "rotated-last-week");
      config.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, 2_000);
      try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(config)) {
        producer.partitionsFor(names.topics().get(0));
        return "error: the wrong password was accepted";
      } catch (KafkaException e) {
        attempts++;
      }
      pause(1_000 + random.nextInt(3_000));
    }
    return "ok " + attempts + " attempts";
  }

  private String garbage(int node, int seconds) {
    Random random = new Random(seed + 2);
    long until = in(seconds * 1_000L);
    int connections = 0;
    while (System.nanoTime() < until) {
      byte[] bytes = switch (connections % 6) {
        // A probe for metrics that was pointed at the wrong port.
        case 0 -> "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
        // The first bytes of a TLS ClientHello, from a client that believes the port to be encrypted.
        case 1 -> new byte[] {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, (byte) 0xfc, 0x03, 0x03};
        // Header of a produce request that announces 200 MB; socket.request.max.bytes is 100 MiB.
        case 2 -> frame(200_000_000, (short) 0, (short) 11);
        // A request of an honest size for an API that does not exist.
        case 3 -> frame(14, (short) 9_999, (short) 0);
        // A known request in a version from the future.
        case 4 -> frame(14, (short) 1, (short) 99);
        default -> {
          byte[] noise = new byte[64];
          random.nextBytes(noise);
          yield noise;
        }
      };
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress("127.0.0.1", ports.get(node - 1)), 2_000);
        socket.setSoTimeout(1_000);
        OutputStream out = socket.getOutputStream();
        out.write(bytes);
        out.flush();
        socket.getInputStream().readAllBytes();
      } catch (IOException e) {
        LOG.info("garbage {}: {}", connections % 6, e.toString());
      }
      connections++;
      pause(500 + random.nextInt(1_500));
    }
    return "ok " + connections + " connections";
  }

  /** Size, API key, version, correlation id and a null client id; then enough bytes for a body of no meaning. */
  private static byte[] frame(int size, short apiKey, short version) {
    return ByteBuffer.allocate(18).putInt(size).putShort(apiKey).putShort(version).putInt(7).putShort((short) -1).putInt(0)
        .array();
  }

  private static long in(long millis) {
    return System.nanoTime() + millis * 1_000_000;
  }

  private static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException("nobody interrupts the load", e);
    }
  }
}
