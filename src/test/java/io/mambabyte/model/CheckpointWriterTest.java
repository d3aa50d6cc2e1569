package io.mambabyte.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

class CheckpointWriterTest {
    @TempDir private Path folder;

    @ParameterizedTest
    @EnumSource
    void shouldWriteWhatTheReaderReads(Norm norm) throws Exception {
        MambaConfig config = RandomModels.odd(norm);
        MambaWeights weights = RandomModels.weights(config, 5);
        CheckpointWriter.write(folder, config, weights);
        Checkpoint read = Checkpoint.read(folder);
        assertEquals(config, read.config());
        List<NamedTensor> expected = NamedTensor.of(config, weights);
        List<NamedTensor> actual = NamedTensor.of(read.config(), read.weights());
        assertEquals(expected.size(), actual.size());
        for (int i = 0; i < expected.size(); i++) {
            NamedTensor tensor = expected.get(i);
            boolean exact = tensor.name().endsWith("A_log") || tensor.name().endsWith(".D");
            float[] values = tensor.values().clone();
            for (int j = 0; j < values.length && !exact; j++) {
                values[j] = Float.intBitsToFloat(CheckpointWriter.bfloat16(values[j]) << 16);
                // Eight bits of a significand, rounded to nearest.
                assertEquals(tensor.values()[j], values[j], Math.abs(values[j]) / 256);
            }
            assertArrayEquals(values, actual.get(i).values(), tensor.name());
        }
    }

    @Test
    void shouldKeepATiedHeadTied() throws Exception {
        MambaConfig config = RandomModels.config(16, 1, 4);
        MambaWeights w = RandomModels.weights(config, 5);
        CheckpointWriter.write(
                folder,
                config,
                new MambaWeights(w.embedding, w.layers, w.normF, w.normFBias, w.embedding));
        assertEquals(true, Checkpoint.read(folder).tied());
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(
                    List.of("config.json", "model.safetensors"),
                    files.map(file -> file.getFileName().toString()).sorted().toList());
        }
    }

    @Test
    void shouldRoundTiesToEven() {
        assertEquals(0x3f80, CheckpointWriter.bfloat16(Float.intBitsToFloat(0x3f808000)));
        assertEquals(0x3f82, CheckpointWriter.bfloat16(Float.intBitsToFloat(0x3f818000)));
        assertEquals(0x3f81, CheckpointWriter.bfloat16(Float.intBitsToFloat(0x3f808001)));
        assertEquals((short) 0x8000, CheckpointWriter.bfloat16(-0f));
    }
}
