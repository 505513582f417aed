#include "operate/start_key.h"

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"

/* What people are told of an expression that gives no key, as intake says it of an event (`bad-key`). */
static struct saga_slice words_of(const struct saga_expression *expression, struct saga_slice json,
                                  struct saga_arena *arena)
{
    return saga_arena_printf(arena, "%.*s gives %.*s",
                             SAGA_SLICE_ARG(saga_expression_source(expression)),
                             SAGA_SLICE_ARG(saga_slice_clip(json, 80)));
}

static int key_by(struct saga_expression *expression, struct saga_slice input,
                  struct saga_arena *arena, struct saga_slice *ret, struct saga_slice *ret_words)
{
    struct saga_slice json, key = SAGA_SLICE_NONE;
    int error = saga_expression_eval(expression, &(struct saga_bindings){ .root = input }, arena,
                                     &json, ret_words);
    if (error < 0) return SAGA_E_INVALID;
    if (saga_json_kind(json) == SAGA_JSON_STRING)
        error = saga_json_text(json, arena, &key);
    else if (saga_json_kind(json) == SAGA_JSON_NUMBER)
        key = json;
    if (error < 0 || key.size == 0 || key.size > SAGA_KEY_BYTES_MAX) {
        *ret_words = words_of(expression, json, arena);
        return SAGA_E_INVALID;
    }
    *ret = key;
    return SAGA_OK;
}

int saga_start_key(const struct saga_definition *definition, struct saga_slice input,
                   struct saga_arena *arena, struct saga_slice *ret, struct saga_slice *ret_words)
{
    *ret_words = SAGA_SLICE_NONE;
    for (size_t i = 0; i < definition->start_count; i++)
        if (definition->starts[i].key) /* else a schedule */
            return key_by(definition->starts[i].key, input, arena, ret, ret_words);
    return SAGA_E_INVALID;
}
