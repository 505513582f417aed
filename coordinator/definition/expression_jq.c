/* General expressions, by libjq. A jq_state keeps what the last run left: it belongs to one thread at a time. */
#include <jq.h>
#include <jv.h>
#include <oniguruma.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "definition/expression_internal.h"
#include "definition/expression_shown.h"

struct saga_jq {
    struct saga_slice source;
    const struct saga_token *tokens;
    const struct saga_tree *tree;  /* NULL: not understood */
    struct saga_shown *shown;      /* of what it reads */
    struct saga_kept_names *names; /* from the first evaluation on */
    jq_state *state;               /* NULL: not yet compiled */
    jq_state *marked; /* for data with numbers that jq cannot hold; made when there is the first */
    bool passes;      /* may there be a first? */
    double cheap_until; /* size of data up to which it is known to be cheap; below 0: it never is */
    bool left;          /* the evaluation asked for a process of its own */
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

/* `input` in the definitions of expression_guards.c: may what comes now take any time and memory? */
static jv on_input(jq_state *state, void *context)
{
    struct saga_jq *jq = context;
    (void)state;
    if (saga_helper_is_here()) return jv_null();
    jq->left = true;
    return jv_invalid_with_msg(jv_string("it goes on elsewhere"));
}

/* The program over data with or without such numbers. NULL: jq does not take it. */
static jq_state *compile(struct saga_jq *jq, bool marked, struct saga_arena *arena)
{
    jv_nomem_handler(on_exhausted, NULL);
    jq_state *state = jq_init();
    if (!state) on_exhausted(NULL);
    jq_set_nomem_handler(state, on_exhausted, NULL); /* else it sets none while it works */
    jq->arena = arena;
    jq_set_error_cb(state, on_error, jq);
    jq_set_input_cb(state, on_input, jq);
    const char *guarded = saga_expression_guard(jq->source, jq->tokens, marked, arena);
    saga_memory_watch();
    int compiled = jq_compile(state, guarded);
    saga_memory_check(JQ);
    jq->arena = NULL;
    if (!compiled) jq_teardown(&state);
    return state;
}

int saga_jq_prepare(struct saga_jq *jq, struct saga_arena *arena, struct saga_slice *ret_message)
{
    if (jq->state) return SAGA_OK;
    if (!jq->names) jq->names = saga_kept_names_new();
    if (has_definitions_at_home(arena, ret_message)) return SAGA_E_INVALID;
    jq->message = SAGA_SLICE_NONE;
    jq->state = compile(jq, false, arena);
    if (jq->state) return SAGA_OK;
    *ret_message = jq->message.size ? jq->message : SAGA_SLICE("jq does not take it");
    return SAGA_E_INVALID;
}

int saga_jq_compile(struct saga_slice source, const struct saga_token *tokens,
                    const struct saga_tree *tree, const struct saga_reads *reads, bool sure,
                    struct saga_arena *arena, struct saga_slice *ret_message, struct saga_jq **ret)
{
    if (sure && has_definitions_at_home(arena, ret_message)) return SAGA_E_INVALID;
    jv_nomem_handler(on_exhausted, NULL);
    struct saga_jq *jq = saga_memory_zeroed(1, sizeof *jq);
    onig_set_retry_limit_in_search(SAGA_EXPRESSION_RETRIES_MAX);
    jq->source = source;
    jq->tokens = tokens;
    jq->tree = tree;
    jq->shown = saga_shown_new(reads);
    jq->cheap_until = saga_expression_is_cheap(tree, 0) ? 0 : -1;
    jq->passes = saga_expression_passes_numbers(tree);
    int error = sure ? SAGA_OK : saga_jq_prepare(jq, arena, ret_message);
    if (error < 0)
        saga_jq_free(jq);
    else
        *ret = jq;
    return error;
}

void saga_jq_free(struct saga_jq *jq)
{
    if (!jq) return;
    jq_teardown(&jq->state);
    jq_teardown(&jq->marked);
    saga_shown_free(jq->shown);
    saga_kept_names_free(jq->names);
    free(jq);
}

/* ---- what jq is shown ---- */

/* What jq is given, and the program for it. */
static int make_input(struct saga_jq *jq, const struct saga_bindings *bindings,
                      struct saga_numbers *numbers, jq_state **ret_state, jv *ret_input,
                      struct saga_slice *ret_message)
{
    struct saga_arena *arena = numbers->arena;
    int error = saga_jq_prepare(jq, arena, ret_message);
    if (error < 0) return error;
    numbers->names = jq->names;
    jv input = saga_shown_make(jq->shown, bindings, numbers);
    *ret_state = jq->state;
    if (numbers->count > 0) {
        jv_free(input);
        if (!jq->passes) {
            struct saga_slice number = saga_slice_clip(saga_numbers_first(numbers), 64);
            *ret_message =
                saga_arena_printf(arena,
                                  "the number %.*s has more digits than jq computes with; pass it "
                                  "on by a plain path, or as a text",
                                  SAGA_SLICE_ARG(number));
            return SAGA_E_INVALID;
        }
        saga_numbers_order(numbers);
        input =
            JV_ARRAY(saga_shown_make(jq->shown, bindings, numbers), saga_numbers_texts(numbers));
        if (!jq->marked) jq->marked = compile(jq, true, arena);
        SAGA_ASSERT(jq->marked); /* it differs by what expression_guards.c defines before it */
        *ret_state = jq->marked;
    }
    *ret_input = input;
    return SAGA_OK;
}

/* ---- what jq gives ---- */

/* Takes `result`. */
static int take_result(const struct saga_numbers *numbers, jv result, struct saga_arena *arena,
                       struct saga_slice *ret_json, struct saga_slice *ret_message)
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
    int error = saga_numbers_write(numbers, result, arena, ret_json, ret_message);
    jv_free(result);
    return error;
}

static bool is_cheap(struct saga_jq *jq, double size)
{
    if (size <= jq->cheap_until) return true;
    if (!saga_expression_is_cheap(jq->tree, size)) return false;
    jq->cheap_until = size; /* what costs no more with less data */
    return true;
}

int saga_jq_eval(struct saga_jq *jq, const struct saga_bindings *bindings, struct saga_arena *arena,
                 struct saga_slice *ret_json, struct saga_slice *ret_message)
{
    struct saga_numbers numbers = { .arena = arena };
    jq_state *state;
    jv input;
    bool here = saga_helper_is_here();
    if (!here && jq->cheap_until < 0) return SAGA_E_AGAIN;
    jv_nomem_handler(on_exhausted, NULL);
    int error = make_input(jq, bindings, &numbers, &state, &input, ret_message);
    if (error < 0) return error;
    if (!here && !is_cheap(jq, numbers.size)) {
        jv_free(input);
        return SAGA_E_AGAIN;
    }
    jq->left = false;
    saga_memory_watch();
    jq_start(state, input, 0);
    jv result = jq_next(state);
    saga_memory_check(JQ);
    if (jq->left) {
        jv_free(result);
        error = SAGA_E_AGAIN;
    } else {
        error = take_result(&numbers, result, arena, ret_json, ret_message);
    }
    jq_start(state, jv_null(), 0); /* lets go of the input */
    return error;
}
