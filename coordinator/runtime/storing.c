/* When Redis is told of what a lane has committed: when there is nothing else to do, and under load now and then. */
#include <string.h>

#include "base/limits.h"
#include "runtime/worker_internal.h"

/* The lane's own changes, and those that are given. */
static int tell(struct saga_worker *w, struct saga_lane *lane, const struct saga_state_write *more,
                size_t more_count, struct saga_tally *tally)
{
    struct saga_store *store = &w->config.store;
    struct saga_state_write *writes;
    size_t count;
    int error = saga_lane_writes(lane, w->codec, &w->arena, tally, &writes, &count);
    if (error < 0) return error;
    if (more_count) {
        struct saga_state_write *all =
            SAGA_NEW_ARRAY(&w->arena, struct saga_state_write, count + more_count);
        if (count) memcpy(all, writes, count * sizeof *all);
        memcpy(all + count, more, more_count * sizeof *all);
        writes = all;
    }
    error = saga_lane_apply(lane, store, w->config.owner, lane->time_ms, writes, count + more_count,
                            tally);
    saga_lane_stored(lane);
    SAGA_ASSERT(w->own_lanes > 0);
    saga_lane_cut(lane, w->config.cache_bytes / w->own_lanes);
    lane->last_contact_ms = saga_worker_monotonic(w);
    if (error < 0) saga_worker_note(w, "lane %u: %s", lane->number, store->problem(store->self));
    return error;
}

int saga_worker_store(struct saga_worker *w, struct saga_lane *lane,
                      const struct saga_state_write *more, size_t more_count,
                      struct saga_tally *tally)
{
    struct saga_tally own;
    saga_tally_init(&own, &w->arena);
    int error = tell(w, lane, more, more_count, tally ? tally : &own);
    saga_tally_free(&own);
    return error;
}

bool saga_worker_store_is_due(struct saga_worker *w, const struct saga_lane *lane)
{
    return lane->unstored_count >= SAGA_UNSTORED_MAX ||
           lane->unstored_bytes >= SAGA_UNSTORED_BYTES_MAX ||
           saga_worker_monotonic(w) - lane->unstored_since_ms >= SAGA_UNSTORED_MS;
}

bool saga_worker_has_unstored(const struct saga_worker *w)
{
    for (uint32_t n = 0; n < w->config.lanes; n++)
        if (w->lanes[n].unstored) return true;
    return false;
}

int saga_worker_store_all(struct saga_worker *w)
{
    int result = SAGA_OK;
    saga_arena_reset(&w->arena);
    for (uint32_t n = 0; n < w->config.lanes; n++) {
        struct saga_lane *lane = &w->lanes[n];
        int error = lane->unstored ? saga_worker_store(w, lane, NULL, 0, NULL) : SAGA_OK;
        if (error < 0) result = SAGA_E_CONFLICT;
    }
    return result;
}
