package io.mambabyte.generate;

import io.mambabyte.model.MambaModel;

import org.jspecify.annotations.Nullable;

/**
 * Makes drafters for the texts of one thread, which share the index of what was seen and what was
 * learnt of the drafting model.
 */
public final class DrafterFactory {
    private final HistoryIndex index;
    private final ModelDrafter.@Nullable Shared model;

    /**
     * Allocates what they share.
     *
     * @param index of what was seen
     * @param model drafts, or null: then modes that ask one draft by the history
     */
    public DrafterFactory(HistoryIndex index, @Nullable MambaModel model) {
        this.index = index;
        this.model = model == null ? null : new ModelDrafter.Shared(model);
    }

    /**
     * A drafter for a text.
     *
     * @param mode how it drafts
     * @return a new one
     */
    public Drafter of(DraftMode mode) {
        if (mode == DraftMode.NONE) {
            return Drafter.NONE;
        }
        if (model == null || !mode.asksModel()) {
            return new HistoryDrafter(index);
        }
        return new ModelDrafter(model, mode == DraftMode.BOTH ? index : null);
    }
}
