/* Blocks that wait for no service: set, publish, wait, wait-until, fail. */
#include <math.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/time.h"
#include "engine/engine_internal.h"

static struct saga_fact fact_of(enum saga_fact_kind kind, const struct saga_block *block,
                                const struct saga_scope *scope)
{
    return (struct saga_fact){ .kind = kind,
                               .step = block->label,
                               .scope = scope->id,
                               .block = block->id,
                               .position = scope->position };
}

/* ---- set ---- */

static void add_member(struct saga_buffer *json, struct saga_slice name, struct saga_slice value)
{
    saga_buffer_add_char(json, json->size == 0 ? '{' : ',');
    saga_buffer_add_json_string(json, name);
    saga_buffer_add_char(json, ':');
    saga_buffer_add(json, value);
}

static bool is_assigned(const struct saga_set *set, struct saga_slice name)
{
    for (size_t i = 0; i < set->count; i++)
        if (saga_slice_equal(set->items[i].name, name)) return true;
    return false;
}

/* The members that stay, in their order, then those that are set. */
static bool make_variables(struct saga_decision *d, const struct saga_set *set,
                           struct saga_slice *ret, struct saga_slice *ret_message)
{
    struct saga_json_walk walk;
    struct saga_buffer json;
    struct saga_slice name, value;
    saga_buffer_init(&json, d->arena);
    if (d->state->vars.data) {
        saga_json_walk_init(&walk, d->state->vars);
        while (saga_json_walk_next(&walk, &name, &value)) {
            int error = saga_json_text(name, d->arena, &name);
            SAGA_ASSERT(error == SAGA_OK); /* it was written here */
            if (!is_assigned(set, name)) add_member(&json, name, value);
        }
    }
    for (size_t i = 0; i < set->count; i++) {
        if (saga_evaluate(d, set->items[i].value, SAGA_SLICE_NONE, &value, ret_message) < 0)
            return false;
        add_member(&json, set->items[i].name, value);
    }
    saga_buffer_add_char(&json, '}');
    *ret = saga_buffer_slice(&json);
    return true;
}

static bool set_variables(struct saga_decision *d, const struct saga_block *block,
                          const struct saga_scope *scope)
{
    struct saga_fact fact = fact_of(SAGA_FACT_VARIABLES_SET, block, scope);
    struct saga_slice message;
    if (!make_variables(d, &block->set, &fact.value, &message)) {
        saga_body_failed(d, block->label, message);
        return false;
    }
    if (saga_is_over_limit(d, fact.value.size, &message)) {
        saga_stick(d, SAGA_STUCK_ON_LIMIT, block->label, message);
        return false;
    }
    saga_emit(d, fact);
    return true;
}

/* ---- publish ---- */

static bool publish_event(struct saga_decision *d, const struct saga_block *block,
                          const struct saga_scope *scope)
{
    struct saga_fact fact = fact_of(SAGA_FACT_EVENT_PUBLISHED, block, scope);
    struct saga_slice message;
    if (saga_evaluate(d, block->publish.body, SAGA_SLICE_NONE, &fact.value, &message) < 0) {
        saga_body_failed(d, block->label, message);
        return false;
    }
    fact.topic = block->publish.topic;
    fact.type = block->publish.event;
    saga_emit(d, fact);
    return true;
}

/* ---- wait ---- */

/* A time as a text (RFC 3339), or as jq has it: seconds since 1970. */
static bool read_time(struct saga_decision *d, struct saga_slice json, int64_t *ret_ms)
{
    static const double seconds_max = 253402300799; /* the end of the year 9999 */
    struct saga_slice text;
    enum saga_json_kind kind = saga_json_kind(json);
    if (kind == SAGA_JSON_STRING)
        return saga_json_text(json, d->arena, &text) == SAGA_OK &&
               saga_time_parse(text, ret_ms) == SAGA_OK;
    if (kind != SAGA_JSON_NUMBER) return false;
    double seconds = strtod(saga_arena_string(d->arena, saga_json_trim(json)), NULL);
    if (!(seconds >= 0 && seconds <= seconds_max)) return false;
    *ret_ms = (int64_t)llround(seconds * 1000);
    return true;
}

static bool until_when(struct saga_decision *d, const struct saga_wait *wait, int64_t *ret_ms,
                       struct saga_slice *ret_message)
{
    struct saga_slice json;
    if (!wait->until) {
        *ret_ms = d->event->time_ms + wait->duration_ms;
        return true;
    }
    if (saga_evaluate(d, wait->until, SAGA_SLICE_NONE, &json, ret_message) < 0) return false;
    if (read_time(d, json, ret_ms)) return true;
    struct saga_slice clipped = saga_slice_clip(saga_json_trim(json), 100),
                      source = saga_slice_clip(saga_expression_source(wait->until), 200);
    *ret_message = saga_arena_printf(
        d->arena,
        "`%.*s` gives %.*s, which is no time: a text like 2030-12-31T23:59:00Z, or seconds since "
        "1970",
        SAGA_SLICE_ARG(source), SAGA_SLICE_ARG(clipped));
    return false;
}

static bool start_wait(struct saga_decision *d, const struct saga_block *block,
                       const struct saga_scope *scope)
{
    struct saga_fact fact = fact_of(SAGA_FACT_WAIT_STARTED, block, scope);
    struct saga_slice message;
    if (!until_when(d, &block->wait, &fact.due_ms, &message)) {
        saga_body_failed(d, block->label, message);
        return false;
    }
    bool over = fact.due_ms <= d->event->time_ms;
    if (over) {
        fact.kind = SAGA_FACT_BLOCK_PASSED;
        fact.reason = SAGA_SLICE("time-has-passed");
        fact.due_ms = 0;
    }
    saga_emit(d, fact);
    return over;
}

static const struct saga_block *block_here(const struct saga_decision *d)
{
    uint32_t position = d->state->scopes[0].position;
    SAGA_ASSERT(position < d->definition->root.count);
    return d->definition->root.items[position];
}

bool saga_wait_is_over(struct saga_decision *d, struct saga_slice label)
{
    const struct saga_scope *scope = &d->state->scopes[0];
    bool waits = d->state->status == SAGA_RUNNING && scope->entered &&
                 saga_slice_equal(block_here(d)->label, label);
    if (!waits) return false;
    saga_emit(d, fact_of(SAGA_FACT_BLOCK_PASSED, block_here(d), scope));
    saga_proceed(d);
    return true;
}

void saga_skip_block(struct saga_decision *d)
{
    struct saga_fact fact = fact_of(SAGA_FACT_BLOCK_PASSED, block_here(d), &d->state->scopes[0]);
    fact.reason = SAGA_SLICE("skip");
    saga_emit(d, fact);
}

/* ---- */

bool saga_enter_block(struct saga_decision *d, const struct saga_block *block,
                      const struct saga_scope *scope)
{
    switch (block->kind) {
    case SAGA_BLOCK_SET: return set_variables(d, block, scope);
    case SAGA_BLOCK_PUBLISH: return publish_event(d, block, scope);
    case SAGA_BLOCK_WAIT: return start_wait(d, block, scope);
    case SAGA_BLOCK_FAIL:
        /* the loader refuses it behind a pivot */
        saga_compensate_begin(d, (struct saga_error_value){ .type = block->fail.type,
                                                            .message = block->fail.message });
        return false;
    default: break;
    }
    SAGA_ASSERT(!"a block that is entered");
    return false;
}
