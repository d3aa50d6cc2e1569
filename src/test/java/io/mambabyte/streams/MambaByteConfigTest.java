package io.mambabyte.streams;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mambabyte.model.ModelSource;

import org.apache.kafka.common.config.ConfigException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Properties;

class MambaByteConfigTest {
    @Test
    void shouldHaveDefaultsForEverything() {
        MambaByteConfig config = new MambaByteConfig(new Properties());
        assertEquals(MambaByteConfig.Context.KEY, config.context());
        assertEquals(MambaByteConfig.StoreType.ROCKSDB, config.store());
        assertEquals(1 << 20, config.maxRecordBytes());
        assertEquals(List.of(), config.inputTopics());
        assertEquals("mambabyte-state", config.storeName());
    }

    @Test
    void shouldReadStrings() {
        MambaByteConfig config =
                new MambaByteConfig(
                        Map.of(
                                "mambabyte.model", "/models/mine",
                                "mambabyte.context", "Record",
                                "mambabyte.store", "IN_MEMORY",
                                "mambabyte.input.topics", "a, b",
                                "mambabyte.per.byte", "true",
                                "bootstrap.servers", "left alone"));
        assertEquals(new ModelSource.Folder(Path.of("/models/mine")), config.model());
        assertEquals(MambaByteConfig.Context.RECORD, config.context());
        assertEquals(MambaByteConfig.StoreType.IN_MEMORY, config.store());
        assertEquals(List.of("a", "b"), config.inputTopics());
        assertTrue(config.perByte());
    }

    @ParameterizedTest
    @CsvSource({
        "mambabyte.context, line",
        "mambabyte.framing, newline",
        "mambabyte.store, disk",
        "mambabyte.max.record.bytes, 0",
        "mambabyte.max.record.bytes, many",
        "mambabyte.live.states.max.bytes, -1",
        "mambabyte.name, a topic",
        "mambabyte.per.byte, perhaps",
    })
    void shouldRefuseWhatIsNotValid(String name, String value) {
        ConfigException e =
                assertThrows(ConfigException.class, () -> new MambaByteConfig(Map.of(name, value)));
        assertTrue(String.valueOf(e.getMessage()).contains(name), e.getMessage());
    }

    @Test
    void shouldNameTheSettingOfAModelThatIsNotThere() {
        MambaByteConfig config = new MambaByteConfig(Map.of("mambabyte.model", "/no/such/folder"));
        ConfigException e = assertThrows(ConfigException.class, config::loadModel);
        assertTrue(
                String.valueOf(e.getMessage())
                        .startsWith(
                                "Invalid value /no/such/folder for configuration"
                                        + " mambabyte.model: "),
                e.getMessage());
    }
}
