package io.mambabyte.streams;

import io.mambabyte.kernels.Kernels;
import io.mambabyte.model.MambaModel;
import io.mambabyte.model.StateRounding;

import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/**
 * Short name of what likelihoods depend on beside the bytes: the model, the arithmetic of the
 * kernels, the rounding of the states, and whether they begin with a newline, as sessions do.
 * States of different tags are never mixed.
 */
final class InferenceTag {
    private InferenceTag() {}

    static int of(MambaModel model, StateRounding rounding, boolean sessions) {
        CRC32C checksum = new CRC32C();
        checksum.update(
                (model.fingerprint()
                                + ' '
                                + Kernels.ARITHMETIC
                                + ' '
                                + rounding.precision()
                                + ' '
                                + rounding.distanceBytes()
                                + (sessions ? " sessions" : ""))
                        .getBytes(StandardCharsets.US_ASCII));
        return (int) checksum.getValue();
    }

    /** What anomaly scores depend on beside the lines: states are rounded within them or not. */
    static int ofScores(MambaModel model, MambaByteConfig.Context context) {
        CRC32C checksum = new CRC32C();
        checksum.update(
                (model.fingerprint() + ' ' + Kernels.ARITHMETIC + ' ' + context.setting())
                        .getBytes(StandardCharsets.US_ASCII));
        return (int) checksum.getValue();
    }
}
