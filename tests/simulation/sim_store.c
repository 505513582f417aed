/* The store of a simulated worker (store/store.h): its connection to the simulated Redis. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "sim_worker.h"

enum { CALL_US = 2000000, RETRY_US = 20000 };

/* An apply under way: its event carries it out, whatever has become of the worker that sent it. */
struct sim_request {
    struct sim_request *next, **link; /* in sim_redis.requests */
    struct saga_arena arena;
    struct saga_apply apply;
    struct sim_worker *worker;
    bool orphaned; /* nobody waits for it any more */
    bool done;
    bool fits;
    int64_t next_due_ms;
};

static void free_request(struct sim_request *request)
{
    *request->link = request->next;
    if (request->next) request->next->link = request->link;
    saga_arena_free(&request->arena);
    free(request);
}

void sim_store_free_requests(struct sim_redis *redis)
{
    while (redis->requests) free_request(redis->requests);
}

static int say(struct sim_worker *w, int error, const char *words)
{
    snprintf(w->connection.problem, sizeof w->connection.problem, "%s", words);
    return error;
}

static int conflict(struct sim_worker *w, uint32_t lane, int64_t expected)
{
    const struct sim_lane *l = &w->redis->lanes[lane];
    sim_tell(w->sim, "worker %u: lane %u of Redis is %s%lld, not at %lld", w->number, lane,
             l->present ? "at " : "absent, was at ", (long long)l->applied, (long long)expected);
    return say(w, SAGA_E_CONFLICT, "the lane stands elsewhere");
}

static const char *problem(void *self)
{
    return ((struct sim_worker *)self)->connection.problem;
}

static bool is_reachable(const struct sim_worker *w)
{
    return w->sim->now_us >= w->redis->away_until_us && w->sim->now_us >= w->redis_cut_until_us;
}

/* The connection is closed: what was sent may still be carried out. */
static void disconnect(struct sim_worker *w)
{
    for (int n = 0; n < SIM_LANES; n++) {
        struct sim_request *request = w->connection.under_way[n];
        w->connection.under_way[n] = NULL;
        if (!request) continue;
        w->connection.losses++;
        w->connection.lost[n] = true;
        if (request->done) {
            free_request(request);
        } else {
            sim_count(w->sim, APPLY_UNANSWERED);
            request->orphaned = true;
        }
    }
}

static void forget(struct sim_worker *w, uint32_t lane)
{
    struct sim_request *request = w->connection.under_way[lane];
    w->connection.under_way[lane] = NULL;
    free_request(request);
}

/* Waits for the answers to all that was sent before. */
static int collect(struct sim_worker *w, uint32_t from, uint32_t to)
{
    int64_t until_us = w->sim->now_us + CALL_US;
    for (uint32_t n = from; n < to; n++) {
        while (w->connection.under_way[n] &&
               (!w->connection.under_way[n]->done || w->sim->now_us < w->redis_cut_until_us)) {
            if (w->dead) return SAGA_E_STOP;
            if (w->sim->now_us >= until_us) {
                disconnect(w);
                return say(w, SAGA_E_AGAIN, "Redis does not answer");
            }
            if (!sim_worker_wait(w, 2 * SIM_MS)) return SAGA_E_STOP;
        }
    }
    return SAGA_OK;
}

/* The beginning of a call that asks and waits for the answer. */
static int begin_call(struct sim_worker *w)
{
    if (!sim_worker_enter(w)) return SAGA_E_STOP;
    int error = collect(w, 0, SIM_LANES);
    if (error == SAGA_E_STOP) return error;
    int64_t until_us = w->sim->now_us + CALL_US;
    if (w->sim->now_us < w->redis->slow_until_us &&
        !sim_worker_wait(w, sim_between(w->sim, 0, SIM_SECOND)))
        return SAGA_E_STOP;
    while (!is_reachable(w)) {
        if (w->sim->now_us >= until_us) {
            disconnect(w);
            return say(w, SAGA_E_AGAIN, "Redis is away");
        }
        if (!sim_worker_wait(w, RETRY_US)) return SAGA_E_STOP;
    }
    return SAGA_OK;
}

static int lane_read(void *self, uint32_t lane, struct saga_arena *arena,
                     struct saga_lane_status *ret)
{
    struct sim_worker *w = self;
    int error = begin_call(w);
    if (error < 0) return error;
    const struct sim_lane *l = &w->redis->lanes[lane];
    *ret = (struct saga_lane_status){ .present = l->present };
    if (!l->present) return SAGA_OK;
    ret->journal = saga_arena_copy(arena, saga_slice_of(l->journal));
    ret->applied = l->applied;
    ret->chain = saga_arena_copy(arena, saga_slice_of(l->chain));
    ret->owner = saga_arena_copy(arena, saga_slice_of(l->owner));
    ret->heartbeat_ms = l->heartbeat_ms;
    return SAGA_OK;
}

static int lane_reset(void *self, uint32_t lane, const struct saga_lane_status *found,
                      struct saga_slice journal, int64_t applied, uint32_t lanes)
{
    struct sim_worker *w = self;
    (void)lanes;
    int error = begin_call(w);
    if (error < 0) return error;
    uint64_t token = sim_lane_reset_begin(w->redis, lane, found);
    if (token == 0) return conflict(w, lane, found->applied);
    sim_tell(w->sim, "worker %u: lane %u of Redis is emptied", w->number, lane);
    error = begin_call(w); /* between the portions anybody may do anything */
    if (error == SAGA_OK) error = begin_call(w);
    if (error < 0) return error;
    if (!sim_lane_reset_end(w->redis, lane, token, journal, applied)) {
        sim_count(w->sim, RESET_CONFLICT);
        return conflict(w, lane, applied);
    }
    sim_count(w->sim, REBUILT);
    return SAGA_OK;
}

static int lane_built(void *self, uint32_t lane, struct saga_slice token, int64_t expected,
                      struct saga_slice journal, int64_t applied)
{
    struct sim_worker *w = self;
    int error = begin_call(w);
    if (error < 0) return error;
    if (!sim_lane_built(w->redis, lane, token, expected, journal, applied))
        return conflict(w, lane, expected);
    sim_count(w->sim, BUILT);
    return SAGA_OK;
}

/* A few ids at a time; the cursor is the next place. Who leaves meanwhile moves others: they are given again. */
static int ids_scan(void *self, uint32_t lane, struct saga_scan *scan, struct saga_arena *arena,
                    struct saga_slice **ret_ids, size_t *ret_count)
{
    enum { IDS = 3 };
    struct sim_worker *w = self;
    int error = begin_call(w);
    if (error < 0) return error;
    const struct sim_lane *l = &w->redis->lanes[lane];
    *ret_ids = SAGA_NEW_ARRAY(arena, struct saga_slice, l->saga_count);
    *ret_count = 0;
    /* the last one takes the place of one that leaves: going down, none is passed over */
    size_t from =
        scan->cursor && scan->cursor - 1 < l->saga_count ? scan->cursor - 1 : l->saga_count;
    for (; from > 0 && *ret_count < IDS; from--)
        (*ret_ids)[(*ret_count)++] = saga_arena_copy(arena, saga_slice_of(l->sagas[from - 1].id));
    scan->cursor = from ? from + 1 : 0;
    return SAGA_OK;
}

static int states_read(void *self, uint32_t lane, int64_t expected, const struct saga_slice *ids,
                       size_t count, struct saga_arena *arena, struct saga_slice *ret_states)
{
    struct sim_worker *w = self;
    int error = begin_call(w);
    if (error < 0) return error;
    const struct sim_lane *l = &w->redis->lanes[lane];
    if (!sim_lane_is_at(l, expected) && w->sim->mutation != SIM_MUTATION_READ_BLIND) {
        sim_count(w->sim, READ_CONFLICT);
        return conflict(w, lane, expected);
    }
    for (size_t i = 0; i < count; i++) {
        const struct sim_saga *saga = sim_lane_saga(l, ids[i]);
        ret_states[i] = SAGA_SLICE_NONE;
        if (saga)
            ret_states[i] =
                saga_arena_copy(arena, (struct saga_slice){ saga->state, saga->state_bytes });
    }
    return SAGA_OK;
}

static int log_read(void *self, uint32_t lane, int64_t expected, size_t max,
                    struct saga_arena *arena, struct saga_lane_log *ret)
{
    struct sim_worker *w = self;
    int error = begin_call(w);
    if (error < 0) return error;
    const struct sim_lane *l = &w->redis->lanes[lane];
    if (!sim_lane_is_at(l, expected)) return conflict(w, lane, expected);
    SAGA_ASSERT(l->operation_count <= max);
    *ret = (struct saga_lane_log){ l->log_known, l->log_from, l->log_from_ms, NULL,
                                   l->operation_count };
    ret->operations = SAGA_NEW_ARRAY(arena, struct saga_operation_write, ret->count);
    for (size_t i = 0; i < ret->count; i++) {
        const struct sim_operation *operation = &l->operations[ret->count - 1 - i];
        ret->operations[i] =
            (struct saga_operation_write){ operation->offset, operation->time_ms,
                                           saga_arena_copy(arena,
                                                           saga_slice_of(operation->entry)) };
    }
    return SAGA_OK;
}

/* ---- apply ---- */

static void copy_timers(struct saga_arena *arena, const struct saga_timer_write **timers,
                        size_t count)
{
    struct saga_timer_write *copy = SAGA_NEW_ARRAY(arena, struct saga_timer_write, count);
    for (size_t i = 0; i < count; i++) {
        copy[i] = (*timers)[i];
        copy[i].name = saga_arena_copy(arena, copy[i].name);
    }
    *timers = copy;
}

static void copy_members(struct saga_arena *arena, const struct saga_tally_member **members,
                         size_t count)
{
    struct saga_tally_member *copy = SAGA_NEW_ARRAY(arena, struct saga_tally_member, count);
    for (size_t i = 0; i < count; i++)
        copy[i] = (struct saga_tally_member){ saga_arena_copy(arena, (*members)[i].id),
                                              saga_arena_copy(arena, (*members)[i].text),
                                              (*members)[i].changed_ms };
    *members = copy;
}

static void copy_sums(struct sim_request *request, const struct saga_apply *apply)
{
    struct saga_tally_sum *copy =
        SAGA_NEW_ARRAY(&request->arena, struct saga_tally_sum, apply->sum_count);
    for (size_t i = 0; i < apply->sum_count; i++) {
        copy[i] = apply->sums[i];
        copy[i].field = saga_arena_copy(&request->arena, copy[i].field);
        copy_members(&request->arena, &copy[i].left, copy[i].left_count);
        copy_members(&request->arena, &copy[i].entered, copy[i].entered_count);
    }
    request->apply.sums = copy;
}

static void copy_operations(struct sim_request *request, const struct saga_apply *apply)
{
    struct saga_operation_write *copy =
        SAGA_NEW_ARRAY(&request->arena, struct saga_operation_write, apply->operation_count);
    for (size_t i = 0; i < apply->operation_count; i++) {
        copy[i] = apply->operations[i];
        copy[i].entry = saga_arena_copy(&request->arena, copy[i].entry);
    }
    request->apply.operations = copy;
}

static struct sim_request *copy_apply(struct sim_worker *w, const struct saga_apply *apply)
{
    struct sim_request *request = calloc(1, sizeof *request);
    SAGA_ASSERT(request);
    saga_arena_init(&request->arena);
    request->next = w->redis->requests;
    request->link = &w->redis->requests;
    if (request->next) request->next->link = &request->next;
    w->redis->requests = request;
    struct saga_arena *arena = &request->arena;
    struct saga_state_write *writes =
        SAGA_NEW_ARRAY(arena, struct saga_state_write, apply->write_count);
    request->worker = w;
    request->apply = *apply;
    request->apply.journal = saga_arena_copy(arena, apply->journal);
    request->apply.chain = saga_arena_copy(arena, apply->chain);
    request->apply.owner = saga_arena_copy(arena, apply->owner);
    request->apply.writes = writes;
    copy_sums(request, apply);
    copy_operations(request, apply);
    for (size_t i = 0; i < apply->write_count; i++) {
        writes[i] = apply->writes[i];
        writes[i].saga_id = saga_arena_copy(arena, writes[i].saga_id);
        writes[i].name = saga_arena_copy(arena, writes[i].name);
        writes[i].state = saga_arena_copy(arena, writes[i].state);
        copy_timers(arena, &writes[i].timers_removed, writes[i].timers_removed_count);
        copy_timers(arena, &writes[i].timers_added, writes[i].timers_added_count);
    }
    return request;
}

static void carry_out(void *context, uint64_t token, uint64_t unused)
{
    struct sim_request *request = context;
    struct sim_worker *w = request->worker;
    struct sim_redis *redis = w->redis;
    (void)token, (void)unused;
    if (w->sim->now_us < redis->away_until_us) { /* it stands in the socket until Redis is back */
        sim_plan(w->sim, redis->away_until_us - w->sim->now_us, carry_out, request, 0, 0);
        return;
    }
    request->fits = sim_lane_apply(redis, &request->apply);
    request->next_due_ms = sim_lane_next_due(&redis->lanes[request->apply.lane]);
    request->done = true;
    sim_tell(w->sim, "redis: lane %u to %lld for worker %u: %s", request->apply.lane,
             (long long)request->apply.applied, w->number, request->fits ? "applied" : "conflict");
    if (!request->fits) sim_count(w->sim, APPLY_CONFLICT);
    if (!request->orphaned) return;
    if (request->fits) sim_count(w->sim, APPLY_AFTER_CRASH);
    free_request(request);
}

static int apply_lane(void *self, const struct saga_apply *apply)
{
    struct sim_worker *w = self;
    if (!sim_worker_enter(w)) return SAGA_E_STOP;
    SAGA_ASSERT(!w->connection.under_way[apply->lane]);
    if (w->sim->now_us < w->redis->away_until_us) return say(w, SAGA_E_AGAIN, "Redis is away");
    struct sim_request *request = copy_apply(w, apply);
    w->connection.under_way[apply->lane] = request;
    bool slow = w->sim->now_us < w->redis->slow_until_us || sim_chance(w->sim, 10);
    int64_t in_us = sim_between(w->sim, 50, slow ? 4 * SIM_SECOND : 2 * SIM_MS);
    sim_plan(w->sim, in_us, carry_out, request, 0, 0);
    return SAGA_OK;
}

static int apply_wait(void *self, uint32_t lane, int64_t *ret_next_due_ms)
{
    struct sim_worker *w = self;
    if (w->connection.under_way[lane] && !sim_worker_enter(w)) return SAGA_E_STOP;
    int error = w->connection.under_way[lane] ? collect(w, lane, lane + 1) : SAGA_OK;
    bool lost = w->connection.lost[lane];
    w->connection.lost[lane] = false;
    if (error < 0) return error;
    if (lost) return say(w, SAGA_E_AGAIN, "the connection was lost");
    const struct sim_request *request = w->connection.under_way[lane];
    if (!request) return SAGA_OK;
    bool fits = request->fits;
    int64_t expected = request->apply.expected;
    if (fits) *ret_next_due_ms = request->next_due_ms;
    forget(w, lane);
    return fits ? SAGA_OK : conflict(w, lane, expected);
}

/* ---- timers ---- */

static int by_due(const void *left, const void *right)
{
    const struct saga_due_timer *a = left, *b = right;
    if (a->due_ms != b->due_ms) return a->due_ms < b->due_ms ? -1 : 1;
    int order = saga_slice_compare(a->saga_id, b->saga_id);
    return order ? order : saga_slice_compare(a->name, b->name);
}

static int timers_due(void *self, uint32_t lane, int64_t expected, int64_t now_ms, size_t max,
                      struct saga_arena *arena, struct saga_due_timer **ret, size_t *ret_count,
                      int64_t *ret_next_due_ms)
{
    struct sim_worker *w = self;
    int error = begin_call(w);
    if (error < 0) return error;
    const struct sim_lane *l = &w->redis->lanes[lane];
    if (!sim_lane_is_at(l, expected)) {
        sim_count(w->sim, READ_CONFLICT);
        return conflict(w, lane, expected);
    }
    struct saga_due_timer *due = SAGA_NEW_ARRAY(arena, struct saga_due_timer, l->timer_count);
    size_t count = 0;
    int64_t next_ms = SAGA_TIMER_NEVER;
    for (size_t i = 0; i < l->timer_count; i++) {
        const struct sim_timer *timer = &l->timers[i];
        if (timer->due_ms <= now_ms)
            due[count++] =
                (struct saga_due_timer){ saga_arena_copy(arena, saga_slice_of(timer->saga_id)),
                                         saga_arena_copy(arena, saga_slice_of(timer->name)),
                                         timer->armed, timer->due_ms };
        else if (timer->due_ms < next_ms)
            next_ms = timer->due_ms;
    }
    qsort(due, count, sizeof *due, by_due);
    if (count > max) {
        next_ms = due[max].due_ms;
        count = max;
    }
    *ret = due;
    *ret_count = count;
    *ret_next_due_ms = next_ms;
    return SAGA_OK;
}

static int heartbeat(void *self, uint32_t lane, int64_t expected, struct saga_slice owner,
                     int64_t now_ms)
{
    struct sim_worker *w = self;
    int error = begin_call(w);
    if (error < 0) return error;
    struct sim_lane *l = &w->redis->lanes[lane];
    (void)owner;
    if (w->sim->mutation == SIM_MUTATION_HEARTBEAT_BLIND) return SAGA_OK;
    if (!sim_lane_is_at(l, expected)) {
        sim_count(w->sim, HEARTBEAT_CONFLICT);
        return conflict(w, lane, expected);
    }
    l->heartbeat_ms = now_ms;
    return SAGA_OK;
}

static void close_store(void *self)
{
    disconnect(self);
}

void sim_store_open(struct sim_worker *w, struct saga_store *ret)
{
    *ret = (struct saga_store){ .self = w,
                                .problem = problem,
                                .lane_read = lane_read,
                                .lane_reset = lane_reset,
                                .lane_built = lane_built,
                                .ids_scan = ids_scan,
                                .states_read = states_read,
                                .log_read = log_read,
                                .apply = apply_lane,
                                .apply_wait = apply_wait,
                                .timers_due = timers_due,
                                .heartbeat = heartbeat,
                                .close = close_store };
}
