package io.mambabyte.model;

import static io.mambabyte.model.CheckpointException.printable;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * A file that {@code torch.save} wrote, from PyTorch 1.6 on: a zip archive, nothing in it
 * compressed, with a pickle in {@code NAME/data.pkl} and the numbers in {@code NAME/data/KEY}.
 */
final class TorchArchive implements AutoCloseable {
    private static final String PICKLE = "/data.pkl";

    /** Far above any state dict's pickle: about 200 bytes a tensor. */
    private static final long PICKLE_BYTES_MAX = 16 << 20;

    private static final byte[] ZIP_MAGIC = {'P', 'K', 3, 4};

    /** Where every tar file has the word ustar. */
    private static final int TAR_MAGIC_AT = 257;

    private static final String ADVICE =
            ": load it with PyTorch and save it again, which writes a zip archive:"
                    + " torch.save(torch.load(FILE, map_location=\"cpu\", weights_only=True), FILE)";

    private final String file;
    private final ZipFile zip;
    private final String root;
    private final Map<String, StateDictPickle.View> tensors;

    private TorchArchive(
            String file, ZipFile zip, String root, Map<String, StateDictPickle.View> tensors) {
        this.file = file;
        this.zip = zip;
        this.root = root;
        this.tensors = tensors;
    }

    /**
     * Opens an archive and reads its pickle.
     *
     * @param path the file
     * @throws CheckpointException if it is not such an archive, or its pickle is refused
     * @throws IOException if it cannot be read
     */
    static TorchArchive open(Path path) throws CheckpointException, IOException {
        String file = path.toString();
        requireZip(path, file);
        ZipFile zip;
        try {
            zip = new ZipFile(path.toFile());
        } catch (ZipException | IllegalArgumentException e) {
            throw new CheckpointException(
                    file + ": zip archive is damaged: " + printable(String.valueOf(e.getMessage())),
                    e);
        }
        try {
            String root = root(zip, file);
            byte[] pickle = entry(zip, file, root + PICKLE, PICKLE_BYTES_MAX);
            requireLittleEndian(zip, file, root);
            Map<String, StateDictPickle.View> tensors = StateDictPickle.read(file, pickle);
            requireNoBlowUp(file, tensors, Files.size(path));
            return new TorchArchive(file, zip, root, tensors);
        } catch (CheckpointException | IOException | RuntimeException e) {
            zip.close();
            throw e;
        }
    }

    String file() {
        return file;
    }

    /** By name, in the order of the state dict. */
    Map<String, SafetensorsHeader.Entry> tensors() throws CheckpointException {
        Map<String, SafetensorsHeader.Entry> entries = new LinkedHashMap<>();
        for (Map.Entry<String, StateDictPickle.View> tensor : tensors.entrySet()) {
            StateDictPickle.View view = tensor.getValue();
            entries.put(
                    tensor.getKey(),
                    new SafetensorsHeader.Entry(
                            tensor.getKey(),
                            dtype(tensor.getKey(), view.storage().type()),
                            view.shape(),
                            view.elements()));
        }
        return entries;
    }

    /** The bytes of a tensor, little-endian as they are in the file. */
    byte[] bytes(SafetensorsHeader.Entry tensor) throws CheckpointException, IOException {
        StateDictPickle.View view = tensors.get(tensor.name());
        if (view == null) {
            throw new IllegalArgumentException("no tensor " + tensor.name());
        }
        int width = tensor.dtype().bytes();
        String name = root + "/data/" + view.storage().key();
        byte[] storage = entry(zip, file, name, Integer.MAX_VALUE - 8);
        if (view.storage().elements() != storage.length / width || storage.length % width != 0) {
            throw CheckpointException.tensor(
                    file,
                    tensor.name(),
                    "a storage of " + view.storage().elements() + " numbers " + tensor.dtype(),
                    storage.length + " bytes in " + printable(name));
        }
        int from = (int) view.offset() * width;
        int length = (int) view.elements() * width;
        if (length == storage.length) {
            return storage;
        }
        byte[] piece = new byte[length];
        System.arraycopy(storage, from, piece, 0, length);
        return piece;
    }

    @Override
    public void close() throws IOException {
        zip.close();
    }

    private Dtype dtype(String tensor, String storage) throws CheckpointException {
        return switch (storage) {
            case "FloatStorage" -> Dtype.F32;
            case "HalfStorage" -> Dtype.F16;
            case "BFloat16Storage" -> Dtype.BF16;
            default ->
                    throw CheckpointException.tensor(
                            file,
                            tensor,
                            "torch.FloatStorage, HalfStorage or BFloat16Storage",
                            storage);
        };
    }

    private static void requireZip(Path path, String file) throws CheckpointException, IOException {
        byte[] head;
        try (InputStream in = Files.newInputStream(path)) {
            head = in.readNBytes(TAR_MAGIC_AT + 5);
        }
        boolean zip = head.length >= ZIP_MAGIC.length;
        for (int i = 0; zip && i < ZIP_MAGIC.length; i++) {
            zip = head[i] == ZIP_MAGIC[i];
        }
        if (zip) {
            return;
        }
        String start = new String(head, StandardCharsets.ISO_8859_1);
        String found =
                start.startsWith("ustar", TAR_MAGIC_AT)
                        ? "a tar archive, which PyTorch wrote before 0.1.10" + ADVICE
                        : start.startsWith("\u0080")
                                ? "a bare pickle, which PyTorch wrote before 1.6" + ADVICE
                                : "neither that nor an older format of PyTorch";
        throw CheckpointException.file(file, "the zip archive that torch.save writes", found);
    }

    private static String root(ZipFile zip, String file) throws CheckpointException {
        List<String> pickles =
                zip.stream()
                        .map(ZipEntry::getName)
                        .filter(name -> name.endsWith(PICKLE))
                        .distinct()
                        .toList();
        if (pickles.size() != 1) {
            throw CheckpointException.file(
                    file,
                    "one entry NAME" + PICKLE + " in the archive",
                    pickles.size() + " of them");
        }
        String root = pickles.get(0).substring(0, pickles.get(0).length() - PICKLE.length());
        if (zip.getEntry(root + "/constants.pkl") != null) {
            throw CheckpointException.file(
                    file, "the state dict of a model", "a TorchScript archive (it holds code)");
        }
        return root;
    }

    /** Newer files name their byte order; older ones are from the machines that were in use. */
    private static void requireLittleEndian(ZipFile zip, String file, String root)
            throws CheckpointException, IOException {
        String name = root + "/byteorder";
        if (zip.getEntry(name) != null) {
            String order = new String(entry(zip, file, name, 64), StandardCharsets.US_ASCII);
            if (!order.equals("little")) {
                throw CheckpointException.file(file, "byteorder little", printable(order));
            }
        }
    }

    /** Tensors may share a storage, but a thousand that share a large one mean no good. */
    private static void requireNoBlowUp(
            String file, Map<String, StateDictPickle.View> tensors, long fileBytes)
            throws CheckpointException {
        long elements = 0;
        for (StateDictPickle.View view : tensors.values()) {
            elements += Math.min(view.elements(), Long.MAX_VALUE / 4 - elements);
        }
        if (elements > fileBytes) {
            throw CheckpointException.file(
                    file,
                    "tensors of no more numbers than the file has bytes",
                    elements + " numbers in a file of " + fileBytes + " bytes");
        }
    }

    /** All of an entry, which must be stored as it is and match its checksum. */
    private static byte[] entry(ZipFile zip, String file, String name, long bytesMax)
            throws CheckpointException, IOException {
        ZipEntry entry = zip.getEntry(name);
        if (entry == null) {
            throw CheckpointException.file(
                    file, "an entry " + printable(name) + " in the archive", "none");
        }
        if (entry.getMethod() != ZipEntry.STORED || entry.getSize() > bytesMax) {
            throw CheckpointException.file(
                    file,
                    "entry " + printable(name) + " uncompressed, of at most " + bytesMax + " bytes",
                    (entry.getMethod() == ZipEntry.STORED ? "" : "compressed, ")
                            + entry.getSize()
                            + " bytes");
        }
        byte[] content;
        try (InputStream in = zip.getInputStream(entry)) {
            content = in.readNBytes((int) entry.getSize());
        } catch (ZipException | EOFException e) {
            throw new CheckpointException(
                    file
                            + ": entry "
                            + printable(name)
                            + " is damaged: "
                            + printable(String.valueOf(e.getMessage())),
                    e);
        }
        CRC32 crc = new CRC32();
        crc.update(content);
        if (content.length != entry.getSize() || crc.getValue() != entry.getCrc()) {
            throw CheckpointException.file(
                    file, "the checksum of entry " + printable(name), "another: it is damaged");
        }
        return content;
    }
}
