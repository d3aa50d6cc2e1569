package io.mambabyte.train;

import io.mambabyte.kernels.Kernels;
import io.mambabyte.model.Checkpoint;
import io.mambabyte.model.CheckpointException;
import io.mambabyte.model.CheckpointWriter;
import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.MambaWeights;
import io.mambabyte.model.ModelSource;
import io.mambabyte.model.NamedTensor;
import io.mambabyte.model.SubwordCheckpoint;
import io.mambabyte.model.SubwordModel;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Trains a model on a corpus and keeps, in a model folder, the weights that told the held-out bytes
 * best.
 *
 * <p>Beside the model the folder gets metrics.jsonl and curve.svg, written anew at every
 * evaluation, and training.state, from which an interrupted run goes on to the same bits. The
 * number of threads changes nothing but the time.
 */
public final class Trainer implements AutoCloseable {
    /** Fewer steps between evaluations would tell chance from chance. */
    private static final long EVALUATION_STEPS_MIN = 64;

    /** An evaluation costs about a third of training on the same bytes: at most a tenth of it. */
    private static final int EVALUATION_SHARE = 4;

    /** Share of the time that one pass over held-out bytes may take, where time is limited. */
    private static final double PASS_SHARE = 0.04;

    /** Passes at the end: of the weights at hand, and of the file. */
    private static final int LAST_PASSES = 2;

    /** Most of the time that is kept for them. */
    private static final double LAST_SHARE_MAX = 0.2;

    /** Part of the bits per byte that counts as better: less is chance, and would never end. */
    private static final double BETTER = 1e-3;

    private final Corpus corpus;
    private final TokenText training;
    private final TrainingStart start;
    private final TrainingSettings settings;
    private final TrainingFolder folder;
    private final TrainingListener listener;
    private final MambaConfig config;
    private final MambaWeights weights;
    private final Workers workers;
    private final Step step;
    private final Feed feed;
    private final TrainingState state = new TrainingState();
    private final HeldOut heldOut;
    private long evaluationSteps;
    private double evaluationSeconds;
    private volatile boolean stopping;

    /**
     * Prepares a run.
     *
     * @param corpus what to learn from and what is held out
     * @param start what to begin with
     * @param settings how
     * @param folder where the model goes, made if it is not there
     * @param listener is told how it goes
     * @throws UnusableDataException if there is too little data, or the model does not fit into
     *     memory
     */
    public Trainer(
            Corpus corpus,
            TrainingStart start,
            TrainingSettings settings,
            Path folder,
            TrainingListener listener)
            throws UnusableDataException {
        training = text(start, corpus.training());
        if (training.length() <= settings.rows()) {
            throw new UnusableDataException(
                    "only "
                            + training.length()
                            + (start instanceof TrainingStart.Subwords ? " tokens" : " bytes")
                            + " to learn from, at least "
                            + (settings.rows() + 1)
                            + " are needed for one step");
        }
        MemoryNeed.require(
                start.config(), start.vocabulary(), settings, Runtime.getRuntime().maxMemory());
        this.corpus = corpus;
        this.start = start;
        this.settings = settings;
        this.folder = new TrainingFolder(folder);
        this.listener = listener;
        config = start.config();
        weights =
                switch (start) {
                    case TrainingStart.Base(Checkpoint checkpoint) ->
                            copy(config, checkpoint.weights());
                    case TrainingStart.Subwords(SubwordCheckpoint subwords) ->
                            copy(config, subwords.checkpoint().weights());
                    case TrainingStart.Shape(MambaConfig shape) ->
                            Initialization.weights(shape, settings.seed());
                };
        workers = new Workers(settings.threads());
        step =
                new Step(
                        config,
                        weights,
                        Kernels.selected(),
                        AdamW.Settings.DEFAULT,
                        workers,
                        settings.sequences(),
                        settings.rows());
        feed = new Feed(training.length(), settings.rows(), settings.sequences(), settings.seed());
        heldOut = new HeldOut(text(start, corpus.heldOut()));
        state.settings = comparable();
        state.corpus = corpus.fingerprint();
    }

    private static TokenText text(TrainingStart start, byte[] bytes) {
        return switch (start) {
            case TrainingStart.Base _, TrainingStart.Shape _ -> new TokenText.Bytes(bytes);
            case TrainingStart.Subwords(SubwordCheckpoint subwords) ->
                    TokenText.Subwords.of(bytes, subwords.encoding());
        };
    }

    private long stepTokens() {
        return (long) settings.sequences() * settings.rows();
    }

    /** Bytes that a step has to foretell. */
    private long stepBytes(int[] offsets) {
        long sum = 0;
        for (int offset : offsets) {
            sum += training.bytes(offset + 1, offset + 1 + settings.rows());
        }
        return sum;
    }

    /** What must not change from a run to the one that resumes it; limits and threads may. */
    private String comparable() {
        return "%s, seed %d, %d sequences of %d %s, rate %s, warm-up %d"
                .formatted(
                        config,
                        settings.seed(),
                        settings.sequences(),
                        settings.rows(),
                        start instanceof TrainingStart.Subwords
                                ? "of " + start.vocabulary() + " tokens"
                                : "bytes",
                        settings.rate(),
                        settings.warmupSteps());
    }

    /**
     * Trains until a limit is reached, held-out bytes are not told better any more, or {@link
     * #stop}.
     *
     * @param resume whether to go on where the run in the folder was
     * @return what came of it
     * @throws IOException if the folder cannot be written, or what is to be resumed cannot be read
     * @throws CheckpointException if the model that was written cannot be read
     */
    public TrainingResult run(boolean resume) throws IOException, CheckpointException {
        Clock clock = new Clock();
        if (resume) {
            state.feed = feed.position();
            state.read(folder.path(), arrays());
            feed.restore(state.feed);
            step.optimizer().steps(state.optimizerSteps);
            step.pack();
            heldOut.use(state.heldOutPieces);
            begin();
        } else {
            folder.begin(start);
            evaluateFirst(clock);
        }
        int[] offsets = new int[settings.sequences()];
        boolean[] fresh = new boolean[settings.sequences()];
        TrainingResult.Ending ending;
        while (true) {
            double progress = settings.progress(state.bytes, clock.seconds());
            TrainingResult.@Nullable Ending end = ending(progress, clock.seconds());
            if (end != null) {
                ending = end;
                break;
            }
            long begun = System.nanoTime();
            feed.next(offsets, fresh);
            for (int i = 0; i < fresh.length; i++) {
                if (fresh[i]) {
                    step.states().get(i).clear();
                }
            }
            state.lastRate = settings.rate(step.optimizer().steps(), progress);
            Step.Result result = step.step(training, offsets, state.lastRate);
            state.lastNorm = result.gradientNorm();
            if (!Double.isFinite(result.gradientNorm())) {
                ending = TrainingResult.Ending.DIVERGED;
                break;
            }
            long bytes = stepBytes(offsets);
            state.bytes += bytes;
            state.recentNats += result.nats();
            state.recentBytes += bytes;
            state.stepSeconds += (System.nanoTime() - begun) * 1e-9;
            listener.stepped(
                    state.bytes,
                    state.bytes / state.stepSeconds,
                    settings.progress(state.bytes, clock.seconds()),
                    clock.seconds(),
                    recentBits());
            if (step.optimizer().steps() % evaluationSteps == 0) {
                evaluate(clock);
            }
        }
        return finish(ending, clock);
    }

    /** What depends on the choice of held-out bytes. */
    private void begin() {
        state.heldOutPieces = heldOut.used();
        evaluationSteps =
                Math.max(
                        EVALUATION_STEPS_MIN,
                        EVALUATION_SHARE * heldOut.usedTokens() / stepTokens());
        listener.heldOut(heldOut.usedBytes(), corpus.heldOut().length);
    }

    private TrainingResult.@Nullable Ending ending(double progress, double seconds) {
        if (stopping) {
            return TrainingResult.Ending.INTERRUPTED;
        }
        if (step.optimizer().steps() == 0) {
            return null; // a run that learnt nothing is no use, however little time there was
        }
        if (state.withoutBetter >= settings.patience()) {
            return TrainingResult.Ending.NO_BETTER;
        }
        if (settings.maxBytes() > 0 && state.bytes >= settings.maxBytes()) {
            return TrainingResult.Ending.BYTES;
        }
        // What is left is for the last evaluations. The first one, in code that is not compiled
        // yet, took longer than they will: it must not cost most of the time.
        double last =
                Math.min(LAST_PASSES * evaluationSeconds, LAST_SHARE_MAX * settings.maxSeconds());
        boolean late = settings.maxSeconds() > 0 && seconds + last >= settings.maxSeconds();
        return progress >= 1 || late ? TrainingResult.Ending.TIME : null;
    }

    /** Time of this run, on top of what it took before it was resumed. */
    private final class Clock {
        private final long begunNs = System.nanoTime();
        private double before = Double.NaN;

        double seconds() {
            if (Double.isNaN(before)) {
                before = state.seconds;
            }
            return before + (System.nanoTime() - begunNs) * 1e-9;
        }
    }

    private double recentBits() {
        return state.recentNats / Math.log(2) / state.recentBytes;
    }

    /** The pass over the held-out bytes that finds out how many of them there is time for. */
    private void evaluateFirst(Clock clock) throws IOException {
        long begun = System.nanoTime();
        MambaModel model = model();
        double bits =
                settings.maxSeconds() > 0
                        ? heldOut.choose(model, workers, PASS_SHARE * settings.maxSeconds())
                        : heldOut.bitsPerByte(model, workers);
        evaluationSeconds = (System.nanoTime() - begun) * 1e-9;
        begin();
        evaluated(bits, clock);
    }

    private MambaModel model() {
        return switch (start) {
            case TrainingStart.Base _, TrainingStart.Shape _ -> MambaModel.of(config, weights);
            case TrainingStart.Subwords(SubwordCheckpoint subwords) ->
                    SubwordModel.of(config, weights, subwords.encoding()).model();
        };
    }

    private MambaModel written() throws CheckpointException {
        ModelSource source = new ModelSource.Folder(folder.path());
        return switch (start) {
            case TrainingStart.Base _, TrainingStart.Shape _ -> MambaModel.load(source);
            case TrainingStart.Subwords _ -> SubwordModel.load(source).model();
        };
    }

    private void evaluate(Clock clock) throws IOException {
        long begun = System.nanoTime();
        double bits = heldOut.bitsPerByte(model(), workers);
        evaluationSeconds = (System.nanoTime() - begun) * 1e-9;
        evaluated(bits, clock);
    }

    private void evaluated(double bits, Clock clock) throws IOException {
        Evaluation evaluation =
                new Evaluation(
                        step.optimizer().steps(),
                        state.bytes,
                        clock.seconds(),
                        state.lastRate,
                        state.lastNorm,
                        recentBits(),
                        bits);
        boolean best = bits < state.bestBits;
        state.withoutBetter = bits < state.bestBits * (1 - BETTER) ? 0 : state.withoutBetter + 1;
        state.evaluations.add(evaluation);
        state.recentNats = 0;
        state.recentBytes = 0;
        if (best) {
            state.bestBits = bits;
            CheckpointWriter.write(folder.path(), config, weights);
        }
        folder.writeMetrics(state.evaluations);
        folder.writeCurve(start.description(), state.evaluations);
        save(clock);
        listener.evaluated(evaluation, best);
    }

    private void save(Clock clock) throws IOException {
        state.seconds = clock.seconds();
        state.optimizerSteps = step.optimizer().steps();
        state.feed = feed.position();
        state.write(folder.path(), arrays());
    }

    /** The floats of a run, in the order of its state's file. */
    private List<float[]> arrays() {
        List<float[]> arrays = new ArrayList<>();
        NamedTensor.of(config, weights).forEach(tensor -> arrays.add(tensor.values()));
        step.optimizer()
                .moments()
                .forEach(moment -> moment.forEach(tensor -> arrays.add(tensor.values())));
        step.states().forEach(sequence -> arrays.add(sequence.values()));
        return arrays;
    }

    private TrainingResult finish(TrainingResult.Ending ending, Clock clock)
            throws IOException, CheckpointException {
        double trainBits = recentBits();
        if (ending == TrainingResult.Ending.INTERRUPTED) {
            // Exactly here, and not at an evaluation that an uninterrupted run would not have made.
            save(clock);
        } else if (ending != TrainingResult.Ending.DIVERGED
                && state.evaluations.getLast().step() != step.optimizer().steps()) {
            evaluate(clock);
        }
        if (Double.isNaN(trainBits)) {
            trainBits = state.evaluations.getLast().trainBits();
        }
        // Of the file, whose weights are rounded: what is reported is what users will get.
        MambaModel written = written();
        double bits = heldOut.bitsPerByte(written, workers);
        TrainingResult result =
                new TrainingResult(
                        ending,
                        step.optimizer().steps(),
                        feed.epochs(),
                        state.bytes,
                        clock.seconds(),
                        state.stepSeconds == 0 ? 0 : state.bytes / state.stepSeconds,
                        trainBits,
                        heldOut.usedBytes(),
                        bits,
                        state.evaluations.getFirst().heldOutBits());
        folder.writeCard(start, settings, corpus, written, result);
        return result;
    }

    /** Asks the run to end after the step that it is at; may be called by any thread. */
    public void stop() {
        stopping = true;
    }

    @Override
    public void close() {
        workers.close();
    }

    /** The base's arrays belong to the base. */
    private static MambaWeights copy(MambaConfig config, MambaWeights base) {
        MambaWeights copy = TrainableModel.zerosLike(base);
        List<NamedTensor> from = NamedTensor.of(config, base);
        List<NamedTensor> to = NamedTensor.of(config, copy);
        for (int i = 0; i < from.size(); i++) {
            float[] values = from.get(i).values();
            System.arraycopy(values, 0, to.get(i).values(), 0, values.length);
        }
        return copy;
    }
}
