package io.mambabyte.streams;

import io.mambabyte.score.Surprisals;

import java.util.AbstractList;
import java.util.RandomAccess;

/** Surprisals as the list that the generated Avro class asks for; nothing is copied. */
final class SurprisalList extends AbstractList<Float> implements RandomAccess {
    private final Surprisals values;

    SurprisalList(Surprisals values) {
        this.values = values;
    }

    @Override
    public Float get(int index) {
        return values.get(index);
    }

    @Override
    public int size() {
        return values.size();
    }
}
