package io.mambabyte.app;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.core.util.MinimalPrettyPrinter;

import io.mambabyte.score.RecordScore;
import io.mambabyte.score.Surprisals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** How scores are written. */
sealed interface ScoreFormat {
    /** What is known before the first record. */
    void begin() throws IOException;

    /** One record, as one line. */
    void write(ScoredRecord scored) throws IOException;

    private static String printable(String file) {
        byte[] name = file.getBytes(StandardCharsets.UTF_8);
        return Heat.escape(name, name.length);
    }

    /** For people: a row of figures and the text after it. */
    final class Table implements ScoreFormat {
        /** Width of the figures before the text. */
        private static final int FIGURES = 69;

        private static final int COLUMNS_MIN = 20;

        private final Output out;
        private final boolean files;
        private final boolean heat;
        private final boolean colors;
        private final int columns;

        /**
         * Writes a table.
         *
         * @param out where to
         * @param files whether to name the file
         * @param heat whether to colour the bytes, all of them
         * @param colors whether colours may be used
         * @param columns width of the terminal, 0 for no limit
         */
        Table(Output out, boolean files, boolean heat, boolean colors, int columns) {
            this.out = out;
            this.files = files;
            this.heat = heat;
            this.colors = colors;
            this.columns = columns;
        }

        @Override
        public void begin() throws IOException {
            if (heat && colors) {
                out.print(Heat.legend());
                out.endLine();
            }
            out.print(
                    Heat.dim(
                            String.format(
                                    "%8s %7s %9s %7s %9s %7s %14s  %s",
                                    "line",
                                    "bytes",
                                    "bits",
                                    "bits/B",
                                    "excess",
                                    "z",
                                    "worst 16 at",
                                    "text"),
                            colors));
            out.endLine();
        }

        @Override
        public void write(ScoredRecord scored) throws IOException {
            RecordScore score = scored.score();
            out.print(
                    String.format(
                            Locale.ROOT,
                            "%8d %7d %9.1f %7.2f %9.1f %7.1f %7.1f %6d  ",
                            scored.line(),
                            score.bytes(),
                            score.bits(),
                            score.bitsPerByte(),
                            score.excessBits(),
                            score.z(),
                            score.worstBits(),
                            score.worstOffset()));
            if (files) {
                out.print(Heat.dim(printable(scored.file()) + ": ", colors));
            }
            byte[] text = scored.text();
            Surprisals surprisal = score.surprisal();
            if (heat && colors && surprisal != null) {
                out.print(Heat.render(text, text.length, surprisal, Integer.MAX_VALUE));
                if (scored.newline()) {
                    out.print(Heat.end(surprisal, text.length));
                }
            } else {
                int room =
                        heat || columns == 0
                                ? Integer.MAX_VALUE
                                : Math.max(COLUMNS_MIN, columns - FIGURES);
                out.print(Heat.render(text, text.length, null, room));
            }
            out.endLine();
        }
    }

    /** For programs: one JSON object a line. */
    final class JsonLines implements ScoreFormat {
        private final Output out;
        private final boolean files;
        private final boolean text;
        private final JsonGenerator json;

        JsonLines(Output out, boolean files, boolean text) throws IOException {
            this.out = out;
            this.files = files;
            this.text = text;
            json =
                    JsonFactory.builder()
                            .disable(StreamWriteFeature.FLUSH_PASSED_TO_STREAM)
                            .build()
                            .createGenerator(out);
            json.setPrettyPrinter(new MinimalPrettyPrinter(""));
        }

        @Override
        public void begin() {}

        @Override
        public void write(ScoredRecord scored) throws IOException {
            RecordScore score = scored.score();
            json.writeStartObject();
            if (files) {
                json.writeStringField("file", scored.file());
            }
            json.writeNumberField("line", scored.line());
            json.writeNumberField("position", score.position());
            json.writeNumberField("bytes", score.bytes());
            json.writeNumberField("scored_bytes", score.scoredBytes());
            json.writeNumberField("bits", score.bits());
            json.writeNumberField("bits_per_byte", score.bitsPerByte());
            json.writeNumberField("expected_bits", score.expectedBits());
            json.writeNumberField("excess_bits", score.excessBits());
            json.writeNumberField("z", score.z());
            json.writeNumberField("worst_offset", score.worstOffset());
            json.writeNumberField("worst_bits", score.worstBits());
            if (text) {
                json.writeStringField("text", new String(scored.text(), StandardCharsets.UTF_8));
            }
            Surprisals surprisal = score.surprisal();
            if (surprisal != null) {
                json.writeArrayFieldStart("surprisal_bits");
                for (int i = 0; i < surprisal.size(); i++) {
                    float bits = surprisal.get(i);
                    if (Float.isNaN(bits)) {
                        json.writeNull();
                    } else {
                        json.writeNumber(bits);
                    }
                }
                json.writeEndArray();
            }
            json.writeEndObject();
            json.flush();
            out.endLine();
        }
    }

    /** For spreadsheets: RFC 4180, with a header. */
    final class Csv implements ScoreFormat {
        private final Output out;
        private final boolean files;
        private final boolean text;
        private final boolean perByte;

        Csv(Output out, boolean files, boolean text, boolean perByte) {
            this.out = out;
            this.files = files;
            this.text = text;
            this.perByte = perByte;
        }

        @Override
        public void begin() throws IOException {
            List<String> names =
                    new ArrayList<>(
                            List.of(
                                    "line",
                                    "position",
                                    "bytes",
                                    "scored_bytes",
                                    "bits",
                                    "bits_per_byte",
                                    "expected_bits",
                                    "excess_bits",
                                    "z",
                                    "worst_offset",
                                    "worst_bits"));
            if (files) {
                names.addFirst("file");
            }
            if (text) {
                names.add("text");
            }
            if (perByte) {
                names.add("surprisal_bits");
            }
            out.print(String.join(",", names));
            out.print("\r");
            out.endLine();
        }

        @Override
        public void write(ScoredRecord scored) throws IOException {
            RecordScore score = scored.score();
            StringBuilder row = new StringBuilder();
            if (files) {
                row.append(quoted(printable(scored.file()))).append(',');
            }
            row.append(scored.line()).append(',');
            row.append(score.position()).append(',');
            row.append(score.bytes()).append(',');
            row.append(score.scoredBytes()).append(',');
            row.append(score.bits()).append(',');
            row.append(score.bitsPerByte()).append(',');
            row.append(score.expectedBits()).append(',');
            row.append(score.excessBits()).append(',');
            row.append(score.z()).append(',');
            row.append(score.worstOffset()).append(',');
            row.append(score.worstBits());
            if (text) {
                row.append(',').append(quoted(Heat.escape(scored.text(), scored.text().length)));
            }
            Surprisals surprisal = score.surprisal();
            if (surprisal != null) {
                row.append(',');
                for (int i = 0; i < surprisal.size(); i++) {
                    float bits = surprisal.get(i);
                    row.append(i == 0 ? "" : " ").append(Float.isNaN(bits) ? "null" : bits);
                }
            }
            out.print(row.append('\r').toString());
            out.endLine();
        }

        private static String quoted(String text) {
            return text.matches("[^,\"]*") ? text : '"' + text.replace("\"", "\"\"") + '"';
        }
    }
}
