/* A walk over the keys of a Redis with SCAN, in steps. */
#ifndef SAGA_STORE_SCAN_H
#define SAGA_STORE_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

struct saga_connection;

/* Begins as { 0 }. */
struct saga_scan {
    uint64_t cursor; /* 0 again when the walk has ended */
    uint64_t seen;   /* a cursor of before: one that comes twice is a walk in a circle */
    uint64_t steps;
};

/* One step: the keys that fit `pattern` among the next `looked_at`, copied into `arena`; there may
 * be none, and a key may come twice while Redis' table grows. The walk has ended when the cursor
 * is 0 afterwards. Returns 0, SAGA_E_AGAIN, or SAGA_E_STOP for answers that no Redis gives, among
 * them a walk that would never end. */
int saga_scan_step(struct saga_connection *connection, struct saga_scan *scan,
                   struct saga_slice pattern, int64_t looked_at, struct saga_arena *arena,
                   struct saga_slice **ret_keys, size_t *ret_count);

/* The same for the sagas of a lane: their ids. */
int saga_scan_sagas(struct saga_connection *connection, struct saga_scan *scan, uint32_t lane,
                    struct saga_arena *arena, struct saga_slice **ret_ids, size_t *ret_count);

#endif
