#include "sim_keys.h"

#include <string.h>

#include "runtime/worker_internal.h"

struct looking {
    const struct sim_worker *w;
    const struct saga_lane *lane;
    const struct sim_lane *redis;
    struct saga_arena arena;
};

/* As the lane's owner has it: at hand, else as it was last told to Redis. The caller frees what is not at hand. */
static const struct saga_state *standing(struct looking *l, struct saga_slice id,
                                         struct saga_state **ret_own)
{
    const struct saga_resident *resident;
    struct saga_diagnostic diagnostic = { 0 };
    HASH_FIND(hh, l->lane->residents, id.data, id.size, resident);
    *ret_own = NULL;
    if (resident) return resident->clean;
    const struct sim_saga *saga = sim_lane_saga(l->redis, id);
    if (!saga) return NULL;
    const struct saga_slice bytes = { saga->state, saga->state_bytes };
    int error = saga_state_decode(l->w->worker->codec, bytes, &l->arena, ret_own, &diagnostic);
    SAGA_ASSERT(error == SAGA_OK);
    return *ret_own;
}

static void look_at_key(const struct saga_key_record *key, void *context)
{
    struct looking *l = context;
    struct saga_state *own;
    const struct saga_state *state = standing(l, key->saga_id, &own);
    if (!state || !saga_slice_equal(state->run, key->run))
        sim_violate(l->w->sim, "worker %u holds the key of run %.*s of %.*s, which has left",
                    l->w->number, SAGA_SLICE_ARG(key->run), SAGA_SLICE_ARG(key->saga_id));
    saga_state_free(own);
}

static void look_at_sagas(struct looking *l, const struct saga_keyring *ring)
{
    const struct saga_resident *r, *next;
    HASH_ITER(hh, l->lane->residents, r, next)
    {
        const struct saga_state *state = r->clean;
        if (!state || !saga_state_is_sealed(state)) continue;
        sim_count(l->w->sim, KEY_HELD);
        if (!saga_keyring_find(ring, state->id, state->run, &l->arena))
            sim_violate(l->w->sim, "worker %u has no key of %.*s, which stands", l->w->number,
                        SAGA_SLICE_ARG(state->id));
    }
}

/* Redis is what the owner believes, and no other writes there. */
static bool is_ours(const struct looking *l)
{
    return l->lane->ready && !l->lane->apply_pending && l->redis->present &&
           strcmp(l->lane->journal, l->redis->journal) == 0 &&
           l->redis->applied == saga_lane_applied_in_redis(l->lane);
}

void sim_keys_check(const struct sim_worker *w)
{
    for (unsigned n = 0; n < SIM_LANES; n++) {
        struct looking looking = { w, &w->worker->lanes[n], &w->redis->lanes[n], { 0 } };
        const struct saga_keyring *ring = w->worker->keyrings[n];
        if (!is_ours(&looking)) continue;
        saga_arena_init(&looking.arena);
        saga_keyring_each(ring, SAGA_SLICE_NONE, look_at_key, &looking);
        look_at_sagas(&looking, ring);
        saga_arena_free(&looking.arena);
    }
}
