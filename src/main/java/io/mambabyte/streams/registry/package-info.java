/**
 * Avro values in Confluent's wire format, with a Schema Registry reached over its REST interface.
 * Confluent's own serializers are not on Maven Central; the configuration names are theirs.
 */
@NullMarked
package io.mambabyte.streams.registry;

import org.jspecify.annotations.NullMarked;
