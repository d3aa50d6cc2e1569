package io.mambabyte.app.ui;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.mambabyte.app.bench.ModelThroughput;
import io.mambabyte.kernels.Kernels;
import io.mambabyte.model.CheckpointException;
import io.mambabyte.model.MambaConfig;
import io.mambabyte.model.ModelCard;

import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/** What there is to say about the model. */
final class ModelView {
    private final PageSources sources;
    private final ReentrantLock measuring = new ReentrantLock();

    ModelView(PageSources sources) {
        this.sources = sources;
    }

    ObjectNode json() throws PageUnavailableException {
        MambaConfig shape = sources.model().config();
        ObjectNode root = PageJson.object();
        root.put("name", sources.source().toString());
        root.put("fingerprint", sources.model().fingerprint());
        ObjectNode node = root.putObject("shape");
        node.put("d_model", shape.dModel());
        node.put("n_layer", shape.nLayer());
        node.put("d_inner", shape.dInner());
        node.put("d_state", shape.dState());
        node.put("d_conv", shape.dConv());
        node.put("dt_rank", shape.dtRank());
        root.put("projectionWeights", ModelThroughput.projectionWeights(shape));
        root.put("stateBytes", shape.stateBytes());
        root.put("kernels", Kernels.selected().description());
        Optional<ModelCard> card = card();
        if (card.isPresent()) {
            root.put("cardFile", card.get().file());
            ArrayNode entries = root.putArray("card");
            card.get()
                    .entries()
                    .forEach(
                            e -> entries.addObject().put("name", e.name()).put("value", e.value()));
        }
        return root;
    }

    private Optional<ModelCard> card() throws PageUnavailableException {
        try {
            return ModelCard.read(sources.source());
        } catch (CheckpointException e) {
            throw new PageUnavailableException(String.valueOf(e.getMessage()), e);
        }
    }

    /** Measures now, on one core, beside whatever else the machine does. */
    ObjectNode measure() throws PageUnavailableException {
        if (!measuring.tryLock()) {
            throw new PageUnavailableException("it is being measured already");
        }
        try {
            ModelThroughput measured = ModelThroughput.measure(sources.model());
            ObjectNode root = PageJson.object();
            root.put("bytesPerSecond", PageJson.rounded(measured.bytesPerSecond()));
            root.put("gflops", PageJson.rounded(measured.gflops()));
            root.put("peakGflops", PageJson.rounded(measured.peakGflops()));
            root.put("fractionOfPeak", PageJson.rounded(measured.fractionOfPeak()));
            return root;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PageUnavailableException("the page ends", e);
        } finally {
            measuring.unlock();
        }
    }
}
