/** How likely bytes were: surprisal, entropy and what is derived of them per record. */
@NullMarked
package io.mambabyte.score;

import org.jspecify.annotations.NullMarked;
