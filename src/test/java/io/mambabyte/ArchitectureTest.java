package io.mambabyte;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** Holds the arrows of docs/architecture.md: every layer imports only those below it. */
@AnalyzeClasses(packages = "io.mambabyte", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule LAYERS_POINT_DOWN =
            layeredArchitecture()
                    .consideringOnlyDependenciesInAnyPackage("io.mambabyte..")
                    .withOptionalLayers(true)
                    .layer("kernels")
                    .definedBy("io.mambabyte.kernels..")
                    .layer("model")
                    .definedBy("io.mambabyte.model..")
                    .layer("score")
                    .definedBy("io.mambabyte.score..")
                    .layer("generate")
                    .definedBy("io.mambabyte.generate..")
                    .layer("train")
                    .definedBy("io.mambabyte.train..")
                    .layer("streams")
                    .definedBy("io.mambabyte.streams..", "io.mambabyte.avro..")
                    .layer("app")
                    .definedBy("io.mambabyte.app..")
                    .whereLayer("app")
                    .mayNotBeAccessedByAnyLayer()
                    .whereLayer("streams")
                    .mayOnlyBeAccessedByLayers("app")
                    .whereLayer("train")
                    .mayOnlyBeAccessedByLayers("streams", "app")
                    .whereLayer("generate")
                    .mayOnlyBeAccessedByLayers("train", "streams", "app")
                    .whereLayer("score")
                    .mayOnlyBeAccessedByLayers("generate", "train", "streams", "app")
                    .whereLayer("model")
                    .mayOnlyBeAccessedByLayers("score", "generate", "train", "streams", "app");

    @ArchTest
    static final ArchRule KERNELS_KNOW_ONLY_THE_JDK =
            classes()
                    .that()
                    .resideInAPackage("io.mambabyte.kernels..")
                    .should()
                    .onlyDependOnClassesThat()
                    .resideInAnyPackage(
                            "io.mambabyte.kernels..",
                            "java..",
                            "jdk.incubator.vector..",
                            "org.jspecify..");

    @ArchTest
    static final ArchRule VECTOR_API_STAYS_IN_VECTOR_CLASSES =
            noClasses()
                    .that()
                    .haveSimpleNameNotStartingWith("Vector")
                    .should()
                    .dependOnClassesThat()
                    .resideInAPackage("jdk.incubator.vector..");

    @ArchTest
    static final ArchRule KAFKA_STARTS_AT_STREAMS =
            noClasses()
                    .that()
                    .resideInAnyPackage(
                            "io.mambabyte.kernels..",
                            "io.mambabyte.model..",
                            "io.mambabyte.score..",
                            "io.mambabyte.generate..",
                            "io.mambabyte.train..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage("org.apache.kafka..", "org.apache.avro..");
}
