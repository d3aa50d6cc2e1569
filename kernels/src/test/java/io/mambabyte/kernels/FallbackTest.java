package io.mambabyte.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** Runs in a JVM without the module jdk.incubator.vector. */
@Tag("fallback")
class FallbackTest {
    @Test
    void shouldComputeInScalarAfterOneWarningThatNamesTheOption() {
        List<String> warnings = new ArrayList<>();
        Logger logger = Logger.getLogger(Kernels.class.getName());
        Handler handler =
                new Handler() {
                    @Override
                    public void publish(LogRecord record) {
                        warnings.add(record.getLevel() + " " + record.getMessage());
                    }

                    @Override
                    public void flush() {}

                    @Override
                    public void close() {}
                };
        logger.addHandler(handler);
        try {
            assertEquals("scalar", Kernels.selected().description());
            assertEquals("scalar", Kernels.selected().description());
        } finally {
            logger.removeHandler(handler);
        }
        assertEquals(
                List.of(
                        "WARNING The scalar kernels compute, several times slower than the vector"
                                + " kernels: start Java with --add-modules=jdk.incubator.vector"),
                warnings);
    }

    @Test
    void shouldFailWhereVectorsAreDemanded() {
        var thrown = assertThrows(IllegalStateException.class, Kernels::vector);
        assertEquals(
                "the vector kernels need the option --add-modules=jdk.incubator.vector",
                thrown.getMessage());
        assertThrows(IllegalStateException.class, () -> KernelSelection.select("vector", false));
    }
}
