#include "runtime/lane.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/mutation.h"

/* Sagas that are read at once; the bytes of them that are aimed at. */
enum { PORTION_MIN = 16, PORTION_MAX = 500, PORTION_BYTES = 8 * 1024 * 1024 };

static void none_touched(struct saga_lane *lane)
{
    lane->touched = NULL;
    lane->touched_end = &lane->touched;
}

void saga_lane_init(struct saga_lane *lane, uint32_t number)
{
    *lane = (struct saga_lane){ .number = number, .next_due_ms = 0 };
    saga_arena_init(&lane->unstored_arena);
    none_touched(lane);
    saga_lane_none_unstored(lane);
}

static void free_resident(struct saga_lane *lane, struct saga_resident *resident)
{
    HASH_DEL(lane->residents, resident);
    lane->resident_bytes -= resident->bytes;
    saga_state_free(resident->clean);
    saga_state_free(resident->working);
    saga_state_free(resident->departed);
    saga_state_free(resident->stored);
    saga_state_free(resident->left);
    free((char *)resident->id.data);
    free(resident);
}

void saga_lane_drop(struct saga_lane *lane, struct saga_resident *resident)
{
    SAGA_ASSERT(!resident->is_unstored && !resident->working);
    free_resident(lane, resident);
}

static void free_passed(struct saga_lane *lane)
{
    while (lane->passed_count) saga_state_free(lane->passed[--lane->passed_count]);
    free(lane->passed);
    lane->passed = NULL;
    lane->passed_capacity = 0;
}

void saga_lane_clear(struct saga_lane *lane)
{
    struct saga_resident *resident, *next;
    HASH_ITER(hh, lane->residents, resident, next) free_resident(lane, resident);
    free_passed(lane);
    none_touched(lane);
    saga_lane_none_unstored(lane);
    saga_arena_free(&lane->unstored_arena);
    lane->log_found = false;
}

int64_t saga_lane_applied_in_redis(const struct saga_lane *lane)
{
    return lane->building[0] ? -2 - lane->built : lane->applied;
}

static struct saga_resident *look_up(struct saga_lane *lane, struct saga_slice id, unsigned hash)
{
    struct saga_resident *resident;
    HASH_FIND_BYHASHVALUE(hh, lane->residents, id.data, id.size, hash, resident);
    return resident;
}

static unsigned hash_of(struct saga_slice id)
{
    unsigned hash;
    HASH_VALUE(id.data, id.size, hash);
    return hash;
}

static bool is_at_hand(struct saga_lane *lane, struct saga_slice id)
{
    return look_up(lane, id, hash_of(id)) != NULL;
}

static struct saga_resident *resident_new(struct saga_slice id)
{
    struct saga_resident *resident = saga_memory_zeroed(1, sizeof *resident);
    char *copy = saga_memory_take(id.size + 1);
    memcpy(copy, id.data, id.size);
    copy[id.size] = '\0';
    resident->id = (struct saga_slice){ copy, id.size };
    return resident;
}

struct saga_resident *saga_lane_find(struct saga_lane *lane, struct saga_slice id)
{
    unsigned hash = hash_of(id);
    struct saga_resident *resident = look_up(lane, id, hash);
    if (resident && resident->working) return resident; /* this batch used it already */
    if (resident) /* to the end: uthash keeps the order of insertion, which makes it the order of use */
        HASH_DEL(lane->residents, resident);
    else
        resident = resident_new(id);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, lane->residents, resident->id.data, resident->id.size, hash,
                                resident);
    return resident;
}

static void set_clean(struct saga_lane *lane, struct saga_resident *resident,
                      struct saga_state *state)
{
    saga_state_free(resident->clean);
    resident->clean = state;
    lane->resident_bytes -= resident->bytes;
    resident->bytes = sizeof *resident + resident->id.size;
    if (state) resident->bytes += saga_arena_capacity(&state->arena);
    lane->resident_bytes += resident->bytes;
}

/* How many are read at once: about as many as come to some MiB if they are as large as the last ones. */
static size_t portion_of(const struct saga_lane *lane, size_t count)
{
    size_t portion = lane->mean_bytes ? PORTION_BYTES / lane->mean_bytes : PORTION_MAX;
    if (portion > PORTION_MAX) portion = PORTION_MAX;
    if (portion < PORTION_MIN) portion = PORTION_MIN;
    return portion < count ? portion : count;
}

/* Gives the bytes of what was read. */
static int load_portion(struct saga_lane *lane, struct saga_store *store, struct saga_codec *codec,
                        const struct saga_slice *ids, size_t count, struct saga_arena *arena,
                        size_t *ret_bytes, struct saga_diagnostic *diagnostic)
{
    struct saga_slice *states = SAGA_NEW_ARRAY(arena, struct saga_slice, count);
    size_t found = 0;
    int error = store->states_read(store->self, lane->number, saga_lane_applied_in_redis(lane), ids,
                                   count, arena, states);
    if (error < 0) {
        saga_diagnostic_set(diagnostic, arena, "%s", store->problem(store->self));
        return error;
    }
    *ret_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_at_hand(lane, ids[i])) continue; /* named twice */
        struct saga_state *state = NULL;
        if (states[i].data) error = saga_state_decode(codec, states[i], arena, &state, diagnostic);
        if (error < 0) return error;
        struct saga_resident *resident = saga_lane_find(lane, ids[i]);
        resident->foreign = state != NULL;
        set_clean(lane, resident, state);
        if (!state) continue;
        *ret_bytes += resident->bytes;
        found++;
    }
    if (found) lane->mean_bytes = *ret_bytes / found;
    return SAGA_OK;
}

int saga_lane_load(struct saga_lane *lane, struct saga_store *store, struct saga_codec *codec,
                   const struct saga_slice *ids, size_t count, size_t *room,
                   struct saga_arena *arena, struct saga_diagnostic *diagnostic)
{
    struct saga_slice *missing = SAGA_NEW_ARRAY(arena, struct saga_slice, count);
    size_t missing_count = 0, bytes;
    for (size_t i = 0; i < count; i++)
        if (!is_at_hand(lane, ids[i])) missing[missing_count++] = ids[i];
    for (size_t from = 0, portion; from < missing_count; from += portion) {
        if (room && *room == 0) {
            saga_diagnostic_set(diagnostic, arena, "the states are too many bytes together");
            return SAGA_E_LIMIT;
        }
        portion = portion_of(lane, missing_count - from);
        int error =
            load_portion(lane, store, codec, missing + from, portion, arena, &bytes, diagnostic);
        if (error < 0) return error;
        if (room) *room -= bytes < *room ? bytes : *room;
    }
    return SAGA_OK;
}

/* What the batch is to send consists of pieces of the states that it was decided on: they stay as long as the batch. */
static void keep_passed(struct saga_lane *lane, struct saga_state *run)
{
    if (lane->passed_count == lane->passed_capacity) {
        lane->passed_capacity = lane->passed_capacity ? 2 * lane->passed_capacity : 4;
        lane->passed =
            saga_memory_grow(lane->passed, lane->passed_capacity * sizeof(struct saga_state *));
    }
    lane->passed[lane->passed_count++] = run;
}

struct saga_state *saga_lane_work_on(struct saga_lane *lane, struct saga_resident *resident)
{
    if (!resident->working) {
        resident->working = resident->clean ? saga_state_clone(resident->clean) : saga_state_new();
        resident->next_touched = NULL;
        *lane->touched_end = resident;
        lane->touched_end = &resident->next_touched;
    } else if (resident->working->forgotten) {
        if (resident->departed)
            keep_passed(lane, resident->working);
        else
            resident->departed = resident->working;
        resident->working = saga_state_new();
        resident->history_count = 0; /* the history of the run that left goes with it */
    }
    return resident->working;
}

void saga_lane_put(struct saga_lane *lane, struct saga_resident *resident, struct saga_state *state)
{
    if (!state && !resident->clean) return; /* neither there nor to come */
    saga_lane_work_on(lane, resident);
    if (state) {
        saga_state_free(resident->working);
        resident->working = state;
        resident->foreign = true;
    } else {
        resident->working->forgotten = true;
        resident->working->timer_count = 0; /* as when it is forgotten in the ordinary way */
    }
}

void saga_lane_note_history(struct saga_resident *resident, struct saga_arena *arena,
                            int64_t offset)
{
    SAGA_PUSH(arena, resident->history, resident->history_count, resident->history_capacity,
              offset);
}

void saga_lane_note_operation(struct saga_lane *lane, int64_t offset, int64_t time_ms,
                              struct saga_slice entry)
{
    struct saga_operation_write operation = { offset, time_ms,
                                              saga_arena_copy(&lane->unstored_arena, entry) };
    SAGA_PUSH(&lane->unstored_arena, lane->operations, lane->operation_count,
              lane->operation_capacity, operation);
}

void saga_lane_take_log(struct saga_lane *lane, const struct saga_lane_log *log)
{
    for (size_t i = 0; i < log->count; i++)
        saga_lane_note_operation(lane, log->operations[i].offset, log->operations[i].time_ms,
                                 log->operations[i].entry);
    lane->log_found = true;
    lane->log_from = log->from;
    lane->log_from_ms = log->from_ms;
}

int saga_lane_check(struct saga_lane *lane, struct saga_resident **ret_culprit)
{
    for (struct saga_resident *r = lane->touched; r; r = r->next_touched) {
        if (saga_state_bytes(r->working) <= SAGA_STATE_CHECKED_MAX) continue;
        *ret_culprit = r;
        return SAGA_E_LIMIT;
    }
    return SAGA_OK;
}

/* ---- the end of a batch ---- */

/* A run is over. Redis is told so if it has that run; one that began after it was told last is nothing to it. */
static void leave(struct saga_resident *r, struct saga_state *run)
{
    r->unstored_history_count = 0;
    if (r->stored && !r->left)
        r->left = run;
    else
        saga_state_free(run);
}

static void enlist(struct saga_lane *lane, struct saga_resident *r)
{
    if (r->is_unstored) return;
    r->is_unstored = true;
    r->stored = r->clean;
    r->clean = NULL;
    r->next_unstored = NULL;
    *lane->unstored_end = r;
    lane->unstored_end = &r->next_unstored;
    lane->unstored_count++;
}

static void note_due(struct saga_lane *lane, const struct saga_state *state)
{
    for (size_t i = 0; i < state->timer_count; i++)
        if (!state->timers[i].held && state->timers[i].due_ms < lane->unstored_due_ms)
            lane->unstored_due_ms = state->timers[i].due_ms;
}

static void publish_one(struct saga_lane *lane, struct saga_resident *r)
{
    struct saga_state *working = r->working;
    enlist(lane, r);
    if (r->departed) leave(r, r->departed);
    if (working->status == SAGA_STATUS_NONE || working->forgotten) {
        set_clean(lane, r, NULL);
        if (working->forgotten)
            leave(r, working);
        else
            saga_state_free(working); /* it never began */
        return;
    }
    set_clean(lane, r, working);
    note_due(lane, working);
    for (size_t i = 0; i < r->history_count; i++)
        SAGA_PUSH(&lane->unstored_arena, r->unstored_history, r->unstored_history_count,
                  r->unstored_history_capacity, r->history[i]);
}

static void end_batch(struct saga_lane *lane, bool committed)
{
    for (struct saga_resident *r = lane->touched, *next; r; r = next) {
        next = r->next_touched;
        if (committed || SAGA_WITHOUT(WORKING_COPIES)) {
            size_t counted = r->is_unstored ? r->bytes : 0;
            publish_one(lane, r);
            lane->unstored_bytes += r->bytes - counted;
        } else {
            saga_state_free(r->working);
            saga_state_free(r->departed);
        }
        r->working = r->departed = NULL;
        r->history = NULL;
        r->history_count = r->history_capacity = 0;
        r->next_touched = NULL;
    }
    free_passed(lane);
    none_touched(lane);
}

void saga_lane_publish(struct saga_lane *lane, int64_t monotonic_ms)
{
    if (!lane->unstored) lane->unstored_since_ms = monotonic_ms;
    end_batch(lane, true);
    memcpy(lane->chain, lane->working_chain, sizeof lane->chain);
}

void saga_lane_cut(struct saga_lane *lane, size_t bytes_max)
{
    struct saga_resident *resident, *next;
    HASH_ITER(hh, lane->residents, resident, next)
    {
        if (lane->resident_bytes <= bytes_max) break;
        if (!resident->is_unstored) saga_lane_drop(lane, resident);
    }
}

void saga_lane_abandon(struct saga_lane *lane)
{
    end_batch(lane, false);
    if (!SAGA_WITHOUT(TIMERS_AGAIN))
        lane->next_due_ms = 0; /* timers that the batch had taken are still due: ask again */
}
