package io.mambabyte.streams;

import io.mambabyte.avro.Completion;
import io.mambabyte.avro.CompletionRequest;
import io.mambabyte.generate.Continuation;
import io.mambabyte.generate.Decoder;
import io.mambabyte.generate.DrafterFactory;
import io.mambabyte.generate.FinishReason;
import io.mambabyte.generate.HistoryIndex;
import io.mambabyte.generate.Prefill;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.model.StateCodec;
import io.mambabyte.model.StateFormatException;
import io.mambabyte.model.StateRounding;
import io.mambabyte.model.SubwordModel;

import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.function.Function;

/**
 * Continues texts for requests, many together, in slices between polls. A request is stored with
 * what it starts from before anything is made of it, and each chunk with it when it is sent; after
 * a crash it goes on from its last chunk, and gives what it would have given.
 */
final class CompletionProcessor
        implements Processor<byte[], CompletionRequest, byte[], Completion> {
    /** Places of the drafters' index, which the requests of a task share. */
    private static final int INDEX_BITS = 16;

    private final CompletionConfig config;
    private final MambaModel model;
    private final StateRounding rounding;
    private final String storeName;
    private final Function<ProcessorContext<byte[], Completion>, StartingPoint.OfKey> opening;
    private final StateCodec codec;

    private final List<ActiveCompletion> active = new ArrayList<>();
    private final DrafterFactory drafters;
    private final List<ActiveCompletion> ready = new ArrayList<>();
    private final List<Continuation> continuations = new ArrayList<>();
    private long nextNumber;

    private @Nullable ProcessorContext<byte[], Completion> context;
    private @Nullable CompletionStore store;
    private StartingPoint.@Nullable OfKey states;
    private @Nullable Decoder decoder;
    private @Nullable Prefill prefill;

    CompletionProcessor(
            CompletionConfig config,
            MambaModel model,
            MambaModel draftModel,
            SubwordModel subwordModel,
            StateRounding rounding,
            String storeName,
            Function<ProcessorContext<byte[], Completion>, StartingPoint.OfKey> opening) {
        this.config = config;
        this.model = model;
        this.rounding = rounding;
        this.storeName = storeName;
        this.opening = opening;
        codec = new StateCodec(model);
        drafters = new DrafterFactory(new HistoryIndex(INDEX_BITS), draftModel, subwordModel);
    }

    @Override
    public void init(ProcessorContext<byte[], Completion> context) {
        this.context = context;
        store = new CompletionStore(context.getStateStore(storeName));
        states = opening.apply(context);
        active.clear();
        nextNumber = 0;
        for (CompletionStore.Stored stored : store.all()) {
            nextNumber = stored.number + 1;
            resume(stored);
        }
        context.schedule(
                Duration.ofMillis(Math.max(1, config.slice().toMillis() / 2)),
                PunctuationType.WALL_CLOCK_TIME,
                this::slice);
    }

    @Override
    public void process(Record<byte[], CompletionRequest> record) {
        byte @Nullable [] key = record.key();
        CompletionRequest request = record.value();
        if (request == null) {
            if (key != null) {
                cancel(key);
            }
            return;
        }
        byte[] keyBytes = key == null ? new byte[0] : key;
        byte[] prompt = ActiveCompletion.bytes(request.getPrompt());
        StartingPoint start = null;
        String wrong = problem(request, prompt);
        if (wrong == null && request.getContinueKey()) {
            start = key == null ? null : required(states).of(key);
            if (start == null) {
                wrong = "continue_key: nothing is known of the record's key";
            }
        }
        if (wrong == null && start == null && prompt.length == 0) {
            wrong = "prompt: there is none, and continue_key is false";
        }
        if (wrong != null) {
            refuse(keyBytes, request, record.timestamp(), wrong);
            return;
        }
        ActiveCompletion accepted;
        try {
            accepted =
                    new ActiveCompletion(
                            nextNumber,
                            keyBytes,
                            record.timestamp(),
                            request,
                            start == null ? model.newState() : start.state(),
                            start == null ? new byte[0] : start.lastBytes(),
                            new byte[0],
                            drafters);
        } catch (IllegalArgumentException e) {
            refuse(keyBytes, request, record.timestamp(), String.valueOf(e.getMessage()));
            return;
        }
        CompletionStore entries = required(store);
        entries.putRequest(
                nextNumber,
                keyBytes,
                record.timestamp(),
                request,
                start == null ? new byte[0] : start.lastBytes());
        if (start != null) {
            entries.putState(nextNumber, codec.encode(start.state()));
        }
        nextNumber++;
        active.add(accepted);
    }

    private @Nullable String problem(CompletionRequest request, byte[] prompt) {
        if (request.getMaxBytes() < 1 || request.getMaxBytes() > config.maxBytes()) {
            return "max_bytes must be from 1 to %d, not %d"
                    .formatted(config.maxBytes(), request.getMaxBytes());
        }
        if (prompt.length > config.maxPromptBytes()) {
            return "prompt has %d bytes, at most %d are taken"
                    .formatted(prompt.length, config.maxPromptBytes());
        }
        return null;
    }

    private void refuse(byte[] key, CompletionRequest request, long timestampMs, String message) {
        send(
                key,
                timestampMs,
                completion(request.getId(), 0, new byte[0], 0, null, 0, 0)
                        .setFinishReason(CompletionFinish.INVALID.reason)
                        .setMessage(message)
                        .build());
    }

    private void cancel(byte[] key) {
        for (Iterator<ActiveCompletion> all = active.iterator(); all.hasNext(); ) {
            ActiveCompletion completion = all.next();
            if (Arrays.equals(completion.key, key)) {
                end(completion, CompletionFinish.CANCELLED);
                all.remove();
            }
        }
    }

    private void resume(CompletionStore.Stored stored) {
        RecurrentState state;
        try {
            state =
                    stored.state.size() == 0
                            ? model.newState()
                            : codec.decode(stored.state.toByteArray());
        } catch (StateFormatException e) {
            refuse(
                    stored.key,
                    stored.request,
                    stored.timestampMs,
                    "the state that it started from cannot be used any more: " + e.getMessage());
            required(store).delete(stored.number);
            return;
        }
        ActiveCompletion resumed =
                new ActiveCompletion(
                        stored.number,
                        stored.key,
                        stored.timestampMs,
                        stored.request,
                        state,
                        stored.before,
                        stored.made.toByteArray(),
                        drafters);
        resumed.sent = stored.made.size();
        resumed.chunks = stored.chunks;
        resumed.log2Likelihood = stored.log2Likelihood;
        active.add(resumed);
    }

    /** One slice: passes over all that have a place, until the time is over. */
    private void slice(long nowMs) {
        if (active.isEmpty()) {
            return;
        }
        if (decoder == null) {
            decoder = new Decoder(model, config.maxTogether(), rounding);
            prefill = new Prefill(model, rounding);
        }
        long end = System.nanoTime() + config.slice().toNanos();
        do {
            expire();
            ready.clear();
            continuations.clear();
            int places = Math.min(active.size(), config.maxTogether());
            for (int i = 0; i < places; i++) {
                Continuation continuation = active.get(i).ready(required(prefill));
                if (continuation != null) {
                    ready.add(active.get(i));
                    continuations.add(continuation);
                }
            }
            required(decoder).advance(continuations);
            for (int i = 0; i < ready.size(); i++) {
                if (sendWhatIsDue(ready.get(i), continuations.get(i))) {
                    active.remove(ready.get(i));
                }
            }
        } while (!active.isEmpty() && System.nanoTime() - end < 0);
    }

    private void expire() {
        long nowMs = required(context).currentSystemTimeMs();
        for (Iterator<ActiveCompletion> all = active.iterator(); all.hasNext(); ) {
            ActiveCompletion completion = all.next();
            Long deadlineMs = completion.request.getDeadlineMs();
            if (deadlineMs != null && nowMs >= deadlineMs) {
                end(completion, CompletionFinish.DEADLINE);
                all.remove();
            }
        }
    }

    /**
     * Sends whole chunks, and what is left when it has ended.
     *
     * @return whether it has ended
     */
    private boolean sendWhatIsDue(ActiveCompletion completion, Continuation made) {
        while (made.length() - completion.sent >= config.chunkBytes()
                && (made.finished() == null
                        || made.length() - completion.sent > config.chunkBytes())) {
            chunk(completion, made, completion.sent + config.chunkBytes());
        }
        FinishReason finished = made.finished();
        if (finished == null) {
            return false;
        }
        end(
                completion,
                switch (finished) {
                    case LENGTH -> CompletionFinish.LENGTH;
                    case STOP -> CompletionFinish.STOP;
                });
        return true;
    }

    private void chunk(ActiveCompletion completion, Continuation made, int to) {
        byte[] bytes = made.bytes(completion.sent, to);
        double likelihood = log2Likelihood(made, completion.sent, to);
        required(store).putChunk(completion.number, completion.chunks, bytes, likelihood);
        if (completion.request.getStream()) {
            send(
                    completion.key,
                    completion.timestampMs,
                    completion(
                                    completion.request.getId(),
                                    completion.chunks,
                                    bytes,
                                    likelihood,
                                    null,
                                    made.drafted(),
                                    made.accepted())
                            .build());
        }
        completion.sent = to;
        completion.chunks++;
        completion.log2Likelihood += likelihood;
    }

    /** Sends the last record, with what was made and not sent. */
    private void end(ActiveCompletion completion, CompletionFinish reason) {
        boolean whole = !completion.request.getStream();
        Continuation made = completion.continuation();
        byte[] bytes = new byte[0];
        double likelihood = 0;
        if (made != null) {
            bytes = made.bytes(whole ? 0 : completion.sent, made.length());
            likelihood = log2Likelihood(made, completion.sent, made.length());
        }
        send(
                completion.key,
                completion.timestampMs,
                completion(
                                completion.request.getId(),
                                whole ? 0 : completion.chunks,
                                bytes,
                                whole ? completion.log2Likelihood + likelihood : likelihood,
                                reason,
                                made == null ? 0 : made.drafted(),
                                made == null ? 0 : made.accepted())
                        .build());
        required(store).delete(completion.number);
    }

    private static double log2Likelihood(Continuation made, int from, int to) {
        double bits = 0;
        for (int position = from; position < to; position++) {
            bits += made.surprisal(position);
        }
        return -bits;
    }

    private Completion.Builder completion(
            String id,
            int sequence,
            byte[] bytes,
            double log2Likelihood,
            @Nullable CompletionFinish reason,
            long drafted,
            long accepted) {
        return Completion.newBuilder()
                .setId(id)
                .setSequence(sequence)
                .setBytes(ByteBuffer.wrap(bytes))
                .setLog2Likelihood(log2Likelihood)
                .setFinishReason(reason == null ? null : reason.reason)
                .setMessage(null)
                .setDrafted(drafted)
                .setAccepted(accepted)
                .setModel(model.fingerprint());
    }

    private void send(byte[] key, long timestampMs, Completion completion) {
        required(context).forward(new Record<>(key, completion, timestampMs));
    }

    @Override
    public void close() {
        active.clear();
        states = null;
        store = null;
    }

    private static <T> T required(@Nullable T initialised) {
        if (initialised == null) {
            throw new IllegalStateException("init was not called");
        }
        return initialised;
    }
}
