#include "runtime/schemas.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/monotonic.h"
#include "definition/schema_folder.h"
#include "runtime/log.h"

struct saga_schema_store {
    pthread_mutex_t lock;
    char *folder;
    uint64_t state;    /* of the folder, when it was read last */
    int64_t looked_ms; /* monotonic */
    struct saga_schemas *schemas;
};

int saga_schema_store_open(const char *folder, struct saga_arena *arena,
                           struct saga_schema_store **ret, struct saga_diagnostic *diagnostic)
{
    struct saga_diagnostics findings;
    struct saga_schemas *schemas;
    saga_diagnostics_init(&findings, arena);
    uint64_t state = saga_schema_folder_look(folder); /* before: what changes meanwhile shows */
    if (saga_schema_folder_read(folder, &findings, &schemas) < 0) {
        *diagnostic = findings.items[0];
        return SAGA_E_INVALID;
    }
    struct saga_schema_store *store = saga_memory_zeroed(1, sizeof *store);
    pthread_mutex_init(&store->lock, NULL);
    store->folder = saga_memory_text(folder, SIZE_MAX);
    store->schemas = schemas;
    store->state = state;
    store->looked_ms = saga_monotonic_ms();
    *ret = store;
    return SAGA_OK;
}

void saga_schema_store_close(struct saga_schema_store *store)
{
    if (!store) return;
    saga_schemas_free(store->schemas);
    pthread_mutex_destroy(&store->lock);
    free(store->folder);
    free(store);
}

static bool read_again(struct saga_schema_store *store)
{
    struct saga_arena arena;
    struct saga_diagnostics findings;
    struct saga_schemas *schemas;
    saga_arena_init(&arena);
    saga_diagnostics_init(&findings, &arena);
    int error = saga_schema_folder_read(store->folder, &findings, &schemas);
    if (error < 0) {
        saga_log(SAGA_LOG_ERROR, "the schemas cannot be used, those before stay in force",
                 "file=\"%s\" words=\"%.*s\"",
                 findings.items[0].file ? findings.items[0].file : store->folder,
                 SAGA_SLICE_ARG(findings.items[0].what));
    } else {
        saga_schemas_free(store->schemas);
        store->schemas = schemas;
        saga_log(SAGA_LOG_INFO, "schemas in force", "files=%zu", saga_schemas_count(schemas));
    }
    saga_arena_free(&arena);
    return error == SAGA_OK;
}

bool saga_schema_store_look(struct saga_schema_store *store, int64_t age_ms)
{
    bool changed = false;
    pthread_mutex_lock(&store->lock);
    if (saga_monotonic_ms() - store->looked_ms >= age_ms) {
        uint64_t state = saga_schema_folder_look(store->folder);
        changed = state != store->state;
        store->state = state;
        store->looked_ms = saga_monotonic_ms();
        if (changed) changed = read_again(store);
    }
    pthread_mutex_unlock(&store->lock);
    return changed;
}

void saga_schema_store_take(struct saga_schema_store *store, struct saga_schemas **held)
{
    pthread_mutex_lock(&store->lock);
    if (*held != store->schemas) {
        saga_schemas_free(*held);
        *held = saga_schemas_hold(store->schemas);
    }
    pthread_mutex_unlock(&store->lock);
}
