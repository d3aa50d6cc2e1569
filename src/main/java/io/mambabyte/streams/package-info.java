/**
 * The Kafka Streams component: processors, state stores and serdes. The public entry point of the
 * library.
 */
@NullMarked
package io.mambabyte.streams;

import org.jspecify.annotations.NullMarked;
