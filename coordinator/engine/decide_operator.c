/* An operator's verb: refused with words where it makes no sense; doing it twice is doing it once. */
#include "base/error.h"
#include "base/time.h"
#include "engine/engine_internal.h"

static void refuse(struct saga_decision *d, const char *reason, const char *message)
{
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_OPERATOR_REFUSED,
                                     .reason = saga_slice_of(reason),
                                     .message = saga_slice_of(message) });
}

static void ignore(struct saga_decision *d, const char *reason, const char *message)
{
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_OPERATOR_IGNORED,
                                     .reason = saga_slice_of(reason),
                                     .message = saga_slice_of(message) });
}

void saga_proceed(struct saga_decision *d)
{
    saga_advance(d);
    saga_compensate_next(d);
}

/* Timers that rang while nothing could be done, ring again now. The deadline counts at once, so that no further step
 * is sent before it rings. */
static void rearm_held_timers(struct saga_decision *d)
{
    const struct saga_timer *deadline = saga_state_timer(d->state, SAGA_SLICE(SAGA_TIMER_DEADLINE));
    bool may_act = d->definition && !d->state->paused && d->state->status != SAGA_STUCK;
    if (deadline && deadline->held && may_act) saga_deadline_passed(d);
    for (size_t i = 0; i < d->state->timer_count; i++) {
        if (!d->state->timers[i].held) continue;
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_TIMER_ARMED,
                                         .name = d->state->timers[i].name,
                                         .due_ms = d->event->time_ms });
    }
}

static void end_being_stuck(struct saga_decision *d, enum saga_status status, const char *reason)
{
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_SAGA_CONTINUED,
                                     .status = status,
                                     .reason = saga_slice_of(reason) });
}

void saga_go_on(struct saga_decision *d, enum saga_status status, const char *reason)
{
    end_being_stuck(d, status, reason);
    rearm_held_timers(d);
}

void saga_continue(struct saga_decision *d, const char *reason)
{
    saga_go_on(d, d->state->stuck_forward ? SAGA_RUNNING : SAGA_COMPENSATING, reason);
    saga_proceed(d);
}

/* R19: what others said while the definition was not to be had was not taken. */
static void hear_what_was_missed(struct saga_decision *d)
{
    if (d->state->stuck_on == SAGA_STUCK_ON_DEFINITION) saga_ask_again(d);
}

static void cancel(struct saga_decision *d)
{
    const struct saga_state *state = d->state;
    if (state->status == SAGA_COMPENSATING || state->has_deferred) {
        ignore(d, "already-compensating", "the saga is being compensated already");
    } else if (state->pivoted) {
        refuse(d, "behind-the-pivot", "the pivot has succeeded: the saga can only go forward");
    } else if (state->status == SAGA_STUCK && state->stuck_on == SAGA_STUCK_ON_PIVOT) {
        refuse(
            d, "pivot-unknown",
            "nobody knows whether the pivot was done; say resolve --as succeeded or --as failed");
    } else if (state->status == SAGA_STUCK && saga_unknown_pivot(state)) {
        refuse(d, "pivot-unknown",
               "nobody knows whether the pivot was done; retry, and say resolve --as succeeded or "
               "--as failed when the saga is stuck on it");
    } else if (state->status == SAGA_STUCK && !state->stuck_forward) {
        ignore(d, "already-compensating",
               "the saga hangs in its compensation: retry, skip or resolve it");
    } else if (!d->definition) {
        refuse(d, "no-definition",
               "its definition is not to be had, so nothing can be compensated");
    } else {
        hear_what_was_missed(d);
        saga_compensate_begin(d, (struct saga_error_value){ .type = SAGA_SLICE("Cancelled"),
                                                            .message = d->event->reason });
    }
}

static void pause_saga(struct saga_decision *d)
{
    if (d->state->paused)
        ignore(d, "already-paused", "the saga is paused already");
    else
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_SAGA_PAUSED });
}

static void resume(struct saga_decision *d)
{
    if (!d->state->paused) {
        ignore(d, "not-paused", "the saga is not paused");
        return;
    }
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_SAGA_UNPAUSED });
    rearm_held_timers(d);
    if (d->definition)
        saga_proceed(d);
    else
        saga_stick_on_definition(d);
}

static void retry_compensation(struct saga_decision *d, struct saga_slice path)
{
    struct saga_step_state *step = saga_state_step(d->state, path);
    saga_go_on(d, SAGA_COMPENSATING, "retry");
    if (step && step->compensation_attempt > 0) saga_compensation_send_again(d, step);
    saga_proceed(d);
}

static void retry(struct saga_decision *d)
{
    struct saga_slice path = saga_arena_copy(d->arena, d->state->stuck_step);
    enum saga_stuck_on on = d->state->stuck_on;
    if (d->state->paused) {
        refuse(d, "paused", "the saga is paused, so nothing is sent: resume it first");
    } else if (!d->definition) {
        refuse(d, "no-definition", "its definition is still not to be had: deploy it first");
    } else if (on == SAGA_STUCK_ON_STEP || on == SAGA_STUCK_ON_PIVOT) {
        end_being_stuck(d, SAGA_RUNNING, "retry");
        saga_try_again(d, saga_state_step(d->state, path)); /* then a deadline finds it in flight */
        rearm_held_timers(d);
        saga_proceed(d);
    } else if (on == SAGA_STUCK_ON_COMPENSATION) {
        retry_compensation(d, path);
    } else {
        hear_what_was_missed(d);
        saga_continue(d, "retry");
    }
}

/* Counts the block as done that could not be done, or whose step did not succeed. */
static void skip_block(struct saga_decision *d, struct saga_slice path)
{
    struct saga_scope scope = *saga_state_scope(d->state, d->state->stuck_scope);
    const struct saga_block_list *list = saga_scope_blocks(d, &scope);
    const struct saga_step_state *step = saga_state_step(d->state, path);
    SAGA_ASSERT(scope.position <= list->count);
    bool done = scope.position == list->count || (step && step->status == SAGA_STEP_SUCCEEDED);
    saga_go_on(d, SAGA_RUNNING, "skip");
    if (!done) {
        const struct saga_block *block = list->items[scope.position];
        bool named = saga_block_is_named(block);
        struct saga_fact fact =
            saga_fact_at(d, named ? SAGA_FACT_STEP_SKIPPED : SAGA_FACT_BLOCK_PASSED, block, &scope);
        if (!named) fact.reason = SAGA_SLICE("skip");
        saga_emit(d, fact);
    }
    saga_proceed(d);
}

static void skip_compensation(struct saga_decision *d, struct saga_slice path)
{
    saga_go_on(d, SAGA_COMPENSATING, "skip");
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_COMPENSATION_SKIPPED, .step = path });
    saga_proceed(d);
}

static void skip_publish(struct saga_decision *d)
{
    saga_end(d, d->state->stuck_forward ? SAGA_FACT_SAGA_COMPLETED : SAGA_FACT_SAGA_COMPENSATED,
             "publish-skipped", SAGA_SLICE_NONE);
}

static void skip(struct saga_decision *d)
{
    struct saga_slice path = saga_arena_copy(d->arena, d->state->stuck_step);
    switch (d->state->stuck_on) {
    case SAGA_STUCK_ON_STEP:
    case SAGA_STUCK_ON_BODY:
    case SAGA_STUCK_ON_COMPENSATION:
        if (!d->definition)
            refuse(d, "no-definition", "its definition is not to be had: deploy it first");
        else if (d->state->stuck_on == SAGA_STUCK_ON_COMPENSATION)
            skip_compensation(d, path);
        else
            skip_block(d, path);
        return;
    case SAGA_STUCK_ON_PUBLISH: skip_publish(d); return;
    case SAGA_STUCK_ON_PIVOT:
        refuse(d, "pivot-unknown",
               "a pivot is not skipped: say resolve --as succeeded or --as failed");
        return;
    case SAGA_STUCK_ON_LIMIT:
        refuse(d, "over-a-limit", "there is nothing to skip: retry, cancel or resolve it");
        return;
    default:
        refuse(d, "no-definition", "there is nothing to skip: deploy the definition and retry");
        return;
    }
}

/* What an operator knows of a pivot whose outcome nobody else knew. */
static void resolve_pivot(struct saga_decision *d, bool succeeded)
{
    const struct saga_step_state *step = saga_state_step(d->state, d->state->stuck_step);
    struct saga_slice path = saga_arena_copy(d->arena, d->state->stuck_step);
    if (d->state->stuck_on != SAGA_STUCK_ON_PIVOT || !step) {
        refuse(d, "no-pivot",
               "only a pivot whose outcome is unknown is resolved as succeeded or failed");
    } else if (!d->definition) {
        refuse(d, "no-definition", "its definition is not to be had: deploy it first");
    } else if (succeeded) {
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_STEP_SUCCEEDED,
                                         .step = path,
                                         .attempt = step->attempt,
                                         .type = SAGA_SLICE("ResolvedAsSucceeded") });
        saga_step_succeeded(d, path);
        saga_proceed(d);
    } else {
        struct saga_slice type = SAGA_SLICE("ResolvedAsFailed");
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_STEP_FAILED,
                                         .step = path,
                                         .attempt = step->attempt,
                                         .type = type,
                                         .message = d->event->reason });
        saga_step_not_succeeded(d, path);
    }
}

static void end_as(struct saga_decision *d, enum saga_fact_kind kind)
{
    struct saga_slice message, result = SAGA_SLICE_NONE;
    if (kind == SAGA_FACT_SAGA_COMPENSATED && d->state->pivoted) {
        refuse(d, "behind-the-pivot",
               "the pivot has succeeded: resolve it as completed or as abandoned");
        return;
    }
    /* whoever listens for the end hears of it, if its event can be made at all */
    if (d->definition && kind == SAGA_FACT_SAGA_COMPLETED)
        (void)saga_publish(d, &d->definition->on_completed, &result, &message);
    if (d->definition && kind == SAGA_FACT_SAGA_COMPENSATED)
        (void)saga_publish(d, &d->definition->on_compensated, &result, &message);
    saga_end(d, kind, SAGA_REASON_RESOLVED, result);
}

static void resolve(struct saga_decision *d)
{
    struct saga_slice as = d->event->as;
    if (saga_slice_is(as, "completed"))
        end_as(d, SAGA_FACT_SAGA_COMPLETED);
    else if (saga_slice_is(as, "compensated"))
        end_as(d, SAGA_FACT_SAGA_COMPENSATED);
    else if (saga_slice_is(as, "abandoned"))
        end_as(d, SAGA_FACT_SAGA_ABANDONED);
    else if (saga_slice_is(as, "succeeded") || saga_slice_is(as, "failed"))
        resolve_pivot(d, saga_slice_is(as, "succeeded"));
    else
        refuse(d, "unknown-outcome",
               "resolve --as takes completed, compensated, abandoned, or for a pivot succeeded, "
               "failed");
}

/* ---- a saga that goes on by itself ---- */

/* What a saga does next without anybody: its command whose alarm rings first. */
struct next {
    const struct saga_step_state *step; /* NULL: it waits for no alarm of a command */
    bool back;                          /* it is the compensation's */
    bool waits;                         /* to be tried again; else for an answer */
    int64_t due_ms;
};

static struct next find_next(const struct saga_decision *d)
{
    struct next next = { 0 };
    for (size_t i = 0; i < d->state->step_count; i++) {
        const struct saga_step_state *step = &d->state->steps[i];
        bool back = step->compensation == SAGA_COMPENSATION_SENT ||
                    step->compensation == SAGA_COMPENSATION_BACKOFF;
        struct saga_slice name =
            saga_arena_printf(d->arena, "%s/%.*s", back ? SAGA_TIMER_COMPENSATION : SAGA_TIMER_STEP,
                              SAGA_SLICE_ARG(step->path));
        const struct saga_timer *timer = saga_state_timer(d->state, name);
        if (step->kind != SAGA_STEP_COMMAND || !timer) continue;
        if (next.step && next.due_ms <= timer->due_ms) continue;
        bool waits = back ? step->compensation == SAGA_COMPENSATION_BACKOFF
                          : step->status == SAGA_STEP_BACKOFF;
        next = (struct next){ step, back, waits, timer->due_ms };
    }
    return next;
}

/* Which attempt it is, and what comes when all are used up. */
static struct saga_slice attempts_of(const struct saga_decision *d, const struct next *next)
{
    const struct saga_step *step = &d->definition->blocks[next->step->block]->step;
    uint32_t attempt = next->back ? next->step->compensation_attempt : next->step->attempt,
             all = next->back ? step->compensate.retry.attempts : saga_attempts_of(d, step);
    bool stuck = next->back || step->pivot || d->state->pivoted;
    attempt += next->waits;
    if (all == 0)
        return saga_arena_printf(d->arena, " (attempt %u, of as many as it takes)", attempt);
    const char *then = stuck ? "is stuck" : "is compensated";
    if (attempt >= all)
        return saga_arena_printf(d->arena, " (the last attempt, after which the saga %s)", then);
    return saga_arena_printf(d->arena, " (attempt %u of %u, after which the saga %s)", attempt, all,
                             then);
}

static void refuse_what_is_not_stuck(struct saga_decision *d)
{
    char time[SAGA_TIME_TEXT_BYTES];
    const struct next next = find_next(d);
    if (d->state->paused) {
        refuse(d, "not-stuck", "the saga is not stuck but paused: resume it, and it goes on");
        return;
    }
    if (!next.step || !d->definition) {
        refuse(d, "not-stuck", "the saga is not stuck: it goes on by itself");
        return;
    }
    saga_time_format(next.due_ms, time);
    struct saga_slice words =
        saga_arena_printf(d->arena, "the saga is not stuck: it goes on by itself; %s%.*s %s %s%.*s",
                          next.back ? "the compensation of " : "", SAGA_SLICE_ARG(next.step->path),
                          next.waits ? "is tried again at" : "waits for its answer until", time,
                          SAGA_SLICE_ARG(attempts_of(d, &next)));
    refuse(d, "not-stuck", words.data);
}

static bool is_for_stuck_sagas(enum saga_verb verb)
{
    return verb == SAGA_VERB_RETRY || verb == SAGA_VERB_SKIP || verb == SAGA_VERB_RESOLVE;
}

/* What is said to a saga that has ended: doing it twice is doing it once. */
static void decide_ended(struct saga_decision *d)
{
    const struct saga_state *state = d->state;
    bool cancelled = d->event->verb == SAGA_VERB_CANCEL && state->status == SAGA_COMPENSATED;
    bool resolved = d->event->verb == SAGA_VERB_RESOLVE && state->resolved &&
                    saga_slice_is(d->event->as, saga_status_name(state->status));
    if (cancelled || resolved)
        ignore(d, "already-ended", "the saga has ended that way already");
    else
        refuse(d, "saga-ended", "the saga has ended");
}

void saga_decide_operator(struct saga_decision *d)
{
    if (saga_status_has_ended(d->state->status)) {
        decide_ended(d);
        return;
    }
    if (is_for_stuck_sagas(d->event->verb) && d->state->status != SAGA_STUCK) {
        refuse_what_is_not_stuck(d);
        return;
    }
    switch (d->event->verb) {
    case SAGA_VERB_CANCEL: cancel(d); return;
    case SAGA_VERB_PAUSE: pause_saga(d); return;
    case SAGA_VERB_RESUME: resume(d); return;
    case SAGA_VERB_RETRY: retry(d); return;
    case SAGA_VERB_SKIP: skip(d); return;
    case SAGA_VERB_RESOLVE: resolve(d); return;
    case SAGA_VERB_FORGET:
        refuse(d, "not-ended",
               "its values are needed as long as it has not ended: cancel or resolve it first");
        return;
    case SAGA_VERB_NONE:
    case SAGA_VERB_COUNT: refuse(d, "unknown-verb", "this version knows no such command"); return;
    }
}
