/* A definition file: loaded, drawn, and every finding printed. */
#include "definition/definition.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    struct saga_arena arena;
    struct saga_diagnostics findings;
    struct saga_definition *definition;
    if (!nowhere) nowhere = fopen("/dev/null", "w");
    saga_arena_init(&arena);
    saga_diagnostics_init(&findings, &arena);
    if (saga_definition_load(fuzz_slice(data, size), "fuzzed.yaml", &findings, &definition) == 0) {
        saga_definition_mermaid(definition, &arena);
        saga_definition_free(definition);
    }
    saga_diagnostics_print(&findings, nowhere);
    saga_arena_free(&arena);
    return 0;
}
