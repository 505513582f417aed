/* Child sagas (R22): starting, cancelling, compensating and letting go of them, and what a child tells its parent. */
#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mutation.h"
#include "engine/engine_internal.h"

void saga_send_note(struct saga_decision *d, enum saga_note note, struct saga_slice id,
                    struct saga_slice from_step)
{
    saga_emit(d, (struct saga_fact){
                     .kind = SAGA_FACT_NOTE_SENT, .note = note, .id = id, .from_step = from_step });
}

/* ---- the parent ---- */

/* Was there a child at all: not refused, and no other saga's? */
static bool has_child(const struct saga_step_state *step)
{
    bool refused = saga_slice_is(step->error_type, "NoSuchSaga") ||
                   saga_slice_is(step->error_type, "AlreadyExists");
    return step->kind == SAGA_STEP_CHILD && step->target.size &&
           !(step->status == SAGA_STEP_FAILED && refused);
}

static void release(struct saga_decision *d, const struct saga_step_state *step)
{
    if (has_child(step)) saga_send_note(d, SAGA_NOTE_CHILD_RELEASE, step->target, step->path);
}

/* Without a `key` a child's follows from who asks for it, so that asking twice is asking once. */
static struct saga_slice derived_key(struct saga_decision *d, struct saga_slice path,
                                     uint32_t attempt)
{
    struct saga_slice key =
        saga_arena_printf(d->arena, "%.*s/%.*s/%.*s", SAGA_SLICE_ARG(d->state->id),
                          SAGA_SLICE_ARG(d->state->run), SAGA_SLICE_ARG(path));
    if (attempt > 1) key = saga_arena_printf(d->arena, "%.*s/%u", SAGA_SLICE_ARG(key), attempt);
    if (key.size <= SAGA_KEY_BYTES_MAX) return key;
    char hex[2 * SAGA_SHA256_BYTES + 1];
    saga_sha256_hex(key, hex);
    return saga_arena_copy(d->arena, saga_slice_of(hex));
}

static bool make_input(struct saga_decision *d, const struct saga_child *child,
                       const struct saga_scope *scope, struct saga_slice *ret,
                       struct saga_slice *ret_message)
{
    if (saga_evaluate(d, scope, child->input, SAGA_SLICE_NONE, ret, ret_message) < 0) return false;
    if (ret->size <= SAGA_INPUT_BYTES_MAX) return true;
    *ret_message = saga_arena_printf(d->arena, "its input would be %zu bytes, the limit is %d",
                                     ret->size, SAGA_INPUT_BYTES_MAX);
    return false;
}

void saga_child_start(struct saga_decision *d, const struct saga_block *block,
                      const struct saga_scope *scope, uint32_t attempt)
{
    const struct saga_child *child = &block->child;
    struct saga_fact fact = saga_fact_at(d, SAGA_FACT_CHILD_STARTED, block, scope);
    struct saga_slice key, input, message;
    bool made = make_input(d, child, scope, &input, &message);
    if (made && child->key)
        made = saga_text_of(d, child->key, scope, &key, &message);
    else
        key = derived_key(d, fact.step, attempt);
    if (!made) {
        saga_body_failed(d, scope, fact.step, message);
        return;
    }
    fact.attempt = attempt;
    fact.name = child->saga;
    fact.target = saga_arena_join(d->arena, child->saga, '/', key);
    const struct saga_step_state *before = saga_state_step(d->state, fact.step);
    if (before && !saga_slice_equal(before->target, fact.target))
        release(d, before); /* the attempt before this one's: nobody asks for it again */
    saga_emit(d, fact);
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_NOTE_SENT,
                                     .note = SAGA_NOTE_CHILD_START,
                                     .id = fact.target,
                                     .from_step = fact.step,
                                     .value = input });
}

/* It may have been refused at first, because its definition was not there either: then it starts now. */
static void ask_for_child_again(struct saga_decision *d, const struct saga_step_state *step)
{
    const struct saga_child *child = &d->definition->blocks[step->block]->child;
    const struct saga_scope scope = *saga_state_scope(d->state, step->scope);
    struct saga_slice path = step->path, target = step->target, input, message;
    if (!make_input(d, child, &scope, &input, &message)) input = SAGA_SLICE_NONE;
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_NOTE_SENT,
                                     .note = SAGA_NOTE_CHILD_START,
                                     .id = target,
                                     .from_step = path,
                                     .value = input });
    if (!d->state->stuck_forward) saga_send_note(d, SAGA_NOTE_CHILD_CANCEL, target, path);
}

void saga_ask_again(struct saga_decision *d)
{
    for (size_t i = 0; i < d->state->step_count; i++) {
        const struct saga_step_state *step = &d->state->steps[i];
        bool open = saga_step_is_open(step);
        if (step->kind == SAGA_STEP_AWAIT && open)
            saga_await_ask(d, SAGA_NOTE_AWAIT_OPEN, step);
        else if (step->kind == SAGA_STEP_CHILD && open)
            ask_for_child_again(d, step);
        else if (step->kind == SAGA_STEP_CHILD && step->compensation == SAGA_COMPENSATION_SENT)
            saga_send_note(d, SAGA_NOTE_CHILD_COMPENSATE, step->target, step->path);
    }
}

void saga_cancel_children(struct saga_decision *d)
{
    for (size_t i = 0; i < d->state->step_count; i++) {
        const struct saga_step_state *step = &d->state->steps[i];
        if (step->kind == SAGA_STEP_CHILD && saga_step_is_open(step))
            saga_send_note(d, SAGA_NOTE_CHILD_CANCEL, step->target, step->path);
    }
}

/* A child that may yet be compensated with its parent keeps its own children for that. */
void saga_release_children(struct saga_decision *d)
{
    if (d->state->parent_id.size && !d->state->released) return;
    for (size_t i = 0; i < d->state->step_count; i++) release(d, &d->state->steps[i]);
}

/* Is the note from the child of that step? */
static bool is_from(const struct saga_decision *d, const struct saga_step_state *step)
{
    return step && step->kind == SAGA_STEP_CHILD &&
           saga_slice_equal(step->target, d->event->from_id) &&
           saga_slice_equal(d->event->run, d->state->run) &&
           !saga_status_has_ended(d->state->status);
}

void saga_child_ended(struct saga_decision *d, struct saga_step_state *step)
{
    if (!is_from(d, step) || !saga_step_is_open(step))
        saga_ignore_note(d, "nothing-open", "the saga does not wait for this child");
    else if (saga_slice_is(d->event->type, saga_status_name(SAGA_COMPLETED)))
        saga_succeed(d, step);
    else
        saga_fail(d, step);
}

void saga_child_compensated(struct saga_decision *d, struct saga_step_state *step)
{
    bool waits = is_from(d, step) && step->compensation == SAGA_COMPENSATION_SENT;
    if (!waits)
        saga_ignore_note(d, "nothing-open", "the saga does not wait for this child");
    else if (d->event->note == SAGA_NOTE_CHILD_REFUSED)
        saga_compensation_refused(d, step);
    else
        saga_compensation_succeeded(d, step);
}

/* ---- the child ---- */

bool saga_is_from_parent(const struct saga_decision *d)
{
    if (SAGA_WITHOUT(WHOSE_CHILD)) return d->state->parent_id.size > 0;
    return d->state->parent_id.size && saga_slice_equal(d->state->parent_id, d->event->from_id) &&
           saga_slice_equal(d->state->parent_run, d->event->from_run) &&
           saga_slice_equal(d->state->parent_step, d->event->from_step);
}

static void add_member(struct saga_buffer *json, const char *name, struct saga_slice text)
{
    saga_buffer_printf(json, "%s\"%s\":", json->size > 1 ? "," : "", name);
    saga_buffer_add_json_string(json, text);
}

/* What the parent's step keeps. */
static struct saga_slice outcome(const struct saga_decision *d, struct saga_slice result)
{
    struct saga_buffer json;
    saga_buffer_init(&json, d->arena);
    saga_buffer_add_char(&json, '{');
    add_member(&json, "id", d->state->id);
    add_member(&json, "status", saga_slice_of(saga_status_name(d->state->status)));
    saga_buffer_printf(&json, ",\"result\":");
    saga_buffer_add(&json, result.data ? result : SAGA_SLICE("null"));
    saga_buffer_printf(&json, ",\"error\":");
    saga_buffer_add(&json, d->state->has_error ? saga_error_json(d) : SAGA_SLICE("null"));
    if (d->state->has_error && d->state->error.message.size)
        add_member(&json, "message", d->state->error.message); /* words of the parent's error */
    saga_buffer_add_char(&json, '}');
    return saga_buffer_slice(&json);
}

static void tell(struct saga_decision *d, enum saga_note note, struct saga_slice type,
                 struct saga_slice body)
{
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_NOTE_SENT,
                                     .note = note,
                                     .id = d->state->parent_id,
                                     .run = d->state->parent_run,
                                     .step = d->state->parent_step,
                                     .type = type,
                                     .value = body });
}

void saga_child_start_again(struct saga_decision *d)
{
    struct saga_slice status = saga_slice_of(saga_status_name(d->state->status));
    if (saga_status_has_ended(d->state->status))
        tell(d, SAGA_NOTE_CHILD_ENDED, status, outcome(d, SAGA_SLICE_NONE));
}

static void refuse(struct saga_decision *d, const char *why)
{
    struct saga_buffer json;
    saga_buffer_init(&json, d->arena);
    saga_buffer_add_char(&json, '{');
    add_member(&json, "message", saga_slice_of(why));
    saga_buffer_add_char(&json, '}');
    tell(d, SAGA_NOTE_CHILD_REFUSED, SAGA_SLICE("refused"), saga_buffer_slice(&json));
}

void saga_tell_parent(struct saga_decision *d, struct saga_slice result)
{
    struct saga_slice status = saga_slice_of(saga_status_name(d->state->status));
    if (d->state->parent_id.size == 0 || d->state->released) return;
    if (SAGA_WITHOUT(TELLING_PARENTS)) return;
    if (!d->state->reported)
        tell(d, SAGA_NOTE_CHILD_ENDED, status, outcome(d, result));
    else if (d->state->status == SAGA_COMPENSATED)
        tell(d, SAGA_NOTE_CHILD_COMPENSATED, status, SAGA_SLICE_NONE);
    else
        refuse(d, "an operator ended the child without compensating it");
}

void saga_child_cancel(struct saga_decision *d)
{
    const struct saga_state *state = d->state;
    bool may = state->status == SAGA_RUNNING ||
               (state->status == SAGA_STUCK && state->stuck_forward && !saga_unknown_pivot(state));
    if (!saga_is_from_parent(d))
        saga_ignore_note(d, "not-the-parent", "it is the child of another saga");
    else if (!may || state->pivoted || state->has_deferred)
        saga_ignore_note(d, "goes-its-way", "it ends as it can, and its parent hears how");
    else
        saga_compensate_begin(d,
                              (struct saga_error_value){
                                  .type = SAGA_SLICE("ParentCompensates"),
                                  .message = SAGA_SLICE("the saga that asked for it is undone") });
}

void saga_child_compensate(struct saga_decision *d)
{
    struct saga_slice message = SAGA_SLICE("the saga that asked for it is undone");
    if (!saga_is_from_parent(d))
        saga_ignore_note(d, "not-the-parent", "it is the child of another saga");
    else if (d->state->status == SAGA_COMPENSATED)
        tell(d, SAGA_NOTE_CHILD_COMPENSATED, SAGA_SLICE("compensated"), SAGA_SLICE_NONE);
    else if (d->state->status == SAGA_ABANDONED)
        refuse(d, "an operator abandoned the child");
    else if (d->state->pivoted)
        refuse(d, "the child has its pivot behind it: it cannot be taken back");
    else if (d->state->status != SAGA_COMPLETED)
        saga_ignore_note(d, "under-way", "it is being compensated, or hangs in that");
    else if (!d->definition)
        refuse(d, "the child's definition is not to be had: deploy it, then retry");
    else if (saga_pivot_may_be_done(d->state)) /* an operator said that it completed */
        refuse(d, "nobody knows whether the child's pivot was done: it cannot be taken back");
    else
        saga_compensate_begin(d, (struct saga_error_value){ .type = SAGA_SLICE("ParentCompensates"),
                                                            .message = message });
}

void saga_child_release(struct saga_decision *d)
{
    bool ended = saga_status_has_ended(d->state->status);
    if (!saga_is_from_parent(d) || d->state->released) {
        saga_ignore_note(d, "not-the-parent", "it is not kept for that saga");
        return;
    }
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_CHILD_RELEASED,
                                     .due_ms = ended ? saga_kept_until(d) : 0 });
    if (ended) saga_release_children(d);
}
