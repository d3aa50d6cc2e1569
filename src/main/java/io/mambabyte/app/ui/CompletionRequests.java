package io.mambabyte.app.ui;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.mambabyte.generate.Continuation;
import io.mambabyte.generate.Decoder;
import io.mambabyte.generate.Drafter;
import io.mambabyte.generate.HistoryDrafter;
import io.mambabyte.generate.HistoryIndex;
import io.mambabyte.generate.Prefill;
import io.mambabyte.generate.Sampling;
import io.mambabyte.generate.StopSequences;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.streams.KeyHistory;

import org.apache.kafka.streams.errors.InvalidStateStoreException;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Semaphore;

/**
 * Continues texts for the page, one at a time: the stream's threads need the cores. What is made is
 * sent as it is made, a JSON object a line; then the same is made twice more, without drafts and
 * with them, which gives their ratio on code that is compiled by then.
 */
final class CompletionRequests {
    private static final int PROMPT_BYTES_MAX = 4096;
    private static final int BYTES_MAX = 1000;
    private static final int INDEX_BITS = 15;
    private static final long SEND_NANOS = 40_000_000L;

    private final PageSources sources;
    private final Semaphore free = new Semaphore(1);

    CompletionRequests(PageSources sources) {
        this.sources = sources;
    }

    @SuppressWarnings("ArrayRecordComponent") // only ever read
    private record Asked(byte[] prompt, Sampling sampling, int maxBytes) {}

    /**
     * Answers a request.
     *
     * @param request {@code prompt} or {@code key} in base64url, {@code temperature}, {@code seed},
     *     {@code maxBytes}
     * @param out closed by whoever gave it
     * @throws IOException if the browser is gone
     * @throws IllegalArgumentException if something in the request is wrong
     * @throws PageUnavailableException while another text is being continued
     */
    void answer(JsonNode request, OutputStream out) throws IOException, PageUnavailableException {
        Asked asked = asked(request);
        if (!free.tryAcquire()) {
            throw new PageUnavailableException("another text is being continued; try again");
        }
        try (out) {
            complete(asked, out);
        } finally {
            free.release();
        }
    }

    private Asked asked(JsonNode request) throws PageUnavailableException {
        byte[] prompt =
                request.hasNonNull("key")
                        ? lastBytes(PageJson.bytes(request.get("key").asText()))
                        : PageJson.bytes(request.path("prompt").asText(""));
        if (prompt.length > PROMPT_BYTES_MAX) {
            throw new IllegalArgumentException(
                    "the text has "
                            + prompt.length
                            + " bytes; at most "
                            + PROMPT_BYTES_MAX
                            + " are continued here");
        }
        int maxBytes = request.path("maxBytes").asInt(200);
        if (maxBytes < 1 || maxBytes > BYTES_MAX) {
            throw new IllegalArgumentException("maxBytes must be from 1 to " + BYTES_MAX);
        }
        Sampling sampling =
                new Sampling(
                        request.path("temperature").asDouble(0),
                        0,
                        1,
                        0,
                        request.path("seed").asLong(0),
                        false);
        // Nothing predicts the first byte of all: without a text, a line begins.
        return new Asked(prompt.length == 0 ? new byte[] {'\n'} : prompt, sampling, maxBytes);
    }

    private byte[] lastBytes(byte[] key) throws PageUnavailableException {
        try {
            return KeyHistory.lastBytes(
                    sources.streams().get(), sources.config(), key, PROMPT_BYTES_MAX);
        } catch (InvalidStateStoreException | IllegalStateException e) {
            throw new PageUnavailableException(
                    "the key's bytes cannot be read now: " + e.getMessage(), e);
        }
    }

    private void complete(Asked asked, OutputStream out) throws IOException {
        send(out, PageJson.object().put("prompt", PageJson.base64(asked.prompt())));
        MambaModel model = sources.model();
        RecurrentState prompted = model.newState();
        new Prefill(model).feed(prompted, asked.prompt(), 0, asked.prompt().length);
        Decoder decoder = new Decoder(model, 1);
        Continuation shown = begin(asked, prompted.copy(), drafter(asked));
        int sent = 0;
        long lastNanos = 0;
        while (shown.finished() == null) {
            decoder.advance(List.of(shown));
            long now = System.nanoTime();
            if (now - lastNanos > SEND_NANOS || shown.finished() != null) {
                send(out, made(shown, sent));
                sent = shown.length();
                lastNanos = now;
            }
        }
        Decoder plainly = new Decoder(model, 1);
        Continuation plain = begin(asked, prompted.copy(), Drafter.NONE);
        long plainNanos = run(plainly, plain);
        Continuation again = begin(asked, prompted.copy(), drafter(asked));
        long nanos = run(decoder, again);
        ObjectNode done = PageJson.object().put("done", true);
        done.put("bytes", shown.length());
        done.put("bytesPerSecond", PageJson.rounded(again.length() * 1e9 / nanos));
        done.put("plainBytesPerSecond", PageJson.rounded(plain.length() * 1e9 / plainNanos));
        done.put("ratio", PageJson.rounded((double) plainNanos / nanos));
        done.put("drafted", shown.drafted());
        done.put("accepted", shown.accepted());
        done.put(
                "identical",
                Arrays.equals(plain.bytes(0, plain.length()), shown.bytes(0, shown.length())));
        send(out, done);
    }

    private static Continuation begin(Asked asked, RecurrentState state, Drafter drafter) {
        return new Continuation(
                state,
                asked.prompt(),
                asked.sampling(),
                new StopSequences(List.of()),
                asked.maxBytes(),
                drafter,
                Decoder.DRAFT_MAX);
    }

    private static Drafter drafter(Asked asked) {
        Drafter drafter = new HistoryDrafter(new HistoryIndex(INDEX_BITS));
        drafter.begin();
        drafter.append(asked.prompt(), 0, asked.prompt().length);
        return drafter;
    }

    private static long run(Decoder decoder, Continuation continuation) {
        long start = System.nanoTime();
        while (continuation.finished() == null) {
            decoder.advance(List.of(continuation));
        }
        return System.nanoTime() - start;
    }

    private static ObjectNode made(Continuation continuation, int from) {
        StringBuilder origins = new StringBuilder();
        for (int i = from; i < continuation.length(); i++) {
            origins.append(
                    switch (continuation.origin(i)) {
                        case PLAIN -> 'p';
                        case ACCEPTED -> 'a';
                        case CORRECTED -> 'c';
                    });
        }
        return PageJson.object()
                .put("bytes", PageJson.base64(continuation.bytes(from, continuation.length())))
                .put("origins", origins.toString());
    }

    private static void send(OutputStream out, ObjectNode line) throws IOException {
        out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
    }
}
