/* Blocks that wait for no service: set, publish, wait, wait-until, fail. */
#include <math.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/time.h"
#include "engine/body.h"

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
static bool make_variables(struct saga_decision *d, const struct saga_scope *scope,
                           const struct saga_set *set, struct saga_slice *ret,
                           struct saga_slice *ret_message)
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
        if (saga_evaluate(d, scope, set->items[i].value, SAGA_SLICE_NONE, &value, ret_message) < 0)
            return false;
        add_member(&json, set->items[i].name, value);
    }
    saga_buffer_add_char(&json, '}');
    *ret = saga_buffer_slice(&json);
    return true;
}

static void set_variables(struct saga_decision *d, const struct saga_block *block,
                          const struct saga_scope *scope)
{
    struct saga_fact fact = saga_fact_at(d, SAGA_FACT_VARIABLES_SET, block, scope);
    struct saga_slice message;
    if (!make_variables(d, scope, &block->set, &fact.value, &message)) {
        saga_body_failed(d, scope, fact.step, message);
        return;
    }
    if (saga_is_over_limit(d, fact.value.size, &message)) {
        saga_stick(d, SAGA_STUCK_ON_LIMIT, scope->id, fact.step, message);
        return;
    }
    saga_emit(d, fact);
}

/* ---- publish ---- */

static void publish_event(struct saga_decision *d, const struct saga_block *block,
                          const struct saga_scope *scope)
{
    struct saga_fact fact = saga_fact_at(d, SAGA_FACT_EVENT_PUBLISHED, block, scope);
    struct saga_slice message;
    if (saga_body_evaluate(d, scope, block->publish.body, block->publish.format,
                           block->publish.event, &fact.value, &fact.encoded, &message) < 0) {
        saga_body_failed(d, scope, fact.step, message);
        return;
    }
    fact.topic = block->publish.topic;
    fact.type = block->publish.event;
    saga_emit(d, fact);
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

static bool until_when(struct saga_decision *d, const struct saga_scope *scope,
                       const struct saga_wait *wait, int64_t *ret_ms,
                       struct saga_slice *ret_message)
{
    struct saga_slice json;
    if (!wait->until) {
        *ret_ms = d->event->time_ms + wait->duration_ms;
        return true;
    }
    if (saga_evaluate(d, scope, wait->until, SAGA_SLICE_NONE, &json, ret_message) < 0) return false;
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

static void start_wait(struct saga_decision *d, const struct saga_block *block,
                       const struct saga_scope *scope)
{
    struct saga_fact fact = saga_fact_at(d, SAGA_FACT_WAIT_STARTED, block, scope);
    struct saga_slice message;
    if (!until_when(d, scope, &block->wait, &fact.due_ms, &message))
        saga_body_failed(d, scope, fact.step, message);
    else if (fact.due_ms <= d->event->time_ms)
        saga_pass_block(d, block, scope, "time-has-passed");
    else
        saga_emit(d, fact);
}

bool saga_wait_is_over(struct saga_decision *d, struct saga_slice path)
{
    for (size_t i = 0; d->state->status == SAGA_RUNNING && i < d->state->scope_count; i++) {
        struct saga_scope scope = d->state->scopes[i];
        if (scope.ended || scope.loop || !scope.entered) continue;
        const struct saga_block *block = saga_scope_blocks(d, &scope)->items[scope.position];
        if (block->kind != SAGA_BLOCK_WAIT ||
            !saga_slice_equal(saga_path(d, &scope, block->label), path))
            continue;
        saga_pass_block(d, block, &scope, "");
        saga_proceed(d);
        return true;
    }
    return false;
}

/* ---- fail ---- */

static void fail(struct saga_decision *d, const struct saga_block *block,
                 const struct saga_scope *scope)
{
    struct saga_error_value error = { .type = block->fail.type, .message = block->fail.message };
    if (d->state->pivoted)
        saga_block_failed(d, scope, saga_path(d, scope, block->label), error.type, error.message);
    else
        saga_compensate_begin(d, error); /* the saga's own will: no step is to blame */
}

/* ---- */

void saga_enter_simple(struct saga_decision *d, const struct saga_block *block,
                       const struct saga_scope *scope)
{
    switch (block->kind) {
    case SAGA_BLOCK_SET: set_variables(d, block, scope); return;
    case SAGA_BLOCK_PUBLISH: publish_event(d, block, scope); return;
    case SAGA_BLOCK_WAIT: start_wait(d, block, scope); return;
    case SAGA_BLOCK_FAIL: fail(d, block, scope); return;
    default: SAGA_ASSERT(!"a block that waits for no service");
    }
}
