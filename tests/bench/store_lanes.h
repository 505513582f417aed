/* Lanes of a store that a benchmark writes to as a worker does, a batch behind the other. Trouble ends the program with
 * words. */
#ifndef SAGA_BENCH_STORE_LANES_H
#define SAGA_BENCH_STORE_LANES_H

#include "base/arena.h"
#include "store/redis.h"

struct bench_store {
    struct saga_store store;
    struct saga_arena arena; /* of a batch; the caller resets it */
    uint32_t lanes;
    struct bench_store_lane *at; /* where each stands */
};
/* `anew`: the lanes are emptied; else they are written to as they stand, whoever owns them. */
void bench_store_open(struct bench_store *store, const struct saga_redis_config *config,
                      uint32_t lanes, bool anew);
void bench_store_close(struct bench_store *store);

/* Where the lane is: the offset of the journal behind what was applied. */
int64_t bench_store_applied(const struct bench_store *store, uint32_t lane);
/* Applies a batch, waits for it, and is then at `applied`. */
void bench_store_apply(struct bench_store *store, uint32_t lane,
                       const struct saga_state_write *writes, size_t count,
                       const struct saga_tally *tally, int64_t applied);

#endif
