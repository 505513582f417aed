/* The way back: which step is compensated when, in the reverse order of completion (language.md, Compensation). */
#include "base/error.h"
#include "engine/engine_internal.h"

/* A pivot that waits between two attempts, all of them answered Unavailable, is not in flight: it was not done. */
static bool pivot_is_in_flight(const struct saga_state *state)
{
    for (size_t i = 0; i < state->step_count; i++) {
        const struct saga_step_state *step = &state->steps[i];
        bool may_be_done =
            step->status == SAGA_STEP_SENT || (saga_step_is_open(step) && step->unanswered);
        if (step->pivot && may_be_done) return true;
    }
    return false;
}

/* Steps that wait between two attempts are not sent again: what is known of them now is what they end with. */
static void end_waiting_steps(struct saga_decision *d)
{
    for (size_t i = 0; i < d->state->step_count; i++) {
        const struct saga_step_state *step = &d->state->steps[i];
        if (step->status != SAGA_STEP_BACKOFF) continue;
        bool unknown = saga_step_may_be_done(step);
        struct saga_fact fact = { .kind = unknown ? SAGA_FACT_STEP_UNKNOWN : SAGA_FACT_STEP_FAILED,
                                  .step = step->path,
                                  .attempt = step->attempt };
        if (!unknown) {
            fact.type = SAGA_SLICE("NotTriedAgain");
            fact.message = SAGA_SLICE("the saga is compensated instead");
        }
        saga_emit(d, fact);
    }
}

void saga_compensate_begin(struct saga_decision *d, struct saga_error_value error)
{
    if (pivot_is_in_flight(d->state)) {
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_COMPENSATION_DEFERRED,
                                         .step = error.step,
                                         .type = error.type,
                                         .message = error.message });
        return;
    }
    end_waiting_steps(d);
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_COMPENSATION_STARTED,
                                     .step = error.step,
                                     .type = error.type,
                                     .message = error.message });
    saga_compensate_next(d);
}

static void finish(struct saga_decision *d)
{
    struct saga_slice message;
    if (!saga_publish(d, &d->definition->on_compensated, &message)) {
        saga_stick(d, SAGA_STUCK_ON_PUBLISH, SAGA_SLICE_NONE, message);
        return;
    }
    saga_emit(
        d, (struct saga_fact){ .kind = SAGA_FACT_SAGA_COMPENSATED, .due_ms = saga_keep_until(d) });
}

static bool is_waiting(const struct saga_state *state)
{
    for (size_t i = 0; i < state->step_count; i++) {
        const struct saga_step_state *step = &state->steps[i];
        if (saga_step_is_open(step)) return true; /* commands in flight are waited for */
        if (step->compensation == SAGA_COMPENSATION_SENT ||
            step->compensation == SAGA_COMPENSATION_BACKOFF)
            return true;
    }
    return false;
}

static struct saga_step_state *last_uncompensated(const struct saga_state *state)
{
    struct saga_step_state *last = NULL;
    for (size_t i = 0; i < state->step_count; i++) {
        struct saga_step_state *step = &state->steps[i];
        bool done = step->status == SAGA_STEP_SUCCEEDED || step->status == SAGA_STEP_UNKNOWN;
        if (!done || step->compensation != SAGA_COMPENSATION_NONE) continue;
        if (!last || step->ended_order > last->ended_order) last = step;
    }
    return last;
}

static void send_compensation(struct saga_decision *d, const struct saga_step_state *step)
{
    const struct saga_compensate *compensate = &saga_step_of(d, step)->compensate;
    bool unknown = step->status == SAGA_STEP_UNKNOWN;
    struct saga_expression *expression =
        unknown && compensate->unknown_body ? compensate->unknown_body : compensate->command.body;
    struct saga_slice body, message;
    if (saga_evaluate(d, expression, SAGA_SLICE_NONE, &body, &message) < 0) {
        saga_stick(d, SAGA_STUCK_ON_COMPENSATION, step->path, message);
        return;
    }
    if (saga_is_over_limit(d, body.size, &message)) {
        saga_stick(d, SAGA_STUCK_ON_COMPENSATION, step->path, message);
        return;
    }
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_COMPENSATION_SENT,
                                     .step = step->path,
                                     .attempt = 1,
                                     .topic = compensate->command.participant->commands,
                                     .type = compensate->command.type,
                                     .reply_topic = compensate->command.participant->replies,
                                     .value = body,
                                     .due_ms = d->event->time_ms + compensate->timeout_ms });
}

void saga_compensate_next(struct saga_decision *d)
{
    if (d->state->status != SAGA_COMPENSATING || d->state->paused) return;
    if (is_waiting(d->state)) return;
    for (;;) {
        const struct saga_step_state *step = last_uncompensated(d->state);
        if (!step) {
            finish(d);
            return;
        }
        if (saga_step_of(d, step)->compensate.kind == SAGA_COMPENSATE_COMMAND) {
            send_compensation(d, step);
            return;
        }
        saga_emit(
            d, (struct saga_fact){ .kind = SAGA_FACT_COMPENSATION_NOT_NEEDED, .step = step->path });
    }
}

void saga_compensation_send_again(struct saga_decision *d, struct saga_step_state *step)
{
    saga_emit(d, (struct saga_fact){
                     .kind = SAGA_FACT_COMPENSATION_SENT,
                     .step = step->path,
                     .attempt = step->compensation_attempt + 1,
                     .topic = step->compensation_topic,
                     .type = step->compensation_type,
                     .reply_topic = step->compensation_reply_topic,
                     .due_ms = d->event->time_ms + saga_step_of(d, step)->compensate.timeout_ms,
                 });
}

void saga_compensation_attempt_failed(struct saga_decision *d, struct saga_step_state *step,
                                      struct saga_slice reason, struct saga_slice message)
{
    const struct saga_retry *retry = &saga_step_of(d, step)->compensate.retry;
    uint32_t attempt = step->compensation_attempt;
    struct saga_slice path = step->path;
    if (retry->attempts == 0 || attempt < retry->attempts) {
        struct saga_slice next = saga_command_id(d->arena, d->state, path, true, attempt + 1);
        saga_emit(d, (struct saga_fact){
                         .kind = SAGA_FACT_COMPENSATION_RETRY_SCHEDULED,
                         .step = path,
                         .attempt = attempt,
                         .reason = reason,
                         .message = message,
                         .due_ms = d->event->time_ms + saga_backoff_ms(retry, attempt + 1, next),
                     });
        return;
    }
    saga_emit(d, (struct saga_fact){
                     .kind = SAGA_FACT_COMPENSATION_EXHAUSTED, .step = path, .attempt = attempt });
    saga_stick(d, SAGA_STUCK_ON_COMPENSATION, path,
               saga_arena_printf(d->arena, "its %u attempts are used up; the last: %.*s", attempt,
                                 SAGA_SLICE_ARG(message.size ? message : reason)));
}
