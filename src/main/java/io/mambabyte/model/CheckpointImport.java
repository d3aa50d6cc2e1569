package io.mambabyte.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.LongConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Makes a model folder out of somebody's checkpoint: config.json as it is, the weights as
 * safetensors in the number format that they have, and a card that says where they came from.
 * Safetensors files are copied; pickles are read as data ({@link TorchArchive}). The new folder is
 * read back with every check of {@link Checkpoint} before it gets its name.
 */
public final class CheckpointImport {
    private static final String SAFETENSORS = "model.safetensors";
    private static final String SAFETENSORS_INDEX = "model.safetensors.index.json";
    private static final String PICKLE = "pytorch_model.bin";
    private static final String PICKLE_INDEX = "pytorch_model.bin.index.json";
    private static final String README = "README.md";
    private static final String CARD = "card.json";
    private static final Pattern LICENCE =
            Pattern.compile("(?m)^license:\\s*([A-Za-z0-9.+-]{1,60})\\s*$");
    private static final int BUFFER_BYTES = 1 << 20;

    private final Path folder;
    private final List<Path> weights;
    private final boolean pickled;
    private final Path partial;

    private CheckpointImport(Path folder, List<Path> weights, boolean pickled, Path partial) {
        this.folder = folder;
        this.weights = weights;
        this.pickled = pickled;
        this.partial = partial;
    }

    /**
     * Imports a model.
     *
     * @param source a folder with config.json and weights, or a weight file that has config.json
     *     beside it
     * @param target the folder to make; it must not exist, or be empty
     * @param progress is told how many bytes of weights were read so far, out of {@link #bytes}
     * @return the new folder as it was read back
     * @throws CheckpointException if the source is not a byte-level Mamba-1 model; nothing is left
     *     at the target then
     * @throws IOException if a file cannot be read or written
     */
    public static Checkpoint run(Path source, Path target, LongConsumer progress)
            throws CheckpointException, IOException {
        requireFree(target);
        Path absolute = target.toAbsolutePath();
        CheckpointImport run =
                of(source, absolute.resolveSibling(absolute.getFileName() + ".partial"));
        requireFree(run.partial);
        Files.createDirectories(run.partial);
        try {
            Checkpoint checkpoint = run.write(progress);
            Files.deleteIfExists(target);
            Files.move(run.partial, target, StandardCopyOption.ATOMIC_MOVE);
            return checkpoint;
        } finally {
            delete(run.partial);
        }
    }

    /**
     * Size of the weight files of a source.
     *
     * @param source as {@link #run} takes it
     * @return bytes
     * @throws CheckpointException if there are none
     * @throws IOException if a file cannot be read
     */
    public static long bytes(Path source) throws CheckpointException, IOException {
        long bytes = 0;
        for (Path file : of(source, source).weights) {
            bytes += Files.size(file);
        }
        return bytes;
    }

    private static void requireFree(Path folder) throws IOException, CheckpointException {
        if (!Files.exists(folder)) {
            return;
        }
        if (Files.isDirectory(folder)) {
            try (Stream<Path> files = Files.list(folder)) {
                if (files.findAny().isEmpty()) {
                    return;
                }
            }
        }
        throw new CheckpointException(
                folder + ": expected nothing there or an empty folder, found files");
    }

    private static CheckpointImport of(Path source, Path partial) throws CheckpointException {
        if (Files.isRegularFile(source)) {
            Path folder = Optional.ofNullable(source.toAbsolutePath().getParent()).orElse(source);
            boolean pickled = !source.toString().endsWith(".safetensors");
            return new CheckpointImport(folder, List.of(source), pickled, partial);
        }
        CheckpointFiles files = CheckpointFiles.of(new ModelSource.Folder(source));
        for (String name : List.of(SAFETENSORS, PICKLE)) {
            if (files.has(name)) {
                return new CheckpointImport(
                        source, List.of(source.resolve(name)), name.equals(PICKLE), partial);
            }
        }
        for (String name : List.of(SAFETENSORS_INDEX, PICKLE_INDEX)) {
            if (files.has(name)) {
                List<Path> shards = new ArrayList<>();
                for (String shard : shards(files, name)) {
                    shards.add(source.resolve(shard));
                }
                return new CheckpointImport(source, shards, name.equals(PICKLE_INDEX), partial);
            }
        }
        throw CheckpointException.file(
                source.toString(),
                "%s, %s, %s or %s".formatted(SAFETENSORS, SAFETENSORS_INDEX, PICKLE, PICKLE_INDEX),
                "none of them");
    }

    private static Set<String> shards(CheckpointFiles files, String index)
            throws CheckpointException {
        TreeSet<String> shards = new TreeSet<>();
        for (JsonNode shard : ConfigFile.object(files, index).path("weight_map")) {
            String name = shard.asText();
            if (!Checkpoint.isPlainName(name) || !files.has(name)) {
                throw CheckpointException.file(
                        files.path(index),
                        "names of files in the same folder",
                        CheckpointException.printable(name));
            }
            shards.add(name);
        }
        if (shards.isEmpty()) {
            throw CheckpointException.file(files.path(index), "files in weight_map", "none");
        }
        return shards;
    }

    private Checkpoint write(LongConsumer progress) throws CheckpointException, IOException {
        Path config = folder.resolve(ConfigFile.NAME);
        if (!Files.isRegularFile(config)) {
            throw new CheckpointException(
                    config
                            + ": missing. It names the kind of model and what the tensors cannot"
                            + " tell; where there is none, {} says: Mamba-1, epsilon 1e-5");
        }
        Files.copy(config, partial.resolve(ConfigFile.NAME));
        if (pickled) {
            convert(progress);
        } else {
            copy(progress);
        }
        Path readme = folder.resolve(README);
        if (Files.isRegularFile(readme)) {
            Files.copy(readme, partial.resolve(README));
        }
        Checkpoint checkpoint = readBack();
        card(checkpoint);
        return checkpoint;
    }

    /** What is wrong with the copy is wrong with the source, so that is what a message names. */
    private Checkpoint readBack() throws CheckpointException {
        try {
            return Checkpoint.read(partial);
        } catch (CheckpointException e) {
            String message = String.valueOf(e.getMessage());
            if (weights.size() == 1) {
                message =
                        message.replace(
                                partial.resolve(SAFETENSORS).toString(), weights.get(0).toString());
            }
            throw new CheckpointException(
                    message.replace(partial.toString(), folder.toString()), e);
        }
    }

    private void convert(LongConsumer progress) throws CheckpointException, IOException {
        List<TorchArchive> archives = new ArrayList<>();
        try {
            Map<SafetensorsHeader.Entry, TorchArchive> tensors = new LinkedHashMap<>();
            TreeSet<String> names = new TreeSet<>();
            for (Path file : weights) {
                TorchArchive archive = TorchArchive.open(file);
                archives.add(archive);
                for (SafetensorsHeader.Entry tensor : archive.tensors().values()) {
                    if (!names.add(tensor.name())) {
                        throw CheckpointException.tensor(
                                archive.file(),
                                tensor.name(),
                                "each tensor in one file",
                                "it in two");
                    }
                    tensors.put(tensor, archive);
                }
            }
            try (OutputStream out = buffered(partial.resolve(SAFETENSORS))) {
                out.write(SafetensorsHeader.bytes(List.copyOf(tensors.keySet())));
                long done = 0;
                for (Map.Entry<SafetensorsHeader.Entry, TorchArchive> tensor : tensors.entrySet()) {
                    byte[] bytes = tensor.getValue().bytes(tensor.getKey());
                    out.write(bytes);
                    done += bytes.length;
                    progress.accept(done);
                }
            }
        } finally {
            for (TorchArchive archive : archives) {
                archive.close();
            }
        }
    }

    private void copy(LongConsumer progress) throws IOException {
        Path index = folder.resolve(SAFETENSORS_INDEX);
        boolean sharded = weights.size() > 1 || !isNamed(weights.get(0), SAFETENSORS);
        if (sharded && Files.isRegularFile(index)) {
            Files.copy(index, partial.resolve(SAFETENSORS_INDEX));
        } else {
            sharded = false;
        }
        long done = 0;
        for (Path file : weights) {
            String name = sharded ? String.valueOf(file.getFileName()) : SAFETENSORS;
            try (InputStream in = Files.newInputStream(file);
                    OutputStream out = Files.newOutputStream(partial.resolve(name))) {
                byte[] buffer = new byte[BUFFER_BYTES];
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    out.write(buffer, 0, n);
                    done += n;
                    progress.accept(done);
                }
            }
        }
    }

    private static boolean isNamed(Path file, String name) {
        return String.valueOf(file.getFileName()).equals(name);
    }

    /** The source's own card where it has one, and in it where the weights came from. */
    private void card(Checkpoint checkpoint) throws CheckpointException, IOException {
        CheckpointFiles files = CheckpointFiles.of(new ModelSource.Folder(folder));
        ObjectNode card =
                files.has(CARD)
                        ? (ObjectNode) ConfigFile.object(files, CARD)
                        : ConfigFile.JSON.createObjectNode();
        if (!card.has("licence") && !card.has("license")) {
            card.put("licence", licence(files).orElse("not stated by the source"));
        }
        ObjectNode imported = card.putObject("imported");
        imported.put("from", String.valueOf(folder.toAbsolutePath().getFileName()));
        imported.put("format", pickled ? "PyTorch pickle" : "safetensors");
        ArrayNode sources = imported.putArray("files");
        for (Path file : weights) {
            ObjectNode entry = sources.addObject();
            entry.put("name", String.valueOf(file.getFileName()));
            entry.put("bytes", Files.size(file));
            entry.put("sha256", sha256(file));
        }
        imported.put("parameters", checkpoint.parameters());
        imported.put(
                "fingerprint",
                MambaModel.of(checkpoint.config(), checkpoint.weights()).fingerprint());
        CheckpointWriter.replace(
                partial.resolve(CARD),
                out -> out.write((card.toPrettyString() + "\n").getBytes(StandardCharsets.UTF_8)));
    }

    /** What the front matter of a README on Hugging Face says. */
    private static Optional<String> licence(CheckpointFiles files) throws CheckpointException {
        if (!files.has(README)) {
            return Optional.empty();
        }
        Matcher matcher = LICENCE.matcher(files.text(README));
        return matcher.find() ? Optional.of(matcher.group(1)) : Optional.empty();
    }

    private static String sha256(Path file) throws IOException {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
        try (InputStream in = Files.newInputStream(file)) {
            byte[] buffer = new byte[BUFFER_BYTES];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static OutputStream buffered(Path file) throws IOException {
        return new BufferedOutputStream(Files.newOutputStream(file), BUFFER_BYTES);
    }

    /** What is left of a failed import: a folder of plain files. */
    private static void delete(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return;
        }
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        try {
            Files.delete(folder);
        } catch (DirectoryNotEmptyException e) {
            // Somebody else put a file there: it is theirs.
        }
    }
}
