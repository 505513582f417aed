/* General expressions, by libjq. A jq_state keeps what the last run left: it belongs to one thread at a time. */
#include <jq.h>
#include <jv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "definition/expression_internal.h"

struct saga_jq {
    jq_state *state;
    struct saga_arena *arena; /* for messages, while compiling */
    struct saga_slice message;
};

/* The words of jq's error without its own prefix and the excerpt behind it. Takes `message`. */
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
    jv_free(text);
    return saga_slice_of(copy);
}

static void on_error(void *context, jv message)
{
    struct saga_jq *jq = context;
    if (jq->message.size || !jq->arena)
        jv_free(message);
    else
        jq->message = clean(jq->arena, message); /* the first says most */
}

/* ---- memory ---- */

/* libjq calls its handler for what it takes itself; what oniguruma is refused becomes an error of the expression. The
 * handler is the calling thread's. */
static const char JQ[] = "an expression, in libjq";

static void on_exhausted(void *context)
{
    (void)context;
    saga_memory_exhausted(JQ);
}

/* ---- compiling ---- */

/* jq adds what the file ~/.jq defines, which would make an expression mean something else on another machine. */
static bool has_definitions_at_home(struct saga_arena *arena, struct saga_slice *ret_message)
{
    const char *home = getenv("HOME");
    struct stat status;
    if (!home) return false;
    struct saga_slice path = saga_arena_printf(arena, "%s/.jq", home);
    if (stat(path.data, &status) < 0 || !S_ISREG(status.st_mode)) return false;
    *ret_message = saga_arena_printf(arena,
                                     "jq would add the definitions in %s, which other machines do "
                                     "not have: move that file away, or set HOME to another folder",
                                     path.data);
    return true;
}

int saga_jq_compile(struct saga_slice source, const struct saga_token *tokens,
                    struct saga_arena *arena, struct saga_slice *ret_message, struct saga_jq **ret)
{
    if (has_definitions_at_home(arena, ret_message)) return SAGA_E_INVALID;
    struct saga_jq *jq = saga_memory_zeroed(1, sizeof *jq);
    jv_nomem_handler(on_exhausted, NULL);
    jq->state = jq_init();
    if (!jq->state) on_exhausted(NULL);
    jq_set_nomem_handler(jq->state, on_exhausted, NULL); /* else it sets none while it works */
    jq->arena = arena;
    jq_set_error_cb(jq->state, on_error, jq);
    const char *guarded = saga_expression_guard(source, tokens, arena);
    saga_memory_watch();
    int compiled = jq_compile(jq->state, guarded);
    saga_memory_check(JQ);
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

/* ---- what jq is shown ---- */

struct showing {
    const struct saga_bindings *bindings;
    struct saga_arena *arena;
    struct saga_slice message;
};

static jv key_of(struct saga_slice name)
{
    return jv_string_sized(name.data, (int)name.size);
}

static int parse(struct showing *s, struct saga_slice json, jv *ret)
{
    struct saga_slice number;
    if (!json.data) {
        *ret = jv_null();
        return SAGA_OK;
    }
    if (saga_json_has_unsafe_number(json, &number)) {
        s->message = saga_arena_printf(s->arena,
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
    s->message = clean(s->arena, jv_invalid_get_msg(value));
    return SAGA_E_INVALID;
}

/* Sets the member `name` of `*object` to as much of `json` as a path that goes on with `names` can read. */
static int show(struct showing *s, jv *object, struct saga_slice name, struct saga_slice json,
                const struct saga_slice *names, size_t count)
{
    jv value;
    int error = SAGA_OK;
    if (count == 0 || !json.data || saga_json_kind(json) != SAGA_JSON_OBJECT) {
        error = parse(s, json, &value);
    } else {
        struct saga_slice inner;
        value = jv_object_get(jv_copy(*object), key_of(name));
        if (!jv_is_valid(value)) {
            jv_free(value);
            value = jv_object();
        }
        if (saga_json_member(json, names[0], &inner) == SAGA_OK)
            error = show(s, &value, names[0], inner, names + 1, count - 1);
        if (error < 0) jv_free(value);
    }
    if (error == SAGA_OK) *object = jv_object_set(*object, key_of(name), value);
    return error;
}

static int show_steps(struct showing *s, jv *object)
{
    jv steps = jv_object();
    int error = SAGA_OK;
    for (size_t i = 0; i < s->bindings->step_count && error == SAGA_OK; i++) {
        const struct saga_binding *step = &s->bindings->steps[i];
        error = show(s, &steps, step->name, step->json, NULL, 0);
    }
    *object = jv_object_set(*object, jv_string(saga_member_names[SAGA_MEMBER_STEPS]), steps);
    return error;
}

static int show_step(struct showing *s, jv *object, const struct saga_slice *names, size_t count)
{
    jv key = jv_string(saga_member_names[SAGA_MEMBER_STEPS]);
    jv steps = jv_object_get(jv_copy(*object), jv_copy(key));
    if (!jv_is_valid(steps)) {
        jv_free(steps);
        steps = jv_object();
    }
    int error =
        show(s, &steps, names[0], saga_bindings_step(s->bindings, names[0]), names + 1, count - 1);
    *object = jv_object_set(*object, key, steps);
    return error;
}

static int show_read(struct showing *s, jv *object, const struct saga_read *read)
{
    struct saga_slice inner, name = read->names[0], root = s->bindings->root;
    if (root.data) {
        if (saga_json_member(root, name, &inner) < 0) return SAGA_OK;
        return show(s, object, name, inner, read->names + 1, read->count - 1);
    }
    if (!saga_slice_is(name, saga_member_names[SAGA_MEMBER_STEPS]))
        return show(s, object, name, saga_bindings_member(s->bindings, name), read->names + 1,
                    read->count - 1);
    if (read->count == 1) return show_steps(s, object);
    return show_step(s, object, read->names + 1, read->count - 1);
}

static int show_all(struct showing *s, jv *object)
{
    int error = show_steps(s, object);
    for (int i = SAGA_MEMBER_STEPS + 1; i < SAGA_MEMBER_COUNT && error == SAGA_OK; i++) {
        struct saga_slice name = saga_slice_of(saga_member_names[i]);
        error = show(s, object, name, saga_bindings_member(s->bindings, name), NULL, 0);
    }
    return error;
}

static int make_input(struct showing *s, const struct saga_reads *reads, jv *ret)
{
    struct saga_slice root = s->bindings->root;
    if (root.data && (reads->whole || saga_json_kind(root) != SAGA_JSON_OBJECT))
        return parse(s, root, ret);
    jv object = jv_object();
    int error = reads->whole ? show_all(s, &object) : SAGA_OK;
    for (size_t i = 0; i < reads->count && !reads->whole && error == SAGA_OK; i++)
        if (!reads->items[i].covered) error = show_read(s, &object, &reads->items[i]);
    if (error < 0)
        jv_free(object);
    else
        *ret = object;
    return error;
}

/* ---- what jq gives ---- */

/* From 2^53 on a double no longer tells whole numbers apart, so that what was computed may be another number. */
static const double WHOLE_NUMBERS_END = 9007199254740992.0;

/* Is the value one that may go out? Says in `*ret_why` why not. Borrows `value`. */
static int check_result(jv value, int depth, struct saga_arena *arena, struct saga_slice *ret_why)
{
    jv_kind kind = jv_get_kind(value);
    int error = SAGA_OK;
    if (depth > SAGA_JSON_DEPTH_MAX) {
        *ret_why = saga_arena_printf(arena, "it gives a value nested more than %d deep",
                                     SAGA_JSON_DEPTH_MAX);
        return SAGA_E_LIMIT;
    }
    if (kind == JV_KIND_NUMBER && fabs(jv_number_value(value)) >= WHOLE_NUMBERS_END) {
        *ret_why = saga_arena_printf(arena,
                                     "it gives the number %.17g, and whole numbers from 2^53 on "
                                     "jq does not compute exactly: pass it on by a plain path, or "
                                     "as a text",
                                     jv_number_value(value));
        return SAGA_E_INVALID;
    }
    if (kind == JV_KIND_ARRAY) {
        int length = jv_array_length(jv_copy(value));
        for (int i = 0; i < length && error == SAGA_OK; i++) {
            jv item = jv_array_get(jv_copy(value), i);
            error = check_result(item, depth + 1, arena, ret_why);
            jv_free(item);
        }
    }
    if (kind == JV_KIND_OBJECT) {
        int at = jv_object_iter(value);
        for (; error == SAGA_OK && jv_object_iter_valid(value, at);
             at = jv_object_iter_next(value, at)) {
            jv item = jv_object_iter_value(value, at);
            error = check_result(item, depth + 1, arena, ret_why);
            jv_free(item);
        }
    }
    return error;
}

/* Takes `result`. */
static int take_result(jv result, struct saga_arena *arena, struct saga_slice *ret_json,
                       struct saga_slice *ret_message)
{
    if (!jv_is_valid(result)) {
        if (jv_invalid_has_msg(jv_copy(result))) {
            *ret_message = clean(arena, jv_invalid_get_msg(result));
            return SAGA_E_INVALID;
        }
        jv_free(result);
        *ret_json = SAGA_SLICE("null"); /* no value at all */
        return SAGA_OK;
    }
    int error = check_result(result, 0, arena, ret_message);
    if (error < 0) {
        jv_free(result);
        return error;
    }
    jv text = jv_dump_string(result, 0);
    struct saga_slice json = { jv_string_value(text),
                               (size_t)jv_string_length_bytes(jv_copy(text)) };
    bool fits = json.size <= SAGA_PAYLOAD_BYTES_MAX;
    if (fits)
        *ret_json = saga_arena_copy(arena, json);
    else
        *ret_message = saga_arena_printf(arena, "it gives %zu bytes, the limit is %d", json.size,
                                         SAGA_PAYLOAD_BYTES_MAX);
    jv_free(text);
    return fits ? SAGA_OK : SAGA_E_LIMIT;
}

int saga_jq_eval(struct saga_jq *jq, const struct saga_reads *reads,
                 const struct saga_bindings *bindings, struct saga_arena *arena,
                 struct saga_slice *ret_json, struct saga_slice *ret_message)
{
    struct showing s = { bindings, arena, SAGA_SLICE_NONE };
    jv input;
    jv_nomem_handler(on_exhausted, NULL);
    int error = make_input(&s, reads, &input);
    if (error < 0) {
        *ret_message = s.message;
        return error;
    }
    saga_memory_watch();
    jq_start(jq->state, input, 0);
    jv result = jq_next(jq->state);
    saga_memory_check(JQ);
    error = take_result(result, arena, ret_json, ret_message);
    jq_start(jq->state, jv_null(), 0); /* lets go of the input */
    return error;
}
