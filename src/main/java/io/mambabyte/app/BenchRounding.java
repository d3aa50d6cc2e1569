package io.mambabyte.app;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.mambabyte.model.MambaModel;
import io.mambabyte.model.ModelSource;
import io.mambabyte.model.RecurrentState;
import io.mambabyte.model.StateCodec;
import io.mambabyte.model.StatePrecision;
import io.mambabyte.model.StateRounding;
import io.mambabyte.score.Framing;
import io.mambabyte.score.RecordScore;
import io.mambabyte.score.Scorer;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;

/** {@code bench rounding}: what rounding states at fixed positions costs in bits per byte. */
@Command(
        name = "rounding",
        description = {
            "What it costs to round states at fixed positions: bits per byte of lines, with and"
                    + " without, and what a checkpoint of the state takes.",
            ""
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class BenchRounding implements Callable<Integer> {
    @Spec private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--model",
            paramLabel = "DIR|NAME",
            description = "A model folder or the name of a shipped model (${DEFAULT-VALUE}).")
    private String model = ModelSource.DEFAULT;

    @Option(
            names = "--data",
            paramLabel = "FILE",
            description =
                    "Lines of one key. Default: the demo's recording, whose lines have three keys.")
    private @Nullable Path data;

    @Option(names = "--max-lines", paramLabel = "N", description = "Lines that are scored at most.")
    private int maxLines = Integer.MAX_VALUE;

    @Option(
            names = "--distances",
            split = ",",
            paramLabel = "BYTES",
            description = "Bytes between roundings (${DEFAULT-VALUE}).",
            defaultValue = "1024,4096,16384")
    private List<Integer> distances = List.of();

    @Mixin private BenchReport report = new BenchReport();

    @Override
    public Integer call() throws Exception {
        MambaModel loaded = MambaModel.load(ModelSource.of(model));
        List<DemoRecording.Line> lines = lines();
        List<StateRounding> roundings = new ArrayList<>(List.of(StateRounding.NONE));
        for (int distance : distances) {
            for (StatePrecision precision : List.of(StatePrecision.BFLOAT16, StatePrecision.INT8)) {
                roundings.add(new StateRounding(precision, distance));
            }
        }
        ArrayNode rows = new ObjectMapper().createArrayNode();
        double plain = 0;
        for (StateRounding rounding : roundings) {
            double bitsPerByte = bitsPerByte(loaded, rounding, lines);
            plain = rounding.equals(StateRounding.NONE) ? bitsPerByte : plain;
            ObjectNode row = rows.addObject();
            row.put("precision", rounding.precision().toString().toLowerCase(Locale.ROOT));
            row.put("distance_bytes", rounding.distanceBytes());
            row.put("checkpoint_bytes", new StateCodec(loaded, rounding.precision()).size());
            row.put("bits_per_byte", bitsPerByte);
            row.put("cost_percent", 100 * (bitsPerByte / plain - 1));
            if (!report.json()) {
                spec.commandLine()
                        .getOut()
                        .printf(
                                Locale.ROOT,
                                "%-8s every %,6d bytes  %.6f bits/byte  %+.4f%%  checkpoint %,d"
                                        + " bytes%n",
                                row.path("precision").asText(),
                                rounding.distanceBytes(),
                                bitsPerByte,
                                row.path("cost_percent").asDouble(),
                                row.path("checkpoint_bytes").asInt());
                spec.commandLine().getOut().flush();
            }
        }
        if (report.json()) {
            ObjectNode result = new ObjectMapper().createObjectNode();
            result.put("bench", "rounding");
            result.put("model", model);
            result.put("lines", lines.size());
            result.set("roundings", rows);
            spec.commandLine().getOut().println(result);
            spec.commandLine().getOut().flush();
        }
        return CommandLine.ExitCode.OK;
    }

    private List<DemoRecording.Line> lines() throws IOException {
        if (data == null) {
            return DemoRecording.load().first(maxLines).lines();
        }
        try (var text = Files.lines(data, StandardCharsets.ISO_8859_1)) {
            return text.limit(maxLines).map(line -> new DemoRecording.Line("", line, 0)).toList();
        }
    }

    private static double bitsPerByte(
            MambaModel model, StateRounding rounding, List<DemoRecording.Line> lines) {
        Scorer scorer = new Scorer(model, rounding);
        Map<String, RecurrentState> states = new HashMap<>();
        double bits = 0;
        long bytes = 0;
        for (DemoRecording.Line line : lines) {
            RecordScore score =
                    scorer.score(
                            states.computeIfAbsent(line.key(), _ -> model.newState()),
                            line.bytes(),
                            Framing.LINES,
                            false);
            bits += score.bits();
            bytes += score.scoredBytes();
        }
        return bits / bytes;
    }
}
