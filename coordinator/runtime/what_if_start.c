/* Whether a definition starts on the event that began a recorded saga: what the worker asks when it reads one (intake.h),
 * of a cause that was read then. */
#include "base/error.h"
#include "base/json.h"
#include "runtime/what_if_internal.h"

static int evaluate(struct saga_expression *expression, const struct saga_event *cause,
                    struct saga_arena *arena, struct saga_slice *ret_json,
                    struct saga_slice *ret_message)
{
    struct saga_bindings bindings = { .root = cause->body.data ? cause->body : SAGA_SLICE("null") };
    return saga_expression_eval(expression, &bindings, arena, ret_json, ret_message);
}

/* A text, or a number as it is written. */
static bool evaluate_text(struct saga_expression *expression, const struct saga_event *cause,
                          struct saga_arena *arena, struct saga_slice *ret)
{
    struct saga_slice json, message;
    if (evaluate(expression, cause, arena, &json, &message) < 0) return false;
    if (saga_json_kind(json) == SAGA_JSON_STRING) return saga_json_text(json, arena, ret) == 0;
    *ret = saga_json_trim(json);
    return saga_json_kind(json) == SAGA_JSON_NUMBER;
}

static bool is_of_type(const struct saga_start *start, const struct saga_event *cause,
                       struct saga_arena *arena)
{
    struct saga_slice type = cause->type;
    if (type.size == 0 && start->type && !evaluate_text(start->type, cause, arena, &type))
        return false;
    return saga_slice_equal(type, start->event);
}

/* As the intake does it: false lets the next start have its say, an expression that fails does not. */
static bool passes_when(const struct saga_start *start, const struct saga_event *cause,
                        struct saga_arena *arena, bool *ret_failed)
{
    struct saga_slice json, message;
    *ret_failed = false;
    if (!start->when) return true;
    *ret_failed = evaluate(start->when, cause, arena, &json, &message) < 0;
    return !*ret_failed && saga_json_is_true(json);
}

static bool has_schedule(const struct saga_definition *definition)
{
    for (size_t i = 0; i < definition->start_count; i++)
        if (definition->starts[i].topic.size == 0) return true;
    return false;
}

static bool has_key(const struct saga_start *start, const struct saga_event *cause,
                    struct saga_arena *arena, struct saga_slice *ret_words)
{
    struct saga_slice key;
    if (!evaluate_text(start->key, cause, arena, &key) || saga_key_fault(key))
        *ret_words = SAGA_SLICE("`key` finds none in the start event");
    else if (!saga_slice_equal(key, cause->key))
        *ret_words = SAGA_SLICE("`key` finds another one in the start event");
    else
        return true;
    return false;
}

static bool starts_by_event(const struct saga_definition *definition,
                            const struct saga_event *cause, struct saga_arena *arena,
                            struct saga_slice *ret_words)
{
    bool failed;
    *ret_words =
        saga_arena_printf(arena, "does not start on %.*s of %.*s", SAGA_SLICE_ARG(cause->type),
                          SAGA_SLICE_ARG(cause->source.topic));
    for (size_t i = 0; i < definition->start_count; i++) {
        const struct saga_start *start = &definition->starts[i];
        if (!saga_slice_equal(start->topic, cause->source.topic) ||
            !is_of_type(start, cause, arena))
            continue;
        if (passes_when(start, cause, arena, &failed))
            return has_key(start, cause, arena, ret_words);
        *ret_words = failed ? SAGA_SLICE("`when` fails on the start event")
                            : SAGA_SLICE("`when` is not true of the start event");
        if (failed) return false;
    }
    return false;
}

bool saga_what_if_starts(const struct saga_what_if *what_if, const struct saga_event *cause,
                         struct saga_arena *arena, struct saga_slice *ret_words)
{
    if (cause->note == SAGA_NOTE_SCHEDULE_START) {
        *ret_words = SAGA_SLICE("has no schedule");
        return has_schedule(&what_if->definition);
    }
    /* a child, and a start by hand, name the definition */
    bool named = cause->note == SAGA_NOTE_CHILD_START ||
                 saga_slice_equal(cause->source.topic, what_if->options.inbox);
    return named || starts_by_event(&what_if->definition, cause, arena, ret_words);
}
