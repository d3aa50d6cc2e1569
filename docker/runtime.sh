#!/usr/bin/env bash
# Used by the Dockerfile, after `mvn package`: a Java runtime of the modules that are used, the libraries without what
# the image never runs, and the class path as an argument file.    usage: runtime.sh DIRECTORY
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1

# java.desktop is for java.beans only, which jackson-databind asks for. jdk.jcmd and jdk.jfr: to look into a running container.
modules=java.base,java.compiler,java.desktop,java.instrument,java.logging,java.management,java.management.rmi,java.naming,\
java.net.http,java.rmi,java.scripting,java.security.jgss,java.security.sasl,java.sql,java.transaction.xa,java.xml,\
jdk.httpserver,jdk.incubator.vector,jdk.jcmd,jdk.jfr,jdk.management,jdk.management.agent,jdk.naming.dns,jdk.net,\
jdk.security.auth,jdk.security.jgss,jdk.unsupported,jdk.zipfs
jlink --no-header-files --no-man-pages --strip-java-debug-attributes --compress zip-6 --add-modules "$modules" --output "$out/java"

mkdir -p "$out/lib"
cp target/mambabyte-kafka-streams-*.jar target/lib/*.jar "$out/lib"
cd "$out/lib"
# What only the embedded broker needs.
for jar in kafka-*.jar; do
    case $jar in
        kafka-clients-* | kafka-streams-*) ;;
        *) rm "$jar" ;;
    esac
done
rm -f kafka_2.13-* scala-* argparse4j-* caffeine-* commons-beanutils-* commons-collections-* commons-digester-* \
    commons-logging-* commons-validator-* hash4j-* jackson-dataformat-* snakeyaml-* jopt-simple-* metrics-core-* \
    pcollections-* re2j-*

# RocksDB's jar holds its native library for every system: 73 MB, of which one is loaded.
case $(uname -m) in
    x86_64) native=librocksdbjni-linux64.so ;;
    aarch64) native=librocksdbjni-linux-aarch64.so ;;
    *) native= ;;
esac
if [[ -n $native ]]; then
    jar=$(ls rocksdbjni-*.jar)
    mkdir rocksdb
    (cd rocksdb && jar xf "../$jar" && find . -maxdepth 1 -name 'librocksdbjni*' ! -name "$native" -delete \
        && [[ -f $native ]] && jar cf "../$jar" .)
    rm -r rocksdb
fi

# Written out, for Java finds the files of lib/* in the order of the directory, and a cache wants them in its own.
(printf -- '-cp '; printf '%s\n' "$out"/lib/*.jar | paste -sd:) > "$out/class-path"
