/* The sagas that are held between their first and their last record. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "runtime/what_if_internal.h"

struct saga_what_if_saga *saga_what_if_find(const struct saga_what_if *w, struct saga_slice id)
{
    struct saga_what_if_saga *saga;
    HASH_FIND(hh, w->sagas, id.data, id.size, saga);
    return saga;
}

struct saga_what_if_saga *saga_what_if_hold(struct saga_what_if *w, struct saga_slice id)
{
    struct saga_what_if_saga *saga = saga_memory_zeroed(1, sizeof *saga + id.size);
    memcpy(saga->id, id.data, id.size);
    saga->id_size = id.size;
    HASH_ADD_KEYPTR(hh, w->sagas, saga->id, saga->id_size, saga);
    size_t count = HASH_COUNT(w->sagas);
    if (count > w->counts.open_max) w->counts.open_max = count;
    return saga;
}

void saga_what_if_free_states(struct saga_what_if_saga *saga)
{
    saga_state_free(saga->state);
    saga_state_free(saga->recorded);
    saga->state = saga->recorded = NULL;
}

static size_t bytes_of(const struct saga_state *state)
{
    return state ? saga_arena_capacity(&state->arena) : 0;
}

void saga_what_if_weigh(struct saga_what_if *w, struct saga_what_if_saga *saga)
{
    size_t bytes = sizeof *saga + saga->id_size + bytes_of(saga->state) + bytes_of(saga->recorded);
    w->held_bytes = w->held_bytes - saga->bytes + bytes;
    saga->bytes = bytes;
}

void saga_what_if_drop(struct saga_what_if *w, struct saga_what_if_saga *saga)
{
    HASH_DEL(w->sagas, saga);
    w->held_bytes -= saga->bytes;
    saga_what_if_free_states(saga);
    free(saga);
}

void saga_what_if_drop_all(struct saga_what_if *w)
{
    struct saga_what_if_saga *saga, *next;
    HASH_ITER(hh, w->sagas, saga, next) saga_what_if_drop(w, saga);
}
