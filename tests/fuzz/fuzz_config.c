/* A configuration file. */
#include <stdio.h>
#include <unistd.h>

#include "base/assert.h"
#include "fuzz.h"
#include "runtime/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    static char *const environment[] = { NULL };
    static FILE *file;
    struct saga_arena arena;
    struct saga_diagnostics findings;
    struct saga_config config;
    struct saga_setting_source *sources;
    size_t count;
    if (!file) {
        snprintf(path, sizeof path, "/tmp/saga-fuzz-%ld.yaml", (long)getpid());
        file = fopen(path, "w+");
        SAGA_ASSERT(file);
    }
    rewind(file);
    int cut = ftruncate(fileno(file), 0);
    size_t written = fwrite(data, 1, size, file);
    SAGA_ASSERT(cut == 0 && written == size && fflush(file) == 0);
    saga_arena_init(&arena);
    saga_diagnostics_init(&findings, &arena);
    if (saga_config_load(path, environment, NULL, 0, &arena, &findings, &config) == 0)
        saga_config_sources(path, environment, NULL, 0, &arena, &findings, &sources, &count);
    saga_arena_free(&arena);
    return 0;
}
