package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;

import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.metrics.Measurable;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.metrics.Sensor;
import org.apache.kafka.common.metrics.stats.CumulativeSum;
import org.apache.kafka.common.metrics.stats.Value;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.util.Map;

class ComponentMetersTest {
    private final Metrics kafka = new Metrics();
    private final PrometheusMeterRegistry registry =
            new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final ComponentMeters meters = new ComponentMeters(registry, kafka::metrics);

    @AfterEach
    void close() {
        kafka.close();
        registry.close();
    }

    private MetricName name(String name, String task) {
        return new MetricName(name, "mambabyte-metrics", "what it is", Map.of("task-id", task));
    }

    private Sensor counter(String name, String task) {
        Sensor sensor = kafka.sensor(name + task);
        sensor.add(name(name, task), new CumulativeSum());
        return sensor;
    }

    private String scrape() {
        meters.update();
        return registry.scrape();
    }

    private void assertScraped(String line) {
        String scraped = scrape();
        assertTrue(scraped.lines().anyMatch(line::equals), scraped);
    }

    @Test
    void shouldSumCountersOfTasks() {
        counter("records-total", "0_0").record(3);
        counter("records-total", "0_1").record(4);
        assertScraped("mambabyte_records_total 7.0");
        assertScraped("# HELP mambabyte_records_total what it is");
        assertScraped("# TYPE mambabyte_records_total counter");
    }

    @Test
    void shouldNotCountBackWhenTaskLeaves() {
        counter("records-total", "0_0").record(3);
        Sensor other = counter("records-total", "0_1");
        other.record(4);
        scrape();
        kafka.removeSensor(other.name());
        assertScraped("mambabyte_records_total 7.0");
        // It comes back with a sensor of its own.
        counter("records-total", "0_1").record(2);
        assertScraped("mambabyte_records_total 9.0");
    }

    @Test
    void shouldSumGaugesOfTasksThatAreThere() {
        for (String task : new String[] {"0_0", "0_1"}) {
            Sensor sensor = kafka.sensor(task);
            sensor.add(name("live-states", task), new Value());
            sensor.record(5);
        }
        assertScraped("mambabyte_live_states 10.0");
        kafka.removeSensor("0_1");
        assertScraped("mambabyte_live_states 5.0");
    }

    @Test
    void shouldTakeLargestOfMaxima() {
        for (String task : new String[] {"0_0", "0_1"}) {
            Sensor sensor = kafka.sensor(task);
            sensor.add(name("restore-time-ns-max", task), new Value());
            sensor.record(task.equals("0_0") ? 2e9 : 3e9);
        }
        assertScraped("mambabyte_restore_time_seconds_max 3.0");
    }

    @Test
    void shouldGiveSecondsForNanoseconds() {
        counter("score-time-ns-total", "0_0").record(1.5e9);
        assertScraped("mambabyte_score_time_seconds_total 1.5");
    }

    @Test
    void shouldLeaveOtherGroupsAlone() {
        kafka.addMetric(new MetricName("x", "other", "", Map.of()), (Measurable) (_, _) -> 1);
        assertEquals("", scrape());
    }
}
