package io.mambabyte.streams;

import io.mambabyte.avro.Completion;
import io.mambabyte.avro.CompletionRequest;
import io.mambabyte.generate.Continuation;
import io.mambabyte.generate.Decoder;
import io.mambabyte.generate.DraftMode;
import io.mambabyte.generate.Drafter;
import io.mambabyte.generate.DrafterException;
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

import org.apache.kafka.common.KafkaException;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * Continues texts for requests, many together, in slices between polls. A request is stored with
 * what it starts from before anything is made of it, and each chunk with it when it is sent; after
 * a crash it goes on from its last chunk, and gives what it would have given.
 *
 * <p>What fails while a request is advanced ends that request, with a record that says why, and no
 * other. Where a pass over several fails, their states are lost: each is made again from what is
 * stored, as after a crash, and advanced alone until it is past the point of the failure, so that
 * the one whose fault it is fails by itself. What fails in Kafka or its stores is not caught here.
 */
final class CompletionProcessor
        implements Processor<byte[], CompletionRequest, byte[], Completion> {
    /** Places of the drafters' index, which the requests of a task share. */
    private static final int INDEX_BITS = 16;

    private static final Logger LOG = LoggerFactory.getLogger(CompletionProcessor.class);

    /** A pass over continuations: {@link Decoder#advance}. */
    @FunctionalInterface
    interface Pass {
        void advance(List<Continuation> continuations);
    }

    private final CompletionConfig config;
    private final MambaModel model;
    private final StateRounding rounding;
    private final String storeName;
    private final Function<ProcessorContext<byte[], Completion>, StartingPoint.OfKey> opening;
    private final StateCodec codec;

    private final List<ActiveCompletion> active = new ArrayList<>();
    private final List<CompletionStore.Broken> broken = new ArrayList<>();
    private final Function<DraftMode, Drafter> drafters;
    private final UnaryOperator<Pass> passes;
    private final List<ActiveCompletion> ready = new ArrayList<>();
    private final List<ActiveCompletion> together = new ArrayList<>();
    private final List<ActiveCompletion> alone = new ArrayList<>();
    private final List<Continuation> continuations = new ArrayList<>();
    private final IdentityHashMap<ActiveCompletion, Throwable> failed = new IdentityHashMap<>();
    private long nextNumber;

    private @Nullable ProcessorContext<byte[], Completion> context;
    private @Nullable CompletionStore store;
    private StartingPoint.@Nullable OfKey states;
    private @Nullable Pass decoder;
    private @Nullable Prefill prefill;

    CompletionProcessor(
            CompletionConfig config,
            MambaModel model,
            MambaModel draftModel,
            SubwordModel subwordModel,
            @Nullable Supplier<? extends Drafter> drafter,
            StateRounding rounding,
            String storeName,
            Function<ProcessorContext<byte[], Completion>, StartingPoint.OfKey> opening,
            UnaryOperator<Pass> passes) {
        this.config = config;
        this.model = model;
        this.rounding = rounding;
        this.storeName = storeName;
        this.opening = opening;
        codec = new StateCodec(model);
        this.passes = passes;
        drafters =
                drafter == null
                        ? new DrafterFactory(new HistoryIndex(INDEX_BITS), draftModel, subwordModel)
                                ::of
                        : mode -> mode == DraftMode.NONE ? Drafter.NONE : drafter.get();
    }

    @Override
    public void init(ProcessorContext<byte[], Completion> context) {
        this.context = context;
        CompletionStore entries = new CompletionStore(context.getStateStore(storeName));
        store = entries;
        states = opening.apply(context);
        active.clear();
        failed.clear();
        CompletionStore.Found found = entries.all();
        nextNumber = found.nextNumber;
        // Nothing can be sent yet: the first slice tells of those that cannot go on.
        broken.clear();
        broken.addAll(found.broken);
        found.orphans.forEach(entries::delete);
        for (CompletionStore.Stored stored : found.requests) {
            try {
                active.add(resumed(stored));
            } catch (RuntimeException | Error e) {
                broken.add(CompletionStore.Broken.of(stored, whatFailed(e)));
            }
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
        Accepted accepted;
        try {
            accepted = accept(record, keyBytes, request);
        } catch (IllegalArgumentException e) {
            refuse(keyBytes, request, record.timestamp(), String.valueOf(e.getMessage()));
            return;
        } catch (RuntimeException | Error e) {
            String failed = whatFailed(e);
            LOG.error("Completion request {} failed", request.getId(), e);
            last(keyBytes, record.timestamp(), request.getId(), 0, CompletionFinish.ERROR, failed);
            return;
        }
        CompletionStore entries = required(store);
        entries.putRequest(nextNumber, keyBytes, record.timestamp(), request, accepted.before);
        if (accepted.state.length > 0) {
            entries.putState(nextNumber, accepted.state);
        }
        nextNumber++;
        active.add(accepted.completion);
    }

    /** A request that is taken, and what is stored of where it starts. */
    private static final class Accepted {
        final ActiveCompletion completion;
        final byte[] before;

        /** None where it starts from nothing. */
        final byte[] state;

        Accepted(ActiveCompletion completion, byte[] before, byte[] state) {
            this.completion = completion;
            this.before = before;
            this.state = state;
        }
    }

    /**
     * Looks at a request; changes nothing.
     *
     * @throws IllegalArgumentException if it is not valid: says why
     */
    private Accepted accept(
            Record<byte[], CompletionRequest> record, byte[] key, CompletionRequest request) {
        byte[] prompt = ActiveCompletion.bytes(request.getPrompt());
        requireInBounds(request, prompt);
        StartingPoint start = null;
        if (request.getContinueKey()) {
            start = record.key() == null ? null : required(states).of(key);
            if (start == null) {
                throw new IllegalArgumentException(
                        "continue_key: nothing is known of the record's key");
            }
        } else if (prompt.length == 0) {
            throw new IllegalArgumentException("prompt: there is none, and continue_key is false");
        }
        byte[] before = start == null ? new byte[0] : start.lastBytes();
        byte[] state = start == null ? new byte[0] : codec.encode(start.state());
        return new Accepted(
                new ActiveCompletion(
                        nextNumber,
                        key,
                        record.timestamp(),
                        request,
                        start == null ? model.newState() : start.state(),
                        before,
                        new byte[0],
                        drafters),
                before,
                state);
    }

    private void requireInBounds(CompletionRequest request, byte[] prompt) {
        if (request.getMaxBytes() < 1 || request.getMaxBytes() > config.maxBytes()) {
            throw new IllegalArgumentException(
                    "max_bytes must be from 1 to %d, not %d"
                            .formatted(config.maxBytes(), request.getMaxBytes()));
        }
        if (prompt.length > config.maxPromptBytes()) {
            throw new IllegalArgumentException(
                    "prompt has %d bytes, at most %d are taken"
                            .formatted(prompt.length, config.maxPromptBytes()));
        }
    }

    private void refuse(byte[] key, CompletionRequest request, long timestampMs, String message) {
        last(key, timestampMs, request.getId(), 0, CompletionFinish.INVALID, message);
    }

    /** Sends a last record without bytes. */
    private void last(
            byte[] key,
            long timestampMs,
            String id,
            int sequence,
            CompletionFinish reason,
            String message) {
        send(
                key,
                timestampMs,
                completion(id, sequence, new byte[0], 0, reason, 0, 0).setMessage(message).build());
    }

    /**
     * What a failure was, in words, where it is of one request.
     *
     * @throws KafkaException as it is: what Kafka throws ends the task, which is then begun anew
     * @throws VirtualMachineError as it is, unless it is memory that one request was short of
     */
    private static String whatFailed(Throwable e) {
        if (e instanceof KafkaException kafka) {
            throw kafka;
        }
        if (e instanceof VirtualMachineError broken
                && !(e instanceof OutOfMemoryError || e instanceof StackOverflowError)) {
            throw broken;
        }
        return e.toString();
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

    /**
     * Takes a request up where what is stored of it ends.
     *
     * @throws IllegalStateException if its state is not one of this model's
     * @throws IllegalArgumentException if its settings are not valid any more
     */
    private ActiveCompletion resumed(CompletionStore.Stored stored) {
        RecurrentState state;
        try {
            state =
                    stored.state.size() == 0
                            ? model.newState()
                            : codec.decode(stored.state.toByteArray());
        } catch (StateFormatException e) {
            throw new IllegalStateException(
                    "the state that it started from cannot be used any more: " + e.getMessage(), e);
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
        return resumed;
    }

    /** One slice: passes over all that have a place, until the time is over. */
    private void slice(long nowMs) {
        if (!broken.isEmpty()) {
            tellOfBroken();
        }
        if (active.isEmpty()) {
            return;
        }
        if (decoder == null) {
            Decoder made = new Decoder(model, config.maxTogether(), rounding);
            decoder = passes.apply(made::advance);
            prefill = new Prefill(model, rounding);
        }
        long end = System.nanoTime() + config.slice().toNanos();
        do {
            expire();
            turn();
        } while (!active.isEmpty() && System.nanoTime() - end < 0);
    }

    private void tellOfBroken() {
        for (CompletionStore.Broken request : broken) {
            LOG.error(
                    "Completion request {} cannot be gone on with: {}",
                    request.id(),
                    request.reason());
            last(
                    request.key(),
                    request.timestampMs(),
                    request.id(),
                    request.chunks(),
                    CompletionFinish.ERROR,
                    request.reason());
            required(store).delete(request.number());
        }
        broken.clear();
    }

    /** Makes at least a byte of all that have a place and whose text is fed. */
    private void turn() {
        ready.clear();
        int places = Math.min(active.size(), config.maxTogether());
        for (int i = 0; i < places; i++) {
            ActiveCompletion completion = active.get(i);
            try {
                if (completion.ready(required(prefill)) != null) {
                    ready.add(completion);
                }
            } catch (RuntimeException | Error e) {
                failed.put(completion, e);
            }
        }
        together.clear();
        for (ActiveCompletion completion : ready) {
            if (completion.aloneUntil == 0) {
                together.add(completion);
            } else {
                alone.clear();
                alone.add(completion);
                pass(alone);
            }
        }
        if (!together.isEmpty()) {
            pass(together);
        }
        failed.forEach(this::fail);
        failed.clear();
    }

    private void pass(List<ActiveCompletion> completions) {
        continuations.clear();
        for (ActiveCompletion completion : completions) {
            continuations.add(required(completion.continuation()));
        }
        try {
            required(decoder).advance(continuations);
        } catch (DrafterException e) {
            // The pass was made: each says itself whether it was its drafter.
        } catch (RuntimeException | Error e) {
            if (completions.size() == 1) {
                failed.put(completions.getFirst(), e);
            } else {
                String what = whatFailed(e);
                LOG.warn(
                        "A pass over {} completions failed ({}): each is advanced alone",
                        completions.size(),
                        what,
                        e);
                completions.forEach(this::beginAgain);
            }
            return;
        }
        for (int i = 0; i < completions.size(); i++) {
            ActiveCompletion completion = completions.get(i);
            Continuation made = continuations.get(i);
            Throwable ofDrafter = made.failure();
            if (ofDrafter != null) {
                failed.put(completion, ofDrafter);
            } else if (sendWhatIsDue(completion, made)) {
                active.remove(completion);
            } else if (made.length() >= completion.aloneUntil) {
                completion.aloneUntil = 0;
            }
        }
    }

    /** Makes a request anew from what is stored, in its place. */
    private void beginAgain(ActiveCompletion completion) {
        try {
            ActiveCompletion again = resumed(required(store).get(completion.number));
            again.aloneUntil = required(completion.continuation()).length() + 1;
            active.set(active.indexOf(completion), again);
        } catch (RuntimeException | Error e) {
            failed.put(completion, e);
        }
    }

    /**
     * Ends a request with what was stored of it to be sent; what came after that is not certain.
     */
    private void fail(ActiveCompletion completion, Throwable e) {
        String what = whatFailed(e);
        LOG.error("Completion request {} failed", completion.request.getId(), e);
        boolean whole = !completion.request.getStream();
        send(
                completion.key,
                completion.timestampMs,
                completion(
                                completion.request.getId(),
                                whole ? 0 : completion.chunks,
                                whole ? completion.bytes(0, completion.sent) : new byte[0],
                                whole ? completion.log2Likelihood : 0,
                                CompletionFinish.ERROR,
                                0,
                                0)
                        .setMessage(what)
                        .build());
        required(store).delete(completion.number);
        active.remove(completion);
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
        // While its text is fed anew there is only what was stored.
        int length = made == null ? completion.sent : made.length();
        byte[] bytes = completion.bytes(whole ? 0 : completion.sent, length);
        double likelihood = made == null ? 0 : log2Likelihood(made, completion.sent, length);
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
