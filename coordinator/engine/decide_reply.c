/* A reply came (R14): which attempt of what it answers, and what that means. What matches nothing open
 * changes nothing and is recorded with the reason. */
#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mutation.h"
#include "engine/engine_internal.h"

enum answer { ANSWER_SUCCESS, ANSWER_FAILURE, ANSWER_RETRY, ANSWER_OTHER };

static void ignore(struct saga_decision *d, const char *reason, const char *message)
{
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_REPLY_IGNORED,
                                     .step = d->event->step,
                                     .attempt = d->event->attempt,
                                     .reason = saga_slice_of(reason),
                                     .message = saga_slice_of(message) });
}

static enum answer answer_of(struct saga_slice type, const struct saga_names *success,
                             const struct saga_names *failure, const struct saga_retry *retry,
                             bool any_succeeds)
{
    if (saga_names_contain(success, type)) return ANSWER_SUCCESS;
    if (saga_names_contain(failure, type)) return ANSWER_FAILURE;
    if (saga_names_contain(&retry->on, type)) return ANSWER_RETRY;
    return any_succeeds ? ANSWER_SUCCESS : ANSWER_OTHER;
}

static enum answer step_answer(const struct saga_step *step, struct saga_slice type)
{
    return answer_of(type, &step->success, &step->failure, &step->retry, false);
}

static enum answer compensation_answer(const struct saga_step *step, struct saga_slice type)
{
    const struct saga_compensate *compensate = &step->compensate;
    return answer_of(type, &compensate->success, &compensate->failure, &compensate->retry,
                     compensate->success.count == 0);
}

/* The words of a failure: the body's `message` or `reason` if it is a text, else none. */
static struct saga_slice words_of(struct saga_decision *d)
{
    static const char *const members[] = { "message", "reason", "error" };
    struct saga_slice json, text;
    if (!d->event->body.data || saga_json_kind(d->event->body) != SAGA_JSON_OBJECT)
        return SAGA_SLICE_NONE;
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (saga_json_member(d->event->body, saga_slice_of(members[i]), &json) < 0) continue;
        if (saga_json_text(json, d->arena, &text) < 0) continue;
        return saga_slice_clip(text, SAGA_MESSAGE_BYTES_MAX);
    }
    return SAGA_SLICE_NONE;
}

/* ---- the forward way ---- */

/* What is to be kept of the answer; NULL: all of it. */
static struct saga_expression *keep_of(const struct saga_decision *d,
                                       const struct saga_step_state *step)
{
    const struct saga_block *block = d->definition->blocks[step->block];
    switch (block->kind) {
    case SAGA_BLOCK_STEP: return block->step.keep;
    case SAGA_BLOCK_AWAIT: return block->await.keep;
    case SAGA_BLOCK_CHILD: return block->child.keep;
    default: SAGA_ASSERT(!"a block that waits for an answer");
    }
    return NULL;
}

void saga_succeed(struct saga_decision *d, const struct saga_step_state *step)
{
    const struct saga_scope scope = *saga_state_scope(d->state, step->scope);
    struct saga_slice path = step->path, message = SAGA_SLICE_NONE;
    struct saga_fact fact = { .kind = SAGA_FACT_STEP_SUCCEEDED,
                              .step = path,
                              .attempt = d->event->attempt ? d->event->attempt : step->attempt,
                              .type = d->event->type };
    struct saga_expression *keep = keep_of(d, step);
    bool kept = true;
    if (keep) {
        struct saga_slice reply = d->event->body.data ? d->event->body : SAGA_SLICE("null");
        kept = saga_evaluate(d, &scope, keep, reply, &fact.value, &message) == SAGA_OK;
    }
    if (!keep || !kept) {
        fact.value = d->event->body;
        fact.value_from_cause = true;
    }
    bool fits = saga_state_bytes(d->state) + fact.value.size <= SAGA_STATE_BYTES_MAX;
    if (!fits) {
        fact.value = SAGA_SLICE_NONE;
        fact.value_from_cause = false;
    }
    saga_emit(d, fact);
    saga_step_succeeded(d, path);
    bool running = d->state->status == SAGA_RUNNING;
    if (!fits && (running || d->state->status == SAGA_COMPENSATING)) {
        saga_stick(d, SAGA_STUCK_ON_LIMIT, scope.id, path,
                   SAGA_SLICE("the reply would make the saga's state too large and was not kept; "
                              "retry goes on without it"));
    } else if (running && !kept) {
        saga_body_failed(d, &scope, path, message);
    } else {
        saga_proceed(d);
    }
}

void saga_fail(struct saga_decision *d, const struct saga_step_state *step)
{
    struct saga_slice path = step->path, message = words_of(d);
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_STEP_FAILED,
                                     .step = path,
                                     .attempt = step->attempt,
                                     .type = d->event->type,
                                     .message = message });
    saga_step_not_succeeded(d, path);
}

static void open_step_answered(struct saga_decision *d, struct saga_step_state *step,
                               enum answer answer)
{
    bool newest = d->event->attempt == 0 || d->event->attempt == step->attempt;
    if (answer == ANSWER_SUCCESS) {
        saga_succeed(d, step);
    } else if (!newest) {
        ignore(d, "superseded-attempt",
               "a newer attempt is open; only a success of an older one counts");
    } else if (answer == ANSWER_FAILURE) {
        saga_fail(d, step);
    } else if (step->status == SAGA_STEP_SENT) {
        saga_attempt_failed(d, step, false, d->event->type, words_of(d));
    } else {
        ignore(d, "duplicate", "this attempt has ended; the next one waits for its time");
    }
}

/* A late answer to an unknown step is taken as long as its compensation has not been sent. */
static void unknown_step_answered(struct saga_decision *d, struct saga_step_state *step,
                                  enum answer answer)
{
    bool newest = d->event->attempt == 0 || d->event->attempt == step->attempt;
    if (step->compensation != SAGA_COMPENSATION_NONE) {
        ignore(d, "late", "the step's outcome was unknown and its compensation has been sent");
    } else if (answer == ANSWER_SUCCESS) {
        saga_succeed(d, step);
    } else if (answer == ANSWER_FAILURE && newest) {
        saga_fail(d, step);
    } else {
        ignore(d, "late", "it says nothing about the outcome");
    }
}

static void step_answered(struct saga_decision *d, struct saga_step_state *step)
{
    enum answer answer = step_answer(saga_step_of(d, step), d->event->type);
    if (answer == ANSWER_OTHER) {
        ignore(d, "unexpected-type", "the step expects no answer of this type");
        return;
    }
    if (d->event->attempt > step->attempt) {
        ignore(d, "unknown-attempt", "there was no such attempt");
        return;
    }
    switch (step->status) {
    case SAGA_STEP_SENT:
    case SAGA_STEP_BACKOFF: open_step_answered(d, step, answer); return;
    case SAGA_STEP_UNKNOWN: unknown_step_answered(d, step, answer); return;
    case SAGA_STEP_SUCCEEDED:
        if (answer == ANSWER_FAILURE)
            ignore(d, "contradiction", "the step has succeeded; the first answer stands");
        else
            ignore(d, "duplicate", "the step has succeeded already");
        return;
    case SAGA_STEP_FAILED:
        if (answer == ANSWER_SUCCESS)
            ignore(d, "contradiction", "the step has failed; the first answer stands");
        else
            ignore(d, "duplicate", "the step has failed already");
        return;
    case SAGA_STEP_SKIPPED: ignore(d, "skipped", "an operator skipped the step"); return;
    case SAGA_STEP_STATUS_COUNT: break;
    }
    SAGA_ASSERT(!"a step's status");
}

/* ---- the way back ---- */

void saga_compensation_succeeded(struct saga_decision *d, const struct saga_step_state *step)
{
    saga_emit(d, (struct saga_fact){
                     .kind = SAGA_FACT_COMPENSATION_SUCCEEDED,
                     .step = step->path,
                     .attempt = d->event->attempt ? d->event->attempt : step->compensation_attempt,
                     .type = d->event->type,
                 });
    if (d->state->status == SAGA_STUCK && d->state->stuck_on == SAGA_STUCK_ON_COMPENSATION &&
        saga_slice_equal(d->state->stuck_step, step->path))
        saga_go_on(d, SAGA_COMPENSATING, "late-answer");
    saga_compensate_next(d);
}

void saga_compensation_refused(struct saga_decision *d, const struct saga_step_state *step)
{
    struct saga_slice path = step->path, words = words_of(d);
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_COMPENSATION_FAILED,
                                     .step = path,
                                     .attempt = step->compensation_attempt,
                                     .type = d->event->type,
                                     .message = words });
    saga_stick_on_compensation(d, path,
                               saga_arena_printf(d->arena, "its service answered %.*s%s%.*s",
                                                 SAGA_SLICE_ARG(d->event->type),
                                                 words.size ? ": " : "", SAGA_SLICE_ARG(words)));
}

static void open_compensation_answered(struct saga_decision *d, struct saga_step_state *step,
                                       enum answer answer)
{
    bool newest = d->event->attempt == 0 || d->event->attempt == step->compensation_attempt;
    if (answer == ANSWER_SUCCESS) {
        saga_compensation_succeeded(d, step);
    } else if (!newest) {
        ignore(d, "superseded-attempt",
               "a newer attempt is open; only a success of an older one counts");
    } else if (answer == ANSWER_FAILURE) {
        saga_compensation_refused(d, step);
    } else if (answer == ANSWER_RETRY && step->compensation == SAGA_COMPENSATION_SENT) {
        saga_compensation_attempt_failed(d, step, d->event->type, words_of(d));
    } else {
        ignore(d, answer == ANSWER_RETRY ? "duplicate" : "unexpected-type",
               "it does not end the compensation");
    }
}

static void compensation_answered(struct saga_decision *d, struct saga_step_state *step)
{
    enum answer answer = compensation_answer(saga_step_of(d, step), d->event->type);
    if (d->event->attempt > step->compensation_attempt) {
        ignore(d, "unknown-attempt", "there was no such attempt");
        return;
    }
    switch (step->compensation) {
    case SAGA_COMPENSATION_SENT:
    case SAGA_COMPENSATION_BACKOFF: open_compensation_answered(d, step, answer); return;
    case SAGA_COMPENSATION_EXHAUSTED: /* the saga is stuck on it; a late success is good news */
        if (answer == ANSWER_SUCCESS)
            saga_compensation_succeeded(d, step);
        else
            ignore(d, "late", "the compensation's attempts are used up");
        return;
    case SAGA_COMPENSATION_DONE:
        ignore(d, answer == ANSWER_FAILURE ? "contradiction" : "duplicate",
               "the compensation is done already; the first answer stands");
        return;
    case SAGA_COMPENSATION_FAILED:
        ignore(d, answer == ANSWER_SUCCESS ? "contradiction" : "duplicate",
               "the compensation was refused; the first answer stands");
        return;
    case SAGA_COMPENSATION_SKIPPED:
        ignore(d, "skipped", "an operator skipped the compensation");
        return;
    case SAGA_COMPENSATION_NONE:
    case SAGA_COMPENSATION_NOT_NEEDED: ignore(d, "not-sent", "no compensation was sent"); return;
    case SAGA_COMPENSATION_STATUS_COUNT: break;
    }
    SAGA_ASSERT(!"a compensation's status");
}

/* ---- which one ---- */

/* An awaited event or a child that was skipped before it began stands in the state as a command that was never sent. */
static bool is_command(const struct saga_decision *d, const struct saga_step_state *step)
{
    return step->kind == SAGA_STEP_COMMAND &&
           d->definition->blocks[step->block]->kind == SAGA_BLOCK_STEP;
}

/* Is it how some step of the forward way is answered? */
static bool answers_a_step(const struct saga_definition *definition, struct saga_slice type)
{
    for (size_t i = 0; i < definition->block_count; i++) {
        const struct saga_step *step = &definition->blocks[i]->step;
        if (definition->blocks[i]->kind != SAGA_BLOCK_STEP) continue;
        if (saga_names_contain(&step->success, type) || saga_names_contain(&step->failure, type))
            return true;
    }
    return false;
}

static bool expects(struct saga_decision *d, const struct saga_step_state *step,
                    bool *ret_compensation)
{
    if (!is_command(d, step)) return false;
    const struct saga_step *declared = saga_step_of(d, step);
    if (saga_step_is_open(step)) {
        *ret_compensation = false;
        return step_answer(declared, d->event->type) != ANSWER_OTHER;
    }
    if (step->compensation == SAGA_COMPENSATION_SENT ||
        step->compensation == SAGA_COMPENSATION_BACKOFF) {
        *ret_compensation = true;
        /* where any answer means done, a duplicate of a step's answer must not: it names no command */
        if (declared->compensate.success.count == 0 &&
            !saga_names_contain(&declared->compensate.failure, d->event->type) &&
            answers_a_step(d->definition, d->event->type))
            return false;
        return compensation_answer(declared, d->event->type) != ANSWER_OTHER;
    }
    return false;
}

/* A reply that names no command is for the only open step that expects its type. */
static void answer_by_type(struct saga_decision *d)
{
    struct saga_step_state *found = NULL;
    bool compensation = false, found_compensation = false;
    for (size_t i = 0; i < d->state->step_count; i++) {
        struct saga_step_state *step = &d->state->steps[i];
        if (!expects(d, step, &compensation)) continue;
        if (found) {
            ignore(d, "ambiguous",
                   "several open steps expect this type; copy ce_id to ce_sagacommandid");
            return;
        }
        found = step;
        found_compensation = compensation;
    }
    if (!found)
        ignore(d, "nothing-open", "no open step expects an answer of this type");
    else if (found_compensation)
        compensation_answered(d, found);
    else
        step_answered(d, found);
}

void saga_decide_reply(struct saga_decision *d)
{
    const struct saga_event *event = d->event;
    bool other_run = event->run.size && !saga_slice_equal(event->run, d->state->run);
    if (other_run && !SAGA_WITHOUT(RUNS)) {
        ignore(d, "other-run", "it answers an earlier saga of the same id");
    } else if (saga_status_has_ended(d->state->status)) {
        ignore(d, "saga-ended", "the saga has ended");
    } else if (event->step.size == 0) {
        answer_by_type(d);
    } else {
        struct saga_step_state *step = saga_state_step(d->state, event->step);
        if (!step || !is_command(d, step))
            ignore(d, "unknown-step", "the saga has sent no command of this step");
        else if (event->compensation)
            compensation_answered(d, step);
        else
            step_answered(d, step);
    }
}
