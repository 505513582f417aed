/* The forward way: from block to block, as far as it goes without an answer. Several lists of blocks may be run at the
 * same time; each is moved until none can be. */
#include "base/error.h"
#include "base/limits.h"
#include "engine/body.h"

static const int64_t keep_default_ms = 7 * 86400000LL; /* where the definition is not to be had */

int64_t saga_kept_until(const struct saga_decision *d)
{
    return d->event->time_ms + (d->definition ? d->definition->keep_ms : keep_default_ms);
}

void saga_stick(struct saga_decision *d, enum saga_stuck_on on, uint32_t scope,
                struct saga_slice path, struct saga_slice message)
{
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_SAGA_STUCK,
                                     .stuck_on = on,
                                     .step = path,
                                     .scope = scope,
                                     .message = saga_slice_clip(message, SAGA_MESSAGE_BYTES_MAX) });
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

void saga_block_failed(struct saga_decision *d, const struct saga_scope *scope,
                       struct saga_slice path, struct saga_slice type, struct saga_slice message)
{
    if (d->state->pivoted)
        saga_stick(d, SAGA_STUCK_ON_BODY, scope->id, path, message);
    else
        saga_compensate_begin(
            d, (struct saga_error_value){ path, type,
                                          saga_slice_clip(message, SAGA_MESSAGE_BYTES_MAX) });
}

void saga_body_failed(struct saga_decision *d, const struct saga_scope *scope,
                      struct saga_slice path, struct saga_slice message)
{
    saga_block_failed(d, scope, path, SAGA_SLICE("ExpressionFailed"), message);
}

struct saga_fact saga_fact_at(const struct saga_decision *d, enum saga_fact_kind kind,
                              const struct saga_block *block, const struct saga_scope *scope)
{
    return (struct saga_fact){ .kind = kind,
                               .step = saga_path(d, scope, block->label),
                               .scope = scope->id,
                               .block = block->id,
                               .position = scope->position };
}

void saga_pass_block(struct saga_decision *d, const struct saga_block *block,
                     const struct saga_scope *scope, const char *reason)
{
    struct saga_fact fact = saga_fact_at(d, SAGA_FACT_BLOCK_PASSED, block, scope);
    fact.reason = saga_slice_of(reason);
    saga_emit(d, fact);
}

/* ---- the saga's end ---- */

bool saga_publish(struct saga_decision *d, const struct saga_publish *publish,
                  struct saga_slice *ret_body, struct saga_slice *ret_message)
{
    struct saga_slice encoded;
    *ret_body = SAGA_SLICE_NONE;
    if (!publish->present) return true;
    if (saga_body_evaluate(d, NULL, publish->body, publish->format, publish->event, ret_body,
                           &encoded, ret_message) < 0)
        return false;
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_EVENT_PUBLISHED,
                                     .topic = publish->topic,
                                     .type = publish->event,
                                     .value = *ret_body,
                                     .encoded = encoded });
    return true;
}

static void complete(struct saga_decision *d)
{
    struct saga_slice body, message;
    if (!saga_publish(d, &d->definition->on_completed, &body, &message)) {
        saga_stick(d, SAGA_STUCK_ON_PUBLISH, SAGA_SCOPE_ROOT, SAGA_SLICE_NONE, message);
        return;
    }
    saga_end(d, SAGA_FACT_SAGA_COMPLETED, "", body);
}

void saga_end(struct saga_decision *d, enum saga_fact_kind kind, const char *reason,
              struct saga_slice result)
{
    bool kept_for_parent = d->state->parent_id.size && !d->state->released;
    saga_close_waits(d);
    saga_emit(d, (struct saga_fact){ .kind = kind,
                                     .reason = saga_slice_of(reason),
                                     .due_ms = kept_for_parent ? 0 : saga_kept_until(d) });
    saga_release_children(d);
    saga_tell_parent(d, result);
}

/* ---- steps ---- */

static size_t open_steps(const struct saga_state *state)
{
    size_t count = 0;
    for (size_t i = 0; i < state->step_count; i++) count += saga_step_is_open(&state->steps[i]);
    return count;
}

/* False: too many are open already; it is sent when others have ended (R23). */
static bool send_step(struct saga_decision *d, const struct saga_block *block,
                      const struct saga_scope *scope)
{
    const struct saga_step *step = &block->step;
    struct saga_fact fact = saga_fact_at(d, SAGA_FACT_STEP_SENT, block, scope);
    struct saga_slice message;
    if (open_steps(d->state) >= SAGA_OPEN_STEPS_MAX) return false;
    if (saga_body_evaluate(d, scope, step->command.body, step->command.participant->format,
                           step->command.type, &fact.value, &fact.encoded, &message) < 0) {
        saga_body_failed(d, scope, fact.step, message);
        return true;
    }
    if (saga_is_over_limit(d, fact.value.size, &message)) {
        saga_stick(d, SAGA_STUCK_ON_LIMIT, scope->id, fact.step, message);
        return true;
    }
    fact.attempt = 1;
    fact.pivot = step->pivot;
    fact.topic = step->command.participant->commands;
    fact.type = step->command.type;
    fact.reply_topic = step->command.participant->replies;
    fact.due_ms = d->event->time_ms + step->timeout_ms;
    saga_emit(d, fact);
    return true;
}

/* What ended without success, and nobody has done anything about it: it ended while the saga was stuck, or waited for a
 * pivot; or its catch has run. */
static bool go_on_behind_step(struct saga_decision *d, const struct saga_block *block,
                              const struct saga_scope *scope)
{
    const struct saga_step_state *step =
        saga_state_step(d->state, saga_path(d, scope, block->label));
    SAGA_ASSERT(step);
    if (step->status != SAGA_STEP_FAILED && step->status != SAGA_STEP_UNKNOWN) return false;
    if (scope->next > 0)
        saga_pass_block(d, block, scope, "caught");
    else
        saga_step_settled(d, step);
    return true;
}

/* ---- from block to block ---- */

static bool enter(struct saga_decision *d, const struct saga_block *block,
                  const struct saga_scope *scope)
{
    switch (block->kind) {
    case SAGA_BLOCK_STEP: return send_step(d, block, scope);
    case SAGA_BLOCK_AWAIT:
        if (open_steps(d->state) >= SAGA_OPEN_STEPS_MAX) return false;
        saga_await_open(d, block, scope, 1);
        return true;
    case SAGA_BLOCK_CHILD:
        if (open_steps(d->state) >= SAGA_OPEN_STEPS_MAX) return false;
        saga_child_start(d, block, scope, 1);
        return true;
    case SAGA_BLOCK_SET:
    case SAGA_BLOCK_PUBLISH:
    case SAGA_BLOCK_WAIT:
    case SAGA_BLOCK_FAIL: saga_enter_simple(d, block, scope); return true;
    case SAGA_BLOCK_CHOOSE:
    case SAGA_BLOCK_PARALLEL:
    case SAGA_BLOCK_FOR_EACH:
    case SAGA_BLOCK_REPEAT: saga_enter_composite(d, block, scope); return true;
    case SAGA_BLOCK_KIND_COUNT: break;
    }
    SAGA_ASSERT(!"a block's kind");
    return false;
}

static bool go_on(struct saga_decision *d, const struct saga_block *block,
                  const struct saga_scope *scope)
{
    if (scope->open > 0) return false;
    if (saga_block_is_named(block)) return go_on_behind_step(d, block, scope);
    if (block->kind == SAGA_BLOCK_WAIT) return false;
    saga_leave_composite(d, block, scope);
    return true;
}

/* False: there is nothing to do in this list now. */
static bool move(struct saga_decision *d, const struct saga_scope *scope)
{
    if (scope->loop) return saga_move_loop(d, scope);
    const struct saga_block_list *list = saga_scope_blocks(d, scope);
    if (scope->position < list->count)
        return (scope->entered ? go_on : enter)(d, list->items[scope->position], scope);
    if (scope->id == SAGA_SCOPE_ROOT)
        complete(d);
    else
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_BRANCH_ENDED, .scope = scope->id });
    return true;
}

static bool move_any(struct saga_decision *d)
{
    for (size_t i = 0; i < d->state->scope_count; i++) {
        struct saga_scope scope = d->state->scopes[i]; /* what is emitted moves the array */
        if (!scope.ended && move(d, &scope)) return true;
    }
    return false;
}

void saga_advance(struct saga_decision *d)
{
    while (d->state->status == SAGA_RUNNING && !d->state->paused && !d->state->has_deferred) {
        if (d->facts->count >= SAGA_FACTS_AT_ONCE) {
            /* R23: other sagas have their turn; this one goes on by an alarm that is due at once */
            saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_GOES_ON_LATER,
                                             .due_ms = d->event->time_ms });
            return;
        }
        if (!move_any(d)) return;
    }
}
