package io.mambabyte.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.Random;

class KernelsTest {
    /** Fails where something made this process compute without vectors unnoticed. */
    @Test
    @Tag("kernels")
    void shouldSelectTheVectorKernelsWhereTheModuleIs() {
        assertTrue(
                Kernels.selected().description().startsWith("vector "),
                Kernels.selected()::description);
        assertEquals(Kernels.vector(), Kernels.selected());
    }

    @Test
    void shouldRejectAnUnknownChoice() {
        var thrown =
                assertThrows(
                        IllegalStateException.class, () -> KernelSelection.select("fast", true));
        assertEquals(
                "-Dmambabyte.kernels=fast: expected auto, scalar or vector", thrown.getMessage());
        assertEquals(Kernels.scalar(), KernelSelection.select("scalar", true));
        assertEquals(Kernels.scalar(), KernelSelection.select("auto", false));
    }

    @Test
    void shouldRejectShapesThatDoNotFit() {
        PackedMatrix w = PackedMatrix.of(new float[6], null, 3, 2);
        var thrown =
                assertThrows(
                        IllegalArgumentException.class,
                        () ->
                                Kernels.scalar()
                                        .multiply(w, 2, Rows.allocate(2, 1), Rows.allocate(3, 2)));
        assertEquals("x is 1 x 16, expected at least 2 x 2", thrown.getMessage());
        assertEquals(
                "weight has 5 floats, expected 3 x 2",
                assertThrows(
                                IllegalArgumentException.class,
                                () -> PackedMatrix.of(new float[5], null, 3, 2))
                        .getMessage());
        assertEquals(
                "width is not a multiple of 16: 8",
                assertThrows(
                                IllegalArgumentException.class,
                                () -> new Rows(new float[8], 0, 8, 8, 1))
                        .getMessage());
    }

    @Test
    void shouldMultiplyAsTheFormulaSays() {
        Random random = new Random(5);
        int inputs = 37;
        int outputs = 21;
        float[] weight = Values.NORMAL.array(random, outputs * inputs);
        float[] bias = Values.NORMAL.array(random, outputs);
        Rows x = Values.NORMAL.rows(random, inputs, 3);
        Rows y = Rows.allocate(outputs, 3);
        Kernels.scalar().multiply(PackedMatrix.of(weight, bias, outputs, inputs), 3, x, y);
        for (int row = 0; row < 3; row++) {
            for (int c = 0; c < outputs; c++) {
                double exact = bias[c];
                double magnitude = Math.abs(bias[c]);
                for (int k = 0; k < inputs; k++) {
                    double product = (double) weight[c * inputs + k] * x.values()[x.start(row) + k];
                    exact += product;
                    magnitude += Math.abs(product);
                }
                // A rounding of half a unit at each of the steps of the chain.
                double tolerance = (inputs + 1) * 0x1p-24 * magnitude;
                assertEquals(exact, y.values()[y.start(row) + c], tolerance);
            }
        }
    }

    @Test
    void shouldTellTheSurprisalOfTheSoftmax() {
        Random random = new Random(6);
        Rows logits = Values.NORMAL.rows(random, 256, 1);
        for (int i = 0; i < logits.values().length; i++) {
            logits.values()[i] *= 4;
        }
        double sum = 0;
        for (int c = 0; c < 256; c++) {
            sum += Math.exp(logits.values()[logits.start(0) + c]);
        }
        double entropy = 0;
        double square = 0;
        double[] bits = new double[256];
        for (int c = 0; c < 256; c++) {
            double p = Math.exp(logits.values()[logits.start(0) + c]) / sum;
            bits[c] = -Math.log(p) / Math.log(2);
            entropy += p * bits[c];
            square += p * bits[c] * bits[c];
        }
        float[] results = new float[3];
        for (int target = 0; target < 256; target++) {
            Kernels.scalar()
                    .surprisal(
                            1,
                            logits,
                            new byte[] {(byte) target},
                            0,
                            results,
                            new float[1],
                            new float[1],
                            0);
            assertEquals(bits[target], results[0], 1e-5 * Math.max(1, bits[target]));
        }
        float[] e = new float[1];
        float[] v = new float[1];
        Kernels.scalar().surprisal(1, logits, new byte[1], 0, results, e, v, 0);
        assertEquals(entropy, e[0], 1e-5 * entropy);
        assertEquals(square - entropy * entropy, v[0], 1e-4 * square);
    }
}
