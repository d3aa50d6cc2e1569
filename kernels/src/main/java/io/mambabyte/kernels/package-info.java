/**
 * The arithmetic of a Mamba block on float arrays: a Vector API implementation and its scalar twin,
 * which give the same bits.
 */
@NullMarked
package io.mambabyte.kernels;

import org.jspecify.annotations.NullMarked;
