package io.mambabyte.app.eval;

import java.util.List;

/**
 * What is normal or not as a whole: a session of lines, often of one.
 *
 * @param id what the set calls it
 * @param anomaly its label
 * @param lines the bytes of its lines, without newlines
 */
record Sample(String id, boolean anomaly, List<byte[]> lines) {
    long bytes() {
        return lines.stream().mapToLong(line -> line.length + 1L).sum();
    }
}
