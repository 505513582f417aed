#include "runtime/chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/limits.h"
#include "base/memory.h"
#include "codec/codec.h"

/* A record's place and the chain's value behind it. */
struct link {
    int64_t offset; /* -1: none */
    uint8_t value[SAGA_SHA256_BYTES];
};

struct saga_chain {
    void (*report)(const struct saga_chain_break *broken, void *context);
    void *context;
    bool known; /* the value that comes next is */
    struct link last;
    struct link window[SAGA_CHAIN_WINDOW]; /* the last links, in a ring */
    size_t links;                          /* that there were in all */
    /* a record that does not follow, of which the next one may tell more */
    bool held;
    struct link before; /* what stands before it */
    struct link own;
    struct saga_slice bytes, saga_id;
    struct saga_arena arena; /* the two above, and words */
};

void saga_chain_free(struct saga_chain *chain)
{
    if (!chain) return;
    saga_arena_free(&chain->arena);
    free(chain);
}

const uint8_t *saga_chain_of(struct saga_slice bytes)
{
    SAGA_ASSERT(bytes.size >= SAGA_SHA256_BYTES);
    return (const uint8_t *)bytes.data + bytes.size - SAGA_SHA256_BYTES;
}

const uint8_t *saga_chain_value(const struct saga_chain *chain)
{
    return chain->known ? chain->last.value : NULL;
}

static bool follows(struct saga_slice bytes, const uint8_t before[SAGA_SHA256_BYTES])
{
    uint8_t value[SAGA_SHA256_BYTES];
    saga_journal_chain(bytes, before, value);
    return memcmp(value, saga_chain_of(bytes), sizeof value) == 0;
}

static void go_to(struct saga_chain *chain, const struct link *link)
{
    chain->window[chain->links++ % SAGA_CHAIN_WINDOW] = *link;
    chain->last = *link;
    chain->known = true;
}

struct saga_chain *
saga_chain_new(void (*report)(const struct saga_chain_break *broken, void *context), void *context)
{
    struct saga_chain *chain = saga_memory_zeroed(1, sizeof *chain);
    chain->report = report;
    chain->context = context;
    saga_arena_init(&chain->arena);
    go_to(chain, &(struct link){ .offset = -1 });
    return chain;
}

static size_t window_size(const struct saga_chain *chain)
{
    return chain->links < SAGA_CHAIN_WINDOW ? chain->links : SAGA_CHAIN_WINDOW;
}

/* The record that these bytes were written behind, among the last ones; NULL: none of them. */
static const struct link *find_before(const struct saga_chain *chain, struct saga_slice bytes)
{
    for (size_t i = 0; i < window_size(chain); i++)
        if (follows(bytes, chain->window[i].value)) return &chain->window[i];
    return NULL;
}

/* The same record, among the last ones. */
static const struct link *find_same(const struct saga_chain *chain, const struct link *own)
{
    for (size_t i = 0; i < window_size(chain); i++)
        if (memcmp(chain->window[i].value, own->value, sizeof own->value) == 0)
            return &chain->window[i];
    return NULL;
}

__attribute__((format(printf, 4, 5))) static void
tell(struct saga_chain *chain, int64_t offset, struct saga_slice saga_id, const char *format, ...)
{
    struct saga_chain_break broken = { .offset = offset, .saga_id = saga_id };
    va_list arguments;
    va_start(arguments, format);
    broken.words = saga_arena_vprintf(&chain->arena, format, arguments);
    va_end(arguments);
    chain->report(&broken, chain->context);
}

static void tell_open(struct saga_chain *chain)
{
    if (chain->before.offset < 0)
        tell(chain, chain->own.offset, chain->saga_id,
             "it is not the record that the chain begins with: it was changed, or what stood "
             "before it was taken out");
    else
        tell(chain, chain->own.offset, chain->saga_id,
             "it does not follow on the record before it (offset %lld): one of the two was "
             "changed, or what stood between them was taken out",
             (long long)chain->before.offset);
}

static void hold(struct saga_chain *chain, const struct link *own, struct saga_slice bytes,
                 struct saga_slice saga_id)
{
    chain->held = true;
    chain->before = chain->last;
    chain->own = *own;
    chain->bytes = saga_arena_copy(&chain->arena, bytes);
    chain->saga_id = saga_arena_copy(&chain->arena, saga_id);
}

/* What the next record tells of the one that is held. True: it is dealt with too. */
static bool settle(struct saga_chain *chain, const struct link *next, struct saga_slice bytes)
{
    chain->held = false;
    if (follows(bytes, chain->before.value)) {
        if (follows(chain->bytes, next->value)) {
            tell(chain, chain->own.offset, chain->saga_id,
                 "it and the record behind it (offset %lld) have changed places",
                 (long long)next->offset);
            go_to(chain, next);
            go_to(chain, &chain->own);
        } else {
            tell(chain, chain->own.offset, chain->saga_id,
                 "it was put in: the record behind it (offset %lld) was written behind the one "
                 "before it",
                 (long long)next->offset);
            go_to(chain, next);
        }
        return true;
    }
    tell_open(chain);
    return false;
}

bool saga_chain_take(struct saga_chain *chain, int64_t offset, struct saga_slice bytes,
                     struct saga_slice saga_id)
{
    struct link own = { .offset = offset };
    memcpy(own.value, saga_chain_of(bytes), sizeof own.value);
    if (chain->held && settle(chain, &own, bytes)) return true;
    if (!chain->known || follows(bytes, chain->last.value)) {
        go_to(chain, &own);
        return true;
    }
    const struct link *before = find_before(chain, bytes), *same = find_same(chain, &own);
    saga_arena_reset(&chain->arena);
    if (before && same) {
        tell(chain, offset, saga_id, "it was put in: it is a copy of the record at offset %lld",
             (long long)same->offset);
        return false; /* the next one has nothing to do with it */
    }
    if (before) {
        struct saga_slice where =
            before->offset < 0
                ? SAGA_SLICE("as the first record")
                : saga_arena_printf(&chain->arena, "behind offset %lld", (long long)before->offset);
        tell(chain, offset, saga_id,
             "it was written %.*s, not behind offset %lld: what stands between was put in, or this "
             "record was moved",
             SAGA_SLICE_ARG(where), (long long)chain->last.offset);
    } else {
        hold(chain, &own, bytes, saga_id);
    }
    go_to(chain, &own); /* so that one fault is told once */
    return false;
}

void saga_chain_set(struct saga_chain *chain, const uint8_t value[SAGA_SHA256_BYTES])
{
    saga_chain_end(chain);
    chain->known = value != NULL;
    chain->last.offset = -1;
    if (value) memcpy(chain->last.value, value, sizeof chain->last.value);
}

void saga_chain_end(struct saga_chain *chain)
{
    if (chain->held) tell_open(chain);
    chain->held = false;
}
