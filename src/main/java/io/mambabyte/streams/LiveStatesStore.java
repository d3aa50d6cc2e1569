package io.mambabyte.streams;

import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.processor.StateStoreContext;
import org.apache.kafka.streams.state.StoreBuilder;
import org.jspecify.annotations.Nullable;

import java.util.Map;
import java.util.function.Supplier;

/**
 * Where the processors of a task meet: holds the task's {@link KeyStates}, for as long as the task
 * is this instance's. Nothing of it is stored or logged.
 */
final class LiveStatesStore implements StateStore {
    private final String name;
    private @Nullable KeyStates states;
    private boolean open;

    private LiveStatesStore(String name) {
        this.name = name;
    }

    /** The task's states, made by the processor that is initialised first. */
    KeyStates states(Supplier<KeyStates> make) {
        KeyStates made = states;
        if (made == null) {
            made = make.get();
            states = made;
        }
        return made;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public void init(StateStoreContext context, StateStore root) {
        context.register(
                root,
                (_, _) -> {
                    throw new IllegalStateException(name + " has no changelog");
                });
        open = true;
    }

    @Override
    public void close() {
        open = false;
        if (states != null) {
            states.close();
            states = null;
        }
    }

    @Override
    public boolean persistent() {
        return false;
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    /** Builds it: one for each task. */
    static final class Builder implements StoreBuilder<LiveStatesStore> {
        private final String name;

        Builder(String name) {
            this.name = name;
        }

        @Override
        public StoreBuilder<LiveStatesStore> withCachingEnabled() {
            return this;
        }

        @Override
        public StoreBuilder<LiveStatesStore> withCachingDisabled() {
            return this;
        }

        @Override
        public StoreBuilder<LiveStatesStore> withLoggingEnabled(Map<String, String> config) {
            throw new UnsupportedOperationException(name + " is not logged");
        }

        @Override
        public StoreBuilder<LiveStatesStore> withLoggingDisabled() {
            return this;
        }

        @Override
        public LiveStatesStore build() {
            return new LiveStatesStore(name);
        }

        @Override
        public Map<String, String> logConfig() {
            return Map.of();
        }

        @Override
        public boolean loggingEnabled() {
            return false;
        }

        @Override
        public String name() {
            return name;
        }
    }
}
