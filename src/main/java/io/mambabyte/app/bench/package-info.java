/**
 * Benchmarks of the command line: figures of this machine, each with what they are measured
 * against.
 */
@NullMarked
package io.mambabyte.app.bench;

import org.jspecify.annotations.NullMarked;
