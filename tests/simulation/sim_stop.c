#include "sim_stop.h"

#include <string.h>

#include "runtime/worker_internal.h"

static bool is_calm(const struct sim_worker *w)
{
    int64_t now_us = w->sim->now_us;
    const struct sim_redis *redis = w->redis;
    return !w->dead && now_us >= redis->away_until_us && now_us >= redis->slow_until_us &&
           now_us >= w->redis_cut_until_us;
}

static unsigned losses(const struct sim_worker *w)
{
    return w->redis->losses + w->connection.losses;
}

/* Looked at are lanes with something to be told, and nothing under way that may be lost. */
void sim_stop_note(const struct sim_worker *w, struct sim_stop *ret)
{
    *ret = (struct sim_stop){ .calm = is_calm(w), .losses = losses(w) };
    for (unsigned n = 0; n < SIM_LANES; n++) {
        const struct saga_lane *lane = &w->worker->lanes[n];
        const struct sim_lane *redis = &w->redis->lanes[n];
        ret->lanes[n].ours = lane->ready && lane->unstored && !lane->apply_pending &&
                             strcmp(lane->journal, redis->journal) == 0 &&
                             redis->applied == saga_lane_applied_in_redis(lane);
        ret->lanes[n].position = lane->position;
        memcpy(ret->lanes[n].journal, lane->journal, sizeof lane->journal);
    }
}

void sim_stop_check(const struct sim_worker *w, const struct sim_stop *stop)
{
    if (!stop->calm || !is_calm(w) || stop->losses != losses(w)) return;
    for (unsigned n = 0; n < SIM_LANES; n++) {
        const struct sim_lane *redis = &w->redis->lanes[n];
        if (!stop->lanes[n].ours || strcmp(stop->lanes[n].journal, redis->journal) != 0) continue;
        sim_count(w->sim, TOLD_AT_END);
        if (redis->applied < stop->lanes[n].position)
            sim_violate(
                w->sim, "worker %u ended in order, and Redis has lane %u only to %lld, not to %lld",
                w->number, n, (long long)redis->applied, (long long)stop->lanes[n].position);
    }
}
