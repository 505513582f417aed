/* saga_evolve: what a fact does to a state. Here: its timers, and the saga as a whole. */
#include <string.h>

#include "base/trace_context.h"
#include "engine/evolve_internal.h"

void saga_arm(struct saga_state *state, struct saga_slice name, int64_t due_ms)
{
    struct saga_timer *timer = saga_state_timer(state, name);
    if (!timer) {
        SAGA_PUSH(&state->arena, state->timers, state->timer_count, state->timer_capacity,
                  (struct saga_timer){ .name = saga_kept(state, name) });
        timer = &state->timers[state->timer_count - 1];
    }
    timer->due_ms = due_ms;
    timer->armed = state->sequence;
    timer->held = false;
}

static void take_away(struct saga_state *state, size_t index)
{
    for (size_t i = index + 1; i < state->timer_count; i++) state->timers[i - 1] = state->timers[i];
    state->timer_count--;
}

void saga_disarm(struct saga_state *state, struct saga_slice name)
{
    struct saga_timer *timer = saga_state_timer(state, name);
    if (timer) take_away(state, (size_t)(timer - state->timers));
}

void saga_arm_path(struct saga_state *state, const char *kind, const struct saga_fact *fact)
{
    if (fact->due_ms)
        saga_arm(state, saga_arena_join(&state->arena, saga_slice_of(kind), '/', fact->step),
                 fact->due_ms);
}

void saga_disarm_path(struct saga_state *state, const char *kind, struct saga_slice path)
{
    size_t size = strlen(kind);
    for (size_t i = 0; i < state->timer_count; i++) {
        struct saga_slice name = state->timers[i].name;
        if (name.size != size + 1 + path.size || memcmp(name.data, kind, size) != 0) continue;
        if (name.data[size] != '/' || !saga_slice_equal(saga_slice_skip(name, size + 1), path))
            continue;
        take_away(state, i);
        return;
    }
}

int saga_move_to(struct saga_state *state, enum saga_status status)
{
    if (!saga_status_may_become(state->status, status)) return SAGA_E_INVALID;
    state->status = status;
    state->stuck_on = SAGA_STUCK_ON_NOTHING;
    state->stuck_step = state->stuck_message = SAGA_SLICE_NONE;
    state->stuck_scope = SAGA_SCOPE_ROOT;
    state->stuck_forward = false;
    return SAGA_OK;
}

static struct saga_error_value error_of(struct saga_state *state, const struct saga_fact *fact)
{
    return (struct saga_error_value){ saga_kept(state, fact->step), saga_kept(state, fact->type),
                                      saga_kept(state, fact->message) };
}

static int evolve_started(struct saga_state *state, const struct saga_fact *fact)
{
    if (fact->id.size == 0 || fact->run.size == 0 || fact->name.size == 0) return SAGA_E_INVALID;
    if (saga_move_to(state, SAGA_RUNNING) < 0) return SAGA_E_INVALID;
    state->id = saga_kept(state, fact->id);
    state->run = saga_kept(state, fact->run);
    state->key = saga_kept(state, fact->key);
    state->name = saga_kept(state, fact->name);
    state->version = fact->version;
    state->sha256 = saga_kept(state, fact->sha256);
    state->trace = saga_kept(state, fact->text);
    state->input = saga_kept(state, fact->value);
    state->parent_id = saga_kept(state, fact->parent_id);
    state->parent_run = saga_kept(state, fact->parent_run);
    state->parent_step = saga_kept(state, fact->parent_step);
    state->started_ms = state->changed_ms;
    SAGA_PUSH(&state->arena, state->scopes, state->scope_count, state->scope_capacity,
              (struct saga_scope){ 0 });
    if (fact->due_ms) saga_arm(state, SAGA_SLICE(SAGA_TIMER_DEADLINE), fact->due_ms);
    return SAGA_OK;
}

static bool is_of_a_block(struct saga_slice timer)
{
    return saga_slice_starts_with(timer, SAGA_TIMER_WAIT "/") ||
           saga_slice_is(timer, SAGA_TIMER_GO_ON);
}

/* What only the forward way waits for. */
static void end_waits(struct saga_state *state)
{
    size_t count = 0;
    for (size_t i = 0; i < state->timer_count; i++)
        if (!is_of_a_block(state->timers[i].name)) state->timers[count++] = state->timers[i];
    state->timer_count = count;
}

static int evolve_compensation_started(struct saga_state *state, const struct saga_fact *fact)
{
    bool again = state->status == SAGA_COMPLETED; /* a child whose parent is compensated */
    if (state->pivoted || (again && state->parent_id.size == 0)) return SAGA_E_INVALID;
    if (saga_move_to(state, SAGA_COMPENSATING) < 0) return SAGA_E_INVALID;
    state->ended_ms = 0;
    saga_disarm(state, SAGA_SLICE(SAGA_TIMER_KEEP));
    state->has_error = true;
    state->error = error_of(state, fact);
    state->has_deferred = false;
    state->deferred = (struct saga_error_value){ 0 };
    saga_disarm(state, SAGA_SLICE(SAGA_TIMER_DEADLINE));
    end_waits(state);
    return SAGA_OK;
}

static int evolve_deferred(struct saga_state *state, const struct saga_fact *fact)
{
    state->has_deferred = fact->kind == SAGA_FACT_COMPENSATION_DEFERRED;
    state->deferred = state->has_deferred ? error_of(state, fact) : (struct saga_error_value){ 0 };
    return SAGA_OK;
}

/* ---- the saga as a whole ---- */

static int evolve_stuck(struct saga_state *state, const struct saga_fact *fact)
{
    bool forward = state->status == SAGA_RUNNING;
    if (fact->stuck_on == SAGA_STUCK_ON_NOTHING || saga_move_to(state, SAGA_STUCK) < 0)
        return SAGA_E_INVALID;
    state->stuck_forward = forward;
    state->stuck_on = fact->stuck_on;
    state->stuck_step = saga_kept(state, fact->step);
    state->stuck_scope = fact->scope;
    state->stuck_message = saga_kept(state, fact->message);
    return SAGA_OK;
}

static int evolve_continued(struct saga_state *state, const struct saga_fact *fact)
{
    bool back = fact->status == SAGA_COMPENSATING;
    if (state->status != SAGA_STUCK || (back ? state->pivoted : fact->status != SAGA_RUNNING))
        return SAGA_E_INVALID;
    return saga_move_to(state, fact->status);
}

static int evolve_held(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_timer *timer = saga_state_timer(state, fact->name);
    if (!timer) return SAGA_E_INVALID;
    timer->held = true;
    return SAGA_OK;
}

static int evolve_armed(struct saga_state *state, const struct saga_fact *fact)
{
    bool there = saga_state_timer(state, fact->name);
    if (!there && state->kind != SAGA_KIND_SCHEDULE) return SAGA_E_INVALID;
    saga_arm(state, fact->name, fact->due_ms);
    return SAGA_OK;
}

static int evolve_ended(struct saga_state *state, const struct saga_fact *fact,
                        enum saga_status status)
{
    if (saga_move_to(state, status) < 0) return SAGA_E_INVALID;
    state->ended_ms = state->changed_ms;
    state->resolved = saga_slice_is(fact->reason, SAGA_REASON_RESOLVED);
    state->paused = false;
    state->has_deferred = false;
    state->timer_count = 0;
    /* a child is kept until its parent lets it go */
    if (fact->due_ms) saga_arm(state, SAGA_SLICE(SAGA_TIMER_KEEP), fact->due_ms);
    return SAGA_OK;
}

static int evolve_released(struct saga_state *state, const struct saga_fact *fact)
{
    if (state->parent_id.size == 0 || state->released) return SAGA_E_INVALID;
    if (saga_status_has_ended(state->status) != (fact->due_ms != 0)) return SAGA_E_INVALID;
    state->released = true;
    if (fact->due_ms) saga_arm(state, SAGA_SLICE(SAGA_TIMER_KEEP), fact->due_ms);
    return SAGA_OK;
}

static int evolve_later(struct saga_state *state, const struct saga_fact *fact)
{
    if (fact->due_ms)
        saga_arm(state, SAGA_SLICE(SAGA_TIMER_GO_ON), fact->due_ms);
    else
        saga_disarm(state, SAGA_SLICE(SAGA_TIMER_GO_ON));
    return SAGA_OK;
}

/* Others who asked for a child of this id are told AlreadyExists by the same note. */
static int evolve_note(struct saga_state *state, const struct saga_fact *fact)
{
    if (fact->note == SAGA_NOTE_CHILD_ENDED && saga_slice_equal(fact->id, state->parent_id) &&
        saga_slice_equal(fact->run, state->parent_run) &&
        saga_slice_equal(fact->step, state->parent_step))
        state->reported = true;
    return SAGA_OK;
}

static int evolve_forgotten(struct saga_state *state)
{
    bool unneeded = state->kind == SAGA_KIND_SAGA ? saga_status_has_ended(state->status)
                                                  : state->waiter_count + state->kept_count == 0;
    if (!unneeded) return SAGA_E_INVALID;
    state->forgotten = true;
    state->timer_count = 0;
    return SAGA_OK;
}

static int evolve_search(struct saga_state *state, const struct saga_fact *fact)
{
    SAGA_PUSH(
        &state->arena, state->search, state->search_count, state->search_capacity,
        ((struct saga_search_value){ saga_kept(state, fact->name), saga_kept(state, fact->text) }));
    return SAGA_OK;
}

/* The trace id stands in SagaStarted too, as it may be the saga's own; what else the start says of its trace changes nothing
 * that is decided. */
static void take_trace_context(struct saga_state *state, struct saga_slice text)
{
    struct saga_trace_context context;
    if (!saga_trace_context_split(text, &context)) return;
    state->trace_parent = saga_kept(state, context.parent);
    state->trace_state = saga_kept(state, context.state);
    state->trace_unsampled = !context.sampled;
}

void saga_evolve_begin(struct saga_state *state, const struct saga_event *cause)
{
    if (state->sequence == 0 && cause->kind == SAGA_EVENT_START)
        take_trace_context(state, cause->traceparent);
    state->sequence++;
    state->changed_ms = cause->time_ms;
}

int saga_evolve(struct saga_state *state, const struct saga_fact *fact)
{
    if (state->forgotten) return SAGA_E_INVALID;
    if (state->status == SAGA_STATUS_NONE && fact->kind != SAGA_FACT_SAGA_STARTED &&
        fact->kind != SAGA_FACT_ENTRY_STARTED)
        return SAGA_E_INVALID;
    switch (fact->kind) {
    case SAGA_FACT_SAGA_STARTED: return evolve_started(state, fact);
    case SAGA_FACT_SEARCH_VALUE_SET: return evolve_search(state, fact);
    case SAGA_FACT_STEP_SENT:
    case SAGA_FACT_STEP_RETRY_SCHEDULED:
    case SAGA_FACT_STEP_SUCCEEDED:
    case SAGA_FACT_STEP_FAILED:
    case SAGA_FACT_STEP_UNKNOWN:
    case SAGA_FACT_STEP_SKIPPED:
    case SAGA_FACT_AWAIT_OPENED:
    case SAGA_FACT_AWAIT_CLOSED:
    case SAGA_FACT_CHILD_STARTED: return saga_evolve_step(state, fact);
    case SAGA_FACT_COMPENSATION_DEFERRED:
    case SAGA_FACT_COMPENSATION_DROPPED: return evolve_deferred(state, fact);
    case SAGA_FACT_COMPENSATION_STARTED: return evolve_compensation_started(state, fact);
    case SAGA_FACT_COMPENSATION_SENT:
    case SAGA_FACT_COMPENSATION_RETRY_SCHEDULED:
    case SAGA_FACT_COMPENSATION_SUCCEEDED:
    case SAGA_FACT_COMPENSATION_FAILED:
    case SAGA_FACT_COMPENSATION_EXHAUSTED:
    case SAGA_FACT_COMPENSATION_SKIPPED:
    case SAGA_FACT_COMPENSATION_NOT_NEEDED: return saga_evolve_compensation(state, fact);
    case SAGA_FACT_SAGA_STUCK: return evolve_stuck(state, fact);
    case SAGA_FACT_SAGA_CONTINUED: return evolve_continued(state, fact);
    case SAGA_FACT_SAGA_PAUSED: state->paused = true; return SAGA_OK;
    case SAGA_FACT_SAGA_UNPAUSED: state->paused = false; return SAGA_OK;
    case SAGA_FACT_TIMER_HELD: return evolve_held(state, fact);
    case SAGA_FACT_TIMER_ARMED: return evolve_armed(state, fact);
    case SAGA_FACT_DEADLINE_PASSED:
        state->deadline_passed = true;
        saga_disarm(state, SAGA_SLICE(SAGA_TIMER_DEADLINE));
        return SAGA_OK;
    case SAGA_FACT_SAGA_COMPLETED: return evolve_ended(state, fact, SAGA_COMPLETED);
    case SAGA_FACT_SAGA_COMPENSATED: return evolve_ended(state, fact, SAGA_COMPENSATED);
    case SAGA_FACT_SAGA_ABANDONED: return evolve_ended(state, fact, SAGA_ABANDONED);
    case SAGA_FACT_SAGA_FORGOTTEN: return evolve_forgotten(state);
    case SAGA_FACT_EVENT_PUBLISHED:
        return fact->step.size ? saga_evolve_block(state, fact) : SAGA_OK; /* at the saga's end */
    case SAGA_FACT_VARIABLES_SET:
    case SAGA_FACT_WAIT_STARTED:
    case SAGA_FACT_BLOCK_PASSED:
    case SAGA_FACT_BRANCH_STARTED:
    case SAGA_FACT_LOOP_STARTED:
    case SAGA_FACT_BRANCH_ENDED: return saga_evolve_block(state, fact);
    case SAGA_FACT_GOES_ON_LATER: return evolve_later(state, fact);
    case SAGA_FACT_NOTE_SENT: return evolve_note(state, fact);
    case SAGA_FACT_CHILD_RELEASED: return evolve_released(state, fact);
    case SAGA_FACT_ENTRY_STARTED:
    case SAGA_FACT_WAITER_ADDED:
    case SAGA_FACT_WAITER_REMOVED:
    case SAGA_FACT_EVENT_KEPT:
    case SAGA_FACT_EVENT_OFFERED:
    case SAGA_FACT_EVENT_TAKEN:
    case SAGA_FACT_EVENT_RETURNED:
    case SAGA_FACT_EVENT_DROPPED:
    case SAGA_FACT_SCHEDULE_SET:
    case SAGA_FACT_SCHEDULE_TICKED:
    case SAGA_FACT_SCHEDULE_ENDED: return saga_evolve_entry(state, fact);
    case SAGA_FACT_NOTE_IGNORED:
    case SAGA_FACT_START_IGNORED:
    case SAGA_FACT_REPLY_IGNORED:
    case SAGA_FACT_TIMER_IGNORED:
    case SAGA_FACT_OPERATOR_REFUSED:
    case SAGA_FACT_OPERATOR_IGNORED: return SAGA_OK;
    case SAGA_FACT_LANE_OPENED:
    case SAGA_FACT_KIND_COUNT: return SAGA_E_INVALID;
    }
    return SAGA_E_INVALID;
}
