/** The page: what the model sees while it flows, in a browser. */
@NullMarked
package io.mambabyte.app.ui;

import org.jspecify.annotations.NullMarked;
