package io.mambabyte.app;

import io.mambabyte.app.bench.Quantiles;
import io.mambabyte.generate.Continuation;
import io.mambabyte.generate.Decoder;
import io.mambabyte.generate.Drafter;
import io.mambabyte.generate.Prefill;
import io.mambabyte.generate.Sampling;
import io.mambabyte.generate.StopSequences;
import io.mambabyte.generate.Verification;
import io.mambabyte.model.BatchForward;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.RecurrentState;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.function.Supplier;

/**
 * Continues the same prompts with and without drafts by turns on one thread, and compares bytes,
 * states and time. What a drafter learns of a prompt counts as speculative decoding's time; feeding
 * the prompt to the model counts for neither.
 */
final class Comparison {
    /** Before this, code may not be compiled yet. */
    private static final long WARM_UP_NS = 6_000_000_000L;

    private static final int CEILING_ROUNDS = 15;

    /** Passes that are timed for the ceiling, beside the longest draft and the byte before it. */
    private static final int[] CEILING_BYTES = {2, 4, 8, 16, Decoder.DRAFT_MAX + 1};

    /**
     * What came out.
     *
     * @param prompts how many
     * @param identical of them, where bytes and states were the same
     * @param ratioMedian of the prompts' ratios of time, plain over speculative
     * @param ratioMin the least of them
     * @param acceptance share of the tried bytes that were right
     * @param plainBytesPerSecond median of the prompts
     * @param speculativeBytesPerSecond median of the prompts
     * @param ceiling k single steps over one pass over k bytes, by k
     * @param bytes made, by either
     * @param logOdds log2 of the model's probability of the speculative text over that of the plain
     *     one, per byte: 0 where they are the same
     */
    record Result(
            int prompts,
            int identical,
            double ratioMedian,
            double ratioMin,
            double acceptance,
            double bytesPerPass,
            double plainBytesPerSecond,
            double speculativeBytesPerSecond,
            List<Ceiling> ceiling,
            long bytes,
            double logOdds) {}

    /** The ceiling at so many bytes a pass. */
    record Ceiling(int bytes, double ratio) {}

    private final MambaModel model;
    private final Sampling sampling;
    private final int maxBytes;
    private final Supplier<Drafter> drafters;
    private final Verification verification;
    private final Prefill prefill;
    private final Decoder plain;
    private final Decoder speculative;

    Comparison(
            MambaModel model,
            Sampling sampling,
            int maxBytes,
            Supplier<Drafter> drafters,
            Verification verification) {
        this.model = model;
        this.sampling = sampling;
        this.maxBytes = maxBytes;
        this.drafters = drafters;
        this.verification = verification;
        prefill = new Prefill(model);
        plain = new Decoder(model, 1);
        speculative = new Decoder(model, 1);
    }

    /** A continuation and what it took. */
    private record Run(Continuation made, int passes, long nanos) {}

    Result run(List<byte[]> prompts, IntConsumer progress) {
        warmUp(prompts);
        List<Ceiling> ceiling = ceiling(prompts.getFirst());
        Drafter drafter = drafters.get();
        int count = prompts.size();
        double[] ratios = new double[count];
        double[] plainRates = new double[count];
        double[] speculativeRates = new double[count];
        int identical = 0;
        long drafted = 0;
        long accepted = 0;
        long passes = 0;
        long bytes = 0;
        double plainBits = 0;
        double speculativeBits = 0;
        for (int i = 0; i < count; i++) {
            // By turns, so that neither is always the one that finds the caches warm.
            boolean plainFirst = i % 2 == 0;
            RecurrentState after = after(prompts.get(i));
            Run first = run(prompts.get(i), after, plainFirst ? null : drafter);
            Run second = run(prompts.get(i), after, plainFirst ? drafter : null);
            Run without = plainFirst ? first : second;
            Run with = plainFirst ? second : first;
            if (same(without.made, with.made)) {
                identical++;
            }
            ratios[i] = (double) without.nanos / with.nanos;
            plainRates[i] = without.made.length() * 1e9 / without.nanos;
            speculativeRates[i] = with.made.length() * 1e9 / with.nanos;
            drafted += with.made.drafted();
            accepted += with.made.accepted();
            passes += with.passes;
            bytes += with.made.length();
            plainBits += bits(without.made);
            speculativeBits += bits(with.made);
            progress.accept(i + 1);
        }
        Arrays.sort(ratios);
        return new Result(
                count,
                identical,
                Quantiles.median(ratios),
                ratios[0],
                drafted == 0 ? 0 : (double) accepted / drafted,
                (double) bytes / passes,
                Quantiles.median(plainRates),
                Quantiles.median(speculativeRates),
                ceiling,
                bytes,
                (plainBits - speculativeBits) / bytes);
    }

    private static double bits(Continuation made) {
        double bits = 0;
        for (int position = 0; position < made.length(); position++) {
            bits += made.surprisal(position);
        }
        return bits;
    }

    private static boolean same(Continuation one, Continuation other) {
        return Arrays.equals(one.bytes(0, one.length()), other.bytes(0, other.length()))
                && one.state().bitsEqual(other.state());
    }

    /** With drafters of its own, so that nothing is known of the prompts afterwards. */
    private void warmUp(List<byte[]> prompts) {
        Drafter drafter = drafters.get();
        long start = System.nanoTime();
        int i = 0;
        do {
            byte[] prompt = prompts.get(i % prompts.size());
            RecurrentState after = after(prompt);
            run(prompt, after, null);
            run(prompt, after, drafter);
            i++;
        } while (System.nanoTime() - start < WARM_UP_NS);
    }

    private RecurrentState after(byte[] prompt) {
        RecurrentState state = model.newState();
        prefill.feed(state, prompt, 0, prompt.length);
        return state;
    }

    /** Continues a prompt; without drafts where the drafter is null. */
    private Run run(byte[] prompt, RecurrentState after, @Nullable Drafter drafter) {
        RecurrentState state = model.newState();
        state.copyFrom(after);
        Decoder decoder = drafter == null ? plain : speculative;
        Drafter used = drafter == null ? Drafter.NONE : drafter;
        long start = System.nanoTime();
        used.begin();
        used.append(prompt, 0, prompt.length);
        Continuation made =
                new Continuation(
                        state,
                        prompt,
                        sampling,
                        StopSequences.NONE,
                        maxBytes,
                        used,
                        drafter == null ? 0 : Decoder.DRAFT_MAX,
                        drafter == null ? Verification.EXACT : verification);
        List<Continuation> one = List.of(made);
        int passes = 0;
        while (made.finished() == null) {
            decoder.advance(one);
            passes++;
        }
        return new Run(made, passes, System.nanoTime() - start);
    }

    /** Steps and passes by turns; medians of their times. */
    private List<Ceiling> ceiling(byte[] prompt) {
        int most = CEILING_BYTES[CEILING_BYTES.length - 1];
        BatchForward forward = new BatchForward(model, 1, most);
        RecurrentState state = model.newState();
        byte[] bytes = new byte[most];
        for (int i = 0; i < most; i++) {
            bytes[i] = prompt[i % prompt.length];
        }
        List<Ceiling> ceiling = new ArrayList<>();
        for (int count : CEILING_BYTES) {
            double[] ratios = new double[CEILING_ROUNDS];
            for (int round = 0; round < CEILING_ROUNDS; round++) {
                long start = System.nanoTime();
                for (int i = 0; i < count; i++) {
                    feed(forward, state, bytes, i, 1);
                }
                long middle = System.nanoTime();
                feed(forward, state, bytes, 0, count);
                ratios[round] = (double) (middle - start) / (System.nanoTime() - middle);
            }
            Arrays.sort(ratios);
            ceiling.add(new Ceiling(count, Quantiles.median(ratios)));
        }
        return ceiling;
    }

    private static void feed(
            BatchForward forward, RecurrentState state, byte[] bytes, int offset, int count) {
        forward.clear();
        forward.add(state, bytes, offset, count);
        forward.forward();
        forward.keep(0, count);
    }
}
