package io.mambabyte.streams.registry;

import org.apache.avro.Schema;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificRecord;

import java.util.HashMap;
import java.util.Map;

/**
 * Avro's view of one generated class. A schema that arrives with the data names the class to make
 * an object of; Avro therefore trusts no class that the JVM's configuration does not list. Here the
 * class is known beforehand, and so are those of the records within it: they need no such trust,
 * and no other class gets any.
 */
public final class GeneratedData extends SpecificData {
    private final Schema schema;

    // The generated class and those of the records within it, by the full name of their schema.
    private final Map<String, Class<?>> types = new HashMap<>();

    /**
     * The view of a class.
     *
     * @param type the generated class
     */
    public GeneratedData(Class<? extends SpecificRecord> type) {
        super(type.getClassLoader());
        // The generated code reads and writes its own fields; the default goes through reflection.
        setCustomCoders(true);
        schema = getSchema(type);
        types.put(schema.getFullName(), type);
        schema.getFields().forEach(field -> addWithin(field.schema()));
    }

    private void addWithin(Schema part) {
        switch (part.getType()) {
            case ARRAY -> addWithin(part.getElementType());
            case MAP -> addWithin(part.getValueType());
            case UNION -> part.getTypes().forEach(this::addWithin);
            case RECORD -> {
                if (types.putIfAbsent(part.getFullName(), generated(part.getFullName())) == null) {
                    part.getFields().forEach(field -> addWithin(field.schema()));
                }
            }
            default -> {} // holds no other schema
        }
    }

    private Class<?> generated(String name) {
        try {
            return Class.forName(name, true, getClassLoader());
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException("no class was generated for " + name, e);
        }
    }

    /**
     * The schema of the class.
     *
     * @return the schema
     */
    public Schema schema() {
        return schema;
    }

    @Override
    @SuppressWarnings("rawtypes") // as inherited
    public Class getClass(Schema requested) {
        Class<?> known =
                requested.getType() == Schema.Type.RECORD
                        ? types.get(requested.getFullName())
                        : null;
        return known != null ? known : super.getClass(requested);
    }
}
