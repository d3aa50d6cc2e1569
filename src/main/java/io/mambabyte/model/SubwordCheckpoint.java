package io.mambabyte.model;

import io.mambabyte.kernels.Rows;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * The parameters of a {@link SubwordModel} and its tokenizer.json.
 *
 * @param checkpoint shape and parameters; the embedding has a row for each token
 * @param encoding the tokens
 * @param tokenizer the text of tokenizer.json
 */
public record SubwordCheckpoint(
        Checkpoint checkpoint, BytePairEncoding encoding, String tokenizer) {

    /**
     * Reads a model and its tokens.
     *
     * @param source where the files are
     * @return all that a model needs
     * @throws CheckpointException if a file is missing, cannot be read or is not what it claims
     */
    public static SubwordCheckpoint read(ModelSource source) throws CheckpointException {
        CheckpointFiles files = CheckpointFiles.of(source);
        BytePairEncoding encoding = BytePairEncoding.read(files);
        if (encoding.size() % Rows.LANES != 0) {
            throw CheckpointException.file(
                    files.path(BytePairEncoding.NAME),
                    "a number of tokens that is a multiple of " + Rows.LANES,
                    encoding.size() + " tokens");
        }
        return new SubwordCheckpoint(
                Checkpoint.read(source, files, encoding.size()),
                encoding,
                files.text(BytePairEncoding.NAME));
    }

    /**
     * Writes tokenizer.json, so that weights which were trained from these find their tokens.
     *
     * @param folder where to
     * @throws IOException if it cannot be written
     */
    public void writeTokenizer(Path folder) throws IOException {
        CheckpointWriter.replace(
                folder.resolve(BytePairEncoding.NAME),
                out -> out.write(tokenizer.getBytes(StandardCharsets.UTF_8)));
    }
}
