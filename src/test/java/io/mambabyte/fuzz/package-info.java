/** Damaged input for every parser of bytes from outside. */
@NullMarked
package io.mambabyte.fuzz;

import org.jspecify.annotations.NullMarked;
