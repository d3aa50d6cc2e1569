package io.mambabyte.streams.registry;

import org.apache.avro.Schema;

/**
 * Schemas by number and by subject, as a Schema Registry keeps them. Implementations are safe for
 * use by several threads.
 */
public sealed interface SchemaRegistry permits HttpSchemaRegistry, InProcessSchemaRegistry {

    /** Start of the addresses of registries inside this JVM: {@code mock://name}. */
    String IN_PROCESS_SCHEME = "mock://";

    /**
     * Opens the registry that a configuration names.
     *
     * @param config where it is
     * @return the registry; equal {@code mock://} names give the same one within a JVM
     */
    static SchemaRegistry open(ConfluentAvroConfig config) {
        var urls = config.urls();
        if (urls.getFirst().startsWith(IN_PROCESS_SCHEME)) {
            return InProcessSchemaRegistry.named(
                    urls.getFirst().substring(IN_PROCESS_SCHEME.length()));
        }
        return new HttpSchemaRegistry(config);
    }

    /**
     * A schema that a registry has.
     *
     * @param id its number
     * @param schema the schema
     */
    record Registered(int id, Schema schema) {}

    /**
     * The newest version of a subject.
     *
     * @param subject the subject
     * @return number and schema
     * @throws SchemaRegistryException if the registry cannot be reached or has no such subject
     */
    Registered latest(String subject);

    /**
     * Makes a schema the newest version of a subject, unless the subject has it already.
     *
     * @param subject the subject, such as {@code topic-value}
     * @param schema the schema
     * @return the number of the schema
     * @throws SchemaRegistryException if the registry cannot be reached or refuses the schema
     */
    int register(String subject, Schema schema);

    /**
     * Looks up a schema that a subject must have already.
     *
     * @param subject the subject
     * @param schema the schema
     * @return the number of the schema
     * @throws SchemaRegistryException if the registry cannot be reached or the subject has no such
     *     schema
     */
    int lookUp(String subject, Schema schema);

    /**
     * The schema of a number.
     *
     * @param id the number
     * @return the schema
     * @throws SchemaRegistryException if the registry cannot be reached or has no such schema
     */
    Schema schema(int id);
}
