/* A step's attempts and their ends, on the forward way. */
#include "base/error.h"
#include "base/mutation.h"
#include "engine/body.h"

static uint32_t position_of(const struct saga_decision *d, const struct saga_step_state *step)
{
    const struct saga_scope *scope = saga_state_scope(d->state, step->scope);
    SAGA_ASSERT(scope);
    return scope->position;
}

void saga_send_again(struct saga_decision *d, struct saga_step_state *step)
{
    enum saga_body_format format = saga_step_of(d, step)->command.participant->format;
    struct saga_slice encoded, message;
    if (saga_body_again(d, format, step->type, step->body, &encoded, &message) < 0) {
        saga_step_cannot_be_sent(d, step, message);
        return;
    }
    saga_emit(
        d, (struct saga_fact){ .kind = SAGA_FACT_STEP_SENT,
                               .step = step->path,
                               .scope = step->scope,
                               .block = step->block,
                               .position = position_of(d, step),
                               .attempt = step->attempt + 1,
                               .pivot = step->pivot,
                               .topic = step->topic,
                               .type = step->type,
                               .reply_topic = step->reply_topic,
                               .encoded = encoded,
                               .due_ms = d->event->time_ms + saga_step_of(d, step)->timeout_ms });
}

void saga_try_again(struct saga_decision *d, struct saga_step_state *step)
{
    const struct saga_block *block = d->definition->blocks[step->block];
    const struct saga_scope scope = *saga_state_scope(d->state, step->scope);
    if (step->kind == SAGA_STEP_COMMAND)
        saga_send_again(d, step);
    else if (step->kind == SAGA_STEP_AWAIT)
        saga_await_open(d, block, &scope, step->attempt + 1);
    else
        saga_child_start(d, block, &scope, step->attempt + 1);
}

uint32_t saga_attempts_of(const struct saga_decision *d, const struct saga_step *declared)
{
    bool only_forward = d->state->pivoted && !declared->attempts_given; /* until it succeeds */
    return only_forward ? 0 : declared->retry.attempts;
}

static bool may_try_again(struct saga_decision *d, const struct saga_step_state *step,
                          bool timed_out)
{
    const struct saga_step *declared = saga_step_of(d, step);
    /* stuck on another step: this one waits with the saga, and goes on with it */
    bool forward = d->state->status == SAGA_RUNNING || d->state->stuck_forward;
    if (!forward) return false;
    /* somebody waits to compensate, and the pivot was surely not done: no use in trying it again */
    if (d->state->has_deferred && !timed_out && !step->unanswered) return false;
    uint32_t all = saga_attempts_of(d, declared);
    return all == 0 || step->attempt < all;
}

void saga_attempt_failed(struct saga_decision *d, struct saga_step_state *step, bool timed_out,
                         struct saga_slice type, struct saga_slice message)
{
    struct saga_slice path = step->path;
    uint32_t attempt = step->attempt;
    if (may_try_again(d, step, timed_out)) {
        struct saga_slice next = saga_command_id(d->arena, d->state, path, false, attempt + 1);
        int64_t wait_ms = saga_backoff_ms(&saga_step_of(d, step)->retry, attempt + 1, next);
        saga_emit(d, (struct saga_fact){
                         .kind = SAGA_FACT_STEP_RETRY_SCHEDULED,
                         .step = path,
                         .attempt = attempt,
                         .reason = timed_out ? SAGA_SLICE(SAGA_REASON_TIMEOUT) : type,
                         .message = message,
                         .due_ms = d->event->time_ms + wait_ms,
                     });
        return;
    }
    if ((timed_out || saga_step_may_be_done(step)) && !SAGA_WITHOUT(UNKNOWN)) { /* R18 */
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_STEP_UNKNOWN,
                                         .step = path,
                                         .attempt = attempt,
                                         .type = type,
                                         .message = message });
    } else {
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_STEP_FAILED,
                                         .step = path,
                                         .attempt = attempt,
                                         .type = type,
                                         .message = message });
    }
    saga_step_not_succeeded(d, path);
}

static bool is_stuck_on(const struct saga_state *state, struct saga_slice path)
{
    return state->status == SAGA_STUCK && saga_slice_equal(state->stuck_step, path);
}

void saga_step_succeeded(struct saga_decision *d, struct saga_slice path)
{
    const struct saga_step_state *step = saga_state_step(d->state, path);
    if (step->pivot && d->state->has_deferred)
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_COMPENSATION_DROPPED });
    if (is_stuck_on(d->state, path))
        saga_go_on(d, d->state->stuck_forward ? SAGA_RUNNING : SAGA_COMPENSATING,
                   d->event->kind == SAGA_EVENT_OPERATOR ? SAGA_REASON_RESOLVED : "late-answer");
}

/* What a person reads of a step that the saga is stuck on. */
static struct saga_slice stuck_words(struct saga_decision *d, const struct saga_step_state *step)
{
    struct saga_slice message = step->error_message;
    bool answered = step->kind == SAGA_STEP_COMMAND && !saga_slice_is(step->error_type, "Timeout");
    if (!answered) return message;
    return saga_arena_printf(d->arena, "its service answered %.*s%s%.*s",
                             SAGA_SLICE_ARG(step->error_type), message.size ? ": " : "",
                             SAGA_SLICE_ARG(message));
}

/* The list of blocks that is for this failure; branch_count: none. */
static size_t branch_for(const struct saga_block *block, const struct saga_step_state *step)
{
    if (step->status != SAGA_STEP_FAILED) return block->branch_count;
    if (block->kind != SAGA_BLOCK_AWAIT) return saga_block_catch(block, step->error_type);
    bool waited = !saga_slice_is(step->error_type, SAGA_ERROR_TOO_MANY_WAIT);
    return waited ? 0 : block->branch_count; /* on-timeout, if it is a list */
}

void saga_step_settled(struct saga_decision *d, const struct saga_step_state *step)
{
    const struct saga_block *block = d->definition->blocks[step->block];
    const struct saga_scope scope = *saga_state_scope(d->state, step->scope);
    size_t branch = branch_for(block, step);
    bool unknown_pivot = step->pivot && step->status == SAGA_STEP_UNKNOWN;
    if (branch < block->branch_count)
        saga_start_catch(d, block, &scope, branch);
    else if (unknown_pivot || d->state->pivoted)
        saga_stick(d, unknown_pivot ? SAGA_STUCK_ON_PIVOT : SAGA_STUCK_ON_STEP, scope.id,
                   step->path, stuck_words(d, step));
    else
        saga_compensate_begin(
            d, (struct saga_error_value){ step->path, step->error_type, step->error_message });
}

/* The saga hangs on this step, and now it is known that it failed. */
static void stuck_step_failed(struct saga_decision *d, const struct saga_step_state *step)
{
    const struct saga_block *block = d->definition->blocks[step->block];
    if (!d->state->stuck_forward) {
        saga_go_on(d, SAGA_COMPENSATING, "late-answer");
        saga_compensate_next(d); /* its compensation is not needed any more */
    } else if (!d->state->pivoted && d->state->has_deferred) {
        saga_compensate_begin(d, d->state->deferred); /* whatever its catch would do */
    } else if (branch_for(block, step) < block->branch_count) {
        saga_go_on(d, SAGA_RUNNING, "late-answer");
        saga_proceed(d);
    } else if (!d->state->pivoted) {
        saga_compensate_begin(
            d, (struct saga_error_value){ step->path, step->error_type, step->error_message });
    }
}

void saga_step_not_succeeded(struct saga_decision *d, struct saga_slice path)
{
    const struct saga_step_state *step = saga_state_step(d->state, path);
    if (is_stuck_on(d->state, path)) {
        if (step->status == SAGA_STEP_FAILED) stuck_step_failed(d, step);
    } else if (d->state->status == SAGA_COMPENSATING) {
        saga_compensate_next(d);
    } else if (d->state->status != SAGA_RUNNING) {
        return; /* it is looked at when the saga goes on */
    } else if (!d->state->has_deferred) {
        saga_step_settled(d, step);
        saga_proceed(d);
    } else if (step->pivot && step->status == SAGA_STEP_FAILED) {
        saga_compensate_begin(d, d->state->deferred);
    } else if (step->pivot) {
        saga_step_settled(d, step);
    }
}
