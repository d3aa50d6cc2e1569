package io.mambabyte.app.eval;

import java.nio.charset.StandardCharsets;
import java.util.List;

/** Likelihoods of a 7-gram byte model: all bits, bits per byte, and the worst 16 bytes. */
final class Ngrams implements Detector {
    private static final int WINDOW = 16;

    private final NgramModel model = new NgramModel();
    private final boolean masked;
    private final boolean follows;
    private final String name;

    /**
     * A detector.
     *
     * @param masked whether numbers and identifiers are replaced first
     * @param follows whether it goes on learning from the stream that it scores
     */
    Ngrams(boolean masked, boolean follows) {
        this.masked = masked;
        this.follows = follows;
        name = "7-gram" + (follows ? "-adaptive" : "") + (masked ? "-masked" : "");
    }

    @Override
    public List<String> names() {
        return List.of(name + "-bits", name + "-bits-per-byte", name + "-worst-window");
    }

    private byte[] seen(byte[] line) {
        return masked ? Text.masked(line).getBytes(StandardCharsets.ISO_8859_1) : line;
    }

    @Override
    public void learn(Sample normal) {
        normal.lines().forEach(line -> model.learn(seen(line)));
    }

    @Override
    public boolean follows() {
        return follows;
    }

    @Override
    public boolean readsOnce() {
        return follows;
    }

    @Override
    public double[] score(Sample sample) {
        double[] most = new double[3];
        for (byte[] line : sample.lines()) {
            double[] bits = model.surprisal(seen(line));
            double sum = 0;
            double window = 0;
            double worst = 0;
            for (int i = 0; i < bits.length; i++) {
                sum += bits[i];
                window += bits[i] - (i >= WINDOW ? bits[i - WINDOW] : 0);
                worst = Math.max(worst, window);
            }
            most[0] = Math.max(most[0], sum);
            most[1] = Math.max(most[1], sum / bits.length);
            most[2] = Math.max(most[2], worst);
        }
        return most;
    }
}
