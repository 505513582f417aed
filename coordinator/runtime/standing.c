#include "runtime/standing.h"

#include "runtime/worker_internal.h"

enum { SAY_EVERY_MS = 1000 };

void saga_standing_init(struct saga_standing *standing)
{
    *standing = (struct saga_standing){ 0 };
    pthread_mutex_init(&standing->lock, NULL);
    saga_arena_init(&standing->arena);
}

void saga_standing_free(struct saga_standing *standing)
{
    saga_arena_free(&standing->arena);
    pthread_mutex_destroy(&standing->lock);
}

static void copy_lanes(struct saga_standing *standing, const struct saga_worker *w)
{
    standing->ready_lanes = SAGA_NEW_ARRAY(&standing->arena, uint32_t, w->own_lanes);
    standing->ready_count = standing->cache_bytes = standing->unstored = 0;
    standing->own_lanes = w->own_lanes;
    for (uint32_t n = 0; n < w->config.lanes; n++) {
        const struct saga_lane *lane = &w->lanes[n];
        standing->cache_bytes += lane->resident_bytes;
        standing->unstored += lane->unstored_count;
        if (lane->ready && standing->ready_count < w->own_lanes)
            standing->ready_lanes[standing->ready_count++] = n;
    }
}

void saga_standing_say(struct saga_standing *standing, const struct saga_worker *w, int64_t now_ms)
{
    if (standing->said_ms && now_ms - standing->said_ms < SAY_EVERY_MS) return;
    standing->said_ms = now_ms;
    pthread_mutex_lock(&standing->lock);
    saga_arena_reset(&standing->arena);
    copy_lanes(standing, w);
    standing->positions = SAGA_NEW_ARRAY(&standing->arena, struct saga_position, w->assigned_count);
    standing->position_count = w->assigned_count;
    for (size_t i = 0; i < w->assigned_count; i++) {
        standing->positions[i] = w->assigned[i];
        standing->positions[i].topic = saga_arena_copy(&standing->arena, w->assigned[i].topic);
    }
    pthread_mutex_unlock(&standing->lock);
}
