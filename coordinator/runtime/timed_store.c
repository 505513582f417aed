#include "runtime/timed_store.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/monotonic.h"

struct timed {
    struct saga_store store;
    struct saga_worker_metrics *metrics;
};

/* Notes one call that began at `begun_us`; gives its error back. */
static int note(struct timed *t, enum saga_redis_call call, int64_t begun_us, int error)
{
    saga_metric_histogram_observe(&t->metrics->redis[call], &saga_scale_calls,
                                  saga_monotonic_us() - begun_us);
    if (error < 0) saga_metrics_add(&t->metrics->redis_errors[call], 1);
    return error;
}

#define TIMED(call, function, ...)                                                                 \
    struct timed *t = self;                                                                        \
    int64_t begun_us = saga_monotonic_us();                                                        \
    return note(t, call, begun_us, t->store.function(t->store.self, __VA_ARGS__))

static const char *problem(void *self)
{
    struct timed *t = self;
    return t->store.problem(t->store.self);
}

static int lane_read(void *self, uint32_t lane, struct saga_arena *arena,
                     struct saga_lane_status *ret)
{
    TIMED(SAGA_REDIS_LANE_READ, lane_read, lane, arena, ret);
}

/* Building a lane is told of in the log, with how long it took: not timed here. */
static int lane_reset(void *self, uint32_t lane, const struct saga_lane_status *found,
                      struct saga_slice journal, int64_t applied, uint32_t lanes)
{
    struct timed *t = self;
    return t->store.lane_reset(t->store.self, lane, found, journal, applied, lanes);
}

static int lane_built(void *self, uint32_t lane, struct saga_slice token, int64_t expected,
                      struct saga_slice journal, int64_t applied)
{
    struct timed *t = self;
    return t->store.lane_built(t->store.self, lane, token, expected, journal, applied);
}

static int ids_scan(void *self, uint32_t lane, struct saga_scan *scan, struct saga_arena *arena,
                    struct saga_slice **ret_ids, size_t *ret_count)
{
    struct timed *t = self;
    return t->store.ids_scan(t->store.self, lane, scan, arena, ret_ids, ret_count);
}

static int states_read(void *self, uint32_t lane, int64_t expected, const struct saga_slice *ids,
                       size_t count, struct saga_arena *arena, struct saga_slice *ret_states)
{
    TIMED(SAGA_REDIS_STATES_READ, states_read, lane, expected, ids, count, arena, ret_states);
}

static int log_read(void *self, uint32_t lane, int64_t expected, size_t max,
                    struct saga_arena *arena, struct saga_lane_log *ret)
{
    struct timed *t = self;
    return t->store.log_read(t->store.self, lane, expected, max, arena, ret);
}

static int apply(void *self, const struct saga_apply *what)
{
    TIMED(SAGA_REDIS_APPLY, apply, what);
}

static int apply_wait(void *self, uint32_t lane, int64_t *ret_next_due_ms)
{
    TIMED(SAGA_REDIS_APPLY_WAIT, apply_wait, lane, ret_next_due_ms);
}

static int timers_due(void *self, uint32_t lane, int64_t expected, int64_t now_ms, size_t max,
                      struct saga_arena *arena, struct saga_due_timer **ret, size_t *ret_count,
                      int64_t *ret_next_due_ms)
{
    TIMED(SAGA_REDIS_TIMERS_DUE, timers_due, lane, expected, now_ms, max, arena, ret, ret_count,
          ret_next_due_ms);
}

static int heartbeat(void *self, uint32_t lane, int64_t expected, struct saga_slice owner,
                     int64_t now_ms)
{
    TIMED(SAGA_REDIS_HEARTBEAT, heartbeat, lane, expected, owner, now_ms);
}

static void close_store(void *self)
{
    struct timed *t = self;
    t->store.close(t->store.self);
    free(t);
}

struct saga_store saga_timed_store(struct saga_store store, struct saga_worker_metrics *metrics)
{
    struct timed *t = saga_memory_zeroed(1, sizeof *t);
    *t = (struct timed){ store, metrics };
    return (struct saga_store){ .self = t,
                                .problem = problem,
                                .lane_read = lane_read,
                                .lane_reset = lane_reset,
                                .lane_built = lane_built,
                                .ids_scan = ids_scan,
                                .states_read = states_read,
                                .log_read = log_read,
                                .apply = apply,
                                .apply_wait = apply_wait,
                                .timers_due = timers_due,
                                .heartbeat = heartbeat,
                                .close = close_store };
}
