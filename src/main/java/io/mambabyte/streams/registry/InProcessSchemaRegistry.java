package io.mambabyte.streams.registry;

import org.apache.avro.Schema;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A registry in this JVM's memory, for tests and for the demo's registry server. */
public final class InProcessSchemaRegistry implements SchemaRegistry {
    private static final Map<String, InProcessSchemaRegistry> NAMED = new ConcurrentHashMap<>();

    // Numbers start at 1, as a real registry's do: number n is at index n - 1.
    private final List<Schema> schemas = new ArrayList<>();
    private final Map<String, List<Integer>> subjects = new HashMap<>();

    /** An empty registry that no address names. */
    public InProcessSchemaRegistry() {}

    static InProcessSchemaRegistry named(String name) {
        return NAMED.computeIfAbsent(name, _ -> new InProcessSchemaRegistry());
    }

    @Override
    public synchronized int register(String subject, Schema schema) {
        int id = schemas.indexOf(schema) + 1;
        if (id == 0) {
            schemas.add(schema);
            id = schemas.size();
        }
        List<Integer> versions = subjects.computeIfAbsent(subject, _ -> new ArrayList<>());
        if (!versions.contains(id)) {
            versions.add(id);
        }
        return id;
    }

    @Override
    public synchronized int lookUp(String subject, Schema schema) {
        int id = schemas.indexOf(schema) + 1;
        if (id == 0 || !versions(subject).contains(id)) {
            throw new SchemaRegistryException(
                    "subject " + subject + " has no schema " + schema.getFullName(), null);
        }
        return id;
    }

    @Override
    public synchronized Registered latest(String subject) {
        List<Integer> versions = versions(subject);
        if (versions.isEmpty()) {
            throw new SchemaRegistryException("subject " + subject + " has no schema", null);
        }
        return new Registered(versions.getLast(), schema(versions.getLast()));
    }

    @Override
    public synchronized Schema schema(int id) {
        if (id < 1 || id > schemas.size()) {
            throw new SchemaRegistryException("no schema has the number " + id, null);
        }
        return schemas.get(id - 1);
    }

    /**
     * The subjects that have a schema.
     *
     * @return their names, sorted
     */
    public synchronized List<String> subjects() {
        return subjects.keySet().stream().sorted().toList();
    }

    /**
     * The versions of a subject.
     *
     * @param subject the subject
     * @return the numbers of its schemas, version 1 first; empty where the subject is unknown
     */
    public synchronized List<Integer> versions(String subject) {
        return List.copyOf(subjects.getOrDefault(subject, List.of()));
    }
}
