# The application as an image: `docker build -t mambabyte .` in a clone, nothing else needed.
#
# Build stage: Maven's own image, the tests are CI's business. Then jlink makes a Java runtime of what is used, and
# the libraries lose what the image never runs: the embedded broker (./mambabyte demo, bench topology) and RocksDB's
# native code for other systems. At last `run` is started once, on the broker that was left out, and what it loaded is
# kept for the image's own starts (an AOT cache, JEP 514 and 515). That needs the same options, paths and times of files.
ARG JAVA_OPTIONS="--add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow -XX:MaxRAMPercentage=65 -XX:+ExitOnOutOfMemoryError"

FROM maven:3.9.11-eclipse-temurin-25 AS build
WORKDIR /src
COPY pom.xml ./
COPY config config
COPY schemas schemas
COPY kernels/src kernels/src
COPY src/main src/main
RUN mvn --batch-mode --no-transfer-progress -q package -Dmaven.test.skip=true

COPY docker/runtime.sh docker/FirstRecord.java docker/
RUN docker/runtime.sh /opt/mambabyte
COPY demo/kafka-cluster.log.gz demo/
ARG JAVA_OPTIONS
RUN JDK_JAVA_OPTIONS="" java --add-modules=jdk.incubator.vector --sun-misc-unsafe-memory-access=allow \
    -cp 'target/*:target/lib/*' docker/FirstRecord.java 1 1000 \
    env JDK_JAVA_OPTIONS="$JAVA_OPTIONS" /opt/mambabyte/java/bin/java -XX:AOTCacheOutput=/opt/mambabyte/mambabyte.aot \
    @/opt/mambabyte/class-path io.mambabyte.app.Main

FROM debian:12.12-slim
LABEL org.opencontainers.image.title="MambaByte on Kafka Streams" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 mambabyte \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/mambabyte --shell /usr/sbin/nologin mambabyte \
    && install -d -o mambabyte -g mambabyte /var/lib/mambabyte
COPY --from=build /opt/mambabyte /opt/mambabyte

# Java's own variable: whatever a user sets in JAVA_TOOL_OPTIONS comes on top.
ARG JAVA_OPTIONS
ENV PATH=/opt/mambabyte/java/bin:$PATH \
    LANG=C.UTF-8 \
    JDK_JAVA_OPTIONS=$JAVA_OPTIONS
USER 10001:10001
WORKDIR /var/lib/mambabyte
VOLUME /var/lib/mambabyte
EXPOSE 9404

# Ready means that records are processed; for `run --metrics 0.0.0.0:9404`. The image has no curl, bash is enough.
# A slow machine has its time: compose gives up on what is unhealthy, and what is ready is healthy at once.
HEALTHCHECK --interval=5s --timeout=3s --start-period=180s --retries=6 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9404 && printf 'GET /health/ready HTTP/1.0\\r\\n\\r\\n' >&3 && read -r -t 2 line <&3 && [[ $line == *' 200 '* ]]"]

# A cache that does not fit, another collector's say, is passed over, and not a word of it goes to standard output.
ENTRYPOINT ["java", "-XX:AOTCache=/opt/mambabyte/mambabyte.aot", "-Xlog:aot*=off,cds*=off", "@/opt/mambabyte/class-path", "io.mambabyte.app.Main"]
CMD ["--help"]
