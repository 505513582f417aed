/* General expressions, by libjq. A jq_state keeps what the last run left: it belongs to one thread at a time. */
#include <jq.h>
#include <jv.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "definition/expression_internal.h"

struct saga_jq {
    jq_state *state;
    struct saga_arena *arena; /* for messages, while compiling */
    struct saga_slice message;
};

/* The words of jq's error without its own prefix, on one line. */
static struct saga_slice clean(struct saga_arena *arena, jv message)
{
    jv text = jv_get_kind(message) == JV_KIND_STRING ? message : jv_dump_string(message, 0);
    struct saga_slice words = saga_slice_of(jv_string_value(text));
    if (saga_slice_starts_with(words, "jq: error: ")) words = saga_slice_skip(words, 11);
    char *copy = saga_arena_string(arena, saga_slice_clip(words, SAGA_MESSAGE_BYTES_MAX));
    char *end = strstr(copy, " at <top-level>");
    if (end) *end = '\0';
    end = strstr(copy, " (Unix shell quoting issues?)");
    if (end) *end = '\0';
    for (char *c = copy; *c; c++)
        if (*c == '\n') *c = ' ';
    jv_free(text);
    return saga_slice_of(copy);
}

static void on_error(void *context, jv message)
{
    struct saga_jq *jq = context;
    if (jq->message.size || !jq->arena) {
        jv_free(message);
        return;
    }
    jq->message = clean(jq->arena, message); /* the first says most */
}

int saga_jq_compile(struct saga_slice source, struct saga_arena *arena,
                    struct saga_slice *ret_message, struct saga_jq **ret)
{
    struct saga_jq *jq = calloc(1, sizeof *jq);
    SAGA_ASSERT(jq);
    jq->state = jq_init();
    SAGA_ASSERT(jq->state);
    jq->arena = arena;
    jq_set_error_cb(jq->state, on_error, jq);
    int compiled = jq_compile(jq->state, saga_arena_string(arena, source));
    jq->arena = NULL;
    if (compiled) {
        *ret = jq;
        return SAGA_OK;
    }
    *ret_message = jq->message.size ? jq->message : SAGA_SLICE("jq does not take it");
    saga_jq_free(jq);
    return SAGA_E_INVALID;
}

void saga_jq_free(struct saga_jq *jq)
{
    if (!jq) return;
    jq_teardown(&jq->state);
    free(jq);
}

/* ---- evaluating ---- */

/* A number that jq would change, where the expression can reach it. */
static bool has_unsafe_number(struct saga_slice json, const struct saga_reach *reach,
                              struct saga_arena *arena, struct saga_slice *ret_number)
{
    struct saga_json_walk walk;
    struct saga_slice quoted, value, name;
    if (!reach->narrow || saga_json_kind(json) != SAGA_JSON_OBJECT)
        return saga_json_has_unsafe_number(json, ret_number);
    saga_json_walk_init(&walk, json);
    while (saga_json_walk_next(&walk, &quoted, &value)) {
        if (!saga_json_has_unsafe_number(value, ret_number)) continue;
        if (saga_json_text(quoted, arena, &name) == SAGA_OK && saga_reach_names(reach, name))
            return true;
    }
    return false;
}

static int parse(struct saga_slice json, const struct saga_reach *reach, struct saga_arena *arena,
                 jv *ret, struct saga_slice *ret_message)
{
    struct saga_slice number;
    if (!json.data) {
        *ret = jv_null();
        return SAGA_OK;
    }
    if (has_unsafe_number(json, reach, arena, &number)) {
        *ret_message = saga_arena_printf(arena,
                                         "the number %.*s has more digits than jq computes with; "
                                         "pass it on by a plain path, or as a text",
                                         SAGA_SLICE_ARG(saga_slice_clip(number, 64)));
        return SAGA_E_INVALID;
    }
    jv value = jv_parse_sized(json.data, (int)json.size);
    if (jv_is_valid(value)) {
        *ret = value;
        return SAGA_OK;
    }
    *ret_message = clean(arena, jv_invalid_get_msg(value));
    return SAGA_E_INVALID;
}

static int add_steps(const struct saga_bindings *bindings, const struct saga_reach *reach,
                     struct saga_arena *arena, jv *object, struct saga_slice *ret_message)
{
    jv steps = jv_object(), value;
    for (size_t i = 0; i < bindings->step_count; i++) {
        const struct saga_binding *step = &bindings->steps[i];
        if (parse(step->json, reach, arena, &value, ret_message) < 0) {
            jv_free(steps);
            return SAGA_E_INVALID;
        }
        steps = jv_object_set(steps, jv_string_sized(step->name.data, (int)step->name.size), value);
    }
    *object = jv_object_set(*object, jv_string("steps"), steps);
    return SAGA_OK;
}

static int make_input(const struct saga_bindings *bindings, const struct saga_reach *reach,
                      struct saga_arena *arena, jv *ret, struct saga_slice *ret_message)
{
    if (bindings->root.data) return parse(bindings->root, reach, arena, ret, ret_message);
    jv object = jv_object(), value;
    int error = SAGA_OK;
    for (int i = 0; i < SAGA_MEMBER_COUNT && error == SAGA_OK; i++) {
        if (!(reach->members & 1u << i)) continue;
        if (i == SAGA_MEMBER_STEPS) {
            error = add_steps(bindings, reach, arena, &object, ret_message);
            continue;
        }
        error = parse(saga_bindings_member(bindings, i), reach, arena, &value, ret_message);
        if (error == SAGA_OK)
            object = jv_object_set(object, jv_string(saga_member_names[i]), value);
    }
    if (error < 0)
        jv_free(object);
    else
        *ret = object;
    return error;
}

static int take_result(jv result, struct saga_arena *arena, struct saga_slice *ret_json,
                       struct saga_slice *ret_message)
{
    if (!jv_is_valid(result)) {
        if (!jv_invalid_has_msg(jv_copy(result))) {
            jv_free(result);
            *ret_json = SAGA_SLICE("null"); /* no value at all */
            return SAGA_OK;
        }
        *ret_message = clean(arena, jv_invalid_get_msg(result));
        return SAGA_E_INVALID;
    }
    jv text = jv_dump_string(result, 0);
    struct saga_slice json = { jv_string_value(text),
                               (size_t)jv_string_length_bytes(jv_copy(text)) };
    int error = SAGA_OK;
    if (json.size > SAGA_PAYLOAD_BYTES_MAX) {
        *ret_message = saga_arena_printf(arena, "it gives %zu bytes, the limit is %d", json.size,
                                         SAGA_PAYLOAD_BYTES_MAX);
        error = SAGA_E_LIMIT;
    } else if (saga_json_validate(json, NULL, NULL) < 0) {
        /* past its own limit jq writes a placeholder, which is no JSON */
        *ret_message = saga_arena_printf(arena, "it gives a value that is more than %d deep",
                                         SAGA_JSON_DEPTH_MAX);
        error = SAGA_E_LIMIT;
    } else {
        *ret_json = saga_arena_copy(arena, json);
    }
    jv_free(text);
    return error;
}

int saga_jq_eval(struct saga_jq *jq, const struct saga_bindings *bindings,
                 const struct saga_reach *reach, struct saga_arena *arena,
                 struct saga_slice *ret_json, struct saga_slice *ret_message)
{
    jv input;
    int error = make_input(bindings, reach, arena, &input, ret_message);
    if (error < 0) return error;
    jq_start(jq->state, input, 0);
    return take_result(jq_next(jq->state), arena, ret_json, ret_message);
}
