/** Mamba models over bytes: configuration, weights, recurrent state and the forward pass. */
@NullMarked
package io.mambabyte.model;

import org.jspecify.annotations.NullMarked;
