/* States as Avro (schemas/state.avsc). The tables are in the order of the schema. */
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/limits.h"
#include "codec/codec_internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define STATE(member, kind)                                                                        \
    {                                                                                              \
        kind, offsetof(struct saga_state, member), NULL                                            \
    }
#define STEP(member, kind)                                                                         \
    {                                                                                              \
        kind, offsetof(struct saga_step_state, member), NULL                                       \
    }

static const struct saga_avro_field head_fields[] = {
    STATE(id, SAGA_AVRO_STRING),
    STATE(run, SAGA_AVRO_STRING),
    STATE(key, SAGA_AVRO_STRING),
    STATE(name, SAGA_AVRO_STRING),
    STATE(version, SAGA_AVRO_INT),
    STATE(sha256, SAGA_AVRO_STRING),
    STATE(trace, SAGA_AVRO_STRING),
    STATE(sequence, SAGA_AVRO_LONG),
    { SAGA_AVRO_NAME, offsetof(struct saga_state, status), &saga_avro_statuses },
    STATE(paused, SAGA_AVRO_BOOL),
    STATE(pivoted, SAGA_AVRO_BOOL),
    STATE(deadline_passed, SAGA_AVRO_BOOL),
    STATE(forgotten, SAGA_AVRO_BOOL),
    STATE(resolved, SAGA_AVRO_BOOL),
    STATE(started_ms, SAGA_AVRO_LONG),
    STATE(changed_ms, SAGA_AVRO_LONG),
    STATE(ended_ms, SAGA_AVRO_LONG),
    STATE(input, SAGA_AVRO_BYTES),
    STATE(vars, SAGA_AVRO_BYTES),
    { SAGA_AVRO_NAME, offsetof(struct saga_state, kind), &saga_avro_state_kinds },
    STATE(parent_id, SAGA_AVRO_STRING),
    STATE(parent_run, SAGA_AVRO_STRING),
    STATE(parent_step, SAGA_AVRO_STRING),
    STATE(released, SAGA_AVRO_BOOL),
    STATE(reported, SAGA_AVRO_BOOL),
    STATE(scope_ids, SAGA_AVRO_INT),
    STATE(trace_parent, SAGA_AVRO_STRING),
    STATE(trace_state, SAGA_AVRO_STRING),
    STATE(trace_unsampled, SAGA_AVRO_BOOL),
};

static const struct saga_avro_field stuck_fields[] = {
    { SAGA_AVRO_NAME, offsetof(struct saga_state, stuck_on), &saga_avro_stuck_on },
    STATE(stuck_step, SAGA_AVRO_STRING),
    STATE(stuck_message, SAGA_AVRO_STRING),
    STATE(stuck_forward, SAGA_AVRO_BOOL),
    STATE(stuck_scope, SAGA_AVRO_INT),
    STATE(ended_steps, SAGA_AVRO_LONG),
};

static const struct saga_avro_field error_fields[] = {
    { SAGA_AVRO_STRING, offsetof(struct saga_error_value, step), NULL },
    { SAGA_AVRO_STRING, offsetof(struct saga_error_value, type), NULL },
    { SAGA_AVRO_STRING, offsetof(struct saga_error_value, message), NULL },
};

static const struct saga_avro_field scope_fields[] = {
    { SAGA_AVRO_INT, offsetof(struct saga_scope, id), NULL },
    { SAGA_AVRO_INT, offsetof(struct saga_scope, parent), NULL },
    { SAGA_AVRO_INT, offsetof(struct saga_scope, block), NULL },
    { SAGA_AVRO_INT, offsetof(struct saga_scope, index), NULL },
    { SAGA_AVRO_INT, offsetof(struct saga_scope, position), NULL },
    { SAGA_AVRO_BOOL, offsetof(struct saga_scope, entered), NULL },
    { SAGA_AVRO_BOOL, offsetof(struct saga_scope, ended), NULL },
    { SAGA_AVRO_BOOL, offsetof(struct saga_scope, loop), NULL },
    { SAGA_AVRO_INT, offsetof(struct saga_scope, open), NULL },
    { SAGA_AVRO_INT, offsetof(struct saga_scope, next), NULL },
    { SAGA_AVRO_INT, offsetof(struct saga_scope, total), NULL },
    { SAGA_AVRO_BYTES, offsetof(struct saga_scope, items), NULL },
};

static const struct saga_avro_field step_fields[] = {
    STEP(path, SAGA_AVRO_STRING),
    STEP(scope, SAGA_AVRO_INT),
    STEP(block, SAGA_AVRO_INT),
    { SAGA_AVRO_NAME, offsetof(struct saga_step_state, status), &saga_avro_step_statuses },
    STEP(attempt, SAGA_AVRO_INT),
    STEP(pivot, SAGA_AVRO_BOOL),
    STEP(unanswered, SAGA_AVRO_BOOL),
    STEP(ended_order, SAGA_AVRO_LONG),
    STEP(topic, SAGA_AVRO_STRING),
    STEP(type, SAGA_AVRO_STRING),
    STEP(reply_topic, SAGA_AVRO_STRING),
    STEP(body, SAGA_AVRO_BYTES),
    STEP(result, SAGA_AVRO_BYTES),
    { SAGA_AVRO_NAME, offsetof(struct saga_step_state, compensation),
      &saga_avro_compensation_statuses },
    STEP(compensation_attempt, SAGA_AVRO_INT),
    STEP(compensation_topic, SAGA_AVRO_STRING),
    STEP(compensation_type, SAGA_AVRO_STRING),
    STEP(compensation_reply_topic, SAGA_AVRO_STRING),
    STEP(compensation_body, SAGA_AVRO_BYTES),
    { SAGA_AVRO_NAME, offsetof(struct saga_step_state, kind), &saga_avro_step_kinds },
    STEP(target, SAGA_AVRO_STRING),
    STEP(error_type, SAGA_AVRO_STRING),
    STEP(error_message, SAGA_AVRO_STRING),
    STEP(sent_ms, SAGA_AVRO_LONG),
    STEP(answered_ms, SAGA_AVRO_LONG),
    STEP(first_attempt, SAGA_AVRO_INT),
    STEP(begun_ms, SAGA_AVRO_LONG),
    STEP(compensation_first_attempt, SAGA_AVRO_INT),
    STEP(compensation_begun_ms, SAGA_AVRO_LONG),
    STEP(compensation_sent_ms, SAGA_AVRO_LONG),
};

static const struct saga_avro_field timer_fields[] = {
    { SAGA_AVRO_STRING, offsetof(struct saga_timer, name), NULL },
    { SAGA_AVRO_LONG, offsetof(struct saga_timer, due_ms), NULL },
    { SAGA_AVRO_LONG, offsetof(struct saga_timer, armed), NULL },
    { SAGA_AVRO_BOOL, offsetof(struct saga_timer, held), NULL },
};

static const struct saga_avro_field search_fields[] = {
    { SAGA_AVRO_STRING, offsetof(struct saga_search_value, name), NULL },
    { SAGA_AVRO_STRING, offsetof(struct saga_search_value, value), NULL },
};

static const struct saga_avro_field waiter_fields[] = {
    { SAGA_AVRO_STRING, offsetof(struct saga_waiter, id), NULL },
    { SAGA_AVRO_STRING, offsetof(struct saga_waiter, run), NULL },
    { SAGA_AVRO_STRING, offsetof(struct saga_waiter, step), NULL },
    { SAGA_AVRO_STRING, offsetof(struct saga_waiter, offered), NULL },
};

static const struct saga_avro_field kept_fields[] = {
    { SAGA_AVRO_STRING, offsetof(struct saga_kept_event, id), NULL },
    { SAGA_AVRO_STRING, offsetof(struct saga_kept_event, type), NULL },
    { SAGA_AVRO_BYTES, offsetof(struct saga_kept_event, body), NULL },
    { SAGA_AVRO_NAME, offsetof(struct saga_kept_event, status), &saga_avro_kept_statuses },
    { SAGA_AVRO_LONG, offsetof(struct saga_kept_event, expires_ms), NULL },
};

/* The state's arrays: the last fields, one behind the other. */
static const struct array {
    const struct saga_avro_field *fields;
    size_t field_count, item_size, items, count, capacity; /* offsets in struct saga_state */
} arrays[] = {
    { scope_fields, COUNT(scope_fields), sizeof(struct saga_scope),
      offsetof(struct saga_state, scopes), offsetof(struct saga_state, scope_count),
      offsetof(struct saga_state, scope_capacity) },
    { step_fields, COUNT(step_fields), sizeof(struct saga_step_state),
      offsetof(struct saga_state, steps), offsetof(struct saga_state, step_count),
      offsetof(struct saga_state, step_capacity) },
    { timer_fields, COUNT(timer_fields), sizeof(struct saga_timer),
      offsetof(struct saga_state, timers), offsetof(struct saga_state, timer_count),
      offsetof(struct saga_state, timer_capacity) },
    { search_fields, COUNT(search_fields), sizeof(struct saga_search_value),
      offsetof(struct saga_state, search), offsetof(struct saga_state, search_count),
      offsetof(struct saga_state, search_capacity) },
    { waiter_fields, COUNT(waiter_fields), sizeof(struct saga_waiter),
      offsetof(struct saga_state, waiters), offsetof(struct saga_state, waiter_count),
      offsetof(struct saga_state, waiter_capacity) },
    { kept_fields, COUNT(kept_fields), sizeof(struct saga_kept_event),
      offsetof(struct saga_state, kept), offsetof(struct saga_state, kept_count),
      offsetof(struct saga_state, kept_capacity) },
};

/* ---- writing ---- */

static void put_error(struct saga_avro_out *out, bool present, const struct saga_error_value *error)
{
    saga_avro_put_long(out, present);
    if (present) saga_avro_put(out, error_fields, COUNT(error_fields), error);
}

static void put_array(struct saga_avro_out *out, const struct array *array,
                      const struct saga_state *state)
{
    const char *items = *(char *const *)(const void *)((const char *)state + array->items);
    size_t count = *(const size_t *)(const void *)((const char *)state + array->count);
    if (count) saga_avro_put_long(out, (int64_t)count);
    for (size_t i = 0; i < count; i++)
        saga_avro_put(out, array->fields, array->field_count, items + i * array->item_size);
    saga_avro_put_long(out, 0);
}

int saga_state_encode(struct saga_codec *codec, const struct saga_state *state,
                      struct saga_arena *arena, struct saga_slice *ret_bytes)
{
    struct saga_avro_out *out = &codec->out;
    /* the engine keeps within the limit by an estimate; the encoded form may be a little larger */
    saga_avro_begin(out, codec->fingerprints.state, 2 * SAGA_STATE_BYTES_MAX);
    saga_avro_put(out, head_fields, COUNT(head_fields), state);
    put_error(out, state->has_error, &state->error);
    put_error(out, state->has_deferred, &state->deferred);
    saga_avro_put(out, stuck_fields, COUNT(stuck_fields), state);
    for (size_t i = 0; i < COUNT(arrays); i++) put_array(out, &arrays[i], state);
    return saga_avro_end(out, arena, ret_bytes);
}

/* ---- reading ---- */

static bool get_error(struct saga_avro_in *in, bool *ret_present, struct saga_error_value *ret)
{
    size_t branch;
    if (!saga_avro_get_branch(in, 2, &branch)) return false;
    *ret_present = branch == 1;
    return branch == 0 || saga_avro_get(in, error_fields, COUNT(error_fields), ret);
}

static bool get_array(struct saga_avro_in *in, const struct array *array, struct saga_state *state)
{
    struct saga_avro_items items = { .item_size = array->item_size };
    void *item;
    while ((item = saga_avro_next(in, &items, &state->arena)))
        if (!saga_avro_get(in, array->fields, array->field_count, item)) return false;
    memcpy((char *)state + array->items, &items.items, sizeof items.items);
    memcpy((char *)state + array->count, &items.count, sizeof items.count);
    memcpy((char *)state + array->capacity, &items.capacity, sizeof items.capacity);
    return !in->why;
}

/* False: the bytes do not fit. */
static bool get_head(struct saga_avro_in *in, struct saga_state *ret)
{
    return saga_avro_get(in, head_fields, COUNT(head_fields), ret) &&
           get_error(in, &ret->has_error, &ret->error) &&
           get_error(in, &ret->has_deferred, &ret->deferred) &&
           saga_avro_get(in, stuck_fields, COUNT(stuck_fields), ret);
}

/* The same of the whole. */
static bool get_state(struct saga_avro_in *in, struct saga_state *ret)
{
    bool fits = get_head(in, ret);
    for (size_t i = 0; i < COUNT(arrays) && fits; i++) fits = get_array(in, &arrays[i], ret);
    return fits;
}

/* What saga_state_check asserts, as a question: bytes from outside are refused, never asserted on. */
static bool step_is_sound(const struct saga_state *state, const struct saga_step_state *step)
{
    bool done = step->status == SAGA_STEP_SUCCEEDED || step->status == SAGA_STEP_UNKNOWN;
    return step->path.size > 0 && (step->attempt > 0 || step->status == SAGA_STEP_SKIPPED) &&
           step->ended_order <= state->ended_steps &&
           (done || step->compensation == SAGA_COMPENSATION_NONE) &&
           (!done || step->ended_order > 0) && saga_state_scope(state, step->scope) &&
           (step->kind != SAGA_STEP_AWAIT || step->compensation == SAGA_COMPENSATION_NONE) &&
           !(step->pivot && step->compensation != SAGA_COMPENSATION_NONE);
}

static bool is_undone(const struct saga_step_state *step)
{
    bool done = step->status == SAGA_STEP_SUCCEEDED || step->status == SAGA_STEP_UNKNOWN;
    return !done || step->kind == SAGA_STEP_AWAIT || step->compensation == SAGA_COMPENSATION_DONE ||
           step->compensation == SAGA_COMPENSATION_NOT_NEEDED ||
           step->compensation == SAGA_COMPENSATION_SKIPPED;
}

static bool scope_is_sound(const struct saga_state *state, const struct saga_scope *scope)
{
    return scope->id <= state->scope_ids && scope->loop == (scope->items.data != NULL) &&
           !(scope->ended && (scope->entered || scope->open > 0)) &&
           (scope->id == SAGA_SCOPE_ROOT ||
            (scope->parent < scope->id && saga_state_scope(state, scope->parent)));
}

static bool is_sound(const struct saga_state *state)
{
    if (state->status == SAGA_STATUS_NONE || state->id.size == 0 || state->run.size == 0)
        return false;
    bool placed = state->scope_count > 0 || state->kind != SAGA_KIND_SAGA;
    if (state->name.size == 0 || state->sequence == 0 || !placed) return false;
    for (size_t i = 0; i < state->scope_count; i++)
        if (!scope_is_sound(state, &state->scopes[i])) return false;
    if ((state->status == SAGA_STUCK) != (state->stuck_on != SAGA_STUCK_ON_NOTHING)) return false;
    if (saga_status_has_ended(state->status) != (state->ended_ms != 0)) return false;
    if (state->pivoted && state->status == SAGA_COMPENSATING) return false;
    for (size_t i = 0; i < state->step_count; i++) {
        if (!step_is_sound(state, &state->steps[i])) return false;
        if (state->status == SAGA_COMPENSATED && !state->resolved && !is_undone(&state->steps[i]))
            return false;
    }
    for (size_t i = 0; i < state->timer_count; i++) {
        const struct saga_timer *timer = &state->timers[i];
        if (timer->name.size == 0 || timer->armed == 0 || timer->armed > state->sequence)
            return false;
    }
    return true;
}

/* The state's slices point into its own copy of the bytes. */
static int read_state(struct saga_codec *codec, struct saga_slice bytes, struct saga_arena *arena,
                      struct saga_state *state, struct saga_slice *ret_words)
{
    struct saga_avro_in in;
    struct saga_slice own = saga_arena_copy(&state->arena, bytes);
    int error = saga_avro_open(&in, own, codec->fingerprints.state, arena, ret_words);
    if (error < 0) return error;
    get_state(&in, state);
    error = saga_avro_close(&in, arena, ret_words);
    if (error < 0) return error;
    if (!in.unnamed && is_sound(state)) return SAGA_OK;
    *ret_words = SAGA_SLICE("it is a state that no saga can be in");
    return SAGA_E_INVALID;
}

int saga_state_decode(struct saga_codec *codec, struct saga_slice bytes, struct saga_arena *arena,
                      struct saga_state **ret, struct saga_diagnostic *diagnostic)
{
    struct saga_state *state = saga_state_new_for(3 * bytes.size);
    int error = read_state(codec, bytes, arena, state, &diagnostic->what);
    if (error < 0)
        saga_state_free(state);
    else
        *ret = state;
    return error;
}

int saga_state_glance(struct saga_codec *codec, struct saga_slice bytes, struct saga_arena *arena,
                      struct saga_state *ret, struct saga_diagnostic *diagnostic)
{
    struct saga_avro_in in;
    int error = saga_avro_open(&in, bytes, codec->fingerprints.state, arena, &diagnostic->what);
    if (error < 0) return error;
    *ret = (struct saga_state){ 0 };
    if (get_head(&in, ret) && !in.unnamed) return SAGA_OK;
    diagnostic->what = SAGA_SLICE("its beginning is that of no state");
    return SAGA_E_INVALID;
}

/* ---- the schema ---- */

void saga_state_take_schema(avro_schema_t schema)
{
    const size_t error = COUNT(head_fields), stuck = error + 2, items = stuck + COUNT(stuck_fields);
    SAGA_ASSERT(avro_schema_record_size(schema) == items + COUNT(arrays));
    saga_avro_check(schema, 0, head_fields, error);
    for (size_t i = error; i < stuck; i++) {
        avro_schema_t field = avro_schema_record_field_get_by_index(schema, (int)i);
        SAGA_ASSERT(avro_typeof(field) == AVRO_UNION && avro_schema_union_size(field) == 2 &&
                    avro_typeof(avro_schema_union_branch(field, 0)) == AVRO_NULL);
        saga_avro_check_all(avro_schema_union_branch(field, 1), error_fields, COUNT(error_fields));
    }
    saga_avro_check(schema, stuck, stuck_fields, COUNT(stuck_fields));
    for (size_t i = 0; i < COUNT(arrays); i++) {
        avro_schema_t field = avro_schema_record_field_get_by_index(schema, (int)(items + i));
        SAGA_ASSERT(avro_typeof(field) == AVRO_ARRAY && arrays[i].field_count > 0);
        saga_avro_check_all(avro_schema_array_items(field), arrays[i].fields,
                            arrays[i].field_count);
    }
}
