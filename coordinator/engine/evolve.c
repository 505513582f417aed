/* saga_evolve: what a fact does to a state. One function a group of facts, each mechanical. A fact that cannot
 * follow on the state is refused, so that a journal that was altered is found and not believed. */
#include "base/error.h"
#include "engine/engine_internal.h"

static struct saga_slice keep(struct saga_state *state, struct saga_slice s)
{
    return saga_arena_copy(&state->arena, s);
}

struct saga_slice saga_timer_name(struct saga_arena *arena, const char *kind,
                                  struct saga_slice step)
{
    return saga_arena_printf(arena, "%s/%.*s", kind, SAGA_SLICE_ARG(step));
}

static void arm(struct saga_state *state, struct saga_slice name, int64_t due_ms)
{
    struct saga_timer *timer = saga_state_timer(state, name);
    if (!timer) {
        SAGA_PUSH(&state->arena, state->timers, state->timer_count, state->timer_capacity,
                  (struct saga_timer){ .name = keep(state, name) });
        timer = &state->timers[state->timer_count - 1];
    }
    timer->due_ms = due_ms;
    timer->armed = state->sequence;
    timer->held = false;
}

static void disarm(struct saga_state *state, struct saga_slice name)
{
    struct saga_timer *timer = saga_state_timer(state, name);
    if (!timer) return;
    size_t index = (size_t)(timer - state->timers);
    for (size_t i = index + 1; i < state->timer_count; i++) state->timers[i - 1] = state->timers[i];
    state->timer_count--;
}

static void arm_step(struct saga_state *state, const char *kind, const struct saga_fact *fact)
{
    arm(state, saga_timer_name(&state->arena, kind, fact->step), fact->due_ms);
}

static void disarm_step(struct saga_state *state, const char *kind, struct saga_slice step)
{
    disarm(state, saga_timer_name(&state->arena, kind, step));
}

static int move_to(struct saga_state *state, enum saga_status status)
{
    if (!saga_status_may_become(state->status, status)) return SAGA_E_INVALID;
    state->status = status;
    state->stuck_on = SAGA_STUCK_ON_NOTHING;
    state->stuck_step = state->stuck_message = SAGA_SLICE_NONE;
    state->stuck_forward = false;
    return SAGA_OK;
}

static struct saga_error_value error_of(struct saga_state *state, const struct saga_fact *fact)
{
    return (struct saga_error_value){ keep(state, fact->step), keep(state, fact->type),
                                      keep(state, fact->message) };
}

static int evolve_started(struct saga_state *state, const struct saga_fact *fact)
{
    if (fact->id.size == 0 || fact->run.size == 0 || fact->name.size == 0) return SAGA_E_INVALID;
    if (move_to(state, SAGA_RUNNING) < 0) return SAGA_E_INVALID;
    state->id = keep(state, fact->id);
    state->run = keep(state, fact->run);
    state->key = keep(state, fact->key);
    state->name = keep(state, fact->name);
    state->version = fact->version;
    state->sha256 = keep(state, fact->sha256);
    state->trace = keep(state, fact->text);
    state->input = keep(state, fact->value);
    state->started_ms = state->changed_ms;
    SAGA_PUSH(&state->arena, state->scopes, state->scope_count, state->scope_capacity,
              (struct saga_scope){ 0 });
    if (fact->due_ms) arm(state, SAGA_SLICE(SAGA_TIMER_DEADLINE), fact->due_ms);
    return SAGA_OK;
}

/* ---- forward ---- */

static struct saga_scope *scope_of(struct saga_state *state, uint32_t id)
{
    for (size_t i = 0; i < state->scope_count; i++)
        if (state->scopes[i].id == id) return &state->scopes[i];
    return NULL;
}

static struct saga_step_state *add_step(struct saga_state *state, const struct saga_fact *fact)
{
    SAGA_PUSH(&state->arena, state->steps, state->step_count, state->step_capacity,
              (struct saga_step_state){ .path = keep(state, fact->step),
                                        .scope = fact->scope,
                                        .block = fact->block,
                                        .pivot = fact->pivot });
    return &state->steps[state->step_count - 1];
}

static int evolve_sent(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_step_state *step = saga_state_step(state, fact->step);
    struct saga_scope *scope = scope_of(state, fact->scope);
    if (state->status != SAGA_RUNNING || !scope || fact->step.size == 0) return SAGA_E_INVALID;
    if (fact->attempt != (step ? step->attempt + 1 : 1)) return SAGA_E_INVALID;
    if (step && (step->status == SAGA_STEP_SUCCEEDED || step->status == SAGA_STEP_SKIPPED))
        return SAGA_E_INVALID;
    if (!step) {
        step = add_step(state, fact);
        step->topic = keep(state, fact->topic);
        step->type = keep(state, fact->type);
        step->reply_topic = keep(state, fact->reply_topic);
        step->body = keep(state, fact->value);
    }
    step->status = SAGA_STEP_SENT;
    step->attempt = fact->attempt;
    step->ended_order = 0;
    scope->position = fact->position;
    scope->entered = true;
    arm_step(state, SAGA_TIMER_STEP, fact);
    return SAGA_OK;
}

static bool is_open(const struct saga_step_state *step)
{
    return step->status == SAGA_STEP_SENT || step->status == SAGA_STEP_BACKOFF;
}

/* An unknown step takes a late answer as long as its compensation has not begun. */
static bool may_be_answered(const struct saga_step_state *step)
{
    return is_open(step) ||
           (step->status == SAGA_STEP_UNKNOWN && step->compensation == SAGA_COMPENSATION_NONE);
}

static int evolve_retry(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_step_state *step = saga_state_step(state, fact->step);
    if (!step || !is_open(step)) return SAGA_E_INVALID;
    step->status = SAGA_STEP_BACKOFF;
    if (saga_slice_is(fact->reason, SAGA_REASON_TIMEOUT)) step->unanswered = true;
    arm_step(state, SAGA_TIMER_STEP, fact);
    return SAGA_OK;
}

static void leave_block(struct saga_state *state, const struct saga_step_state *step)
{
    struct saga_scope *scope = scope_of(state, step->scope);
    if (!scope || !scope->entered) return;
    scope->position++;
    scope->entered = false;
}

static int evolve_succeeded(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_step_state *step = saga_state_step(state, fact->step);
    if (!step || !may_be_answered(step)) return SAGA_E_INVALID;
    if (step->pivot && state->status == SAGA_COMPENSATING) return SAGA_E_INVALID;
    step->status = SAGA_STEP_SUCCEEDED;
    step->result = keep(state, fact->value);
    step->body = SAGA_SLICE_NONE;
    if (step->ended_order == 0) step->ended_order = ++state->ended_steps;
    if (step->pivot) state->pivoted = true;
    disarm_step(state, SAGA_TIMER_STEP, fact->step);
    leave_block(state, step);
    return SAGA_OK;
}

static int evolve_not_succeeded(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_step_state *step = saga_state_step(state, fact->step);
    bool failed = fact->kind == SAGA_FACT_STEP_FAILED;
    if (!step || !(failed ? may_be_answered(step) : is_open(step))) return SAGA_E_INVALID;
    step->status = failed ? SAGA_STEP_FAILED : SAGA_STEP_UNKNOWN;
    step->unanswered = !failed;
    step->ended_order = failed ? 0 : ++state->ended_steps;
    disarm_step(state, SAGA_TIMER_STEP, fact->step);
    return SAGA_OK;
}

static int evolve_skipped(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_scope *scope = scope_of(state, fact->scope);
    if (state->status != SAGA_RUNNING || !scope || fact->step.size == 0) return SAGA_E_INVALID;
    struct saga_step_state *step = saga_state_step(state, fact->step);
    if (!step) step = add_step(state, fact);
    if (step->pivot || step->status == SAGA_STEP_SUCCEEDED) return SAGA_E_INVALID;
    step->status = SAGA_STEP_SKIPPED;
    step->body = SAGA_SLICE_NONE;
    step->ended_order = 0;
    scope->position = fact->position + 1;
    scope->entered = false;
    disarm_step(state, SAGA_TIMER_STEP, fact->step);
    return SAGA_OK;
}

/* ---- blocks that are no steps ---- */

static struct saga_scope *scope_at(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_scope *scope = scope_of(state, fact->scope);
    bool there = state->status == SAGA_RUNNING && scope && scope->position == fact->position;
    return there && fact->step.size ? scope : NULL;
}

static int evolve_passed(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_scope *scope = scope_at(state, fact);
    if (!scope) return SAGA_E_INVALID;
    disarm_step(state, SAGA_TIMER_WAIT, fact->step);
    scope->position++;
    scope->entered = false;
    return SAGA_OK;
}

static int evolve_variables(struct saga_state *state, const struct saga_fact *fact)
{
    if (evolve_passed(state, fact) < 0) return SAGA_E_INVALID;
    state->vars = keep(state, fact->value);
    return SAGA_OK;
}

static int evolve_wait(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_scope *scope = scope_at(state, fact);
    if (!scope || scope->entered) return SAGA_E_INVALID;
    scope->entered = true;
    arm_step(state, SAGA_TIMER_WAIT, fact);
    return SAGA_OK;
}

static void end_waits(struct saga_state *state)
{
    size_t count = 0;
    for (size_t i = 0; i < state->timer_count; i++)
        if (!saga_slice_starts_with(state->timers[i].name, SAGA_TIMER_WAIT "/"))
            state->timers[count++] = state->timers[i];
    state->timer_count = count;
}

/* ---- backward ---- */

static int evolve_compensation_started(struct saga_state *state, const struct saga_fact *fact)
{
    if (state->pivoted || move_to(state, SAGA_COMPENSATING) < 0) return SAGA_E_INVALID;
    state->has_error = true;
    state->error = error_of(state, fact);
    state->has_deferred = false;
    state->deferred = (struct saga_error_value){ 0 };
    disarm(state, SAGA_SLICE(SAGA_TIMER_DEADLINE));
    end_waits(state);
    return SAGA_OK;
}

static int evolve_deferred(struct saga_state *state, const struct saga_fact *fact)
{
    state->has_deferred = fact->kind == SAGA_FACT_COMPENSATION_DEFERRED;
    state->deferred = state->has_deferred ? error_of(state, fact) : (struct saga_error_value){ 0 };
    return SAGA_OK;
}

static int evolve_compensation_sent(struct saga_state *state, struct saga_step_state *step,
                                    const struct saga_fact *fact)
{
    if (state->status != SAGA_COMPENSATING) return SAGA_E_INVALID;
    if (fact->attempt != step->compensation_attempt + 1) return SAGA_E_INVALID;
    if (fact->attempt == 1) {
        step->compensation_topic = keep(state, fact->topic);
        step->compensation_type = keep(state, fact->type);
        step->compensation_reply_topic = keep(state, fact->reply_topic);
        step->compensation_body = keep(state, fact->value);
    }
    step->compensation = SAGA_COMPENSATION_SENT;
    step->compensation_attempt = fact->attempt;
    arm_step(state, SAGA_TIMER_COMPENSATION, fact);
    return SAGA_OK;
}

static int end_compensation(struct saga_state *state, struct saga_step_state *step,
                            enum saga_compensation_status status)
{
    step->compensation = status;
    bool may_be_sent_again =
        status == SAGA_COMPENSATION_FAILED || status == SAGA_COMPENSATION_EXHAUSTED;
    if (!may_be_sent_again) step->compensation_body = SAGA_SLICE_NONE;
    disarm_step(state, SAGA_TIMER_COMPENSATION, step->path);
    return SAGA_OK;
}

#define AT(status) (1u << SAGA_COMPENSATION_##status)

/* Which fact of a step's compensation may follow on which status of it. */
static bool compensation_may_follow(const struct saga_step_state *step, enum saga_fact_kind kind)
{
    static const unsigned open = AT(SENT) | AT(BACKOFF), stuck = AT(FAILED) | AT(EXHAUSTED);
    unsigned from = 0;
    if (step->pivot) return false;
    if (step->status != SAGA_STEP_SUCCEEDED && step->status != SAGA_STEP_UNKNOWN) return false;
    switch (kind) {
    case SAGA_FACT_COMPENSATION_SENT: from = AT(NONE) | AT(BACKOFF) | stuck; break;
    case SAGA_FACT_COMPENSATION_RETRY_SCHEDULED:
    case SAGA_FACT_COMPENSATION_EXHAUSTED: from = AT(SENT); break;
    case SAGA_FACT_COMPENSATION_SUCCEEDED: from = open | AT(EXHAUSTED); break;
    case SAGA_FACT_COMPENSATION_FAILED: from = open; break;
    case SAGA_FACT_COMPENSATION_SKIPPED: from = AT(NONE) | stuck; break;
    case SAGA_FACT_COMPENSATION_NOT_NEEDED: from = AT(NONE); break;
    default: break;
    }
    return (from & (1u << step->compensation)) != 0;
}

static int evolve_compensation(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_step_state *step = saga_state_step(state, fact->step);
    if (!step || !compensation_may_follow(step, fact->kind)) return SAGA_E_INVALID;
    switch (fact->kind) {
    case SAGA_FACT_COMPENSATION_SENT: return evolve_compensation_sent(state, step, fact);
    case SAGA_FACT_COMPENSATION_RETRY_SCHEDULED:
        step->compensation = SAGA_COMPENSATION_BACKOFF;
        arm_step(state, SAGA_TIMER_COMPENSATION, fact);
        return SAGA_OK;
    case SAGA_FACT_COMPENSATION_SUCCEEDED:
        return end_compensation(state, step, SAGA_COMPENSATION_DONE);
    case SAGA_FACT_COMPENSATION_FAILED:
        return end_compensation(state, step, SAGA_COMPENSATION_FAILED);
    case SAGA_FACT_COMPENSATION_EXHAUSTED:
        return end_compensation(state, step, SAGA_COMPENSATION_EXHAUSTED);
    case SAGA_FACT_COMPENSATION_SKIPPED:
        return end_compensation(state, step, SAGA_COMPENSATION_SKIPPED);
    case SAGA_FACT_COMPENSATION_NOT_NEEDED:
        return end_compensation(state, step, SAGA_COMPENSATION_NOT_NEEDED);
    default: return SAGA_E_INVALID;
    }
}

/* ---- the saga as a whole ---- */

static int evolve_stuck(struct saga_state *state, const struct saga_fact *fact)
{
    bool forward = state->status == SAGA_RUNNING;
    if (fact->stuck_on == SAGA_STUCK_ON_NOTHING || move_to(state, SAGA_STUCK) < 0)
        return SAGA_E_INVALID;
    state->stuck_forward = forward;
    state->stuck_on = fact->stuck_on;
    state->stuck_step = keep(state, fact->step);
    state->stuck_message = keep(state, fact->message);
    return SAGA_OK;
}

static int evolve_continued(struct saga_state *state, const struct saga_fact *fact)
{
    bool back = fact->status == SAGA_COMPENSATING;
    if (state->status != SAGA_STUCK || (back ? state->pivoted : fact->status != SAGA_RUNNING))
        return SAGA_E_INVALID;
    return move_to(state, fact->status);
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
    if (!saga_state_timer(state, fact->name)) return SAGA_E_INVALID;
    arm(state, fact->name, fact->due_ms);
    return SAGA_OK;
}

static int evolve_ended(struct saga_state *state, const struct saga_fact *fact,
                        enum saga_status status)
{
    if (move_to(state, status) < 0) return SAGA_E_INVALID;
    state->ended_ms = state->changed_ms;
    state->resolved = saga_slice_is(fact->reason, SAGA_REASON_RESOLVED);
    state->paused = false;
    state->has_deferred = false;
    state->timer_count = 0;
    arm(state, SAGA_SLICE(SAGA_TIMER_KEEP), fact->due_ms);
    return SAGA_OK;
}

static int evolve_forgotten(struct saga_state *state)
{
    if (!saga_status_has_ended(state->status)) return SAGA_E_INVALID;
    state->forgotten = true;
    state->timer_count = 0;
    return SAGA_OK;
}

static int evolve_search(struct saga_state *state, const struct saga_fact *fact)
{
    SAGA_PUSH(&state->arena, state->search, state->search_count, state->search_capacity,
              ((struct saga_search_value){ keep(state, fact->name), keep(state, fact->text) }));
    return SAGA_OK;
}

void saga_evolve_begin(struct saga_state *state, int64_t time_ms)
{
    state->sequence++;
    state->changed_ms = time_ms;
}

int saga_evolve(struct saga_state *state, const struct saga_fact *fact)
{
    if (state->forgotten) return SAGA_E_INVALID;
    if (state->status == SAGA_STATUS_NONE && fact->kind != SAGA_FACT_SAGA_STARTED)
        return SAGA_E_INVALID;
    switch (fact->kind) {
    case SAGA_FACT_SAGA_STARTED: return evolve_started(state, fact);
    case SAGA_FACT_SEARCH_VALUE_SET: return evolve_search(state, fact);
    case SAGA_FACT_STEP_SENT: return evolve_sent(state, fact);
    case SAGA_FACT_STEP_RETRY_SCHEDULED: return evolve_retry(state, fact);
    case SAGA_FACT_STEP_SUCCEEDED: return evolve_succeeded(state, fact);
    case SAGA_FACT_STEP_FAILED:
    case SAGA_FACT_STEP_UNKNOWN: return evolve_not_succeeded(state, fact);
    case SAGA_FACT_STEP_SKIPPED: return evolve_skipped(state, fact);
    case SAGA_FACT_COMPENSATION_DEFERRED:
    case SAGA_FACT_COMPENSATION_DROPPED: return evolve_deferred(state, fact);
    case SAGA_FACT_COMPENSATION_STARTED: return evolve_compensation_started(state, fact);
    case SAGA_FACT_COMPENSATION_SENT:
    case SAGA_FACT_COMPENSATION_RETRY_SCHEDULED:
    case SAGA_FACT_COMPENSATION_SUCCEEDED:
    case SAGA_FACT_COMPENSATION_FAILED:
    case SAGA_FACT_COMPENSATION_EXHAUSTED:
    case SAGA_FACT_COMPENSATION_SKIPPED:
    case SAGA_FACT_COMPENSATION_NOT_NEEDED: return evolve_compensation(state, fact);
    case SAGA_FACT_SAGA_STUCK: return evolve_stuck(state, fact);
    case SAGA_FACT_SAGA_CONTINUED: return evolve_continued(state, fact);
    case SAGA_FACT_SAGA_PAUSED: state->paused = true; return SAGA_OK;
    case SAGA_FACT_SAGA_UNPAUSED: state->paused = false; return SAGA_OK;
    case SAGA_FACT_TIMER_HELD: return evolve_held(state, fact);
    case SAGA_FACT_TIMER_ARMED: return evolve_armed(state, fact);
    case SAGA_FACT_DEADLINE_PASSED:
        state->deadline_passed = true;
        disarm(state, SAGA_SLICE(SAGA_TIMER_DEADLINE));
        return SAGA_OK;
    case SAGA_FACT_SAGA_COMPLETED: return evolve_ended(state, fact, SAGA_COMPLETED);
    case SAGA_FACT_SAGA_COMPENSATED: return evolve_ended(state, fact, SAGA_COMPENSATED);
    case SAGA_FACT_SAGA_ABANDONED: return evolve_ended(state, fact, SAGA_ABANDONED);
    case SAGA_FACT_SAGA_FORGOTTEN: return evolve_forgotten(state);
    case SAGA_FACT_EVENT_PUBLISHED: return fact->step.size ? evolve_passed(state, fact) : SAGA_OK;
    case SAGA_FACT_VARIABLES_SET: return evolve_variables(state, fact);
    case SAGA_FACT_WAIT_STARTED: return evolve_wait(state, fact);
    case SAGA_FACT_BLOCK_PASSED: return evolve_passed(state, fact);
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
