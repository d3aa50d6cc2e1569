package io.mambabyte.generate;

import io.mambabyte.model.MambaModel;
import io.mambabyte.model.SubwordModel;

import org.jspecify.annotations.Nullable;

/**
 * Makes drafters for the texts of one thread, which share the index of what was seen and what was
 * learnt of the drafting model.
 */
public final class DrafterFactory {
    private final HistoryIndex index;
    private final @Nullable MambaModel model;
    private final @Nullable SubwordModel subwords;
    private ModelDrafter.@Nullable Shared sharedOfModel;
    private ModelDrafter.@Nullable Shared sharedOfSubwords;

    /**
     * With models to draft with.
     *
     * @param index of what was seen
     * @param model drafts where a small model is to, or null: then the subword model does
     * @param subwords drafts where a subword model is to, or null: then {@code model} does, and the
     *     history where both are null
     */
    public DrafterFactory(
            HistoryIndex index, @Nullable MambaModel model, @Nullable SubwordModel subwords) {
        this.index = index;
        this.model = model;
        this.subwords = subwords;
    }

    /**
     * A drafter for a text.
     *
     * @param mode how it drafts
     * @return a new one
     */
    public Drafter of(DraftMode mode) {
        return switch (mode) {
            case NONE -> Drafter.NONE;
            case HISTORY -> new HistoryDrafter(index);
            case MODEL -> asking(model != null, null);
            case SUBWORD -> asking(subwords == null, null);
            case BOTH -> asking(model != null, index);
        };
    }

    private Drafter asking(boolean ofBytes, @Nullable HistoryIndex beside) {
        ModelDrafter.Shared shared = ofBytes ? ofModel() : ofSubwords();
        return shared == null ? new HistoryDrafter(index) : new ModelDrafter(shared, beside);
    }

    /** Memory that is allocated once somebody asks. */
    private ModelDrafter.@Nullable Shared ofModel() {
        if (sharedOfModel == null && model != null) {
            sharedOfModel = new ModelDrafter.Shared(model);
        }
        return sharedOfModel;
    }

    private ModelDrafter.@Nullable Shared ofSubwords() {
        if (sharedOfSubwords == null && subwords != null) {
            sharedOfSubwords = new ModelDrafter.Shared(subwords);
        }
        return sharedOfSubwords;
    }
}
