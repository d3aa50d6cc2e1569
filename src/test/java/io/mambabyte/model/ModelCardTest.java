package io.mambabyte.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

class ModelCardTest {
    private static ModelCard card(Path folder) throws CheckpointException {
        return ModelCard.read(new ModelSource.Folder(folder)).orElseThrow();
    }

    @Test
    void shouldShowWhateverCardSays(@TempDir Path folder) throws Exception {
        Files.writeString(
                folder.resolve("card.json"),
                """
                {"name": "logs", "steps": 1200, "held_out": {"hdfs": 0.41, "bgl": 0.5},
                 "data": [{"source": "hdfs", "licence": "CC-BY-4.0"}], "shape": [128, 4], "of": {"x": {}},
                 "sha256": "%s", "share": 0.10783285, "long": {"a": "%s", "b": "%s"},
                 "note": "a\\u001b[31mb\\nc"}
                """
                        .formatted("ab".repeat(32), "x".repeat(200), "y".repeat(500)));
        ModelCard card = card(folder);
        assertEquals("card.json", card.file());
        assertEquals(
                List.of(
                        new ModelCard.Entry("name", "logs"),
                        new ModelCard.Entry("steps", "1200"),
                        new ModelCard.Entry("held_out", "hdfs 0.41, bgl 0.5"),
                        new ModelCard.Entry("data[0]", "source hdfs, licence CC-BY-4.0"),
                        new ModelCard.Entry("shape", "128, 4"),
                        new ModelCard.Entry("of.x", ""),
                        new ModelCard.Entry("sha256", "abababababab..."),
                        new ModelCard.Entry("share", "0.10783"),
                        new ModelCard.Entry("long.a", "x".repeat(200)),
                        new ModelCard.Entry("long.b", "y".repeat(400) + "..."),
                        new ModelCard.Entry("note", "a [31mb c")),
                card.entries());
    }

    @Test
    void shouldFallBackToReadme(@TempDir Path folder) throws Exception {
        Files.writeString(folder.resolve("README.md"), "\n# A model\nof logs\n");
        ModelCard card = card(folder);
        assertEquals("README.md", card.file());
        assertEquals("\n# A model\nof logs\n", card.text());
        assertEquals(
                List.of(new ModelCard.Entry("", "# A model"), new ModelCard.Entry("", "of logs")),
                card.entries());
    }

    @Test
    void shouldDoWithoutCard(@TempDir Path folder) throws Exception {
        assertTrue(ModelCard.read(new ModelSource.Folder(folder)).isEmpty());
    }

    @Test
    void shouldRefuseCardThatIsNotJson(@TempDir Path folder) throws Exception {
        Files.writeString(folder.resolve("card.json"), "name: logs");
        CheckpointException e = assertThrows(CheckpointException.class, () -> card(folder));
        assertEquals(
                folder.resolve("card.json")
                        + ": expected JSON, found: Unrecognized token 'name': was expecting (JSON"
                        + " String, Number, Array, Object or token 'null', 'true' or 'false')"
                        + " (line 1, column 1)",
                e.getMessage());
    }

    @Test
    void shouldTakeShippedModelByName() throws Exception {
        for (String name : ModelSource.shipped()) {
            assertEquals(new ModelSource.Shipped(name), ModelSource.of(name));
            Checkpoint checkpoint = Checkpoint.read(ModelSource.of(name));
            assertTrue(checkpoint.parameters() > 0);
            assertTrue(ModelCard.read(ModelSource.of(name)).isPresent(), name + " has no card");
        }
    }

    @Test
    void shouldListEveryModelThatIsShipped() throws Exception {
        try (Stream<Path> folders = Files.list(resources())) {
            assertEquals(
                    folders.filter(Files::isDirectory)
                            .map(folder -> folder.getFileName().toString())
                            .sorted()
                            .toList(),
                    ModelSource.shipped().stream().sorted().toList(),
                    "models/index.txt and the folders beside it");
        }
    }

    private static Path resources() throws URISyntaxException {
        URL index = Objects.requireNonNull(ModelSource.class.getResource("/models/index.txt"));
        return Objects.requireNonNull(Path.of(index.toURI()).getParent());
    }

    @Test
    void shouldRefuseUnknownShippedModel() {
        CheckpointException e =
                assertThrows(
                        CheckpointException.class,
                        () -> Checkpoint.read(new ModelSource.Shipped("../secret")));
        assertEquals(
                "model ../secret: expected one of the shipped models " + ModelSource.shipped(),
                e.getMessage());
    }

    @Test
    void shouldTakeAnythingElseForFolder() {
        assertEquals(new ModelSource.Folder(Path.of("./x")), ModelSource.of("./x"));
    }
}
