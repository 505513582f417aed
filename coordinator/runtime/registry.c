#include "runtime/registry.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"

struct saga_registry {
    pthread_mutex_t lock;
    struct saga_arena arena;
    struct saga_slice *texts; /* only ever added to */
    size_t count, capacity;
    struct saga_catalog *known; /* to judge what is offered */
    uint64_t rounds;
};

struct saga_registry *saga_registry_new(void)
{
    struct saga_registry *registry = saga_memory_zeroed(1, sizeof *registry);
    pthread_mutex_init(&registry->lock, NULL);
    saga_arena_init(&registry->arena);
    int error = saga_catalog_new(&registry->known);
    SAGA_ASSERT(error == SAGA_OK);
    return registry;
}

void saga_registry_free(struct saga_registry *registry)
{
    if (!registry) return;
    saga_catalog_free(registry->known);
    saga_arena_free(&registry->arena);
    pthread_mutex_destroy(&registry->lock);
    free(registry);
}

static int take(struct saga_registry *registry, struct saga_slice text, struct saga_arena *arena,
                bool *ret_new, struct saga_diagnostic *diagnostic)
{
    struct saga_diagnostics findings;
    struct saga_definition *definition;
    saga_diagnostics_init(&findings, arena);
    if (saga_definition_load(text, "saga.definitions", &findings, &definition) < 0) {
        if (findings.count) *diagnostic = findings.items[0];
        return SAGA_E_INVALID;
    }
    struct saga_slice name = saga_arena_copy(arena, definition->name);
    uint32_t version = definition->version;
    size_t before = saga_catalog_count(registry->known);
    int error = saga_catalog_add(registry->known, definition);
    if (error < 0) {
        saga_diagnostic_set(diagnostic, arena,
                            "%.*s version %u is there already with another content",
                            SAGA_SLICE_ARG(name), version);
        return error;
    }
    *ret_new = saga_catalog_count(registry->known) != before;
    if (!*ret_new) return SAGA_OK;
    SAGA_PUSH(&registry->arena, registry->texts, registry->count, registry->capacity,
              saga_arena_copy(&registry->arena, text));
    return SAGA_OK;
}

int saga_registry_offer(struct saga_registry *registry, struct saga_slice text,
                        struct saga_arena *arena, bool *ret_new, struct saga_diagnostic *diagnostic)
{
    pthread_mutex_lock(&registry->lock);
    int error = take(registry, text, arena, ret_new, diagnostic);
    pthread_mutex_unlock(&registry->lock);
    return error;
}

void saga_registry_end_reached(struct saga_registry *registry)
{
    pthread_mutex_lock(&registry->lock);
    registry->rounds++;
    pthread_mutex_unlock(&registry->lock);
}

uint64_t saga_registry_rounds(struct saga_registry *registry)
{
    pthread_mutex_lock(&registry->lock);
    uint64_t rounds = registry->rounds;
    pthread_mutex_unlock(&registry->lock);
    return rounds;
}

size_t saga_registry_update(struct saga_registry *registry, struct saga_catalog *catalog,
                            size_t *seen, uint64_t *ret_rounds)
{
    size_t added = 0;
    pthread_mutex_lock(&registry->lock);
    *ret_rounds = registry->rounds;
    for (; *seen < registry->count; (*seen)++, added++) {
        struct saga_arena arena;
        struct saga_diagnostics findings;
        struct saga_definition *definition;
        saga_arena_init(&arena);
        saga_diagnostics_init(&findings, &arena);
        int error = saga_definition_load(registry->texts[*seen], "saga.definitions", &findings,
                                         &definition);
        SAGA_ASSERT(error == SAGA_OK); /* it loaded when it was offered */
        error = saga_catalog_add(catalog, definition);
        SAGA_ASSERT(error == SAGA_OK);
        saga_arena_free(&arena);
    }
    pthread_mutex_unlock(&registry->lock);
    return added;
}
