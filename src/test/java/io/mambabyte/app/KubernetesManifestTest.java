package io.mambabyte.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The manifest against the types of Kubernetes' API, as fabric8 generates them from its schema:
 * every field is one that there is, in its place, with a value of its type.
 */
class KubernetesManifestTest {
    private static final Map<String, Class<?>> TYPES =
            Map.of(
                    "v1 ConfigMap", ConfigMap.class,
                    "v1 Service", Service.class,
                    "policy/v1 PodDisruptionBudget", PodDisruptionBudget.class,
                    "apps/v1 StatefulSet", StatefulSet.class);

    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

    private static List<JsonNode> documents() throws IOException {
        List<JsonNode> documents = new ArrayList<>();
        try (MappingIterator<JsonNode> all =
                YAML.readerFor(JsonNode.class)
                        .readValues(Path.of("k8s", "mambabyte.yaml").toFile())) {
            all.forEachRemaining(documents::add);
        }
        return documents;
    }

    private static Object typed(JsonNode document) throws IOException {
        String kind = document.path("apiVersion").asText() + " " + document.path("kind").asText();
        Class<?> type = Objects.requireNonNull(TYPES.get(kind), kind);
        return YAML.treeToValue(document, type);
    }

    /** Fields that the API does not have are kept apart by the types, at any depth. */
    private static List<String> unknown(@Nullable Object value, String path) throws Exception {
        List<String> unknown = new ArrayList<>();
        switch (value) {
            case null -> {}
            case List<?> list -> {
                for (int i = 0; i < list.size(); i++) {
                    unknown.addAll(unknown(list.get(i), path + "[" + i + "]"));
                }
            }
            case Object bean when bean.getClass().getName().startsWith("io.fabric8.") -> {
                for (Method method : bean.getClass().getMethods()) {
                    if (method.getName().equals("getAdditionalProperties")) {
                        Map<?, ?> others = (Map<?, ?>) method.invoke(bean);
                        others.keySet().forEach(name -> unknown.add(path + "." + name));
                    } else if (method.getName().startsWith("get")
                            && method.getParameterCount() == 0) {
                        String name = method.getName().substring(3);
                        unknown.addAll(unknown(method.invoke(bean), path + "." + name));
                    }
                }
            }
            default -> {} // a text, a number
        }
        return unknown;
    }

    @Test
    void shouldHaveOnlyFieldsOfTheApi() throws Exception {
        List<String> kinds = new ArrayList<>();
        for (JsonNode document : documents()) {
            String kind = document.path("kind").asText();
            kinds.add(kind);
            assertEquals(List.of(), unknown(typed(document), kind));
        }
        assertEquals(List.of("ConfigMap", "Service", "PodDisruptionBudget", "StatefulSet"), kinds);
    }

    /** The test can fail: on a name that is not there, and on a value of another type. */
    @Test
    void shouldNoticeAMistake() throws Exception {
        ObjectNode set = (ObjectNode) documents().getLast();
        ObjectNode pod = (ObjectNode) set.at("/spec/template/spec");
        pod.put("terminationGracePeriod", 1);
        assertEquals(
                List.of("StatefulSet.Spec.Template.Spec.terminationGracePeriod"),
                unknown(typed(set), "StatefulSet"));
        pod.remove("terminationGracePeriod");
        pod.put("terminationGracePeriodSeconds", "soon");
        assertThrows(JsonMappingException.class, () -> typed(set));
    }
}
