/* saga_decide: sends an event to the file of its kind, and what these share. */
#include "engine/engine.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/time.h"
#include "base/trace_context.h"
#include "engine/engine_internal.h"

static const struct saga_step_state *step_before(struct saga_decision *d, struct saga_slice path)
{
    const struct saga_step_state *step = saga_state_step(d->state, path);
    return step ? memcpy(saga_arena_take(d->arena, sizeof *step), step, sizeof *step) : NULL;
}

void saga_emit_fact(struct saga_decision *d, const struct saga_fact *fact)
{
    SAGA_ASSERT(d->facts->count < SAGA_FACTS_MAX);
    SAGA_PUSH(d->arena, d->facts->items, d->facts->count, d->facts->capacity, *fact);
    struct saga_fact *emitted = &d->facts->items[d->facts->count - 1];
    if (saga_fact_ends_something(fact->kind)) emitted->before = step_before(d, fact->step);
    int error = saga_evolve(d->state, emitted);
    SAGA_ASSERT(error == SAGA_OK);
}

/* Unavailable says that nothing was done at that delivery. But Kafka may deliver the same command to the service once
 * more, and then it is done after all: so what can be taken back is taken back. A pivot cannot; its service has
 * promised to stay with its answer. */
bool saga_step_may_be_done(const struct saga_step_state *step)
{
    return step->unanswered || !step->pivot;
}

bool saga_step_is_open(const struct saga_step_state *step)
{
    return step->status == SAGA_STEP_SENT || step->status == SAGA_STEP_BACKOFF;
}

const struct saga_step *saga_step_of(const struct saga_decision *d,
                                     const struct saga_step_state *step)
{
    SAGA_ASSERT(step->block < d->definition->block_count);
    const struct saga_block *block = d->definition->blocks[step->block];
    SAGA_ASSERT(block->kind == SAGA_BLOCK_STEP);
    return &block->step;
}

/* ---- starts ---- */

static bool is_hex(struct saga_slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (!((s.data[i] >= '0' && s.data[i] <= '9') || (s.data[i] >= 'a' && s.data[i] <= 'f')))
            return false;
    return true;
}

/* The trace of the start event goes on (W3C trace context: 00-<trace>-<span>-<flags>, and behind a space the tracestate),
 * else the saga's own begins. */
static struct saga_slice trace_of(struct saga_decision *d, struct saga_slice id,
                                  struct saga_slice run)
{
    struct saga_slice given = d->event->traceparent;
    bool whole = given.size == SAGA_TRACEPARENT_BYTES ||
                 (given.size > SAGA_TRACEPARENT_BYTES && given.data[SAGA_TRACEPARENT_BYTES] == ' ');
    if (whole && saga_slice_starts_with(given, "00-") && given.data[35] == '-') {
        struct saga_slice trace = { given.data + 3, 32 };
        if (is_hex(trace)) return trace;
    }
    char hex[32];
    saga_sha256_digits(saga_arena_join(d->arena, id, '/', run), sizeof hex, hex);
    return saga_arena_copy(d->arena, (struct saga_slice){ hex, sizeof hex });
}

static void set_search_values(struct saga_decision *d)
{
    for (size_t i = 0; i < d->definition->search_count; i++) {
        const struct saga_search *search = &d->definition->search[i];
        struct saga_slice json, message, text;
        if (saga_evaluate(d, NULL, search->value, SAGA_SLICE_NONE, &json, &message) < 0) continue;
        enum saga_json_kind kind = saga_json_kind(json);
        if (kind == SAGA_JSON_NULL || kind == SAGA_JSON_ARRAY || kind == SAGA_JSON_OBJECT) continue;
        if (kind != SAGA_JSON_STRING || saga_json_text(json, d->arena, &text) < 0)
            text = saga_json_trim(json);
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_SEARCH_VALUE_SET,
                                         .name = search->name,
                                         .text = saga_slice_clip(text, SAGA_KEY_BYTES_MAX) });
    }
}

static void begin_saga(struct saga_decision *d)
{
    const struct saga_definition *definition = d->definition;
    SAGA_ASSERT(definition && d->event->key.size > 0);
    struct saga_slice id = saga_arena_join(d->arena, definition->name, '/', d->event->key);
    struct saga_slice run = d->event->run;
    if (run.size == 0) run = saga_run_of(d->arena, SAGA_SLICE_NONE, &d->event->source);
    saga_emit(
        d, (struct saga_fact){
               .kind = SAGA_FACT_SAGA_STARTED,
               .id = id,
               .run = run,
               .key = d->event->key,
               .name = definition->name,
               .version = definition->version,
               .sha256 = saga_slice_of(definition->sha256),
               .text = trace_of(d, id, run),
               .value = d->event->body,
               .value_from_cause = true,
               .due_ms = definition->deadline_ms ? d->event->time_ms + definition->deadline_ms : 0,
               .parent_id = d->event->from_id,
               .parent_run = d->event->from_run,
               .parent_step = d->event->from_step,
           });
    set_search_values(d);
    saga_advance(d);
}

/* R22: another saga asked for a child of this id. */
static void tell_asker(struct saga_decision *d)
{
    struct saga_buffer json;
    saga_buffer_init(&json, d->arena);
    saga_buffer_printf(&json, "{\"id\":");
    saga_buffer_add_json_string(&json, d->state->id);
    saga_buffer_printf(&json, ",\"message\":\"a saga of this id is there already\"}");
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_NOTE_SENT,
                                     .note = SAGA_NOTE_CHILD_ENDED,
                                     .id = d->event->from_id,
                                     .run = d->event->from_run,
                                     .step = d->event->from_step,
                                     .type = SAGA_SLICE("AlreadyExists"),
                                     .value = saga_buffer_slice(&json) });
}

void saga_decide_start(struct saga_decision *d)
{
    if (d->state->status == SAGA_STATUS_NONE) {
        begin_saga(d);
        return;
    }
    bool ended = saga_status_has_ended(d->state->status);
    saga_emit(d, (struct saga_fact){
                     .kind = SAGA_FACT_START_IGNORED,
                     .reason = saga_slice_of(ended ? "already-ended" : "already-running"),
                     .message = ended ? SAGA_SLICE("a saga of this id has ended and is still kept")
                                      : SAGA_SLICE("a saga of this id is under way"),
                 });
    if (saga_is_from_parent(d))
        saga_child_start_again(d);
    else if (d->event->from_id.size)
        tell_asker(d);
}

static struct saga_slice no_definition_words(struct saga_decision *d)
{
    return saga_arena_printf(d->arena, "definition %.*s version %u is not in the definitions topic",
                             SAGA_SLICE_ARG(d->state->name), d->state->version);
}

void saga_stick_on_definition(struct saga_decision *d)
{
    if (d->state->status == SAGA_RUNNING || d->state->status == SAGA_COMPENSATING)
        saga_stick(d, SAGA_STUCK_ON_DEFINITION, SAGA_SCOPE_ROOT, SAGA_SLICE_NONE,
                   no_definition_words(d));
}

/* R19: what happens to a saga whose definition is nowhere to be had. Its timers are held, so that they ring
 * again when the definition is found. */
static void decide_without_definition(struct saga_decision *d)
{
    const struct saga_timer *timer = saga_state_timer(d->state, d->event->timer);
    if (d->event->kind == SAGA_EVENT_TIMER) {
        bool rings = timer && timer->armed == d->event->armed && !timer->held; /* R16 */
        if (!rings) {
            saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_TIMER_IGNORED,
                                             .reason = SAGA_SLICE("no-definition"),
                                             .message = no_definition_words(d) });
            return;
        }
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_TIMER_HELD, .name = d->event->timer });
    }
    saga_stick_on_definition(d);
    if (d->event->kind == SAGA_EVENT_NOTE) {
        if (d->event->note == SAGA_NOTE_AWAIT_MATCH)
            saga_await_matched(d,
                               NULL); /* gives it back; it asks anew when the definition is found */
        else
            saga_ignore_note(d, "no-definition", "its definition is not to be had");
    }
    if (d->event->kind == SAGA_EVENT_REPLY)
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_REPLY_IGNORED,
                                         .step = d->event->step,
                                         .attempt = d->event->attempt,
                                         .reason = SAGA_SLICE("no-definition"),
                                         .message = no_definition_words(d) });
}

static bool needs_definition(const struct saga_decision *d)
{
    if (d->state->kind != SAGA_KIND_SAGA || saga_status_has_ended(d->state->status)) return false;
    bool release = d->event->kind == SAGA_EVENT_NOTE && d->event->note == SAGA_NOTE_CHILD_RELEASE;
    return d->event->kind == SAGA_EVENT_REPLY || d->event->kind == SAGA_EVENT_TIMER ||
           (d->event->kind == SAGA_EVENT_NOTE && !release);
}

/* R19: the definition is there again. What others said meanwhile was not taken: they are asked once more. */
static void continue_with_definition(struct saga_decision *d)
{
    saga_ask_again(d);
    saga_continue(d, "definition-found");
}

static void decide_saga(struct saga_decision *d)
{
    if (!d->definition && needs_definition(d)) {
        decide_without_definition(d);
        return;
    }
    if (needs_definition(d) && d->state->stuck_on == SAGA_STUCK_ON_DEFINITION)
        continue_with_definition(d);
    switch (d->event->kind) {
    case SAGA_EVENT_START: saga_decide_start(d); return;
    case SAGA_EVENT_REPLY: saga_decide_reply(d); return;
    case SAGA_EVENT_TIMER: saga_decide_timer(d); return;
    case SAGA_EVENT_OPERATOR: saga_decide_operator(d); return;
    case SAGA_EVENT_NOTE: saga_decide_note(d); return;
    case SAGA_EVENT_LANE:
    case SAGA_EVENT_KIND_COUNT: break;
    }
    SAGA_ASSERT(!"an event that no saga takes");
}

void saga_decide(const struct saga_definition *definition, struct saga_state *state,
                 const struct saga_event *event, struct saga_arena *arena, struct saga_facts *ret)
{
    SAGA_ASSERT(ret->count == 0);
    SAGA_ASSERT(state->status != SAGA_STATUS_NONE || saga_event_begins(event));
    SAGA_ASSERT(!state->forgotten);
    struct saga_decision d = { definition, state, event, arena, ret };
    bool begins_entry = state->status == SAGA_STATUS_NONE && event->kind != SAGA_EVENT_START;
    saga_evolve_begin(state, event);
    if (begins_entry || state->kind != SAGA_KIND_SAGA)
        saga_decide_entry(&d);
    else
        decide_saga(&d);
    SAGA_ASSERT(ret->count > 0);
    saga_state_check(state);
}
