package io.mambabyte.streams.registry;

import org.apache.avro.Schema;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificRecord;

/**
 * Avro's view of one generated class. A schema that arrives with the data names the class to make
 * an object of; Avro therefore trusts no class that the JVM's configuration does not list. Here the
 * class is known beforehand, so it needs no such trust, and no other class gets any.
 */
public final class GeneratedData extends SpecificData {
    private final Class<? extends SpecificRecord> type;
    private final Schema schema;

    /**
     * The view of a class.
     *
     * @param type the generated class
     */
    public GeneratedData(Class<? extends SpecificRecord> type) {
        super(type.getClassLoader());
        this.type = type;
        // The generated code reads and writes its own fields; the default goes through reflection.
        setCustomCoders(true);
        schema = getSchema(type);
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
        return requested.getType() == Schema.Type.RECORD
                        && requested.getFullName().equals(schema.getFullName())
                ? type
                : super.getClass(requested);
    }
}
