package io.mambabyte.app;

import com.sun.management.UnixOperatingSystemMXBean;

import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Scanner;
import java.util.Set;

/**
 * What this process holds, over some samples.
 *
 * @param heapBytesMin heap in use, the least of the samples: the most that a collection left
 * @param rocksDbBytesMax memory of RocksDB outside the heap, by its own metrics, the most
 * @param residentBytesMax memory of the process, the most; 0 where Linux' {@code /proc} is not
 * @param fileHandlesMax open files and sockets, the most; 0 where the system does not tell
 */
record ProcessFootprint(
        long heapBytesMin, long rocksDbBytesMax, long residentBytesMax, long fileHandlesMax) {

    private static final Path MEMORY = Path.of("/proc/self/statm");
    private static final int PAGE_BYTES = 4096;

    // What RocksDB allocates: its block cache, its memtables, its tables' indexes and filters.
    private static final Set<String> ROCKSDB =
            Set.of("block-cache-usage", "size-all-mem-tables", "estimate-table-readers-mem");

    /** Of no samples. */
    static ProcessFootprint none() {
        return new ProcessFootprint(Long.MAX_VALUE, 0, 0, 0);
    }

    /**
     * Of one sample, now.
     *
     * @param streamsMetrics what {@code KafkaStreams.metrics()} gives
     */
    static ProcessFootprint now(Map<MetricName, ? extends Metric> streamsMetrics)
            throws IOException {
        return new ProcessFootprint(
                ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed(),
                rocksDbBytes(streamsMetrics),
                residentBytes(),
                ManagementFactory.getOperatingSystemMXBean()
                                instanceof UnixOperatingSystemMXBean unix
                        ? unix.getOpenFileDescriptorCount()
                        : 0);
    }

    private static long rocksDbBytes(Map<MetricName, ? extends Metric> metrics) {
        long bytes = 0;
        for (Map.Entry<MetricName, ? extends Metric> entry : metrics.entrySet()) {
            if (entry.getKey().group().equals("stream-state-metrics")
                    && ROCKSDB.contains(entry.getKey().name())
                    && entry.getValue().metricValue() instanceof Number value) {
                bytes += value.longValue();
            }
        }
        return bytes;
    }

    private static long residentBytes() throws IOException {
        if (!Files.exists(MEMORY)) {
            return 0;
        }
        // Pages: those of the address space, those that are resident, and others.
        try (Scanner pages = new Scanner(MEMORY, StandardCharsets.US_ASCII)) {
            long _ = pages.nextLong();
            return PAGE_BYTES * pages.nextLong();
        }
    }

    /** Of the samples of both. */
    ProcessFootprint and(ProcessFootprint other) {
        return new ProcessFootprint(
                Math.min(heapBytesMin, other.heapBytesMin),
                Math.max(rocksDbBytesMax, other.rocksDbBytesMax),
                Math.max(residentBytesMax, other.residentBytesMax),
                Math.max(fileHandlesMax, other.fileHandlesMax));
    }
}
