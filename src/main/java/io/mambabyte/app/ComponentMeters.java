package io.mambabyte.app;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;

import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * The component's metrics as meters of an instance: the Kafka metrics of group {@code
 * mambabyte-metrics}, which every task has for itself, summed over the tasks. A name that ends in
 * {@code -total} is a counter, and stays one when tasks move to another instance: what they counted
 * here remains counted. Every other one is a gauge, a name in {@code -max} the largest of the
 * tasks' and not their sum. A part {@code ns} of a name becomes {@code seconds}.
 *
 * <p>So a metric that the component gains is exported without a line here. One series for each
 * name, whatever the number of tasks and keys.
 */
final class ComponentMeters {
    /** As docs/operations.md names it. */
    private static final String GROUP = "mambabyte-metrics";

    private static final String TOTAL = "-total";
    private static final String MAX = "-max";
    private static final double NANOS_PER_SECOND = 1e9;

    private final MeterRegistry registry;
    private final Supplier<? extends Map<MetricName, ? extends Metric>> metrics;
    private final Map<MetricName, Double> seen = new HashMap<>();
    private final Map<String, Double> values = new HashMap<>();
    private final Set<String> registered = new HashSet<>();

    /**
     * Meters that appear as soon as a task has their metrics.
     *
     * @param registry where they are registered
     * @param metrics what {@code KafkaStreams.metrics()} gives
     */
    ComponentMeters(
            MeterRegistry registry, Supplier<? extends Map<MetricName, ? extends Metric>> metrics) {
        this.registry = registry;
        this.metrics = metrics;
    }

    /** Reads all of them; call it before each scrape. */
    synchronized void update() {
        Map<MetricName, ? extends Metric> all = metrics.get();
        values.entrySet().removeIf(entry -> !entry.getKey().endsWith(TOTAL));
        Set<MetricName> present = new HashSet<>();
        for (Map.Entry<MetricName, ? extends Metric> entry : all.entrySet()) {
            MetricName name = entry.getKey();
            if (name.group().equals(GROUP)
                    && entry.getValue().metricValue() instanceof Number number) {
                present.add(name);
                add(name, number.doubleValue());
            }
        }
        // A task that comes back counts from nothing again.
        seen.keySet().retainAll(present);
    }

    private void add(MetricName name, double value) {
        double before = 0;
        if (name.name().endsWith(TOTAL)) {
            double last = seen.getOrDefault(name, 0.0);
            before = value < last ? 0 : last;
            seen.put(name, value);
        }
        values.merge(
                name.name(), value - before, name.name().endsWith(MAX) ? Math::max : Double::sum);
        if (registered.add(name.name())) {
            register(name.name(), name.description());
        }
    }

    private void register(String name, String description) {
        boolean nanos = (name + "-").contains("-ns-");
        double unit = nanos ? 1 / NANOS_PER_SECOND : 1;
        String meter = "mambabyte." + (nanos ? name.replace("-ns", "-seconds") : name);
        String described = nanos ? description.replace("nanoseconds", "seconds") : description;
        if (name.endsWith(TOTAL)) {
            String counter = meter.substring(0, meter.length() - TOTAL.length()).replace('-', '.');
            FunctionCounter.builder(counter, this, self -> self.value(name) * unit)
                    .description(described)
                    .register(registry);
        } else {
            Gauge.builder(meter.replace('-', '.'), this, self -> self.value(name) * unit)
                    .description(described)
                    .register(registry);
        }
    }

    private synchronized double value(String name) {
        return values.getOrDefault(name, 0.0);
    }
}
