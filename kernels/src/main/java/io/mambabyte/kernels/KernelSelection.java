package io.mambabyte.kernels;

import org.jspecify.annotations.Nullable;

import java.util.Locale;

/** Decides once which kernels this process uses. */
final class KernelSelection {
    static final String PROPERTY = "mambabyte.kernels";
    static final String MODULE = "jdk.incubator.vector";

    /** Initialised on first use, and by one thread. */
    private static final class Selected {
        static final Kernels KERNELS = select(System.getProperty(PROPERTY), available());
    }

    private static final class Vector {
        static final Kernels KERNELS = VectorKernels.create();
    }

    private KernelSelection() {}

    static Kernels selected() {
        return Selected.KERNELS;
    }

    static Kernels vector() {
        if (!available()) {
            throw new IllegalStateException(
                    "the vector kernels need the option --add-modules=" + MODULE);
        }
        return Vector.KERNELS;
    }

    private static boolean available() {
        return ModuleLayer.boot().findModule(MODULE).isPresent();
    }

    static Kernels select(@Nullable String choice, boolean available) {
        String name = choice == null ? "auto" : choice.toLowerCase(Locale.ROOT);
        return switch (name) {
            case "scalar" -> Kernels.scalar();
            case "vector" -> vector();
            case "auto" -> {
                if (available) {
                    yield vector();
                }
                System.getLogger(Kernels.class.getName())
                        .log(
                                System.Logger.Level.WARNING,
                                "The scalar kernels compute, several times slower than the vector"
                                        + " kernels: start Java with --add-modules="
                                        + MODULE);
                yield Kernels.scalar();
            }
            default ->
                    throw new IllegalStateException(
                            "-D" + PROPERTY + "=" + choice + ": expected auto, scalar or vector");
        };
    }
}
