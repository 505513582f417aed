/* A JSON body: validated, then walked as the hot path does it. */
#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"
#include "fuzz.h"

static void walk(struct saga_slice json, struct saga_arena *arena, unsigned depth)
{
    struct saga_json_walk members;
    struct saga_slice name, value, text;
    if (saga_json_kind(json) == SAGA_JSON_STRING) {
        int error = saga_json_text(json, arena, &text);
        SAGA_ASSERT(error == 0); /* it was validated */
    }
    saga_json_has_unsafe_number(json, &text);
    if (depth == 0) return;
    saga_json_walk_init(&members, json);
    while (saga_json_walk_next(&members, &name, &value)) walk(value, arena, depth - 1);
    saga_json_element(json, -1, &value);
    saga_json_member(json, SAGA_SLICE("a"), &value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct saga_arena arena;
    size_t offset;
    const char *why;
    saga_arena_init(&arena);
    if (saga_json_validate(fuzz_slice(data, size), &offset, &why) == 0)
        walk(fuzz_slice(data, size), &arena, 4);
    else
        SAGA_ASSERT(offset <= size && why);
    saga_arena_free(&arena);
    return 0;
}
