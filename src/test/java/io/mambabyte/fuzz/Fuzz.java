package io.mambabyte.fuzz;

import com.sun.management.ThreadMXBean;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Mutational fuzzing of one parser, seeded, so that a run can be repeated: every input is taken or
 * refused by the exception that the parser documents, at an allocation bounded by the input's size.
 *
 * <p>An input that is refused at a place where none was refused before joins the corpus, and so
 * does one that is taken where its like was not; later inputs are made of it. Seeds, and inputs
 * that once found something, are kept in {@code src/test/resources/fuzz/NAME}, and so is the corpus
 * of the longest run, in {@code src/test/resources/fuzz/NAME.zip}. {@code -Dfuzz.executions=N} sets
 * the number of inputs of each parser, {@code -Dfuzz.seed=S} where they begin, {@code
 * -Dfuzz.keep=true} writes the corpus at the end.
 */
public final class Fuzz {
    private static final int EXECUTIONS = Integer.getInteger("fuzz.executions", 20_000);
    private static final long SEED = Long.getLong("fuzz.seed", 20_261_125);
    private static final boolean KEEP = Boolean.getBoolean("fuzz.keep");
    private static final Path FOLDER = Path.of("src", "test", "resources", "fuzz");

    /** Executions before allocation counts: the first ones load classes. */
    private static final int WARM_UP = 500;

    private static final int CORPUS_MAX = 500;
    private static final int INPUT_BYTES_MAX = 16 << 10;

    /** Larger inputs serve in their run and are not kept: the corpus is a part of every clone. */
    private static final int KEPT_BYTES_MAX = 2 << 10;

    private static final int STACK_FRAMES = 4;

    /** Numbers that lengths and counts are mistaken for. */
    private static final long[] NUMBERS = {
        0,
        1,
        -1,
        127,
        128,
        255,
        256,
        65_535,
        65_536,
        Integer.MAX_VALUE,
        Integer.MIN_VALUE,
        1L << 32,
        Long.MAX_VALUE,
        Long.MIN_VALUE
    };

    /** What is fuzzed. */
    public interface Parser {
        /**
         * Parses.
         *
         * @param input the bytes
         * @throws Exception the refusal, or what must not be
         */
        void parse(byte[] input) throws Exception;
    }

    /**
     * What came out.
     *
     * @param executions inputs
     * @param taken those that were parsed
     * @param refused those that were refused
     * @param outcomes different ways to be taken or refused
     * @param allocatedMax most bytes that one input made the parser allocate
     */
    public record Result(
            long executions, long taken, long refused, int outcomes, long allocatedMax) {}

    private final String name;
    private final Set<Class<? extends Exception>> refusals;
    private final long allocationBase;
    private final long allocationPerByte;
    private final List<byte[]> corpus = new ArrayList<>();
    private final Set<String> outcomes = new HashSet<>();
    private byte[][] tokens = {};
    private UnaryOperator<byte[]> repair = UnaryOperator.identity();
    private int executions = EXECUTIONS;

    /**
     * A parser to be fuzzed.
     *
     * @param name of its folder in the corpus
     * @param refusals what it may throw
     * @param allocationBase bytes that it may allocate whatever it reads
     * @param allocationPerByte bytes that it may allocate for each of the input
     */
    public Fuzz(
            String name,
            Set<Class<? extends Exception>> refusals,
            long allocationBase,
            long allocationPerByte) {
        this.name = name;
        this.refusals = refusals;
        this.allocationBase = allocationBase;
        this.allocationPerByte = allocationPerByte;
    }

    /**
     * Adds valid inputs.
     *
     * @param seeds the inputs
     * @return this
     */
    public Fuzz seeds(List<byte[]> seeds) {
        corpus.addAll(seeds);
        return this;
    }

    /**
     * Pieces that the format is made of, put in at random.
     *
     * @param pieces the pieces
     * @return this
     */
    public Fuzz tokens(byte[]... pieces) {
        tokens = pieces;
        return this;
    }

    /**
     * For a format with a checksum, behind which else nearly no input would come: half of them get
     * it right.
     *
     * @param checksum changes an input, or not, such that its checksum fits
     * @return this
     */
    public Fuzz repaired(UnaryOperator<byte[]> checksum) {
        repair = checksum;
        return this;
    }

    /**
     * For a parser that takes long.
     *
     * @param divisor of the number of executions
     * @return this
     */
    public Fuzz slower(int divisor) {
        executions = Math.max(1, EXECUTIONS / divisor);
        return this;
    }

    /**
     * Feeds the parser.
     *
     * @param parser the parser
     * @return what came out
     * @throws AssertionError if it threw anything else than a refusal, or allocated too much; the
     *     input lies in {@code target/fuzz}
     */
    public Result run(Parser parser) {
        addKept();
        if (corpus.isEmpty()) {
            throw new IllegalStateException("no seeds for " + name);
        }
        int kept = corpus.size();
        addCorpus();
        int replayed = corpus.size();
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Map<Boolean, Long> counts = new HashMap<>();
        long allocatedMax = 0;
        long started = System.nanoTime();
        for (int i = -WARM_UP; i < executions; i++) {
            SplittableRandom random = new SplittableRandom(SEED + i);
            // Half of them near what is valid: what was refused is soon the most of the corpus.
            int from = random.nextBoolean() ? kept : corpus.size();
            boolean asItIs = i + WARM_UP < replayed;
            byte[] input = corpus.get(asItIs ? i + WARM_UP : random.nextInt(from));
            int mutations = asItIs ? 0 : 1 + random.nextInt(4);
            for (int m = 0; m < mutations; m++) {
                input = mutate(input, random);
            }
            if (mutations > 0 && random.nextBoolean()) {
                input = repair.apply(input.clone());
            }
            long before = threads.getCurrentThreadAllocatedBytes();
            Throwable thrown = thrown(parser, input);
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;
            if (thrown != null && !refused(thrown)) {
                throw failure("threw " + thrown, input, thrown);
            }
            if (i >= 0) {
                counts.merge(thrown == null, 1L, Long::sum);
                long bound = allocationBase + allocationPerByte * input.length;
                if (allocated > bound) {
                    // The first time that something is done also loads its classes.
                    before = threads.getCurrentThreadAllocatedBytes();
                    thrown(parser, input);
                    allocated = threads.getCurrentThreadAllocatedBytes() - before;
                }
                allocatedMax = Math.max(allocatedMax, allocated);
                if (allocated > bound) {
                    throw failure("allocated " + allocated + " bytes", input, thrown);
                }
            }
            if (outcomes.add(outcome(input, thrown)) && corpus.size() < CORPUS_MAX) {
                corpus.add(input);
            }
        }
        if (KEEP) {
            keepCorpus(kept);
        }
        long taken = counts.getOrDefault(true, 0L);
        long refused = counts.getOrDefault(false, 0L);
        Result result = new Result(executions, taken, refused, outcomes.size(), allocatedMax);
        System.out.printf(
                Locale.ROOT,
                "fuzz %-20s %,12d executions, %,d taken, %,d refused, %d outcomes, %,d bytes"
                        + " allocated at most, %.0f s%n",
                name,
                executions,
                taken,
                refused,
                outcomes.size(),
                allocatedMax,
                (System.nanoTime() - started) / 1e9);
        return result;
    }

    private boolean refused(Throwable thrown) {
        return refusals.stream().anyMatch(refusal -> refusal.isInstance(thrown));
    }

    private static @Nullable Throwable thrown(Parser parser, byte[] input) {
        try {
            parser.parse(input);
            return null;
        } catch (Throwable e) { // whatever a parser makes of bytes
            return e;
        }
    }

    // Where it was refused; for what was taken, its size to a power of two.
    private static String outcome(byte[] input, @Nullable Throwable thrown) {
        if (thrown == null) {
            return "taken " + Integer.numberOfLeadingZeros(input.length);
        }
        StringBuilder place = new StringBuilder(thrown.getClass().getName());
        StackTraceElement[] frames = thrown.getStackTrace();
        for (int i = 0; i < Math.min(STACK_FRAMES, frames.length); i++) {
            place.append('|').append(frames[i].getMethodName()).append(frames[i].getLineNumber());
        }
        return place.toString();
    }

    private void addKept() {
        Path folder = FOLDER.resolve(name);
        if (Files.isDirectory(folder)) {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.sorted().toList()) {
                    corpus.add(Files.readAllBytes(file));
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private Path corpusFile() {
        return FOLDER.resolve(name + ".zip");
    }

    private void addCorpus() {
        if (!Files.exists(corpusFile())) {
            return;
        }
        try (ZipFile zip = new ZipFile(corpusFile().toFile())) {
            for (ZipEntry entry : zip.stream().map(e -> (ZipEntry) e).toList()) {
                corpus.add(zip.getInputStream(entry).readAllBytes());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    // Numbered and without a time, so that the same corpus is the same file.
    private void keepCorpus(int from) {
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(corpusFile()))) {
            int number = 0;
            for (byte[] input : corpus.subList(from, corpus.size())) {
                if (input.length <= KEPT_BYTES_MAX) {
                    ZipEntry entry = new ZipEntry("%03d".formatted(number++));
                    entry.setTimeLocal(LocalDateTime.of(2000, 1, 1, 0, 0));
                    zip.putNextEntry(entry);
                    zip.write(input);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private AssertionError failure(String what, byte[] input, @Nullable Throwable cause) {
        Path file = Path.of("target", "fuzz", name + "-" + Arrays.hashCode(input) + ".bin");
        try {
            Files.createDirectories(Path.of("target", "fuzz"));
            Files.write(file, input);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new AssertionError(
                "%s %s on %d bytes, %s".formatted(name, what, input.length, file), cause);
    }

    private byte[] mutate(byte[] input, SplittableRandom random) {
        if (input.length == 0) {
            return token(random);
        }
        int at = random.nextInt(input.length);
        byte[] mutated =
                switch (random.nextInt(8)) {
                    case 0 -> {
                        byte[] out = input.clone();
                        out[at] ^= (byte) (1 << random.nextInt(8));
                        yield out;
                    }
                    case 1 -> {
                        byte[] out = input.clone();
                        out[at] = (byte) random.nextInt(256);
                        yield out;
                    }
                    case 2 -> Arrays.copyOf(input, at);
                    case 3 -> splice(input, at, at, token(random));
                    case 4 -> {
                        byte[] piece = token(random);
                        yield splice(input, at, Math.min(input.length, at + piece.length), piece);
                    }
                    case 5 ->
                            splice(
                                    input,
                                    at,
                                    Math.min(input.length, at + random.nextInt(64)),
                                    new byte[0]);
                    // Two inputs of the corpus, one after the other.
                    case 6 -> {
                        byte[] other = corpus.get(random.nextInt(corpus.size()));
                        int from = random.nextInt(other.length + 1);
                        yield splice(
                                input,
                                at,
                                input.length,
                                Arrays.copyOfRange(other, from, other.length));
                    }
                    // A piece of it again.
                    default -> {
                        int from = random.nextInt(input.length);
                        int to = Math.min(input.length, from + random.nextInt(64));
                        yield splice(input, at, at, Arrays.copyOfRange(input, from, to));
                    }
                };
        return mutated.length <= INPUT_BYTES_MAX
                ? mutated
                : Arrays.copyOf(mutated, INPUT_BYTES_MAX);
    }

    private byte[] token(SplittableRandom random) {
        if (tokens.length > 0 && random.nextInt(3) > 0) {
            return tokens[random.nextInt(tokens.length)];
        }
        long number = NUMBERS[random.nextInt(NUMBERS.length)];
        int bytes = 1 << random.nextInt(4);
        boolean little = random.nextBoolean();
        byte[] out = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            out[little ? i : bytes - 1 - i] = (byte) (number >> (8 * i));
        }
        return out;
    }

    private static byte[] splice(byte[] content, int from, int to, byte[] piece) {
        byte[] out = new byte[content.length - (to - from) + piece.length];
        System.arraycopy(content, 0, out, 0, from);
        System.arraycopy(piece, 0, out, from, piece.length);
        System.arraycopy(content, to, out, from + piece.length, content.length - to);
        return out;
    }
}
