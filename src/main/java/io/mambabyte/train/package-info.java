/**
 * Training: the backward pass of a model, AdamW, data and the training loop. Results depend on the
 * data, the seed and the settings, and not on the number of threads.
 */
@NullMarked
package io.mambabyte.train;

import org.jspecify.annotations.NullMarked;
