/**
 * Evaluation of anomaly detection: labelled sets, the simple detectors that the product has to
 * beat, and figures of how well each ranks.
 */
@NullMarked
package io.mambabyte.app.eval;

import org.jspecify.annotations.NullMarked;
