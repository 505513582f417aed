#include "runtime/keyring.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/table.h"

/* The key of a run, by the key of its record. A saga's id comes first in that, but may begin another's: a business key may hold
 * slashes. So runs of one saga are found by a list. */
struct held {
    UT_hash_handle hh;
    struct held *next; /* of the same saga */
    struct saga_arena arena;
    struct saga_key_record record;
    struct saga_slice name;
};

struct of_saga {
    UT_hash_handle hh;
    struct held *first, **end;
    size_t size;
    char id[];
};

struct refill {
    void (*call)(void *context); /* NULL: there is no use in it any more */
    void *context;
};

struct saga_keyring {
    const struct saga_wrapping *wrapping;
    struct refill *refill; /* NULL: nobody refills it */
    struct held *held;
    struct of_saga *sagas;
};

struct saga_keyring *saga_keyring_new(const struct saga_wrapping *wrapping)
{
    struct saga_keyring *ring = saga_memory_zeroed(1, sizeof *ring);
    ring->wrapping = wrapping;
    return ring;
}

static void drop(struct saga_keyring *ring, struct held *held)
{
    HASH_DEL(ring->held, held);
    saga_arena_free(&held->arena);
    free(held);
}

void saga_keyring_free(struct saga_keyring *ring)
{
    struct held *held, *next;
    struct of_saga *saga, *other;
    if (!ring) return;
    free(ring->refill);
    HASH_ITER(hh, ring->held, held, next)
    {
        drop(ring, held);
    }
    HASH_ITER(hh, ring->sagas, saga, other)
    {
        HASH_DEL(ring->sagas, saga);
        free(saga);
    }
    free(ring);
}

void saga_keyring_refill_by(struct saga_keyring *ring, void (*refill)(void *context), void *context)
{
    if (!ring->refill) ring->refill = saga_memory_zeroed(1, sizeof *ring->refill);
    *ring->refill = (struct refill){ refill, context };
}

struct saga_slice saga_keyring_record_key(struct saga_slice saga_id, struct saga_slice run,
                                          struct saga_arena *arena)
{
    return saga_arena_join(arena, saga_id, '/', run);
}

static struct held *find(const struct saga_keyring *ring, struct saga_slice name)
{
    struct held *held;
    HASH_FIND(hh, ring->held, name.data, name.size, held);
    return held;
}

static struct of_saga *saga_of(const struct saga_keyring *ring, struct saga_slice id)
{
    struct of_saga *saga;
    HASH_FIND(hh, ring->sagas, id.data, id.size, saga);
    return saga;
}

static void add(struct saga_keyring *ring, struct held *held, struct saga_slice id)
{
    struct of_saga *saga = saga_of(ring, id);
    if (!saga) {
        saga = saga_memory_zeroed(1, sizeof *saga + id.size);
        memcpy(saga->id, id.data, id.size);
        saga->size = id.size;
        saga->end = &saga->first;
        HASH_ADD_KEYPTR(hh, ring->sagas, saga->id, saga->size, saga);
    }
    *saga->end = held;
    saga->end = &held->next;
    HASH_ADD_KEYPTR(hh, ring->held, held->name.data, held->name.size, held);
}

void saga_keyring_put(struct saga_keyring *ring, const struct saga_key_record *record)
{
    enum { FIRST_BLOCK_BYTES = 512 };
    struct saga_arena arena = { .first_block_bytes = FIRST_BLOCK_BYTES };
    struct saga_key_record copy = { .saga_id = saga_arena_copy(&arena, record->saga_id),
                                    .run = saga_arena_copy(&arena, record->run),
                                    .created_ms = record->created_ms,
                                    .wrapped_by = saga_arena_copy(&arena, record->wrapped_by),
                                    .wrapped = saga_arena_copy(&arena, record->wrapped),
                                    .forgotten_ms = record->forgotten_ms,
                                    .who = saga_arena_copy(&arena, record->who),
                                    .from = saga_arena_copy(&arena, record->from),
                                    .reason = saga_arena_copy(&arena, record->reason) };
    struct saga_slice name = saga_keyring_record_key(copy.saga_id, copy.run, &arena);
    struct held *held = find(ring, name);
    if (held) {
        HASH_DEL(ring->held, held);
        saga_arena_free(&held->arena);
        held->name = name;
        HASH_ADD_KEYPTR(hh, ring->held, held->name.data, held->name.size, held);
    } else {
        held = saga_memory_zeroed(1, sizeof *held);
        held->name = name;
        add(ring, held, copy.saga_id);
    }
    held->arena = arena;
    held->record = copy;
}

void saga_keyring_keep(struct saga_keyring *ring, struct saga_slice saga_id, struct saga_slice run)
{
    struct of_saga *saga = saga_of(ring, saga_id);
    if (!saga) return;
    struct held **at = &saga->first;
    while (*at) {
        struct held *held = *at;
        if (run.data && saga_slice_equal(held->record.run, run)) {
            at = &held->next;
            continue;
        }
        *at = held->next;
        drop(ring, held);
    }
    saga->end = at;
    if (saga->first) return;
    HASH_DEL(ring->sagas, saga);
    free(saga);
}

int saga_keyring_read(struct saga_codec *codec, const struct saga_message *message,
                      struct saga_arena *arena, struct saga_key_record *ret,
                      struct saga_diagnostic *diagnostic)
{
    int error = saga_key_decode(codec, message->value, arena, ret, diagnostic);
    if (error < 0) return error;
    if (!saga_slice_equal(message->key, saga_keyring_record_key(ret->saga_id, ret->run, arena))) {
        diagnostic->what = SAGA_SLICE("it stands under another saga's name");
        return SAGA_E_INVALID;
    }
    return SAGA_OK;
}

int saga_keyring_take(struct saga_keyring *ring, struct saga_codec *codec,
                      const struct saga_message *message, struct saga_arena *arena,
                      struct saga_diagnostic *diagnostic)
{
    struct saga_key_record record;
    int error = saga_keyring_read(codec, message, arena, &record, diagnostic);
    if (error == SAGA_OK) saga_keyring_put(ring, &record);
    return error;
}

const struct saga_key_record *saga_keyring_find(const struct saga_keyring *ring,
                                                struct saga_slice saga_id, struct saga_slice run,
                                                struct saga_arena *arena)
{
    if (!ring) return NULL;
    struct saga_slice name = saga_keyring_record_key(saga_id, run, arena);
    const struct held *held = find(ring, name);
    if (!held && ring->refill && ring->refill->call) {
        ring->refill->call(ring->refill->context);
        held = find(ring, name);
        if (!held) ring->refill->call = NULL;
    }
    return held ? &held->record : NULL;
}

int saga_keyring_open(const struct saga_keyring *ring, struct saga_slice saga_id,
                      struct saga_slice run, struct saga_arena *arena, struct saga_data_key *ret)
{
    const struct saga_key_record *record = saga_keyring_find(ring, saga_id, run, arena);
    if (!record || !record->wrapped.data) return SAGA_E_NOT_FOUND;
    return saga_wrapping_open(ring->wrapping, record, arena, ret);
}

void saga_keyring_each(const struct saga_keyring *ring, struct saga_slice saga_id,
                       void (*visit)(const struct saga_key_record *record, void *context),
                       void *context)
{
    if (!ring) return;
    if (!saga_id.data) {
        for (const struct held *held = ring->held; held; held = held->hh.next)
            visit(&held->record, context);
        return;
    }
    const struct of_saga *saga = saga_of(ring, saga_id);
    for (const struct held *held = saga ? saga->first : NULL; held; held = held->next)
        visit(&held->record, context);
}

size_t saga_keyring_count(const struct saga_keyring *ring)
{
    return ring ? HASH_COUNT(ring->held) : 0;
}
