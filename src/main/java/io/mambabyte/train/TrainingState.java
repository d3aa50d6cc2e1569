package io.mambabyte.train;

import io.mambabyte.model.CheckpointWriter;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;

/**
 * Everything that a run needs to go on to the same bits, but its data: a file beside the model. Its
 * floats are those of weights, moments and sequence states, read into the arrays that are there
 * already.
 */
final class TrainingState {
    static final String FILE = "training.state";

    private static final int MAGIC = 0x4d425452; // "MBTR"
    private static final int VERSION = 2;

    /** What a run of version 1 used of the held-out pieces. */
    private static final int ALL_PIECES = Integer.MAX_VALUE;

    /** What has to be the same for a run to go on, in words that can be compared and shown. */
    String settings = "";

    String corpus = "";
    long bytes;
    double seconds;
    double stepSeconds;
    double bestBits = Double.POSITIVE_INFINITY;
    int withoutBetter;
    double recentNats;
    long recentBytes;
    double lastRate;
    double lastNorm;
    long optimizerSteps;

    /** Held-out pieces that are used. */
    int heldOutPieces = ALL_PIECES;

    long[] feed = {};
    List<Evaluation> evaluations = new ArrayList<>();

    void write(Path folder, List<float[]> arrays) throws IOException {
        CheckpointWriter.replace(
                folder.resolve(FILE),
                file -> {
                    CheckedOutputStream checked = new CheckedOutputStream(file, new CRC32());
                    DataOutputStream out =
                            new DataOutputStream(new BufferedOutputStream(checked, 1 << 16));
                    writeTo(out, arrays);
                    out.flush();
                    long sum = checked.getChecksum().getValue();
                    file.write(ByteBuffer.allocate(Long.BYTES).putLong(sum).array());
                });
    }

    private void writeTo(DataOutputStream out, List<float[]> arrays) throws IOException {
        out.writeInt(MAGIC);
        out.writeInt(VERSION);
        out.writeUTF(settings);
        out.writeUTF(corpus);
        out.writeLong(bytes);
        out.writeDouble(seconds);
        out.writeDouble(stepSeconds);
        out.writeDouble(bestBits);
        out.writeInt(withoutBetter);
        out.writeDouble(recentNats);
        out.writeLong(recentBytes);
        out.writeDouble(lastRate);
        out.writeDouble(lastNorm);
        out.writeLong(optimizerSteps);
        out.writeInt(heldOutPieces);
        out.writeInt(feed.length);
        for (long value : feed) {
            out.writeLong(value);
        }
        out.writeInt(evaluations.size());
        for (Evaluation e : evaluations) {
            out.writeLong(e.step());
            out.writeLong(e.bytes());
            out.writeDouble(e.seconds());
            out.writeDouble(e.rate());
            out.writeDouble(e.gradientNorm());
            out.writeDouble(e.trainBits());
            out.writeDouble(e.heldOutBits());
        }
        for (float[] array : arrays) {
            out.writeInt(array.length);
            ByteBuffer buffer = ByteBuffer.allocate(Math.multiplyExact(array.length, Float.BYTES));
            buffer.asFloatBuffer().put(array);
            out.write(buffer.array());
        }
    }

    /** Reads into this and into the arrays. */
    void read(Path folder, List<float[]> arrays) throws IOException {
        Path file = folder.resolve(FILE);
        CRC32 sum = new CRC32();
        try (BufferedInputStream raw = new BufferedInputStream(Files.newInputStream(file))) {
            DataInputStream in = new DataInputStream(new CheckedInputStream(raw, sum));
            readFrom(in, arrays, file);
            long expected = sum.getValue();
            if (new DataInputStream(raw).readLong() != expected || raw.read() != -1) {
                throw new IOException(file + ": is damaged: the checksum does not match");
            }
        } catch (EOFException e) {
            throw new IOException(file + ": is damaged: it ends too early", e);
        }
    }

    private void readFrom(DataInputStream in, List<float[]> arrays, Path file) throws IOException {
        int magic = in.readInt();
        int version = in.readInt();
        if (magic != MAGIC || version < 1 || version > VERSION) {
            throw new IOException(file + ": is not a training state of this version");
        }
        String found = in.readUTF();
        if (!found.equals(settings)) {
            throw new IOException(
                    file + ": the run had other settings: " + found + ", now " + settings);
        }
        if (!in.readUTF().equals(corpus)) {
            throw new IOException(
                    file + ": the run had other data: --resume needs the same bytes again");
        }
        bytes = in.readLong();
        seconds = in.readDouble();
        stepSeconds = in.readDouble();
        bestBits = in.readDouble();
        withoutBetter = in.readInt();
        recentNats = in.readDouble();
        recentBytes = in.readLong();
        lastRate = in.readDouble();
        lastNorm = in.readDouble();
        optimizerSteps = in.readLong();
        heldOutPieces = version == 1 ? ALL_PIECES : in.readInt();
        feed = new long[length(in, feed.length, file)];
        for (int i = 0; i < feed.length; i++) {
            feed[i] = in.readLong();
        }
        int count = in.readInt();
        evaluations = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            evaluations.add(
                    new Evaluation(
                            in.readLong(),
                            in.readLong(),
                            in.readDouble(),
                            in.readDouble(),
                            in.readDouble(),
                            in.readDouble(),
                            in.readDouble()));
        }
        for (float[] array : arrays) {
            length(in, array.length, file);
            byte[] content = new byte[Math.multiplyExact(array.length, Float.BYTES)];
            in.readFully(content);
            ByteBuffer.wrap(content).asFloatBuffer().get(array);
        }
    }

    private static int length(DataInputStream in, int expected, Path file) throws IOException {
        int found = in.readInt();
        if (found != expected) {
            throw new IOException(
                    file + ": is damaged: " + found + " numbers where there are " + expected);
        }
        return found;
    }
}
