/* States as Avro (schemas/state.avsc). The tables are in the order of the schema. */
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/limits.h"
#include "codec/codec_internal.h"

enum { ERROR_FIELD = 26, DEFERRED_FIELD = 27, STUCK_FIELD = 28, SCOPES_FIELD = 34 };

static const char *status_name(int status)
{
    return saga_status_name((enum saga_status)status);
}

static const char *step_name(int status)
{
    return saga_step_status_name((enum saga_step_status)status);
}

static const char *compensation_name(int status)
{
    return saga_compensation_status_name((enum saga_compensation_status)status);
}

static const char *kind_name(int kind)
{
    return saga_state_kind_name((enum saga_state_kind)kind);
}

static const char *step_kind_name(int kind)
{
    return saga_step_kind_name((enum saga_step_kind)kind);
}

static const char *kept_name(int status)
{
    return saga_kept_status_name((enum saga_kept_status)status);
}

static const char *stuck_on_name(int on)
{
    return saga_stuck_on_name((enum saga_stuck_on)on);
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define STATE(member, kind)                                                                        \
    {                                                                                              \
        kind, offsetof(struct saga_state, member), NULL, 0                                         \
    }
#define STEP(member, kind)                                                                         \
    {                                                                                              \
        kind, offsetof(struct saga_step_state, member), NULL, 0                                    \
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
    { SAGA_AVRO_NAME, offsetof(struct saga_state, status), status_name, SAGA_STATUS_COUNT },
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
    { SAGA_AVRO_NAME, offsetof(struct saga_state, kind), kind_name, SAGA_KIND_COUNT },
    STATE(parent_id, SAGA_AVRO_STRING),
    STATE(parent_run, SAGA_AVRO_STRING),
    STATE(parent_step, SAGA_AVRO_STRING),
    STATE(released, SAGA_AVRO_BOOL),
    STATE(reported, SAGA_AVRO_BOOL),
    STATE(scope_ids, SAGA_AVRO_INT),
};

static const struct saga_avro_field stuck_fields[] = {
    { SAGA_AVRO_NAME, offsetof(struct saga_state, stuck_on), stuck_on_name, SAGA_STUCK_ON_COUNT },
    STATE(stuck_step, SAGA_AVRO_STRING),
    STATE(stuck_message, SAGA_AVRO_STRING),
    STATE(stuck_forward, SAGA_AVRO_BOOL),
    STATE(stuck_scope, SAGA_AVRO_INT),
    STATE(ended_steps, SAGA_AVRO_LONG),
};

static const struct saga_avro_field error_fields[] = {
    { SAGA_AVRO_STRING, offsetof(struct saga_error_value, step), NULL, 0 },
    { SAGA_AVRO_STRING, offsetof(struct saga_error_value, type), NULL, 0 },
    { SAGA_AVRO_STRING, offsetof(struct saga_error_value, message), NULL, 0 },
};

static const struct saga_avro_field scope_fields[] = {
    { SAGA_AVRO_INT, offsetof(struct saga_scope, id), NULL, 0 },
    { SAGA_AVRO_INT, offsetof(struct saga_scope, parent), NULL, 0 },
    { SAGA_AVRO_INT, offsetof(struct saga_scope, block), NULL, 0 },
    { SAGA_AVRO_INT, offsetof(struct saga_scope, index), NULL, 0 },
    { SAGA_AVRO_INT, offsetof(struct saga_scope, position), NULL, 0 },
    { SAGA_AVRO_BOOL, offsetof(struct saga_scope, entered), NULL, 0 },
    { SAGA_AVRO_BOOL, offsetof(struct saga_scope, ended), NULL, 0 },
    { SAGA_AVRO_BOOL, offsetof(struct saga_scope, loop), NULL, 0 },
    { SAGA_AVRO_INT, offsetof(struct saga_scope, open), NULL, 0 },
    { SAGA_AVRO_INT, offsetof(struct saga_scope, next), NULL, 0 },
    { SAGA_AVRO_INT, offsetof(struct saga_scope, total), NULL, 0 },
    { SAGA_AVRO_BYTES, offsetof(struct saga_scope, items), NULL, 0 },
};

static const struct saga_avro_field step_fields[] = {
    STEP(path, SAGA_AVRO_STRING),
    STEP(scope, SAGA_AVRO_INT),
    STEP(block, SAGA_AVRO_INT),
    { SAGA_AVRO_NAME, offsetof(struct saga_step_state, status), step_name, SAGA_STEP_STATUS_COUNT },
    STEP(attempt, SAGA_AVRO_INT),
    STEP(pivot, SAGA_AVRO_BOOL),
    STEP(unanswered, SAGA_AVRO_BOOL),
    STEP(ended_order, SAGA_AVRO_LONG),
    STEP(topic, SAGA_AVRO_STRING),
    STEP(type, SAGA_AVRO_STRING),
    STEP(reply_topic, SAGA_AVRO_STRING),
    STEP(body, SAGA_AVRO_BYTES),
    STEP(result, SAGA_AVRO_BYTES),
    { SAGA_AVRO_NAME, offsetof(struct saga_step_state, compensation), compensation_name,
      SAGA_COMPENSATION_STATUS_COUNT },
    STEP(compensation_attempt, SAGA_AVRO_INT),
    STEP(compensation_topic, SAGA_AVRO_STRING),
    STEP(compensation_type, SAGA_AVRO_STRING),
    STEP(compensation_reply_topic, SAGA_AVRO_STRING),
    STEP(compensation_body, SAGA_AVRO_BYTES),
    { SAGA_AVRO_NAME, offsetof(struct saga_step_state, kind), step_kind_name,
      SAGA_STEP_KIND_COUNT },
    STEP(target, SAGA_AVRO_STRING),
    STEP(error_type, SAGA_AVRO_STRING),
    STEP(error_message, SAGA_AVRO_STRING),
};

static const struct saga_avro_field timer_fields[] = {
    { SAGA_AVRO_STRING, offsetof(struct saga_timer, name), NULL, 0 },
    { SAGA_AVRO_LONG, offsetof(struct saga_timer, due_ms), NULL, 0 },
    { SAGA_AVRO_LONG, offsetof(struct saga_timer, armed), NULL, 0 },
    { SAGA_AVRO_BOOL, offsetof(struct saga_timer, held), NULL, 0 },
};

static const struct saga_avro_field search_fields[] = {
    { SAGA_AVRO_STRING, offsetof(struct saga_search_value, name), NULL, 0 },
    { SAGA_AVRO_STRING, offsetof(struct saga_search_value, value), NULL, 0 },
};

static const struct saga_avro_field waiter_fields[] = {
    { SAGA_AVRO_STRING, offsetof(struct saga_waiter, id), NULL, 0 },
    { SAGA_AVRO_STRING, offsetof(struct saga_waiter, run), NULL, 0 },
    { SAGA_AVRO_STRING, offsetof(struct saga_waiter, step), NULL, 0 },
    { SAGA_AVRO_STRING, offsetof(struct saga_waiter, offered), NULL, 0 },
};

static const struct saga_avro_field kept_fields[] = {
    { SAGA_AVRO_STRING, offsetof(struct saga_kept_event, id), NULL, 0 },
    { SAGA_AVRO_STRING, offsetof(struct saga_kept_event, type), NULL, 0 },
    { SAGA_AVRO_BYTES, offsetof(struct saga_kept_event, body), NULL, 0 },
    { SAGA_AVRO_NAME, offsetof(struct saga_kept_event, status), kept_name, SAGA_KEPT_STATUS_COUNT },
    { SAGA_AVRO_LONG, offsetof(struct saga_kept_event, expires_ms), NULL, 0 },
};

/* The state's arrays, one behind the other from SCOPES_FIELD on. */
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

static void put_error(avro_value_t *record, size_t field, bool present,
                      const struct saga_error_value *error)
{
    avro_value_t value, branch;
    int failed = avro_value_get_by_index(record, field, &value, NULL) |
                 avro_value_set_branch(&value, present ? 1 : 0, &branch);
    SAGA_ASSERT(!failed);
    if (present)
        saga_avro_put(&branch, 0, error_fields, COUNT(error_fields), error);
    else
        avro_value_set_null(&branch);
}

static void put_array(avro_value_t *record, size_t field, const struct array *array,
                      const struct saga_state *state)
{
    const char *items = *(char *const *)(const void *)((const char *)state + array->items);
    size_t count = *(const size_t *)(const void *)((const char *)state + array->count);
    avro_value_t value, item;
    int failed = avro_value_get_by_index(record, field, &value, NULL);
    for (size_t i = 0; i < count && !failed; i++) {
        failed = avro_value_append(&value, &item, NULL);
        if (!failed)
            saga_avro_put(&item, 0, array->fields, array->field_count,
                          items + i * array->item_size);
    }
    SAGA_ASSERT(!failed);
}

int saga_state_encode(struct saga_codec *codec, const struct saga_state *state,
                      struct saga_arena *arena, struct saga_slice *ret_bytes)
{
    avro_value_t *value = &codec->state.writing;
    avro_value_reset(value);
    saga_avro_put(value, 0, head_fields, COUNT(head_fields), state);
    put_error(value, ERROR_FIELD, state->has_error, &state->error);
    put_error(value, DEFERRED_FIELD, state->has_deferred, &state->deferred);
    saga_avro_put(value, STUCK_FIELD, stuck_fields, COUNT(stuck_fields), state);
    for (size_t i = 0; i < COUNT(arrays); i++)
        put_array(value, SCOPES_FIELD + i, &arrays[i], state);
    /* the engine keeps within the limit by an estimate; the encoded form may be a little larger */
    return saga_avro_encode(value, codec->state.fingerprint, 2 * SAGA_STATE_BYTES_MAX, arena,
                            ret_bytes);
}

/* ---- reading ---- */

static void get_error(avro_value_t *record, size_t field, struct saga_arena *arena,
                      bool *ret_present, struct saga_error_value *ret)
{
    avro_value_t value, branch;
    int discriminant;
    int failed = avro_value_get_by_index(record, field, &value, NULL) |
                 avro_value_get_discriminant(&value, &discriminant);
    SAGA_ASSERT(!failed);
    *ret_present = discriminant == 1;
    if (!*ret_present) return;
    failed = avro_value_get_current_branch(&value, &branch);
    SAGA_ASSERT(!failed);
    saga_avro_get(&branch, 0, error_fields, COUNT(error_fields), arena, ret);
}

static int get_array(avro_value_t *record, size_t field, const struct array *array,
                     struct saga_state *state)
{
    avro_value_t value, item;
    size_t count;
    int failed =
        avro_value_get_by_index(record, field, &value, NULL) | avro_value_get_size(&value, &count);
    SAGA_ASSERT(!failed);
    char *items = count ? saga_arena_alloc(&state->arena, count * array->item_size) : NULL;
    for (size_t i = 0; i < count; i++) {
        failed = avro_value_get_by_index(&value, i, &item, NULL);
        SAGA_ASSERT(!failed);
        if (saga_avro_get(&item, 0, array->fields, array->field_count, &state->arena,
                          items + i * array->item_size) < 0)
            return SAGA_E_INVALID;
    }
    memcpy((char *)state + array->items, &items, sizeof items);
    memcpy((char *)state + array->count, &count, sizeof count);
    memcpy((char *)state + array->capacity, &count, sizeof count);
    return SAGA_OK;
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

static int read_state(avro_value_t *value, struct saga_state *state)
{
    int error = saga_avro_get(value, 0, head_fields, COUNT(head_fields), &state->arena, state);
    get_error(value, ERROR_FIELD, &state->arena, &state->has_error, &state->error);
    get_error(value, DEFERRED_FIELD, &state->arena, &state->has_deferred, &state->deferred);
    if (error == SAGA_OK)
        error = saga_avro_get(value, STUCK_FIELD, stuck_fields, COUNT(stuck_fields), &state->arena,
                              state);
    for (size_t i = 0; i < COUNT(arrays) && error == SAGA_OK; i++)
        error = get_array(value, SCOPES_FIELD + i, &arrays[i], state);
    return error == SAGA_OK && is_sound(state) ? SAGA_OK : SAGA_E_INVALID;
}

int saga_state_decode(struct saga_codec *codec, struct saga_slice bytes, struct saga_arena *arena,
                      struct saga_state **ret, struct saga_diagnostic *diagnostic)
{
    if (saga_avro_decode(bytes, codec->state.fingerprint, codec->state.schema,
                         &codec->state.reading, arena, &diagnostic->what) < 0)
        return SAGA_E_INVALID;
    struct saga_state *state = saga_state_new();
    if (read_state(&codec->state.reading, state) < 0) {
        saga_state_free(state);
        diagnostic->what = SAGA_SLICE("it is a state that no saga can be in");
        return SAGA_E_INVALID;
    }
    *ret = state;
    return SAGA_OK;
}
