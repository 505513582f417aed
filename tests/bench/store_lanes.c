#include "store_lanes.h"

#include <string.h>

#include "alone.h"
#include "base/memory.h"

struct bench_store_lane {
    char *journal;
    int64_t applied;
};

static void check(struct bench_store *store, int error)
{
    if (error < 0) stop(store->store.problem(store->store.self));
}

void bench_store_open(struct bench_store *store, const struct saga_redis_config *config,
                      uint32_t lanes, bool anew)
{
    *store = (struct bench_store){ .lanes = lanes };
    saga_arena_init(&store->arena);
    store->at = saga_memory_zeroed(lanes, sizeof *store->at);
    if (saga_redis_open(config, lanes, &store->store) < 0) stop("the store does not open");
    struct saga_store *s = &store->store;
    for (uint32_t lane = 0; lane < lanes; lane++) {
        struct saga_lane_status found = { 0 };
        check(store, s->lane_read(s->self, lane, &store->arena, &found));
        if (anew) {
            check(store, s->lane_reset(s->self, lane, &found, SAGA_SLICE("journal"), 0, lanes));
            found = (struct saga_lane_status){ .present = true, .journal = SAGA_SLICE("journal") };
        }
        if (!found.present) stop("Redis has nothing of a lane");
        store->at[lane] =
            (struct bench_store_lane){ saga_memory_text(found.journal.data, found.journal.size),
                                       found.applied };
    }
    saga_arena_reset(&store->arena);
}

void bench_store_close(struct bench_store *store)
{
    store->store.close(store->store.self);
    for (uint32_t lane = 0; lane < store->lanes; lane++) free(store->at[lane].journal);
    free(store->at);
    saga_arena_free(&store->arena);
}

int64_t bench_store_applied(const struct bench_store *store, uint32_t lane)
{
    return store->at[lane].applied;
}

void bench_store_apply(struct bench_store *store, uint32_t lane,
                       const struct saga_state_write *writes, size_t count,
                       const struct saga_tally *tally, int64_t applied)
{
    struct saga_store *s = &store->store;
    int64_t next_due_ms;
    struct saga_apply apply = {
        .lane = lane,
        .journal = saga_slice_of(store->at[lane].journal),
        .expected = store->at[lane].applied,
        .applied = applied,
        .chain = SAGA_SLICE("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
        .owner = SAGA_SLICE("worker-1"),
        .now_ms = 1700000000000,
        .writes = writes,
        .write_count = count
    };
    apply.sums = saga_tally_sums(tally, &apply.sum_count);
    check(store, s->apply(s->self, &apply));
    check(store, s->apply_wait(s->self, lane, &next_due_ms));
    store->at[lane].applied = applied;
}
