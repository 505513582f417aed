#include "runtime/metrics_watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"

enum { LOOK_EVERY_MS = 10000, CALL_MS = 3000 };
static const int64_t unknown_lag = -1;

struct saga_metrics_watch {
    const struct saga_config *config;
    struct saga_standing *standings;
    struct saga_views *views;
    /* a pass over the partitions that this process reads; only for who looks */
    struct saga_arena arena;
    struct saga_position *positions;
    size_t position_count, position_capacity, next;
    bool *own; /* by lane: ready here */
    int64_t *sums;
    int64_t begun_ms; /* 0: no pass yet */
    bool under_way;
    /* what is known */
    pthread_mutex_t lock;
    struct saga_arena known_arena; /* of the sagas' counts */
    struct saga_metrics_known known;
};

struct saga_metrics_watch *saga_metrics_watch_new(const struct saga_config *config,
                                                  struct saga_standing *standings)
{
    struct saga_metrics_watch *watch = saga_memory_zeroed(1, sizeof *watch);
    watch->config = config;
    watch->standings = standings;
    saga_arena_init(&watch->arena);
    saga_arena_init(&watch->known_arena);
    pthread_mutex_init(&watch->lock, NULL);
    watch->known.lanes = config->lanes;
    watch->known.lags = saga_memory_zeroed(config->lanes, sizeof *watch->known.lags);
    for (uint32_t n = 0; n < config->lanes; n++) watch->known.lags[n] = unknown_lag;
    return watch;
}

void saga_metrics_watch_free(struct saga_metrics_watch *watch)
{
    if (!watch) return;
    saga_views_free(watch->views);
    saga_arena_free(&watch->arena);
    saga_arena_free(&watch->known_arena);
    free(watch->known.lags);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
}

/* ---- how far the lanes are behind ---- */

static void take_standing(struct saga_metrics_watch *watch, struct saga_standing *standing)
{
    pthread_mutex_lock(&standing->lock);
    for (size_t i = 0; i < standing->position_count; i++) {
        struct saga_position position = standing->positions[i];
        position.topic = saga_arena_copy(&watch->arena, position.topic);
        SAGA_PUSH(&watch->arena, watch->positions, watch->position_count, watch->position_capacity,
                  position);
    }
    for (size_t i = 0; i < standing->ready_count; i++) watch->own[standing->ready_lanes[i]] = true;
    pthread_mutex_unlock(&standing->lock);
}

static void begin_pass(struct saga_metrics_watch *watch, int64_t now_ms)
{
    saga_arena_reset(&watch->arena);
    watch->positions = NULL;
    watch->position_count = watch->position_capacity = watch->next = 0;
    watch->own = SAGA_NEW_ARRAY(&watch->arena, bool, watch->config->lanes);
    watch->sums = SAGA_NEW_ARRAY(&watch->arena, int64_t, watch->config->lanes);
    for (uint32_t n = 0; n < watch->config->lanes; n++) watch->sums[n] = unknown_lag;
    for (unsigned i = 0; i < watch->config->workers; i++)
        take_standing(watch, &watch->standings[i]);
    watch->begun_ms = now_ms;
    watch->under_way = true;
}

/* Same-numbered partitions meet in one worker (R7); a topic that has more of them than there are lanes counts to these. */
static int add_lag(struct saga_metrics_watch *watch, struct saga_client *client,
                   const struct saga_position *position)
{
    int64_t low, high, *sum = &watch->sums[(uint32_t)position->partition % watch->config->lanes];
    if (position->offset < 0) return SAGA_OK; /* not found out yet where it begins */
    int error =
        saga_client_watermarks(client, position->topic, position->partition, CALL_MS, &low, &high);
    if (error < 0) return error;
    if (*sum < 0) *sum = 0;
    if (high > position->offset) *sum += high - position->offset;
    return SAGA_OK;
}

static void publish_lags(struct saga_metrics_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    memcpy(watch->known.lags, watch->sums, watch->config->lanes * sizeof *watch->sums);
    pthread_mutex_unlock(&watch->lock);
}

/* ---- sagas by status ---- */

static void count_sagas(struct saga_metrics_watch *watch)
{
    struct saga_view_count *rows = NULL;
    size_t count = 0;
    struct saga_view_filter filter = { .lanes = watch->own };
    if (!watch->views) saga_views_new(&watch->config->redis, &watch->views);
    int error = saga_views_counts(watch->views, watch->config->lanes, &filter, &watch->arena, &rows,
                                  &count);
    if (error < 0) count = 0;
    pthread_mutex_lock(&watch->lock);
    saga_arena_reset(&watch->known_arena);
    watch->known.sagas = SAGA_NEW_ARRAY(&watch->known_arena, struct saga_view_count, count);
    watch->known.saga_count = count;
    for (size_t i = 0; i < count; i++)
        watch->known.sagas[i] =
            (struct saga_view_count){ saga_arena_copy(&watch->known_arena, rows[i].name),
                                      saga_arena_copy(&watch->known_arena, rows[i].status),
                                      rows[i].count };
    pthread_mutex_unlock(&watch->lock);
}

/* ---- looking, and being looked at ---- */

void saga_metrics_watch_look(struct saga_metrics_watch *watch, struct saga_client *client,
                             int64_t now_ms)
{
    int error = SAGA_OK;
    if (!watch->under_way) {
        if (watch->begun_ms && now_ms - watch->begun_ms < LOOK_EVERY_MS) return;
        begin_pass(watch, now_ms);
        count_sagas(watch);
    }
    size_t until = watch->next + SAGA_METRICS_LAGS_AT_ONCE;
    if (until > watch->position_count) until = watch->position_count;
    while (watch->next < until && error == SAGA_OK)
        error = add_lag(watch, client, &watch->positions[watch->next++]);
    if (error < 0) /* a sum of some of the partitions would say too little */
        for (uint32_t n = 0; n < watch->config->lanes; n++) watch->sums[n] = unknown_lag;
    watch->under_way = error == SAGA_OK && watch->next < watch->position_count;
    if (!watch->under_way) publish_lags(watch);
}

void saga_metrics_watch_known(struct saga_metrics_watch *watch, struct saga_arena *arena,
                              struct saga_metrics_known *ret)
{
    pthread_mutex_lock(&watch->lock);
    *ret = watch->known;
    ret->lags = SAGA_NEW_ARRAY(arena, int64_t, ret->lanes);
    memcpy(ret->lags, watch->known.lags, ret->lanes * sizeof *ret->lags);
    ret->sagas = SAGA_NEW_ARRAY(arena, struct saga_view_count, ret->saga_count);
    for (size_t i = 0; i < ret->saga_count; i++)
        ret->sagas[i] =
            (struct saga_view_count){ saga_arena_copy(arena, watch->known.sagas[i].name),
                                      saga_arena_copy(arena, watch->known.sagas[i].status),
                                      watch->known.sagas[i].count };
    pthread_mutex_unlock(&watch->lock);
}
