package io.mambabyte.app;

import io.mambabyte.generate.Draft;
import io.mambabyte.generate.Drafter;

/**
 * Claims to be sure and is never right, but by chance: what a decoder loses to it is what useless
 * drafts cost.
 */
final class NeverDrafter implements Drafter {
    private byte last;

    @Override
    public void begin() {
        last = 0;
    }

    @Override
    public void append(byte[] bytes, int offset, int length) {
        if (length > 0) {
            last = bytes[offset + length - 1];
        }
    }

    @Override
    public void draft(Draft draft) {
        // No text repeats a byte with its high bit changed for long.
        while (draft.wantsMore()) {
            draft.add((byte) (last ^ 0x80), 1);
        }
    }
}
