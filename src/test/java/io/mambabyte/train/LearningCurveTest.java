package io.mambabyte.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

import javax.xml.parsers.DocumentBuilderFactory;

class LearningCurveTest {
    @Test
    void shouldBeWellFormedWhateverTheFiguresAndTheName() throws Exception {
        Evaluation start = new Evaluation(0, 0, 0, 0, 0, Double.NaN, 8.01);
        Evaluation later = new Evaluation(64, 262_144, 9, 1e-3, 1, 3.5, 3.25);
        for (List<Evaluation> evaluations : List.of(List.of(start), List.of(start, later))) {
            String svg = LearningCurve.svg("a <base> & \u0007 more", evaluations);
            Document document =
                    DocumentBuilderFactory.newInstance()
                            .newDocumentBuilder()
                            .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
            assertEquals("svg", document.getDocumentElement().getTagName());
            assertEquals(-1, svg.indexOf("NaN"));
        }
    }
}
