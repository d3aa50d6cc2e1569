package io.mambabyte.app.ui;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.mambabyte.streams.KeyHistory;

import org.apache.kafka.streams.errors.InvalidStateStoreException;
import org.apache.kafka.streams.errors.UnknownStateStoreException;

import java.util.List;
import java.util.Optional;

/** A key's history, asked from the state store by interactive query. */
final class KeyView {
    private static final int RECORDS_MAX = 500;

    private final PageSources sources;

    KeyView(PageSources sources) {
        this.sources = sources;
    }

    ObjectNode history(String key) throws PageUnavailableException {
        Optional<KeyHistory> history = of(key);
        ObjectNode root = PageJson.object();
        root.put("known", history.isPresent());
        if (history.isPresent()) {
            KeyHistory found = history.get();
            root.put("position", found.position());
            root.put("bits", PageJson.rounded(found.bits()));
            root.put("timestampMs", found.timestampMs());
            List<KeyHistory.ScoredRecord> records = found.records();
            root.put("sinceCheckpoint", records.size());
            ArrayNode array = root.putArray("records");
            for (KeyHistory.ScoredRecord record :
                    records.subList(Math.max(0, records.size() - RECORDS_MAX), records.size())) {
                array.addObject()
                        .put("time", record.timestampMs())
                        .put("bytes", record.bytes())
                        .put("bits", PageJson.rounded(record.bits()));
            }
        }
        return root;
    }

    private Optional<KeyHistory> of(String key) throws PageUnavailableException {
        try {
            return KeyHistory.of(
                    sources.streams().get(), sources.config(), PageJson.key(key).get());
        } catch (UnknownStateStoreException e) {
            throw new PageUnavailableException("records are scored on their own: no state", e);
        } catch (InvalidStateStoreException | IllegalStateException e) {
            throw new PageUnavailableException("the state store moves or restores; try again", e);
        }
    }
}
