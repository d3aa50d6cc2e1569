package io.mambabyte.streams;

import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorSupplier;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.ProcessorWrapper;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.WrappedFixedKeyProcessorSupplier;
import org.apache.kafka.streams.processor.api.WrappedProcessorSupplier;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Lets the processor of anomalies find in its store what was there when the task before it ended:
 * the driver forgets all stores, which a changelog or a disk would have kept. By its name in {@code
 * processor.wrapper.class}.
 */
public final class SurvivingStore implements ProcessorWrapper {
    /** What the next task finds; for the thread of a test. */
    static final ThreadLocal<List<KeyValue<Bytes, byte[]>>> ENTRIES =
            ThreadLocal.withInitial(ArrayList::new);

    /** Made by Kafka. */
    public SurvivingStore() {}

    @Override
    public <KIn, VIn, KOut, VOut>
            WrappedProcessorSupplier<KIn, VIn, KOut, VOut> wrapProcessorSupplier(
                    String name, ProcessorSupplier<KIn, VIn, KOut, VOut> supplier) {
        if (!name.endsWith("-anomalies")) {
            return ProcessorWrapper.asWrapped(supplier);
        }
        return ProcessorWrapper.asWrapped(
                new ProcessorSupplier<KIn, VIn, KOut, VOut>() {
                    @Override
                    public Processor<KIn, VIn, KOut, VOut> get() {
                        return filled(supplier.get(), name);
                    }

                    @Override
                    public Set<StoreBuilder<?>> stores() {
                        return supplier.stores();
                    }
                });
    }

    private static <KIn, VIn, KOut, VOut> Processor<KIn, VIn, KOut, VOut> filled(
            Processor<KIn, VIn, KOut, VOut> processor, String store) {
        return new Processor<>() {
            @Override
            public void init(ProcessorContext<KOut, VOut> context) {
                KeyValueStore<Bytes, byte[]> found = context.getStateStore(store);
                ENTRIES.get().forEach(entry -> found.put(entry.key, entry.value));
                processor.init(context);
            }

            @Override
            public void process(Record<KIn, VIn> record) {
                processor.process(record);
            }

            @Override
            public void close() {
                processor.close();
            }
        };
    }

    @Override
    public <KIn, VIn, VOut>
            WrappedFixedKeyProcessorSupplier<KIn, VIn, VOut> wrapFixedKeyProcessorSupplier(
                    String name, FixedKeyProcessorSupplier<KIn, VIn, VOut> supplier) {
        return ProcessorWrapper.asWrappedFixedKey(supplier);
    }
}
