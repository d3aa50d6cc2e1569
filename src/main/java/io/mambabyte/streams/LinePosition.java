package io.mambabyte.streams;

/**
 * Where a line came from.
 *
 * @param topic its topic
 * @param partition its partition
 * @param offset its offset
 * @param timeMs its timestamp
 */
record LinePosition(String topic, int partition, long offset, long timeMs) {}
