package io.mambabyte.model;

import static io.mambabyte.model.CheckpointException.printable;

import com.fasterxml.jackson.databind.JsonNode;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The files of a model, read and checked: config.json and model.safetensors (or the shards that
 * model.safetensors.index.json names), in the layout of Hugging Face's MambaForCausalLM or of
 * mamba-ssm.
 *
 * <p>The tensors decide the shape, the kind of normalisation (a bias means layer normalisation) and
 * whether the head is tied (absent, or equal to the embedding). What config.json says is checked
 * against them. Every tensor of the file must be one that the model uses: one that would be ignored
 * is refused.
 */
public final class Checkpoint {
    private static final String WEIGHTS = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";
    private static final List<String> PICKLES =
            List.of("pytorch_model.bin", "pytorch_model.bin.index.json");
    private static final Pattern LAYER = Pattern.compile("backbone\\.layers\\.(\\d{1,9})\\..*");

    /** Largest A_log whose exponential is a finite float32. */
    private static final float A_LOG_MAX = 88.72283f;

    /** How many names a message lists. */
    private static final int NAMES_MAX = 5;

    /** Which of the two families of tensor names the file uses. */
    public enum Layout {
        /** {@code backbone.embeddings.weight}: transformers' MambaForCausalLM. */
        HUGGING_FACE,
        /** {@code backbone.embedding.weight}: mamba-ssm, and with it the published MambaByte. */
        MAMBA_SSM
    }

    private final ModelSource source;
    private final MambaConfig config;
    private final MambaWeights weights;
    private final Layout layout;
    private final Set<Dtype> dtypes;
    private final List<String> files;

    private Checkpoint(
            ModelSource source,
            MambaConfig config,
            MambaWeights weights,
            Layout layout,
            Set<Dtype> dtypes,
            List<String> files) {
        this.source = source;
        this.config = config;
        this.weights = weights;
        this.layout = layout;
        this.dtypes = dtypes;
        this.files = files;
    }

    /**
     * Reads the model of a folder.
     *
     * @param folder holds config.json and the weights
     * @return all that a model needs
     * @throws CheckpointException if a file is missing, cannot be read or is not what it claims
     */
    public static Checkpoint read(Path folder) throws CheckpointException {
        return read(new ModelSource.Folder(folder));
    }

    /**
     * Reads a model. Weight files of a folder are memory mapped while this runs and unmapped when
     * it returns; every number is widened to float32.
     *
     * @param source where the files are
     * @return all that a model needs
     * @throws CheckpointException if a file is missing, cannot be read or is not what it claims
     */
    public static Checkpoint read(ModelSource source) throws CheckpointException {
        return read(source, CheckpointFiles.of(source));
    }

    static Checkpoint read(ModelSource source, CheckpointFiles files) throws CheckpointException {
        return read(source, files, MambaConfig.VOCABULARY);
    }

    /** Of a model with so many tokens. */
    static Checkpoint read(ModelSource source, CheckpointFiles files, int vocabulary)
            throws CheckpointException {
        ConfigFile config = ConfigFile.read(files, vocabulary);
        try (Arena arena = Arena.ofConfined()) {
            Tensors tensors = Tensors.open(files, arena);
            return new Assembly(config, tensors, vocabulary).assemble(source);
        }
    }

    /**
     * Where it was read from.
     *
     * @return the source
     */
    public ModelSource source() {
        return source;
    }

    /**
     * The shape.
     *
     * @return as the tensors have it
     */
    public MambaConfig config() {
        return config;
    }

    /**
     * The parameters.
     *
     * @return as float32
     */
    public MambaWeights weights() {
        return weights;
    }

    /**
     * The family of tensor names.
     *
     * @return the layout of the files
     */
    public Layout layout() {
        return layout;
    }

    /**
     * The stored number formats.
     *
     * @return all that occur, in the order of the enum
     */
    public Set<Dtype> dtypes() {
        return dtypes;
    }

    /**
     * The weight files.
     *
     * @return their names
     */
    public List<String> files() {
        return files;
    }

    /**
     * Whether head and embedding are one matrix.
     *
     * @return true where tied
     */
    public boolean tied() {
        return weights.tied();
    }

    /**
     * Number of parameters, a tied head counted once.
     *
     * @return how many
     */
    public long parameters() {
        long count = weights.embedding.length + (tied() ? 0L : weights.lmHead.length);
        count += weights.normF.length + length(weights.normFBias);
        for (MambaWeights.Layer layer : weights.layers) {
            count += layer.normWeight.length + length(layer.normBias);
            count += layer.inProj.length + length(layer.inProjBias);
            count += layer.conv.length + length(layer.convBias);
            count += (long) layer.xProj.length + layer.dtProj.length + layer.dtProjBias.length;
            count += layer.aLog.length + layer.skip.length;
            count += layer.outProj.length + length(layer.outProjBias);
        }
        return count;
    }

    /** A name that cannot lead out of the folder, on any file system. */
    static boolean isPlainName(String name) {
        return name.matches("[A-Za-z0-9_][A-Za-z0-9_.\\-]*") && name.length() <= 255;
    }

    private static long length(float @Nullable [] tensor) {
        return tensor == null ? 0 : tensor.length;
    }

    /** All tensors of all weight files, each taken at most once. */
    private static final class Tensors {
        /**
         * A tensor and the file that holds it.
         *
         * @param file the file
         * @param tensor what its header says
         */
        record Located(SafetensorsFile file, SafetensorsFile.Tensor tensor) {}

        private final List<String> names;
        private final String where;
        private final Map<String, Located> left;
        private final Set<Dtype> dtypes = EnumSet.noneOf(Dtype.class);

        private Tensors(List<String> names, String where, Map<String, Located> tensors) {
            this.names = names;
            this.where = where;
            this.left = tensors;
        }

        static Tensors open(CheckpointFiles files, Arena arena) throws CheckpointException {
            if (files.has(WEIGHTS)) {
                Map<String, Located> tensors = new LinkedHashMap<>();
                SafetensorsFile file = open(files, WEIGHTS, arena);
                for (SafetensorsFile.Tensor tensor : file.tensors().values()) {
                    tensors.put(tensor.name(), new Located(file, tensor));
                }
                return new Tensors(List.of(WEIGHTS), files.path(WEIGHTS), tensors);
            }
            if (files.has(INDEX)) {
                return sharded(files, arena);
            }
            for (String pickle : PICKLES) {
                if (files.has(pickle)) {
                    throw new CheckpointException(
                            files.path(pickle)
                                    + ": expected "
                                    + WEIGHTS
                                    + ", found a PyTorch pickle. Convert it once, without running"
                                    + " it: ./mambabyte model import SOURCE --out DIR");
                }
            }
            throw new CheckpointException(
                    files.path(WEIGHTS) + ": missing (and no " + INDEX + " beside it)");
        }

        private static SafetensorsFile open(CheckpointFiles files, String name, Arena arena)
                throws CheckpointException {
            return SafetensorsFile.open(files.path(name), files.require(name, arena));
        }

        private static Tensors sharded(CheckpointFiles files, Arena arena)
                throws CheckpointException {
            String index = files.path(INDEX);
            JsonNode map = ConfigFile.object(files, INDEX).path("weight_map");
            if (!map.isObject()) {
                throw CheckpointException.file(
                        index, "an object weight_map", map.isMissingNode() ? "none" : "other JSON");
            }
            Map<String, String> shardOf = new LinkedHashMap<>();
            for (Map.Entry<String, JsonNode> entry : map.properties()) {
                String shard = entry.getValue().asText();
                if (!entry.getValue().isTextual() || !isPlainName(shard)) {
                    throw CheckpointException.tensor(
                            index,
                            entry.getKey(),
                            "the name of a file in the same folder",
                            printable(entry.getValue().toString()));
                }
                shardOf.put(entry.getKey(), shard);
            }
            Map<String, Located> tensors = new LinkedHashMap<>();
            List<String> shards = List.copyOf(new TreeSet<>(shardOf.values()));
            for (String shard : shards) {
                SafetensorsFile file = open(files, shard, arena);
                for (SafetensorsFile.Tensor tensor : file.tensors().values()) {
                    if (!shard.equals(shardOf.get(tensor.name()))) {
                        throw CheckpointException.tensor(
                                file.file(),
                                tensor.name(),
                                "only tensors that " + INDEX + " puts there",
                                shardOf.containsKey(tensor.name())
                                        ? "one of " + shardOf.get(tensor.name())
                                        : "one that it does not name");
                    }
                    tensors.put(tensor.name(), new Located(file, tensor));
                }
            }
            for (Map.Entry<String, String> entry : shardOf.entrySet()) {
                if (!tensors.containsKey(entry.getKey())) {
                    throw CheckpointException.tensor(
                            files.path(entry.getValue()),
                            entry.getKey(),
                            "it in this file, as " + INDEX + " says",
                            "no such tensor");
                }
            }
            return new Tensors(shards, index, tensors);
        }

        boolean has(String name) {
            return left.containsKey(name);
        }

        Collection<String> names() {
            return left.keySet();
        }

        /** The shape of a tensor that must be there, as long as its rank is right. */
        List<Long> shape(String name, String shape, int rank) throws CheckpointException {
            Located located = require(name, shape);
            List<Long> dimensions = located.tensor().shape();
            boolean usable = dimensions.size() == rank;
            for (long dimension : dimensions) {
                usable &= dimension >= 1 && dimension <= Integer.MAX_VALUE;
            }
            if (!usable) {
                throw CheckpointException.tensor(
                        located.file().file(), name, "shape " + shape, dimensions.toString());
            }
            return dimensions;
        }

        private Located require(String name, String shape) throws CheckpointException {
            Located located = left.get(name);
            if (located == null) {
                throw CheckpointException.tensor(where, name, "shape " + shape, "no such tensor");
            }
            return located;
        }

        float @Nullable [] takeIfThere(String name, long... shape) throws CheckpointException {
            return has(name) ? take(name, shape) : null;
        }

        /** Reads a tensor of exactly this shape; it counts as used from then on. */
        float[] take(String name, long... shape) throws CheckpointException {
            Located located = require(name, Arrays.toString(shape));
            List<Long> found = located.tensor().shape();
            if (!Arrays.equals(shape, found.stream().mapToLong(Long::longValue).toArray())) {
                throw CheckpointException.tensor(
                        located.file().file(),
                        name,
                        "shape " + Arrays.toString(shape),
                        found.toString());
            }
            left.remove(name);
            dtypes.add(located.tensor().dtype());
            return located.file().read(located.tensor());
        }

        String fileOf(String name) {
            Located located = left.get(name);
            return located == null ? where : located.file().file();
        }

        void requireAllUsed() throws CheckpointException {
            if (left.isEmpty()) {
                return;
            }
            String listed =
                    String.join(
                            ", ",
                            left.keySet().stream()
                                    .limit(NAMES_MAX)
                                    .map(CheckpointException::printable)
                                    .toList());
            int more = left.size() - NAMES_MAX;
            throw CheckpointException.file(
                    where,
                    "only tensors of a Mamba-1 model",
                    listed + (more > 0 ? " and " + more + " more" : ""));
        }
    }

    /** Takes the tensors of a model one by one, deciding and checking as it goes. */
    private static final class Assembly {
        private final ConfigFile config;
        private final Tensors tensors;
        private final int vocabulary;

        Assembly(ConfigFile config, Tensors tensors, int vocabulary) {
            this.config = config;
            this.tensors = tensors;
            this.vocabulary = vocabulary;
        }

        Checkpoint assemble(ModelSource source) throws CheckpointException {
            Layout layout = layout();
            String embeddingName = embedding(layout);
            int dModel = width(embeddingName);
            int nLayer = layers();
            String mixer = "backbone.layers.0.mixer.";
            int dInner =
                    dimension(mixer + "A_log", "[d_inner, d_state]", 2, 0, config.dInner(dModel));
            int dState = dimension(mixer + "A_log", "[d_inner, d_state]", 2, 1, config.dState());
            int dConv =
                    dimension(
                            mixer + "conv1d.weight", "[d_inner, 1, d_conv]", 3, 2, config.dConv());
            int dtRank =
                    dimension(
                            mixer + "dt_proj.weight", "[d_inner, dt_rank]", 2, 1, config.dtRank());
            Norm norm = norm();
            checkBias("in_proj.bias", config.projectionBias());
            checkBias("out_proj.bias", config.projectionBias());
            checkBias("conv1d.bias", config.convBias());
            MambaConfig shape =
                    new MambaConfig(
                            dModel,
                            nLayer,
                            dInner,
                            dState,
                            dConv,
                            dtRank,
                            norm,
                            config.normEpsilon());

            float[] embedding = tensors.take(embeddingName, vocabulary, dModel);
            List<MambaWeights.Layer> blocks = new ArrayList<>();
            for (int i = 0; i < nLayer; i++) {
                blocks.add(layer("backbone.layers." + i + ".", shape));
            }
            float[] normF = tensors.take("backbone.norm_f.weight", dModel);
            float @Nullable [] normFBias = normBias("backbone.norm_f.bias", shape);
            float[] lmHead = head(embedding, dModel);
            tensors.requireAllUsed();
            return new Checkpoint(
                    source,
                    shape,
                    new MambaWeights(embedding, blocks, normF, normFBias, lmHead),
                    layout,
                    Collections.unmodifiableSet(tensors.dtypes),
                    tensors.names);
        }

        private static String embedding(Layout layout) {
            return switch (layout) {
                case HUGGING_FACE -> "backbone.embeddings.weight";
                case MAMBA_SSM -> "backbone.embedding.weight";
            };
        }

        private Layout layout() throws CheckpointException {
            boolean huggingFace = tensors.has(embedding(Layout.HUGGING_FACE));
            boolean mambaSsm = tensors.has(embedding(Layout.MAMBA_SSM));
            if (huggingFace == mambaSsm) {
                throw CheckpointException.file(
                        tensors.where,
                        "either tensor backbone.embeddings.weight (Hugging Face) or"
                                + " backbone.embedding.weight (mamba-ssm)",
                        huggingFace ? "both" : "neither");
            }
            return huggingFace ? Layout.HUGGING_FACE : Layout.MAMBA_SSM;
        }

        private int width(String name) throws CheckpointException {
            boolean bytes = vocabulary == MambaConfig.VOCABULARY;
            String wanted = "[" + vocabulary + ", d_model]";
            List<Long> shape = tensors.shape(name, wanted, 2);
            if (shape.get(0) != vocabulary) {
                throw CheckpointException.tensor(
                        tensors.fileOf(name),
                        name,
                        "shape "
                                + wanted
                                + (bytes
                                        ? " (a row for each byte value)"
                                        : " (a row for each token of tokenizer.json)"),
                        shape + (bytes ? ": this is not a byte-level model" : ""));
            }
            return dimension(name, wanted, 2, 1, config.dModel());
        }

        private int dimension(
                String name, String symbols, int rank, int axis, ConfigFile.@Nullable Named named)
                throws CheckpointException {
            List<Long> shape = tensors.shape(name, symbols, rank);
            long found = shape.get(axis);
            if (named != null && named.value() != found) {
                List<String> wanted = new ArrayList<>(shape.stream().map(String::valueOf).toList());
                wanted.set(axis, Long.toString(named.value()));
                throw CheckpointException.tensor(
                        tensors.fileOf(name),
                        name,
                        "shape "
                                + symbols
                                + " = "
                                + wanted
                                + " ("
                                + named.field()
                                + " in "
                                + config.path()
                                + ")",
                        shape.toString());
            }
            return (int) found;
        }

        private int layers() throws CheckpointException {
            Set<String> indices = new LinkedHashSet<>();
            for (String name : tensors.names()) {
                Matcher layer = LAYER.matcher(name);
                if (layer.matches()) {
                    indices.add(layer.group(1));
                }
            }
            ConfigFile.@Nullable Named named = config.nLayer();
            if (indices.isEmpty() || (named != null && named.value() != indices.size())) {
                throw CheckpointException.file(
                        tensors.where,
                        named == null
                                ? "tensors backbone.layers.0.*"
                                : "tensors of "
                                        + named.value()
                                        + " layers ("
                                        + named.field()
                                        + " in "
                                        + config.path()
                                        + ")",
                        "tensors of " + indices.size());
            }
            return indices.size();
        }

        private Norm norm() throws CheckpointException {
            if (tensors.has("backbone.norm_f.bias")) {
                return Norm.LAYER;
            }
            if (Boolean.FALSE.equals(config.rmsNorm())) {
                throw CheckpointException.tensor(
                        tensors.where,
                        "backbone.norm_f.bias",
                        "the bias of a layer normalisation (rms_norm false in "
                                + config.path()
                                + ")",
                        "no such tensor");
            }
            return Norm.RMS;
        }

        private void checkBias(String bias, @Nullable Boolean wanted) throws CheckpointException {
            String name = "backbone.layers.0.mixer." + bias;
            if (wanted != null && wanted != tensors.has(name)) {
                throw CheckpointException.tensor(
                        tensors.fileOf(name),
                        name,
                        (wanted ? "the bias" : "no bias") + ", as " + config.path() + " says",
                        wanted ? "no such tensor" : "one");
            }
        }

        private float @Nullable [] normBias(String name, MambaConfig shape)
                throws CheckpointException {
            return shape.norm() == Norm.LAYER ? tensors.take(name, shape.dModel()) : null;
        }

        private MambaWeights.Layer layer(String prefix, MambaConfig shape)
                throws CheckpointException {
            int dModel = shape.dModel();
            int dInner = shape.dInner();
            int dState = shape.dState();
            int dtRank = shape.dtRank();
            String mixer = prefix + "mixer.";
            return new MambaWeights.Layer(
                    tensors.take(prefix + "norm.weight", dModel),
                    normBias(prefix + "norm.bias", shape),
                    tensors.take(mixer + "in_proj.weight", 2L * dInner, dModel),
                    tensors.takeIfThere(mixer + "in_proj.bias", 2L * dInner),
                    tensors.take(mixer + "conv1d.weight", dInner, 1, shape.dConv()),
                    tensors.takeIfThere(mixer + "conv1d.bias", dInner),
                    tensors.take(mixer + "x_proj.weight", dtRank + 2L * dState, dInner),
                    tensors.take(mixer + "dt_proj.weight", dInner, dtRank),
                    tensors.take(mixer + "dt_proj.bias", dInner),
                    aLog(mixer + "A_log", dInner, dState),
                    tensors.take(mixer + "D", dInner),
                    tensors.take(mixer + "out_proj.weight", dModel, dInner),
                    tensors.takeIfThere(mixer + "out_proj.bias", dModel));
        }

        private float[] aLog(String name, int dInner, int dState) throws CheckpointException {
            String file = tensors.fileOf(name);
            float[] aLog = tensors.take(name, dInner, dState);
            for (int i = 0; i < aLog.length; i++) {
                if (aLog[i] > A_LOG_MAX) {
                    throw CheckpointException.tensor(
                            file,
                            name,
                            "logarithms of at most " + A_LOG_MAX,
                            aLog[i] + " at index " + i + " of " + aLog.length);
                }
            }
            return aLog;
        }

        private float[] head(float[] embedding, int dModel) throws CheckpointException {
            String name = "lm_head.weight";
            if (!tensors.has(name) && !Boolean.FALSE.equals(config.tied())) {
                return embedding;
            }
            float[] head = tensors.take(name, vocabulary, dModel);
            return Arrays.equals(head, embedding) ? embedding : head;
        }
    }
}
