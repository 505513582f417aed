#include "runtime/lane.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mutation.h"

void saga_lane_init(struct saga_lane *lane, uint32_t number)
{
    *lane = (struct saga_lane){ .number = number, .next_due_ms = 0 };
    lane->touched_end = &lane->touched;
}

static void free_resident(struct saga_lane *lane, struct saga_resident *resident)
{
    HASH_DEL(lane->residents, resident);
    lane->resident_bytes -= resident->bytes;
    saga_state_free(resident->clean);
    saga_state_free(resident->working);
    saga_state_free(resident->departed);
    free((char *)resident->id.data);
    free(resident);
}

void saga_lane_clear(struct saga_lane *lane)
{
    struct saga_resident *resident, *next;
    HASH_ITER(hh, lane->residents, resident, next) free_resident(lane, resident);
    lane->touched = NULL;
    lane->touched_end = &lane->touched;
    lane->touched_count = 0;
}

int64_t saga_lane_applied_in_redis(const struct saga_lane *lane)
{
    return lane->building[0] ? -2 - lane->built : lane->applied;
}

static struct saga_resident *look_up(struct saga_lane *lane, struct saga_slice id)
{
    struct saga_resident *resident;
    HASH_FIND(hh, lane->residents, id.data, id.size, resident);
    return resident;
}

struct saga_resident *saga_lane_find(struct saga_lane *lane, struct saga_slice id)
{
    struct saga_resident *resident = look_up(lane, id);
    if (resident) { /* to the end: uthash keeps the order of insertion, which makes it the order of use */
        HASH_DEL(lane->residents, resident);
    } else {
        resident = saga_memory_zeroed(1, sizeof *resident);
        char *copy = saga_memory_take(id.size + 1);
        memcpy(copy, id.data, id.size);
        copy[id.size] = '\0';
        resident->id = (struct saga_slice){ copy, id.size };
    }
    HASH_ADD_KEYPTR(hh, lane->residents, resident->id.data, resident->id.size, resident);
    return resident;
}

static void set_clean(struct saga_lane *lane, struct saga_resident *resident,
                      struct saga_state *state)
{
    saga_state_free(resident->clean);
    resident->clean = state;
    lane->resident_bytes -= resident->bytes;
    resident->bytes = 512 + (state ? 3 * saga_state_bytes(state) : 0);
    lane->resident_bytes += resident->bytes;
}

int saga_lane_settle(struct saga_lane *lane, struct saga_store *store)
{
    if (!lane->apply_pending) return SAGA_OK;
    lane->apply_pending = false;
    return store->apply_wait(store->self, lane->number, &lane->next_due_ms);
}

int saga_lane_load(struct saga_lane *lane, struct saga_store *store, struct saga_codec *codec,
                   const struct saga_slice *ids, size_t count, struct saga_arena *arena,
                   struct saga_diagnostic *diagnostic)
{
    struct saga_slice *missing = SAGA_NEW_ARRAY(arena, struct saga_slice, count);
    size_t missing_count = 0;
    for (size_t i = 0; i < count; i++)
        if (!look_up(lane, ids[i])) missing[missing_count++] = ids[i];
    if (missing_count == 0) return SAGA_OK;
    struct saga_slice *states = SAGA_NEW_ARRAY(arena, struct saga_slice, missing_count);
    int error = store->states_read(store->self, lane->number, saga_lane_applied_in_redis(lane),
                                   missing, missing_count, arena, states);
    if (error < 0) {
        saga_diagnostic_set(diagnostic, arena, "%s", store->problem(store->self));
        return error;
    }
    for (size_t i = 0; i < missing_count; i++) {
        if (look_up(lane, missing[i])) continue; /* named twice */
        struct saga_state *state = NULL;
        if (states[i].data) error = saga_state_decode(codec, states[i], arena, &state, diagnostic);
        if (error < 0) return error;
        set_clean(lane, saga_lane_find(lane, missing[i]), state);
    }
    return SAGA_OK;
}

struct saga_state *saga_lane_work_on(struct saga_lane *lane, struct saga_resident *resident)
{
    if (!resident->working) {
        resident->working = resident->clean ? saga_state_clone(resident->clean) : saga_state_new();
        resident->next_touched = NULL;
        *lane->touched_end = resident;
        lane->touched_end = &resident->next_touched;
        lane->touched_count++;
    } else if (resident->working->forgotten) {
        saga_state_free(resident->departed);
        resident->departed = resident->working;
        resident->working = saga_state_new();
        resident->history_count = 0; /* the history of the run that left goes with it */
    }
    return resident->working;
}

void saga_lane_put(struct saga_lane *lane, struct saga_resident *resident, struct saga_state *state,
                   struct saga_slice bytes)
{
    if (!state && !resident->clean) return; /* neither there nor to come */
    saga_lane_work_on(lane, resident);
    if (state) {
        saga_state_free(resident->working);
        resident->working = state;
    } else {
        resident->working->forgotten = true;
        resident->working->timer_count = 0; /* as when it is forgotten in the ordinary way */
    }
    resident->encoded = bytes;
}

void saga_lane_note_history(struct saga_resident *resident, struct saga_arena *arena,
                            int64_t offset)
{
    SAGA_PUSH(arena, resident->history, resident->history_count, resident->history_capacity,
              offset);
}

int saga_lane_encode(struct saga_lane *lane, struct saga_codec *codec, struct saga_arena *arena,
                     struct saga_resident **ret_culprit)
{
    for (struct saga_resident *r = lane->touched; r; r = r->next_touched) {
        r->encoded = SAGA_SLICE_NONE;
        if (r->working->status == SAGA_STATUS_NONE || r->working->forgotten) continue;
        int error = saga_state_encode(codec, r->working, arena, &r->encoded);
        if (error < 0) {
            *ret_culprit = r;
            return error;
        }
    }
    return SAGA_OK;
}

/* ---- what changed ---- */

static const struct saga_timer *active_timer(const struct saga_state *state,
                                             const struct saga_timer *like)
{
    for (size_t i = 0; state && i < state->timer_count; i++) {
        const struct saga_timer *timer = &state->timers[i];
        if (timer->armed == like->armed && !timer->held && timer->due_ms == like->due_ms &&
            saga_slice_equal(timer->name, like->name))
            return timer;
    }
    return NULL;
}

/* Timers that ring in `from` and not in `to`. */
static void timers_missing(const struct saga_state *from, const struct saga_state *to,
                           struct saga_arena *arena, const struct saga_timer_write **ret,
                           size_t *ret_count)
{
    size_t count = 0;
    if (!from || from->timer_count == 0) return;
    struct saga_timer_write *writes =
        SAGA_NEW_ARRAY(arena, struct saga_timer_write, from->timer_count);
    for (size_t i = 0; i < from->timer_count; i++) {
        const struct saga_timer *timer = &from->timers[i];
        if (timer->held || active_timer(to, timer)) continue;
        writes[count++] = (struct saga_timer_write){ timer->name, timer->armed, timer->due_ms };
    }
    *ret = writes;
    *ret_count = count;
}

static void search_values(const struct saga_state *state, struct saga_arena *arena,
                          struct saga_state_write *write)
{
    if (state->search_count == 0) return;
    struct saga_slice *values = SAGA_NEW_ARRAY(arena, struct saga_slice, state->search_count);
    for (size_t i = 0; i < state->search_count; i++)
        values[i] = saga_arena_printf(arena, "%.*s:%.*s", SAGA_SLICE_ARG(state->search[i].name),
                                      SAGA_SLICE_ARG(state->search[i].value));
    write->search = values;
    write->search_count = state->search_count;
}

/* In which index it stands; entries are in none: they are not among what people look at. */
static struct saga_slice index_of(const struct saga_state *state)
{
    if (!state || state->kind != SAGA_KIND_SAGA) return SAGA_SLICE_NONE;
    return saga_slice_of(saga_status_name(state->status));
}

static struct saga_state_write write_of(const struct saga_resident *r,
                                        const struct saga_state *before,
                                        const struct saga_state *after, struct saga_arena *arena)
{
    bool leaves = after->forgotten;
    struct saga_state_write write = {
        .saga_id = r->id,
        .name = after->name,
        .state = leaves ? SAGA_SLICE_NONE : r->encoded,
        .status_before = index_of(before),
        .status_after = leaves ? SAGA_SLICE_NONE : index_of(after),
        .changed_ms = after->changed_ms,
        .history = r->history,
        .history_count = leaves ? 0 : r->history_count,
    };
    timers_missing(before, after, arena, &write.timers_removed, &write.timers_removed_count);
    timers_missing(after, before, arena, &write.timers_added, &write.timers_added_count);
    if (leaves || !before) search_values(after, arena, &write);
    return write;
}

struct saga_state_write saga_lane_write_fresh(struct saga_slice id, const struct saga_state *state,
                                              struct saga_slice bytes, struct saga_arena *arena)
{
    const struct saga_resident resident = { .id = id, .encoded = bytes };
    return write_of(&resident, NULL, state, arena);
}

void saga_lane_writes(struct saga_lane *lane, struct saga_arena *arena,
                      struct saga_state_write **ret, size_t *ret_count)
{
    struct saga_state_write *writes =
        SAGA_NEW_ARRAY(arena, struct saga_state_write, 2 * lane->touched_count);
    size_t count = 0;
    for (struct saga_resident *r = lane->touched; r; r = r->next_touched) {
        const struct saga_state *before = r->clean;
        if (r->departed) {
            writes[count++] = write_of(r, before, r->departed, arena);
            before = NULL;
        }
        if (r->working->status == SAGA_STATUS_NONE) continue;
        if (r->working->forgotten && !before) continue; /* came and went within one batch */
        writes[count++] = write_of(r, before, r->working, arena);
    }
    *ret = writes;
    *ret_count = count;
}

int saga_lane_apply(struct saga_lane *lane, struct saga_store *store, struct saga_slice owner,
                    int64_t applied, int64_t now_ms, const struct saga_state_write *writes,
                    size_t count)
{
    char chain[2 * SAGA_SHA256_BYTES + 1];
    saga_hex(lane->working_chain, sizeof lane->working_chain, chain);
    int64_t expected = saga_lane_applied_in_redis(lane);
    lane->applied = applied;
    lane->built++;
    struct saga_apply apply = { .lane = lane->number,
                                .journal = saga_slice_of(lane->building[0] ? lane->building
                                                                           : lane->journal),
                                .expected = expected,
                                .applied = saga_lane_applied_in_redis(lane),
                                .chain = saga_slice_of(chain),
                                .owner = owner,
                                .now_ms = now_ms,
                                .writes = writes,
                                .write_count = count };
    int error = saga_lane_settle(lane, store); /* at most one is under way */
    if (error == SAGA_OK) error = store->apply(store->self, &apply);
    lane->apply_pending = error == SAGA_OK;
    memcpy(lane->chain, lane->working_chain, sizeof lane->chain);
    return error;
}

/* ---- the end of a batch ---- */

static void end_batch(struct saga_lane *lane, bool committed)
{
    for (struct saga_resident *r = lane->touched, *next; r; r = next) {
        next = r->next_touched;
        struct saga_state *working = r->working;
        saga_state_free(r->departed);
        r->working = r->departed = NULL;
        r->history = NULL;
        r->history_count = r->history_capacity = 0;
        r->encoded = SAGA_SLICE_NONE;
        r->next_touched = NULL;
        bool gone = working->forgotten || working->status == SAGA_STATUS_NONE;
        if ((committed || SAGA_WITHOUT(WORKING_COPIES)) && !gone) {
            set_clean(lane, r, working);
        } else {
            saga_state_free(working);
            if (committed) free_resident(lane, r); /* else what has left would fill the cache */
        }
    }
    lane->touched = NULL;
    lane->touched_end = &lane->touched;
    lane->touched_count = 0;
}

void saga_lane_publish(struct saga_lane *lane, size_t bytes_max)
{
    struct saga_resident *resident, *next;
    end_batch(lane, true);
    HASH_ITER(hh, lane->residents, resident, next)
    {
        if (lane->resident_bytes <= bytes_max) break;
        free_resident(lane, resident);
    }
}

void saga_lane_abandon(struct saga_lane *lane)
{
    end_batch(lane, false);
    if (!SAGA_WITHOUT(TIMERS_AGAIN))
        lane->next_due_ms = 0; /* timers that the batch had taken are still due: ask again */
}
