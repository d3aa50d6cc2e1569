/** Tests of the page. */
@NullMarked
package io.mambabyte.app.ui;

import org.jspecify.annotations.NullMarked;
