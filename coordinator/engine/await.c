/* Waiting for an outside event (R21): the saga's side. It asks the correlation entry of the value, which sends what
 * comes; the saga says whether it has taken it. */
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "engine/engine_internal.h"

/* A business key or a value that events are matched by: a text, or a number as it is written. */
bool saga_text_of(struct saga_decision *d, struct saga_expression *expression,
                  const struct saga_scope *scope, struct saga_slice *ret,
                  struct saga_slice *ret_message)
{
    struct saga_slice json, source = saga_slice_clip(saga_expression_source(expression), 200);
    const char *why;
    if (saga_evaluate(d, scope, expression, SAGA_SLICE_NONE, &json, ret_message) < 0) return false;
    enum saga_json_kind kind = saga_json_kind(json);
    if (kind == SAGA_JSON_NUMBER)
        *ret = saga_json_trim(json);
    else if (kind != SAGA_JSON_STRING || saga_json_text(json, d->arena, ret) < 0)
        *ret = SAGA_SLICE_NONE;
    why = ret->size == 0 ? "is neither a text nor a number" : saga_key_fault(*ret);
    if (!why) return true;
    *ret_message =
        saga_arena_printf(d->arena, "`%.*s` gives %.*s, which %s", SAGA_SLICE_ARG(source),
                          SAGA_SLICE_ARG(saga_slice_clip(json, 100)), why);
    return false;
}

/* By what the entry knows who waits: the path, from the second attempt on with its number. An event that was sent to an
 * attempt that had ended by then went to another saga meanwhile; the next attempt must not take it too. */
static struct saga_slice waiter_name(const struct saga_decision *d, struct saga_slice path,
                                     uint32_t attempt)
{
    if (attempt == 1) return path;
    return saga_arena_printf(d->arena, "%.*s#%u", SAGA_SLICE_ARG(path), attempt);
}

void saga_await_ask(struct saga_decision *d, enum saga_note note,
                    const struct saga_step_state *step)
{
    saga_send_note(d, note, step->target, waiter_name(d, step->path, step->attempt));
}

struct saga_step_state *saga_await_waiting(const struct saga_decision *d)
{
    struct saga_slice name = d->event->step, path = name;
    const char *mark = name.size ? memrchr(name.data, '#', name.size) : NULL;
    if (mark) path.size = (size_t)(mark - name.data);
    struct saga_step_state *step = saga_state_step(d->state, path);
    bool waits = step && step->kind == SAGA_STEP_AWAIT &&
                 saga_slice_equal(waiter_name(d, path, step->attempt), name);
    return waits ? step : NULL;
}

void saga_await_open(struct saga_decision *d, const struct saga_block *block,
                     const struct saga_scope *scope, uint32_t attempt)
{
    const struct saga_await *await = &block->await;
    struct saga_fact fact = saga_fact_at(d, SAGA_FACT_AWAIT_OPENED, block, scope);
    struct saga_slice value, message;
    if (!saga_text_of(d, await->with, scope, &value, &message)) {
        saga_body_failed(d, scope, fact.step, message);
        return;
    }
    fact.attempt = attempt;
    fact.topic = await->topic;
    fact.type = await->event;
    fact.target = saga_correlation_id(d->arena, d->state->name, await->topic, await->event, value);
    fact.due_ms = await->timeout_ms ? d->event->time_ms + await->timeout_ms : 0;
    saga_emit(d, fact);
    saga_await_ask(d, SAGA_NOTE_AWAIT_OPEN, saga_state_step(d->state, fact.step));
}

static void fail(struct saga_decision *d, const struct saga_step_state *step, const char *type,
                 const char *message)
{
    struct saga_slice path = step->path;
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_STEP_FAILED,
                                     .step = path,
                                     .attempt = step->attempt,
                                     .type = saga_slice_of(type),
                                     .message = saga_slice_of(message) });
    saga_step_not_succeeded(d, path);
}

void saga_await_timed_out(struct saga_decision *d, const struct saga_step_state *step)
{
    saga_await_ask(d, SAGA_NOTE_AWAIT_CLOSE, step);
    fail(d, step, "Timeout", "the event did not come in time");
}

void saga_close_waits(struct saga_decision *d)
{
    for (size_t i = 0; i < d->state->step_count; i++) {
        const struct saga_step_state *step = &d->state->steps[i];
        if (step->kind != SAGA_STEP_AWAIT || !saga_step_is_open(step)) continue;
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_AWAIT_CLOSED, .step = step->path });
        saga_await_ask(d, SAGA_NOTE_AWAIT_CLOSE, step);
    }
}

/* Does the step wait for what the entry that sent the note has? */
static bool waits_for(const struct saga_decision *d, const struct saga_step_state *step)
{
    return step && saga_step_is_open(step) && saga_slice_equal(step->target, d->event->from_id) &&
           saga_slice_equal(d->event->run, d->state->run) &&
           !saga_status_has_ended(d->state->status);
}

void saga_await_refused(struct saga_decision *d, const struct saga_step_state *step)
{
    if (!waits_for(d, step)) {
        saga_ignore_note(d, "not-waiting", "the saga does not wait for the event any more");
        return;
    }
    fail(d, step, SAGA_ERROR_TOO_MANY_WAIT,
         "more sagas wait for the same value of `match` than can be kept");
}

/* Takes the event, or gives it back. */
void saga_await_matched(struct saga_decision *d, struct saga_step_state *step)
{
    const struct saga_event *event = d->event;
    bool waits = waits_for(d, step);
    saga_emit(d, (struct saga_fact){
                     .kind = SAGA_FACT_NOTE_SENT,
                     .note = waits ? SAGA_NOTE_AWAIT_TAKEN : SAGA_NOTE_AWAIT_RETURNED,
                     .id = event->from_id,
                     .from_step = event->step,
                     .text = event->id,
                 });
    if (waits)
        saga_succeed(d, step);
    else
        saga_ignore_note(d, "not-waiting", "the saga does not wait for the event any more");
}
