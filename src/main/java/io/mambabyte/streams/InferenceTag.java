package io.mambabyte.streams;

import io.mambabyte.model.MambaModel;
import io.mambabyte.model.StateRounding;

import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/**
 * Short name of what likelihoods depend on beside the bytes: the model and the rounding of its
 * states. States of different tags are never mixed.
 */
final class InferenceTag {
    private InferenceTag() {}

    static int of(MambaModel model, StateRounding rounding) {
        CRC32C checksum = new CRC32C();
        checksum.update(
                (model.fingerprint() + ' ' + rounding.precision() + ' ' + rounding.distanceBytes())
                        .getBytes(StandardCharsets.US_ASCII));
        return (int) checksum.getValue();
    }
}
