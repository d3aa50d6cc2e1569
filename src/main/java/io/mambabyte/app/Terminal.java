package io.mambabyte.app;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Map;

/**
 * The three standard streams and what is on their other ends.
 *
 * @param in standard input, unbuffered
 * @param out standard output, unbuffered; unlike System.out it reports what goes wrong
 * @param err standard error, unbuffered
 * @param inIsTerminal whether a person types standard input
 * @param outIsTerminal whether a person reads standard output
 * @param errIsTerminal whether a person reads standard error
 * @param columns width of the terminal, 0 where there is none
 * @param environment the environment variables
 */
record Terminal(
        InputStream in,
        OutputStream out,
        OutputStream err,
        boolean inIsTerminal,
        boolean outIsTerminal,
        boolean errIsTerminal,
        int columns,
        Map<String, String> environment) {

    private static final int COLUMNS_DEFAULT = 80;

    /** TIOCGWINSZ: the same number on every Linux port that a JDK 25 exists for. */
    private static final long LINUX_WINDOW_SIZE = 0x5413;

    private static final long MAC_WINDOW_SIZE = 0x40087468;

    /** When to colour. */
    enum Color {
        /** On a terminal, unless NO_COLOR is set. */
        AUTO,
        ALWAYS,
        NEVER
    }

    /** The streams of this process. */
    static Terminal system() {
        boolean outIsTerminal = isTerminal(1);
        return new Terminal(
                new FileInputStream(FileDescriptor.in),
                new FileOutputStream(FileDescriptor.out),
                new FileOutputStream(FileDescriptor.err),
                isTerminal(0),
                outIsTerminal,
                isTerminal(2),
                outIsTerminal ? columns(1) : 0,
                System.getenv());
    }

    /** Whether output is to be coloured; an empty NO_COLOR counts as not set (no-color.org). */
    boolean colors(Color color) {
        return switch (color) {
            case ALWAYS -> true;
            case NEVER -> false;
            case AUTO ->
                    outIsTerminal
                            && environment.getOrDefault("NO_COLOR", "").isEmpty()
                            && !environment.getOrDefault("TERM", "").equals("dumb");
        };
    }

    /**
     * The C library's isatty. Java's own System.console() answers for standard input and output
     * together, which is no answer for {@code score FILE > out} with progress on standard error.
     */
    @SuppressWarnings("restricted") // the launcher allows native access
    private static boolean isTerminal(int descriptor) {
        try {
            Linker linker = Linker.nativeLinker();
            MethodHandle isatty =
                    linker.downcallHandle(
                            linker.defaultLookup().findOrThrow("isatty"),
                            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
            return (int) isatty.invokeExact(descriptor) == 1;
        } catch (Throwable e) {
            // Windows, or native access denied: no terminal is the answer that harms nothing.
            return false;
        }
    }

    @SuppressWarnings("restricted") // the launcher allows native access
    private static int columns(int descriptor) {
        try (Arena arena = Arena.ofConfined()) {
            Linker linker = Linker.nativeLinker();
            MethodHandle ioctl =
                    linker.downcallHandle(
                            linker.defaultLookup().findOrThrow("ioctl"),
                            FunctionDescriptor.of(
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.ADDRESS),
                            Linker.Option.firstVariadicArg(2));
            // struct winsize: rows, columns, two unused, 16 bits each.
            MemorySegment size = arena.allocate(ValueLayout.JAVA_SHORT, 4);
            long request =
                    System.getProperty("os.name", "").startsWith("Mac")
                            ? MAC_WINDOW_SIZE
                            : LINUX_WINDOW_SIZE;
            int answer = (int) ioctl.invokeExact(descriptor, request, size);
            int columns = Short.toUnsignedInt(size.getAtIndex(ValueLayout.JAVA_SHORT, 1));
            return answer == 0 && columns > 0 ? columns : COLUMNS_DEFAULT;
        } catch (Throwable e) {
            return COLUMNS_DEFAULT;
        }
    }
}
