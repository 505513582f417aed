/* saga_decide: sends an event to the file of its kind, and what these share. */
#include "engine/engine.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/time.h"
#include "engine/engine_internal.h"

void saga_emit(struct saga_decision *d, struct saga_fact fact)
{
    SAGA_ASSERT(d->facts->count < SAGA_FACTS_MAX);
    SAGA_PUSH(d->arena, d->facts->items, d->facts->count, d->facts->capacity, fact);
    int error = saga_evolve(d->state, &d->facts->items[d->facts->count - 1]);
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

/* ---- what an expression sees ---- */

static struct saga_slice saga_member(struct saga_decision *d)
{
    char started[SAGA_TIME_TEXT_BYTES];
    struct saga_buffer json;
    saga_buffer_init(&json, d->arena);
    saga_time_format(d->state->started_ms, started);
    saga_buffer_printf(&json, "{\"id\":");
    saga_buffer_add_json_string(&json, d->state->id);
    saga_buffer_printf(&json, ",\"key\":");
    saga_buffer_add_json_string(&json, d->state->key);
    saga_buffer_printf(&json, ",\"name\":");
    saga_buffer_add_json_string(&json, d->state->name);
    saga_buffer_printf(&json, ",\"version\":%u,\"started\":\"%s\"}", d->state->version, started);
    return saga_buffer_slice(&json);
}

static struct saga_slice error_member(struct saga_decision *d)
{
    struct saga_buffer json;
    saga_buffer_init(&json, d->arena);
    saga_buffer_printf(&json, "{\"step\":");
    if (d->state->error.step.size)
        saga_buffer_add_json_string(&json, d->state->error.step);
    else
        saga_buffer_printf(&json, "null");
    saga_buffer_printf(&json, ",\"type\":");
    saga_buffer_add_json_string(&json, d->state->error.type);
    saga_buffer_printf(&json, ",\"message\":");
    saga_buffer_add_json_string(&json, d->state->error.message);
    saga_buffer_add_char(&json, '}');
    return saga_buffer_slice(&json);
}

static void add_steps(struct saga_decision *d, struct saga_bindings *bindings)
{
    const struct saga_state *state = d->state;
    if (state->step_count == 0) return;
    struct saga_binding *steps = SAGA_NEW_ARRAY(d->arena, struct saga_binding, state->step_count);
    for (size_t i = 0; i < state->step_count; i++)
        steps[i] = (struct saga_binding){ state->steps[i].path, state->steps[i].result };
    bindings->steps = steps;
    bindings->step_count = state->step_count;
}

int saga_evaluate(struct saga_decision *d, struct saga_expression *expression,
                  struct saga_slice reply, struct saga_slice *ret_json,
                  struct saga_slice *ret_message)
{
    if (!expression) {
        *ret_json = SAGA_SLICE("{}");
        return SAGA_OK;
    }
    struct saga_bindings bindings = { .input = d->state->input,
                                      .vars = d->state->vars,
                                      .reply = reply };
    if (saga_expression_reads(expression, "steps")) add_steps(d, &bindings);
    if (saga_expression_reads(expression, "saga")) bindings.saga = saga_member(d);
    if (d->state->has_error && saga_expression_reads(expression, "error"))
        bindings.error = error_member(d);
    return saga_expression_eval(expression, &bindings, d->arena, ret_json, ret_message);
}

/* ---- starts ---- */

static bool is_hex(struct saga_slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (!((s.data[i] >= '0' && s.data[i] <= '9') || (s.data[i] >= 'a' && s.data[i] <= 'f')))
            return false;
    return true;
}

/* The trace of the start event goes on (W3C trace context: 00-<trace>-<span>-<flags>), else the saga's own begins. */
static struct saga_slice trace_of(struct saga_decision *d, struct saga_slice id,
                                  struct saga_slice run)
{
    struct saga_slice given = d->event->traceparent;
    if (given.size == 55 && saga_slice_starts_with(given, "00-") && given.data[35] == '-') {
        struct saga_slice trace = { given.data + 3, 32 };
        if (is_hex(trace)) return trace;
    }
    char hex[2 * SAGA_SHA256_BYTES + 1];
    saga_sha256_hex(
        saga_arena_printf(d->arena, "%.*s/%.*s", SAGA_SLICE_ARG(id), SAGA_SLICE_ARG(run)), hex);
    return saga_arena_copy(d->arena, (struct saga_slice){ hex, 32 });
}

static void set_search_values(struct saga_decision *d)
{
    for (size_t i = 0; i < d->definition->search_count; i++) {
        const struct saga_search *search = &d->definition->search[i];
        struct saga_slice json, message, text;
        if (saga_evaluate(d, search->value, SAGA_SLICE_NONE, &json, &message) < 0) continue;
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
    struct saga_slice id = saga_arena_printf(
        d->arena, "%.*s/%.*s", SAGA_SLICE_ARG(definition->name), SAGA_SLICE_ARG(d->event->key));
    struct saga_slice run = saga_run_of(d->arena, &d->event->source);
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
           });
    set_search_values(d);
    saga_advance(d);
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
}

static struct saga_slice no_definition_words(struct saga_decision *d)
{
    return saga_arena_printf(d->arena, "definition %.*s version %u is not in the definitions topic",
                             SAGA_SLICE_ARG(d->state->name), d->state->version);
}

void saga_stick_on_definition(struct saga_decision *d)
{
    if (d->state->status == SAGA_RUNNING || d->state->status == SAGA_COMPENSATING)
        saga_stick(d, SAGA_STUCK_ON_DEFINITION, SAGA_SLICE_NONE, no_definition_words(d));
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
    if (d->event->kind == SAGA_EVENT_REPLY)
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_REPLY_IGNORED,
                                         .step = d->event->step,
                                         .attempt = d->event->attempt,
                                         .reason = SAGA_SLICE("no-definition"),
                                         .message = no_definition_words(d) });
}

static bool needs_definition(const struct saga_decision *d)
{
    if (saga_status_has_ended(d->state->status)) return false;
    return d->event->kind == SAGA_EVENT_REPLY || d->event->kind == SAGA_EVENT_TIMER;
}

void saga_decide(const struct saga_definition *definition, struct saga_state *state,
                 const struct saga_event *event, struct saga_arena *arena, struct saga_facts *ret)
{
    SAGA_ASSERT(ret->count == 0);
    SAGA_ASSERT(state->status != SAGA_STATUS_NONE || event->kind == SAGA_EVENT_START);
    SAGA_ASSERT(!state->forgotten);
    struct saga_decision d = { definition, state, event, arena, ret };
    saga_evolve_begin(state, event->time_ms);
    if (!definition && needs_definition(&d)) {
        decide_without_definition(&d);
    } else {
        if (needs_definition(&d) && state->stuck_on == SAGA_STUCK_ON_DEFINITION)
            saga_continue(&d, "definition-found"); /* R19 */
        switch (event->kind) {
        case SAGA_EVENT_START: saga_decide_start(&d); break;
        case SAGA_EVENT_REPLY: saga_decide_reply(&d); break;
        case SAGA_EVENT_TIMER: saga_decide_timer(&d); break;
        case SAGA_EVENT_OPERATOR: saga_decide_operator(&d); break;
        case SAGA_EVENT_LANE:
        case SAGA_EVENT_KIND_COUNT: SAGA_ASSERT(!"an event that no saga takes");
        }
    }
    SAGA_ASSERT(ret->count > 0);
    saga_state_check(state);
}
