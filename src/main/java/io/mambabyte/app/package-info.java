/** The command line and what only it needs: embedded broker, terminal output, benchmarks. */
@NullMarked
package io.mambabyte.app;

import org.jspecify.annotations.NullMarked;
