package io.mambabyte.app.eval;

import io.mambabyte.score.SeverityWords;

/** Number of words such as error and failed: what people grep for. */
final class Keywords extends LineDetector {
    Keywords() {
        super("keywords");
    }

    @Override
    void learnLine(byte[] line) {}

    @Override
    double[] scoreLine(byte[] line) {
        return new double[] {SeverityWords.count(line)};
    }
}
