/* A timer rang (R16): the state says whether it is the one that is armed, and what it means. */
#include "base/mutation.h"
#include "engine/engine_internal.h"

static void ignore(struct saga_decision *d, const char *reason, const char *message)
{
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_TIMER_IGNORED,
                                     .reason = saga_slice_of(reason),
                                     .message = saga_slice_of(message) });
}

void saga_deadline_passed(struct saga_decision *d)
{
    bool running = d->state->status == SAGA_RUNNING;
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_DEADLINE_PASSED });
    if (!running || d->state->pivoted || d->state->has_deferred) return; /* only an alarm */
    saga_compensate_begin(
        d, (struct saga_error_value){ .type = SAGA_SLICE("DeadlineExceeded"),
                                      .message = SAGA_SLICE("the saga's deadline has passed") });
}

static void step_timer(struct saga_decision *d, struct saga_slice path)
{
    struct saga_step_state *step = saga_state_step(d->state, path);
    if (!step || !saga_step_is_open(step)) {
        ignore(d, "step-ended", "the step that it was for has ended");
    } else if (step->kind == SAGA_STEP_AWAIT) {
        saga_await_timed_out(d, step);
    } else if (step->status == SAGA_STEP_BACKOFF) {
        saga_send_again(d, step);
    } else {
        saga_attempt_failed(d, step, true, SAGA_SLICE("Timeout"), SAGA_SLICE("no answer in time"));
    }
}

static void compensation_timer(struct saga_decision *d, struct saga_slice path)
{
    struct saga_step_state *step = saga_state_step(d->state, path);
    if (step && step->compensation == SAGA_COMPENSATION_BACKOFF) {
        saga_compensation_send_again(d, step);
    } else if (step && step->compensation == SAGA_COMPENSATION_SENT) {
        saga_compensation_attempt_failed(d, step, SAGA_SLICE(SAGA_REASON_TIMEOUT),
                                         SAGA_SLICE("no answer in time"));
    } else {
        ignore(d, "step-ended", "the compensation that it was for has ended");
    }
}

static bool is_for(struct saga_slice timer, const char *kind, struct saga_slice *ret_path)
{
    size_t size = saga_slice_of(kind).size;
    if (timer.size <= size + 1 || !saga_slice_starts_with(timer, kind) || timer.data[size] != '/')
        return false;
    *ret_path = saga_slice_skip(timer, size + 1);
    return true;
}

/* While the saga is stuck nothing is sent: what rings then rings again when it goes on. */
static bool waits_with_saga(const struct saga_decision *d, struct saga_slice timer)
{
    return d->state->status == SAGA_STUCK && !saga_slice_is(timer, SAGA_TIMER_DEADLINE);
}

void saga_decide_timer(struct saga_decision *d)
{
    struct saga_slice name = d->event->timer, path;
    const struct saga_timer *timer = saga_state_timer(d->state, name);
    if (!timer || (timer->armed != d->event->armed && !SAGA_WITHOUT(STALE_TIMERS))) {
        ignore(d, "stale", "an alarm of a timer that was armed anew or taken away");
    } else if (timer->held) {
        ignore(d, "held", "it has rung already; it counts when the saga goes on");
    } else if (saga_slice_is(name, SAGA_TIMER_KEEP)) {
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_SAGA_FORGOTTEN });
    } else if (d->state->paused || waits_with_saga(d, name)) {
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_TIMER_HELD, .name = name });
    } else if (saga_slice_is(name, SAGA_TIMER_DEADLINE)) {
        saga_deadline_passed(d);
    } else if (is_for(name, SAGA_TIMER_STEP, &path)) {
        step_timer(d, path);
    } else if (is_for(name, SAGA_TIMER_COMPENSATION, &path)) {
        compensation_timer(d, path);
    } else if (is_for(name, SAGA_TIMER_WAIT, &path)) {
        if (!saga_wait_is_over(d, path))
            ignore(d, "block-ended", "the block that it was for has ended");
    } else if (saga_slice_is(name, SAGA_TIMER_GO_ON)) {
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_GOES_ON_LATER });
        saga_proceed(d);
    } else {
        ignore(d, "unknown-timer", "no timer of this name is known");
    }
}
