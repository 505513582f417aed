/* The forward way: from block to block, attempts and their ends. */
#include "base/error.h"
#include "base/limits.h"
#include "base/mutation.h"
#include "engine/engine_internal.h"

static const int64_t keep_default_ms = 7 * 86400000LL; /* where the definition is not to be had */

void saga_stick(struct saga_decision *d, enum saga_stuck_on on, struct saga_slice step,
                struct saga_slice message)
{
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_SAGA_STUCK,
                                     .stuck_on = on,
                                     .step = step,
                                     .message = saga_slice_clip(message, SAGA_MESSAGE_BYTES_MAX) });
}

int64_t saga_keep_until(const struct saga_decision *d)
{
    return d->event->time_ms + (d->definition ? d->definition->keep_ms : keep_default_ms);
}

bool saga_publish(struct saga_decision *d, const struct saga_publish *publish,
                  struct saga_slice *ret_message)
{
    struct saga_slice body;
    if (!publish->present) return true;
    if (saga_evaluate(d, publish->body, SAGA_SLICE_NONE, &body, ret_message) < 0) return false;
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_EVENT_PUBLISHED,
                                     .topic = publish->topic,
                                     .type = publish->event,
                                     .value = body });
    return true;
}

static void complete(struct saga_decision *d)
{
    struct saga_slice message;
    if (!saga_publish(d, &d->definition->on_completed, &message)) {
        saga_stick(d, SAGA_STUCK_ON_PUBLISH, SAGA_SLICE_NONE, message);
        return;
    }
    saga_emit(d,
              (struct saga_fact){ .kind = SAGA_FACT_SAGA_COMPLETED, .due_ms = saga_keep_until(d) });
}

void saga_body_failed(struct saga_decision *d, struct saga_slice path, struct saga_slice message)
{
    if (d->state->pivoted) {
        saga_stick(d, SAGA_STUCK_ON_BODY, path, message);
        return;
    }
    struct saga_error_value error = { path, SAGA_SLICE("ExpressionFailed"),
                                      saga_slice_clip(message, SAGA_MESSAGE_BYTES_MAX) };
    saga_compensate_begin(d, error);
}

bool saga_is_over_limit(struct saga_decision *d, size_t more, struct saga_slice *ret_message)
{
    size_t bytes = saga_state_bytes(d->state) + more;
    if (bytes <= SAGA_STATE_BYTES_MAX) return false;
    *ret_message = saga_arena_printf(
        d->arena,
        "the saga's state would be %zu bytes, the limit is %d: keep less of the replies (keep:)",
        bytes, SAGA_STATE_BYTES_MAX);
    return true;
}

static void send_step(struct saga_decision *d, const struct saga_block *block,
                      const struct saga_scope *scope)
{
    const struct saga_step *step = &block->step;
    struct saga_slice body, message;
    if (saga_evaluate(d, step->command.body, SAGA_SLICE_NONE, &body, &message) < 0) {
        saga_body_failed(d, step->name, message);
        return;
    }
    if (saga_is_over_limit(d, body.size, &message)) {
        saga_stick(d, SAGA_STUCK_ON_LIMIT, step->name, message);
        return;
    }
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_STEP_SENT,
                                     .step = step->name,
                                     .scope = scope->id,
                                     .block = block->id,
                                     .position = scope->position,
                                     .attempt = 1,
                                     .pivot = step->pivot,
                                     .topic = step->command.participant->commands,
                                     .type = step->command.type,
                                     .reply_topic = step->command.participant->replies,
                                     .value = body,
                                     .due_ms = d->event->time_ms + step->timeout_ms });
}

void saga_advance(struct saga_decision *d)
{
    if (d->state->status != SAGA_RUNNING || d->state->paused) return;
    const struct saga_scope *scope = &d->state->scopes[0];
    const struct saga_block *block;
    if (scope->entered) return;
    do {
        if (scope->position >= d->definition->root.count) {
            complete(d);
            return;
        }
        block = d->definition->root.items[scope->position];
        if (block->kind == SAGA_BLOCK_STEP) {
            send_step(d, block, scope);
            return;
        }
    } while (saga_enter_block(d, block, scope));
}

void saga_send_again(struct saga_decision *d, struct saga_step_state *step)
{
    const struct saga_scope *scope = &d->state->scopes[0];
    saga_emit(
        d, (struct saga_fact){ .kind = SAGA_FACT_STEP_SENT,
                               .step = step->path,
                               .scope = step->scope,
                               .block = step->block,
                               .position = scope->position,
                               .attempt = step->attempt + 1,
                               .pivot = step->pivot,
                               .topic = step->topic,
                               .type = step->type,
                               .reply_topic = step->reply_topic,
                               .due_ms = d->event->time_ms + saga_step_of(d, step)->timeout_ms });
}

static bool may_try_again(struct saga_decision *d, const struct saga_step_state *step,
                          bool timed_out)
{
    const struct saga_step *declared = saga_step_of(d, step);
    const struct saga_retry *retry = &declared->retry;
    if (d->state->status != SAGA_RUNNING) return false;
    /* somebody waits to compensate, and the pivot was surely not done: no use in trying it again */
    if (d->state->has_deferred && !timed_out && !step->unanswered) return false;
    if (d->state->pivoted && !declared->attempts_given)
        return true; /* only forward: until it succeeds */
    return retry->attempts == 0 || step->attempt < retry->attempts;
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
        saga_emit(d, (struct saga_fact){
                         .kind = SAGA_FACT_STEP_UNKNOWN, .step = path, .attempt = attempt });
    } else {
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_STEP_FAILED,
                                         .step = path,
                                         .attempt = attempt,
                                         .type = type,
                                         .message = message });
    }
    saga_step_not_succeeded(d, path, type, message);
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
        saga_emit(d, (struct saga_fact){
                         .kind = SAGA_FACT_SAGA_CONTINUED,
                         .status = d->state->stuck_forward ? SAGA_RUNNING : SAGA_COMPENSATING,
                         .reason = d->event->kind == SAGA_EVENT_OPERATOR
                                       ? SAGA_SLICE(SAGA_REASON_RESOLVED)
                                       : SAGA_SLICE("late-answer"),
                     });
}

/* What a person reads of a step that the saga is stuck on. */
static struct saga_slice stuck_words(struct saga_decision *d, struct saga_slice type,
                                     struct saga_slice message)
{
    if (d->event->kind != SAGA_EVENT_REPLY) return message; /* no answer in time */
    return saga_arena_printf(d->arena, "its service answered %.*s%s%.*s", SAGA_SLICE_ARG(type),
                             message.size ? ": " : "", SAGA_SLICE_ARG(message));
}

void saga_step_not_succeeded(struct saga_decision *d, struct saga_slice path,
                             struct saga_slice type, struct saga_slice message)
{
    const struct saga_step_state *step = saga_state_step(d->state, path);
    bool failed = step->status == SAGA_STEP_FAILED;
    if (is_stuck_on(d->state, path) && !d->state->stuck_forward) {
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_SAGA_CONTINUED,
                                         .status = SAGA_COMPENSATING,
                                         .reason = SAGA_SLICE("late-answer") });
        saga_compensate_next(d); /* its compensation is not needed any more */
    } else if (d->state->status == SAGA_COMPENSATING) {
        saga_compensate_next(d);
    } else if (d->state->pivoted) {
        if (d->state->status == SAGA_RUNNING)
            saga_stick(d, SAGA_STUCK_ON_STEP, path, stuck_words(d, type, message));
    } else if (step->pivot && !failed) {
        saga_stick(d, SAGA_STUCK_ON_PIVOT, path, stuck_words(d, type, message));
    } else if (d->state->has_deferred) {
        saga_compensate_begin(d, d->state->deferred);
    } else {
        saga_compensate_begin(d, (struct saga_error_value){ path, type, message });
    }
}
