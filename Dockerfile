# The application as an image: `docker build -t mambabyte .` in a clone, nothing else needed.
#
# Build stage: Maven's own image, the tests are CI's business. Then jlink makes a Java runtime of what is used, and
# the libraries lose what the image never runs: the embedded broker (./mambabyte demo, bench topology) and RocksDB's
# native code for other systems.
FROM maven:3.9.11-eclipse-temurin-25 AS build
WORKDIR /src
COPY pom.xml ./
COPY config config
COPY schemas schemas
COPY kernels/src kernels/src
COPY src/main src/main
RUN mvn --batch-mode --no-transfer-progress -q package -Dmaven.test.skip=true

COPY docker/runtime.sh docker/runtime.sh
RUN docker/runtime.sh /out

FROM debian:12.12-slim
LABEL org.opencontainers.image.title="MambaByte on Kafka Streams" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 mambabyte \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/mambabyte --shell /usr/sbin/nologin mambabyte \
    && install -d -o mambabyte -g mambabyte /var/lib/mambabyte
COPY --from=build /out/java /opt/java
COPY --from=build /out/lib /opt/mambabyte/lib

# Java's own variable: whatever a user sets in JAVA_TOOL_OPTIONS comes on top.
ENV PATH=/opt/java/bin:$PATH \
    LANG=C.UTF-8 \
    JDK_JAVA_OPTIONS="--add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow -XX:MaxRAMPercentage=65 -XX:+ExitOnOutOfMemoryError"
USER 10001:10001
WORKDIR /var/lib/mambabyte
VOLUME /var/lib/mambabyte
EXPOSE 9404

# Ready means that records are processed; for `run --metrics 0.0.0.0:9404`. The image has no curl, bash is enough.
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=6 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9404 && printf 'GET /health/ready HTTP/1.0\\r\\n\\r\\n' >&3 && read -r -t 2 line <&3 && [[ $line == *' 200 '* ]]"]

ENTRYPOINT ["java", "-cp", "/opt/mambabyte/lib/*", "io.mambabyte.app.Main"]
CMD ["--help"]
