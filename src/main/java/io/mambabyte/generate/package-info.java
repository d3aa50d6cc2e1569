/** Continues text: sampling, drafting and speculative verification that changes no byte. */
@NullMarked
package io.mambabyte.generate;

import org.jspecify.annotations.NullMarked;
