package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What Grafana's documentation of the dashboard JSON model asks for; Grafana itself is not run. */
class DashboardTest {
    private static final int GRID_COLUMNS = 24;
    private static final Set<String> PANELS = Set.of("timeseries", "stat", "gauge", "bargauge");

    private static List<Path> dashboards() throws IOException {
        return Dashboards.files();
    }

    @ParameterizedTest
    @MethodSource("dashboards")
    void shouldBeDashboardThatGrafanaProvisions(Path file) throws IOException {
        JsonNode dashboard = Dashboards.read(file);
        assertTrue(dashboard.path("uid").asText().matches("[A-Za-z0-9_-]{1,40}"));
        assertFalse(dashboard.path("title").asText().isEmpty());
        assertTrue(dashboard.path("schemaVersion").asInt() >= 36, "the first of Grafana 9");
        // Provisioned dashboards have no id: Grafana's database gives it.
        assertFalse(dashboard.has("id"));
        assertTrue(dashboard.path("panels").size() > 0);
        for (JsonNode list : dashboard.findValues("list")) {
            assertTrue(list.isArray());
        }
    }

    @ParameterizedTest
    @MethodSource("dashboards")
    void shouldHavePanelsThatDoNotOverlap(Path file) throws IOException {
        Set<Integer> ids = new HashSet<>();
        Set<String> cells = new HashSet<>();
        String sources =
                Files.readString(Path.of("docker/grafana/provisioning/datasources/prometheus.yml"));
        for (JsonNode panel : Dashboards.read(file).path("panels")) {
            String title = panel.path("title").asText();
            assertTrue(ids.add(panel.path("id").asInt()), title);
            assertTrue(PANELS.contains(panel.path("type").asText()), title);
            JsonNode grid = panel.path("gridPos");
            int x = grid.path("x").asInt();
            int y = grid.path("y").asInt();
            int w = grid.path("w").asInt();
            assertTrue(w > 0 && x >= 0 && x + w <= GRID_COLUMNS, title);
            for (int row = y; row < y + grid.path("h").asInt(); row++) {
                for (int column = x; column < x + w; column++) {
                    assertTrue(cells.add(row + ":" + column), title);
                }
            }
            Set<String> refs = new HashSet<>();
            for (JsonNode target : panel.path("targets")) {
                assertTrue(refs.add(target.path("refId").asText()), title);
                JsonNode source = target.path("datasource");
                assertEquals("prometheus", source.path("type").asText(), title);
                assertTrue(sources.contains("uid: " + source.path("uid").asText()), title);
            }
            assertFalse(refs.isEmpty(), title);
        }
    }
}
