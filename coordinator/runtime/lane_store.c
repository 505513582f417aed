/* What Redis is still to be told of a lane. Under load the changes of several batches are told together: a saga that moves
 * on more than once meanwhile is written once, and a timer that came and went not at all. Redis is behind the journal
 * then, as it is after a crash, and `applied` says where it stands (R8, R9): what it lacks is at hand. */
#include <string.h>

#include "base/error.h"
#include "runtime/lane.h"
#include "runtime/tallying.h"

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

/* `bytes`: of `after`, unless it leaves. */
static struct saga_state_write write_of(struct saga_slice id, const struct saga_state *before,
                                        const struct saga_state *after, struct saga_slice bytes,
                                        struct saga_arena *arena)
{
    struct saga_state_write write = {
        .saga_id = id,
        .name = after->name,
        .version = after->version,
        .state = after->forgotten ? SAGA_SLICE_NONE : bytes,
        .status_before = index_of(before),
        .status_after = after->forgotten ? SAGA_SLICE_NONE : index_of(after),
        .changed_ms = after->changed_ms,
    };
    timers_missing(before, after, arena, &write.timers_removed, &write.timers_removed_count);
    timers_missing(after, before, arena, &write.timers_added, &write.timers_added_count);
    if (after->forgotten || !before) search_values(after, arena, &write);
    return write;
}

/* `stored`: what Redis has of the run, if anything; its own version names what it is taken out of, for the run behind it may
 * be of another. */
static struct saga_state_write leaving(struct saga_slice id, const struct saga_state *stored,
                                       const struct saga_state *left, struct saga_arena *arena)
{
    const struct saga_state *known = stored ? stored : left;
    struct saga_state_write write = { .saga_id = id,
                                      .name = known->name,
                                      .version = known->version,
                                      .status_before = index_of(stored),
                                      .changed_ms = left->changed_ms };
    timers_missing(stored, NULL, arena, &write.timers_removed, &write.timers_removed_count);
    search_values(known, arena, &write);
    return write;
}

/* The run that makes room for what is there now; NULL: none does. A lane that is built from a snapshot may have an earlier
 * run of the saga from a piece before. */
static const struct saga_state *leaving_run(const struct saga_resident *r)
{
    bool replaced = r->stored && r->clean && !saga_slice_equal(r->stored->run, r->clean->run);
    return r->left ? r->left : replaced ? r->stored : NULL;
}

struct saga_state_write saga_lane_write_fresh(struct saga_slice id, const struct saga_state *state,
                                              struct saga_slice bytes, struct saga_arena *arena,
                                              struct saga_tally *tally)
{
    saga_tally_change(tally, NULL, state);
    return write_of(id, NULL, state, bytes, arena);
}

int saga_lane_writes(struct saga_lane *lane, struct saga_codec *codec, struct saga_arena *arena,
                     struct saga_tally *tally, struct saga_state_write **ret, size_t *ret_count)
{
    struct saga_state_write *writes =
        SAGA_NEW_ARRAY(arena, struct saga_state_write, 2 * lane->unstored_count);
    size_t count = 0;
    for (struct saga_resident *r = lane->unstored; r; r = r->next_unstored) {
        const struct saga_state *before = r->stored;
        struct saga_slice bytes;
        saga_tally_change(tally, before, r->clean);
        const struct saga_state *left = leaving_run(r);
        if (left) {
            writes[count++] = leaving(r->id, before, left, arena);
            before = NULL;
        }
        if (!r->clean) continue;
        int error = saga_state_encode(codec, r->clean, arena, &bytes);
        if (error < 0) return error;
        writes[count] = write_of(r->id, before, r->clean, bytes, arena);
        writes[count].history = r->unstored_history;
        writes[count].history_count = r->unstored_history_count;
        count++;
    }
    *ret = writes;
    *ret_count = count;
    return SAGA_OK;
}

/* ---- telling it ---- */

int saga_lane_settle(struct saga_lane *lane, struct saga_store *store)
{
    if (!lane->apply_pending) return SAGA_OK;
    lane->apply_pending = false;
    return store->apply_wait(store->self, lane->number, &lane->next_due_ms);
}

int saga_lane_apply(struct saga_lane *lane, struct saga_store *store, struct saga_slice owner,
                    int64_t now_ms, const struct saga_state_write *writes, size_t count,
                    const struct saga_tally *tally)
{
    char chain[2 * SAGA_SHA256_BYTES + 1];
    saga_hex(lane->chain, sizeof lane->chain, chain);
    int64_t expected = saga_lane_applied_in_redis(lane), from = lane->applied;
    lane->applied = lane->position;
    if (lane->unstored_due_ms < lane->next_due_ms) lane->next_due_ms = lane->unstored_due_ms;
    memcpy(lane->applied_chain, lane->chain, sizeof lane->applied_chain);
    lane->built++;
    struct saga_apply apply = {
        .lane = lane->number,
        .journal = saga_slice_of(lane->building[0] ? lane->building : lane->journal),
        .expected = expected,
        .applied = saga_lane_applied_in_redis(lane),
        .chain = saga_slice_of(chain),
        .owner = owner,
        .now_ms = now_ms,
        .writes = writes,
        .write_count = count,
        .operations = lane->operations,
        .operation_count = lane->operation_count,
        .log_is_known = lane->log_found,
        .log_from = lane->log_found ? lane->log_from : from,
        .log_from_ms = lane->log_found ? lane->log_from_ms : lane->time_ms
    };
    lane->log_found = false;
    if (tally) apply.sums = saga_tally_sums(tally, &apply.sum_count);
    int error = saga_lane_settle(lane, store); /* at most one is under way */
    if (error == SAGA_OK) error = store->apply(store->self, &apply);
    lane->apply_pending = error == SAGA_OK;
    return error;
}

void saga_lane_none_unstored(struct saga_lane *lane)
{
    lane->unstored = NULL;
    lane->unstored_end = &lane->unstored;
    lane->unstored_count = lane->unstored_bytes = 0;
    lane->unstored_due_ms = SAGA_TIMER_NEVER;
    lane->operations = NULL;
    lane->operation_count = lane->operation_capacity = 0;
    saga_arena_reset(&lane->unstored_arena);
}

void saga_lane_stored(struct saga_lane *lane)
{
    for (struct saga_resident *r = lane->unstored, *next; r; r = next) {
        next = r->next_unstored;
        saga_state_free(r->stored);
        saga_state_free(r->left);
        r->stored = r->left = NULL;
        r->unstored_history = NULL;
        r->unstored_history_count = r->unstored_history_capacity = 0;
        r->is_unstored = false;
        if (!r->clean) saga_lane_drop(lane, r); /* else what has left would fill the cache */
    }
    saga_lane_none_unstored(lane);
}
