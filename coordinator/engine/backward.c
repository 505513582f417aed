/* The way back: which step is compensated when, in the reverse order of completion (language.md, Compensation). */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "engine/body.h"

struct saga_step_state *saga_unknown_pivot(const struct saga_state *state)
{
    for (size_t i = 0; i < state->step_count; i++)
        if (state->steps[i].pivot && state->steps[i].status == SAGA_STEP_UNKNOWN)
            return &state->steps[i];
    return NULL;
}

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

bool saga_pivot_may_be_done(const struct saga_state *state)
{
    return saga_unknown_pivot(state) || pivot_is_in_flight(state);
}

void saga_compensate_begin(struct saga_decision *d, struct saga_error_value error)
{
    const struct saga_step_state *unknown = saga_unknown_pivot(d->state);
    if (saga_pivot_may_be_done(d->state)) {
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_COMPENSATION_DEFERRED,
                                         .step = error.step,
                                         .type = error.type,
                                         .message = error.message });
        /* its outcome came to be unknown while the saga was stuck on something else */
        if (unknown && d->state->status == SAGA_RUNNING) saga_step_settled(d, unknown);
        return;
    }
    end_waiting_steps(d);
    saga_close_waits(d);
    saga_cancel_children(d);
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_COMPENSATION_STARTED,
                                     .step = error.step,
                                     .type = error.type,
                                     .message = error.message });
    saga_compensate_next(d);
}

static void finish(struct saga_decision *d)
{
    struct saga_slice body, message;
    if (!saga_publish(d, &d->definition->on_compensated, &body, &message)) {
        saga_stick(d, SAGA_STUCK_ON_PUBLISH, SAGA_SCOPE_ROOT, SAGA_SLICE_NONE, message);
        return;
    }
    saga_end(d, SAGA_FACT_SAGA_COMPENSATED, "", SAGA_SLICE_NONE);
}

/* ---- what is compensated when ---- */

static bool is_compensated(const struct saga_step_state *step)
{
    return step->compensation == SAGA_COMPENSATION_DONE ||
           step->compensation == SAGA_COMPENSATION_NOT_NEEDED ||
           step->compensation == SAGA_COMPENSATION_SKIPPED;
}

/* Was it done, perhaps, and is not taken back yet? */
static bool is_to_be_compensated(const struct saga_step_state *step)
{
    bool done = step->status == SAGA_STEP_SUCCEEDED || step->status == SAGA_STEP_UNKNOWN;
    return done && step->kind != SAGA_STEP_AWAIT && !is_compensated(step);
}

/* The last that ended. */
static struct saga_step_state *last_ended(const struct saga_state *state)
{
    struct saga_step_state *last = NULL;
    for (size_t i = 0; i < state->step_count; i++) {
        struct saga_step_state *step = &state->steps[i];
        if (is_to_be_compensated(step) && (!last || step->ended_order > last->ended_order))
            last = step;
    }
    return last;
}

/* Only branches of a `parallel` are compensated side by side. */
static bool has_parallel(const struct saga_decision *d)
{
    for (size_t i = 0; i < d->state->scope_count; i++) {
        const struct saga_scope *scope = &d->state->scopes[i];
        if (scope->id != SAGA_SCOPE_ROOT &&
            d->definition->blocks[scope->block]->kind == SAGA_BLOCK_PARALLEL)
            return true;
    }
    return false;
}

/* What finding turns needs; neither steps nor scopes come and go while a saga is compensated. */
struct turns {
    struct saga_step_state **steps; /* whose turn it is */
    size_t count;
    /* the rest only where there are branches of a `parallel` */
    struct saga_step_state **ended; /* in the reverse order of completion */
    size_t ended_count;
    uint32_t *later; /* by index of a scope: how many in it, and below, ended later and are not
                        compensated */
};

static int last_first(const void *left, const void *right)
{
    const struct saga_step_state *const *a = left, *const *b = right;
    return (*a)->ended_order > (*b)->ended_order ? -1 : 1;
}

static void prepare_turns(const struct saga_decision *d, struct turns *t)
{
    const struct saga_state *state = d->state;
    *t = (struct turns){ 0 };
    t->steps = SAGA_NEW_ARRAY(d->arena, struct saga_step_state *, state->step_count + 1);
    if (!has_parallel(d)) return;
    t->ended = SAGA_NEW_ARRAY(d->arena, struct saga_step_state *, state->step_count + 1);
    t->later = SAGA_NEW_ARRAY(d->arena, uint32_t, state->scope_count);
    for (size_t i = 0; i < state->step_count; i++)
        if (is_to_be_compensated(&state->steps[i])) t->ended[t->ended_count++] = &state->steps[i];
    qsort(t->ended, t->ended_count, sizeof *t->ended, last_first);
}

static uint32_t *later_in(const struct saga_decision *d, const struct turns *t,
                          const struct saga_scope *scope)
{
    return &t->later[scope - d->state->scopes];
}

static const struct saga_scope *scope_of(const struct saga_decision *d, uint32_t id)
{
    return &d->state->scopes[saga_scope_index(d->state, id)];
}

static bool is_beside(const struct saga_scope *a, const struct saga_scope *b)
{
    return a->id != SAGA_SCOPE_ROOT && a->parent == b->parent && a->block == b->block;
}

/* Of those that ended later: how many in the branches beside this one of the same `parallel`. They were opened one after
 * another, so they stand there in that order; some may be forgotten. */
static uint32_t later_beside(const struct saga_decision *d, const struct turns *t,
                             const struct saga_scope *scope)
{
    const struct saga_block *block = d->definition->blocks[scope->block];
    const struct saga_scope *first = d->state->scopes, *end = first + d->state->scope_count;
    uint32_t count = 0;
    if (block->kind != SAGA_BLOCK_PARALLEL) return 0;
    for (const struct saga_scope *s = scope; s-- > first && is_beside(s, scope);)
        count += *later_in(d, t, s);
    for (const struct saga_scope *s = scope + 1; s < end && is_beside(s, scope); s++)
        count += *later_in(d, t, s);
    return count;
}

/* Is there any that ended later, is not compensated, and did not run side by side with this one? */
static bool must_wait(const struct saga_decision *d, const struct turns *t,
                      const struct saga_step_state *step)
{
    const struct saga_scope *scope = scope_of(d, step->scope);
    if (*later_in(d, t, scope) > 0) return true;
    while (scope->id != SAGA_SCOPE_ROOT) {
        const struct saga_scope *around = scope_of(d, scope->parent);
        uint32_t outside = *later_in(d, t, around) - *later_in(d, t, scope);
        if (outside != later_beside(d, t, scope)) return true;
        scope = around;
    }
    return false;
}

/* The steps whose turn it is: the reverse order of completion, where a step waits for all that ended after it, except
 * for what ran side by side with it. At most one a branch. */
static void find_turns(const struct saga_decision *d, struct turns *t)
{
    t->count = 0;
    if (!t->ended) {
        struct saga_step_state *last = last_ended(d->state);
        if (last) t->steps[t->count++] = last;
        return;
    }
    memset(t->later, 0, d->state->scope_count * sizeof *t->later);
    for (size_t i = 0; i < t->ended_count; i++) {
        struct saga_step_state *step = t->ended[i];
        if (!is_to_be_compensated(step)) continue;
        if (!must_wait(d, t, step)) t->steps[t->count++] = step;
        const struct saga_scope *scope = scope_of(d, step->scope);
        for (; scope->id != SAGA_SCOPE_ROOT; scope = scope_of(d, scope->parent))
            ++*later_in(d, t, scope);
        ++*later_in(d, t, scope);
    }
}

/* Makes the compensation's body, and what is sent of it. False: the saga is stuck on it. */
static bool make_body(struct saga_decision *d, const struct saga_step_state *step,
                      struct saga_slice *ret, struct saga_slice *ret_encoded)
{
    const struct saga_compensate *compensate = &saga_step_of(d, step)->compensate;
    bool unknown = step->status == SAGA_STEP_UNKNOWN;
    struct saga_expression *expression =
        unknown && compensate->unknown_body ? compensate->unknown_body : compensate->command.body;
    const struct saga_scope scope = *saga_state_scope(d->state, step->scope);
    struct saga_slice message;
    if (saga_body_evaluate(d, &scope, expression, compensate->command.participant->format,
                           compensate->command.type, ret, ret_encoded, &message) == SAGA_OK &&
        !saga_is_over_limit(d, ret->size, &message))
        return true;
    saga_stick(d, SAGA_STUCK_ON_COMPENSATION, step->scope, step->path, message);
    return false;
}

static void ask_child(struct saga_decision *d, const struct saga_step_state *step)
{
    struct saga_slice path = step->path, target = step->target;
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_COMPENSATION_SENT,
                                     .step = path,
                                     .attempt = step->compensation_attempt + 1,
                                     .type = step->type });
    saga_send_note(d, SAGA_NOTE_CHILD_COMPENSATE, target, path);
}

static void send_compensation(struct saga_decision *d, const struct saga_step_state *step)
{
    const struct saga_compensate *compensate = &saga_step_of(d, step)->compensate;
    struct saga_slice body, encoded;
    if (!make_body(d, step, &body, &encoded)) return;
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_COMPENSATION_SENT,
                                     .step = step->path,
                                     .attempt = 1,
                                     .topic = compensate->command.participant->commands,
                                     .type = compensate->command.type,
                                     .reply_topic = compensate->command.participant->replies,
                                     .value = body,
                                     .encoded = encoded,
                                     .due_ms = d->event->time_ms + compensate->timeout_ms });
}

/* False: nothing was done, it is under way. */
static bool begin_turn(struct saga_decision *d, const struct saga_step_state *step)
{
    switch (step->compensation) {
    case SAGA_COMPENSATION_NONE:
        if (step->kind == SAGA_STEP_CHILD)
            ask_child(d, step);
        else if (saga_step_of(d, step)->compensate.kind == SAGA_COMPENSATE_COMMAND)
            send_compensation(d, step);
        else
            saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_COMPENSATION_NOT_NEEDED,
                                             .step = step->path });
        return true;
    case SAGA_COMPENSATION_FAILED:
    case SAGA_COMPENSATION_EXHAUSTED: /* while the saga was stuck on another */
        saga_stick(d, SAGA_STUCK_ON_COMPENSATION, step->scope, step->path, step->error_message);
        return true;
    default: return false;
    }
}

static bool is_waiting(const struct saga_state *state)
{
    for (size_t i = 0; i < state->step_count; i++)
        if (saga_step_is_open(&state->steps[i])) return true; /* what is in flight is waited for */
    return false;
}

void saga_compensate_next(struct saga_decision *d)
{
    struct turns turns = { 0 };
    while (d->state->status == SAGA_COMPENSATING && !d->state->paused && !is_waiting(d->state)) {
        if (!turns.steps) prepare_turns(d, &turns);
        find_turns(d, &turns);
        if (turns.count == 0) {
            finish(d);
            return;
        }
        size_t i = 0;
        while (i < turns.count && !begin_turn(d, turns.steps[i])) i++;
        if (i == turns.count) return;
    }
}

void saga_compensation_send_again(struct saga_decision *d, struct saga_step_state *step)
{
    if (step->kind == SAGA_STEP_CHILD) {
        ask_child(d, step);
        return;
    }
    enum saga_body_format format = saga_step_of(d, step)->compensate.command.participant->format;
    struct saga_slice encoded, message;
    if (saga_body_again(d, format, step->compensation_type, step->compensation_body, &encoded,
                        &message) < 0) {
        saga_compensation_cannot_be_sent(d, step, message);
        return;
    }
    saga_emit(d, (struct saga_fact){
                     .kind = SAGA_FACT_COMPENSATION_SENT,
                     .step = step->path,
                     .attempt = step->compensation_attempt + 1,
                     .topic = step->compensation_topic,
                     .type = step->compensation_type,
                     .reply_topic = step->compensation_reply_topic,
                     .encoded = encoded,
                     .due_ms = d->event->time_ms + saga_step_of(d, step)->compensate.timeout_ms,
                 });
}

void saga_stick_on_compensation(struct saga_decision *d, struct saga_slice path,
                                struct saga_slice message)
{
    if (d->state->status != SAGA_COMPENSATING) return;
    saga_stick(d, SAGA_STUCK_ON_COMPENSATION, saga_state_step(d->state, path)->scope, path,
               message);
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
    saga_stick_on_compensation(
        d, path,
        saga_arena_printf(d->arena, "its %u attempts are used up; the last: %.*s", attempt,
                          SAGA_SLICE_ARG(message.size ? message : reason)));
}
