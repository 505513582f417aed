/* What the facts of steps do to a state: the forward way, then compensation. A step is what is waited for: a service's
 * reply, an outside event, the end of a child. */
#include "engine/evolve_internal.h"

/* ---- forward ---- */

static struct saga_step_state *add_step(struct saga_state *state, const struct saga_fact *fact,
                                        enum saga_step_kind kind)
{
    SAGA_PUSH(&state->arena, state->steps, state->step_count, state->step_capacity,
              (struct saga_step_state){ .kind = kind,
                                        .path = saga_kept(state, fact->step),
                                        .scope = fact->scope,
                                        .block = fact->block,
                                        .pivot = fact->pivot });
    return &state->steps[state->step_count - 1];
}

/* May an attempt of that kind begin now? NULL: no. `*ret_new`: it is the step's first. */
static struct saga_step_state *begin_attempt(struct saga_state *state, const struct saga_fact *fact,
                                             enum saga_step_kind kind, bool *ret_new)
{
    struct saga_step_state *step = saga_state_step(state, fact->step);
    struct saga_scope *scope = saga_state_scope(state, fact->scope);
    *ret_new = !step;
    if (state->status != SAGA_RUNNING || !scope || scope->ended || scope->loop) return NULL;
    if (fact->step.size == 0 || fact->attempt != (step ? step->attempt + 1 : 1)) return NULL;
    if (step && (step->kind != kind || step->status == SAGA_STEP_SUCCEEDED ||
                 step->status == SAGA_STEP_SKIPPED))
        return NULL;
    if (!step) step = add_step(state, fact, kind);
    if (*ret_new || step->status != SAGA_STEP_BACKOFF) {
        step->first_attempt = fact->attempt;
        step->begun_ms = state->changed_ms;
    }
    step->status = SAGA_STEP_SENT;
    step->attempt = fact->attempt;
    step->sent_ms = state->changed_ms;
    step->answered_ms = 0;
    step->ended_order = 0;
    step->error_type = step->error_message = SAGA_SLICE_NONE;
    scope->position = fact->position;
    scope->entered = true;
    saga_arm_path(state, SAGA_TIMER_STEP, fact);
    return step;
}

static int evolve_sent(struct saga_state *state, const struct saga_fact *fact)
{
    bool first;
    struct saga_step_state *step = begin_attempt(state, fact, SAGA_STEP_COMMAND, &first);
    if (!step) return SAGA_E_INVALID;
    if (!first) return SAGA_OK;
    step->topic = saga_kept(state, fact->topic);
    step->type = saga_kept(state, fact->type);
    step->reply_topic = saga_kept(state, fact->reply_topic);
    step->body = saga_kept(state, fact->value);
    return SAGA_OK;
}

static int evolve_await_opened(struct saga_state *state, const struct saga_fact *fact)
{
    bool first;
    struct saga_step_state *step = begin_attempt(state, fact, SAGA_STEP_AWAIT, &first);
    if (!step || fact->target.size == 0) return SAGA_E_INVALID;
    step->topic = saga_kept(state, fact->topic);
    step->type = saga_kept(state, fact->type);
    step->target = saga_kept(state, fact->target);
    return SAGA_OK;
}

static int evolve_child_started(struct saga_state *state, const struct saga_fact *fact)
{
    bool first;
    struct saga_step_state *step = begin_attempt(state, fact, SAGA_STEP_CHILD, &first);
    if (!step || fact->target.size == 0) return SAGA_E_INVALID;
    step->type = saga_kept(state, fact->name);
    step->target = saga_kept(state, fact->target);
    step->body = saga_kept(state, fact->value);
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
    if (!step || step->kind != SAGA_STEP_COMMAND || !is_open(step)) return SAGA_E_INVALID;
    step->status = SAGA_STEP_BACKOFF;
    if (saga_slice_is(fact->reason, SAGA_REASON_TIMEOUT)) step->unanswered = true;
    saga_arm_path(state, SAGA_TIMER_STEP, fact);
    return SAGA_OK;
}

static int evolve_succeeded(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_step_state *step = saga_state_step(state, fact->step);
    if (!step || !may_be_answered(step)) return SAGA_E_INVALID;
    if (step->pivot && state->status == SAGA_COMPENSATING) return SAGA_E_INVALID;
    step->status = SAGA_STEP_SUCCEEDED;
    step->answered_ms = state->changed_ms;
    step->result = saga_kept(state, fact->value);
    step->body = SAGA_SLICE_NONE;
    if (step->ended_order == 0) step->ended_order = ++state->ended_steps;
    if (step->pivot) state->pivoted = true;
    saga_disarm_path(state, SAGA_TIMER_STEP, fact->step);
    struct saga_scope *scope = saga_state_scope(state, step->scope);
    if (scope && scope->entered) saga_leave_block(scope);
    return SAGA_OK;
}

static int evolve_not_succeeded(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_step_state *step = saga_state_step(state, fact->step);
    bool failed = fact->kind == SAGA_FACT_STEP_FAILED;
    if (!step || !(failed ? may_be_answered(step) : is_open(step))) return SAGA_E_INVALID;
    if (!failed && step->kind != SAGA_STEP_COMMAND) return SAGA_E_INVALID;
    step->status = failed ? SAGA_STEP_FAILED : SAGA_STEP_UNKNOWN;
    step->answered_ms = state->changed_ms;
    step->unanswered = !failed;
    step->ended_order = failed ? 0 : ++state->ended_steps;
    step->error_type = saga_kept(state, fact->type);
    step->error_message = saga_kept(state, fact->message);
    saga_disarm_path(state, SAGA_TIMER_STEP, fact->step);
    return SAGA_OK;
}

/* It is not waited for any more: the saga is compensated, or ends. */
static int evolve_await_closed(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_step_state *step = saga_state_step(state, fact->step);
    if (!step || step->kind != SAGA_STEP_AWAIT || !is_open(step)) return SAGA_E_INVALID;
    step->status = SAGA_STEP_FAILED;
    step->error_type = SAGA_SLICE("Closed");
    saga_disarm_path(state, SAGA_TIMER_STEP, fact->step);
    return SAGA_OK;
}

static int evolve_skipped(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_scope *scope = saga_scope_at(state, fact);
    if (!scope || scope->open > 0) return SAGA_E_INVALID;
    struct saga_step_state *step = saga_state_step(state, fact->step);
    if (!step) step = add_step(state, fact, SAGA_STEP_COMMAND);
    if (step->pivot || step->status == SAGA_STEP_SUCCEEDED) return SAGA_E_INVALID;
    step->status = SAGA_STEP_SKIPPED;
    step->answered_ms = 0; /* an operator's word is no answer */
    step->body = SAGA_SLICE_NONE;
    step->ended_order = 0;
    saga_leave_block(scope);
    saga_disarm_path(state, SAGA_TIMER_STEP, fact->step);
    return SAGA_OK;
}

int saga_evolve_step(struct saga_state *state, const struct saga_fact *fact)
{
    switch (fact->kind) {
    case SAGA_FACT_STEP_SENT: return evolve_sent(state, fact);
    case SAGA_FACT_STEP_RETRY_SCHEDULED: return evolve_retry(state, fact);
    case SAGA_FACT_STEP_SUCCEEDED: return evolve_succeeded(state, fact);
    case SAGA_FACT_STEP_FAILED:
    case SAGA_FACT_STEP_UNKNOWN: return evolve_not_succeeded(state, fact);
    case SAGA_FACT_STEP_SKIPPED: return evolve_skipped(state, fact);
    case SAGA_FACT_AWAIT_OPENED: return evolve_await_opened(state, fact);
    case SAGA_FACT_AWAIT_CLOSED: return evolve_await_closed(state, fact);
    case SAGA_FACT_CHILD_STARTED: return evolve_child_started(state, fact);
    default: return SAGA_E_INVALID;
    }
}

/* ---- backward ---- */

static int evolve_compensation_sent(struct saga_state *state, struct saga_step_state *step,
                                    const struct saga_fact *fact)
{
    if (state->status != SAGA_COMPENSATING) return SAGA_E_INVALID;
    if (fact->attempt != step->compensation_attempt + 1) return SAGA_E_INVALID;
    if (fact->attempt == 1) {
        step->compensation_topic = saga_kept(state, fact->topic);
        step->compensation_type = saga_kept(state, fact->type);
        step->compensation_reply_topic = saga_kept(state, fact->reply_topic);
        step->compensation_body = saga_kept(state, fact->value);
    }
    if (step->compensation != SAGA_COMPENSATION_BACKOFF) {
        step->compensation_first_attempt = fact->attempt;
        step->compensation_begun_ms = state->changed_ms;
    }
    step->compensation_sent_ms = state->changed_ms;
    step->compensation = SAGA_COMPENSATION_SENT;
    step->compensation_attempt = fact->attempt;
    saga_arm_path(state, SAGA_TIMER_COMPENSATION, fact);
    return SAGA_OK;
}

static int end_compensation(struct saga_state *state, struct saga_step_state *step,
                            enum saga_compensation_status status)
{
    step->compensation = status;
    bool may_be_sent_again =
        status == SAGA_COMPENSATION_FAILED || status == SAGA_COMPENSATION_EXHAUSTED;
    if (!may_be_sent_again) step->compensation_body = SAGA_SLICE_NONE;
    saga_disarm_path(state, SAGA_TIMER_COMPENSATION, step->path);
    return SAGA_OK;
}

#define AT(status) (1u << SAGA_COMPENSATION_##status)

/* Which fact of a step's compensation may follow on which status of it. */
static bool compensation_may_follow(const struct saga_step_state *step, enum saga_fact_kind kind)
{
    static const unsigned open = AT(SENT) | AT(BACKOFF), stuck = AT(FAILED) | AT(EXHAUSTED);
    unsigned from = 0;
    if (step->pivot || step->kind == SAGA_STEP_AWAIT) return false;
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

int saga_evolve_compensation(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_step_state *step = saga_state_step(state, fact->step);
    if (!step || !compensation_may_follow(step, fact->kind)) return SAGA_E_INVALID;
    switch (fact->kind) {
    case SAGA_FACT_COMPENSATION_SENT: return evolve_compensation_sent(state, step, fact);
    case SAGA_FACT_COMPENSATION_RETRY_SCHEDULED:
        step->compensation = SAGA_COMPENSATION_BACKOFF;
        saga_arm_path(state, SAGA_TIMER_COMPENSATION, fact);
        return SAGA_OK;
    case SAGA_FACT_COMPENSATION_SUCCEEDED:
        return end_compensation(state, step, SAGA_COMPENSATION_DONE);
    case SAGA_FACT_COMPENSATION_FAILED:
        step->error_message = saga_kept(state, fact->message);
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
